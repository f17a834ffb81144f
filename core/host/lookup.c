/* Where this program itself is, and how two paths relate. */
#define _GNU_SOURCE /* dladdr */
#include "core/host/lookup.h"

#include <dlfcn.h>
#include <repartee/error.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

int lookup_program(char out_path[PATH_MAX]) {
    char path[PATH_MAX];
    size_t size = sizeof path;
    if (uv_exepath(path, &size) != 0 || !realpath(path, out_path)) return -RP_EIO;
    return 0;
}

int lookup_library(char out_path[PATH_MAX]) {
    Dl_info info;
    int (*self)(char *) = lookup_library;
    void *address;
    memcpy(&address, &self, sizeof address);
    /* For the program itself the loader knows only what it was called: that needs a slash to be a path. */
    if (dladdr(address, &info) && info.dli_fname && strchr(info.dli_fname, '/') && realpath(info.dli_fname, out_path))
        return 0;
    return lookup_program(out_path);
}

size_t lookup_common_folder(const char *left, const char *right) {
    size_t common = 0;
    for (size_t i = 0; left[i] && left[i] == right[i]; i++)
        if ((left[i + 1] == '/' || !left[i + 1]) && (right[i + 1] == '/' || !right[i + 1])) common = i + 1;
    return common;
}
