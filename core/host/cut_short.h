/* Whether a shared object ends before its contents do. */
#ifndef CORE_HOST_CUT_SHORT_H
#define CORE_HOST_CUT_SHORT_H

#include <stdbool.h>
#include <sys/types.h>

/* `size`: the file's. False for what is no shared object at all: the loader has a word for that. */
bool file_cut_short(const char *path, off_t size);

#endif
