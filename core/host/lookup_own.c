/* Where plugins are when nobody says: beside the program in its build tree, or where the installation put them. */
#include <repartee/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/host/lookup.h"

static void cut_last(char *path) {
    char *slash = strrchr(path, '/');
    if (slash) slash[slash == path] = '\0';
}

static bool take_folder(const char *base, const char *below, char out_path[PATH_MAX]) {
    char path[PATH_MAX];
    struct stat status;
    if (snprintf(path, sizeof path, "%s%s", base, below) >= PATH_MAX) return false;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode) && realpath(path, out_path);
}

/* Whether this folder is the one that the build put program and library into. */
static bool is_build_folder(const char *folder) {
    char build[PATH_MAX];
    if (!realpath(REPARTEE_BUILD_PLUGINS, build)) return false;
    cut_last(build);
    return strcmp(build, folder) == 0;
}

bool lookup_own_plugins(char out_path[PATH_MAX]) {
    char library[PATH_MAX], program[PATH_MAX];
    if (lookup_library(library) || lookup_program(program)) return false;
    cut_last(library);
    cut_last(program);
    if (is_build_folder(library) || is_build_folder(program)) return take_folder(REPARTEE_BUILD_PLUGINS, "", out_path);
    /* A build tree that was moved has program, library and plugins in one folder. */
    if (strcmp(library, program) == 0 && take_folder(program, "/plugins", out_path)) return true;
    return take_folder(library, "/repartee/plugins", out_path) ||
           take_folder(program, "/../lib/repartee/plugins", out_path) ||
           take_folder(program, "/../lib64/repartee/plugins", out_path) ||
           take_folder(REPARTEE_INSTALL_PLUGINS, "", out_path);
}
