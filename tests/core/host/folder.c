/* A folder of its own for each test, filled with copies of the probes. */
#include "folder.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char folder[64];
static char path[PATH_MAX];

int folder_setup(void **state) {
    strcpy(folder, "/tmp/host-XXXXXX");
    *state = mkdtemp(folder);
    return *state ? 0 : -1;
}

int folder_teardown(void **state) {
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", (char *)*state);
    return system(command);
}

const char *folder_path(const char *where, const char *name) {
    snprintf(path, sizeof path, "%s/%s", where, name);
    return path;
}

const char *folder_file(const char *where, const char *name, const void *data, size_t len) {
    FILE *file = fopen(folder_path(where, name), "wb");
    if (!file || fwrite(data, 1, len, file) != len || fclose(file) != 0 || chmod(path, 0644) != 0) abort();
    return path;
}

const char *folder_probe(const char *where, const char *name, const char *as) {
    char from[PATH_MAX], to[128];
    snprintf(from, sizeof from, "%s/%s.so", TEST_PROBES, name);
    snprintf(to, sizeof to, "%s.so", as);
    FILE *file = fopen(from, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) abort();
    size_t len = (size_t)ftell(file);
    char *data = malloc(len);
    rewind(file);
    if (!data || fread(data, 1, len, file) != len) abort();
    fclose(file);
    folder_file(where, to, data, len);
    free(data);
    return path;
}
