/* A folder of its own for each test, filled with copies of the probes. */
#ifndef TESTS_HOST_FOLDER_H
#define TESTS_HOST_FOLDER_H

#include <stddef.h>

int folder_setup(void **state); /* *state becomes the folder's path */
int folder_teardown(void **state);
/* Copies the probe NAME.so into the folder as AS.so; the result is its path, valid until the next call. */
const char *folder_probe(const char *folder, const char *name, const char *as);
const char *folder_file(const char *folder, const char *name, const void *data, size_t len);
const char *folder_path(const char *folder, const char *name);

#endif
