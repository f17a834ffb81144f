/* Where the files that ship with repartee are: in the source tree for what runs from its build folder, else installed. */
#include <limits.h>
#include <repartee/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/host/lookup.h"

static void cut_last(char *path) {
    char *slash = strrchr(path, '/');
    if (slash) slash[slash == path] = '\0';
}

static bool take(const char *base, const char *between, const char *name, char out_path[PATH_MAX]) {
    char path[PATH_MAX];
    struct stat status;
    if (snprintf(path, sizeof(path), "%s%s%s", base, between, name) >= PATH_MAX) return false;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode) && realpath(path, out_path);
}

static bool runs_from_build(const char *program) {
    char build[PATH_MAX];
    if (!realpath(REPARTEE_BUILD_PLUGINS, build)) return false;
    cut_last(build);
    size_t len = strlen(build);
    return strncmp(program, build, len) == 0 && program[len] == '/';
}

bool rp_data_folder(const char *name, char out_path[PATH_MAX]) {
    char program[PATH_MAX], library[PATH_MAX];
    const char *named = getenv("REPARTEE_DATA");
    if (named && take(named, "/", name, out_path)) return true;
    if (lookup_program(program) == 0) {
        if (runs_from_build(program) && (take(REPARTEE_SOURCE_SDK, "/", name, out_path) ||
                                         take(REPARTEE_SOURCE_SDK, "/../scripts/", name, out_path)))
            return true;
        cut_last(program);
        if (take(program, "/../share/repartee/", name, out_path)) return true;
    }
    if (lookup_library(library) == 0) {
        cut_last(library);
        if (take(library, "/../share/repartee/", name, out_path)) return true;
    }
    return take(REPARTEE_INSTALL_DATA, "/", name, out_path);
}
