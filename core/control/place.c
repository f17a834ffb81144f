/* One place for each bot file and user. The name is a hash of the file's real path; the folder must belong to the user who
 * asks and be closed to everybody else, so that nobody can put a socket of his own there. */
#include "core/control/control.h"

#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The real path, also of a file that is gone while its server still runs. */
static bool real_path(const char *file, char out[PATH_MAX]) {
    char folder[PATH_MAX], real[PATH_MAX];
    if (realpath(file, out)) return true;
    const char *slash = strrchr(file, '/');
    if (snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - file) + 1 : 1, slash ? file : ".") >= PATH_MAX)
        return false;
    if (!realpath(folder, real)) return false;
    return snprintf(out, PATH_MAX, "%s/%s", real, slash ? slash + 1 : file) < PATH_MAX;
}

static void hash_of(const char *path, char out[33]) {
    unsigned char hash[crypto_generichash_BYTES_MIN];
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)path, strlen(path), NULL, 0);
    sodium_bin2hex(out, 2 * sizeof(hash) + 1, hash, sizeof(hash));
    out[16] = '\0'; /* enough to tell a user's bots apart */
}

size_t control_places(const char *bot_file, char out_paths[2][CONTROL_PATH_SIZE], struct rp_error *error) {
    char path[PATH_MAX], hash[33];
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    size_t count = 0;
    if (!real_path(bot_file, path)) {
        rp_error_at(error, RP_ECONFIG, bot_file, 0, "cannot be found: %s", strerror(errno));
        return 0;
    }
    hash_of(path, hash);
    if (runtime && runtime[0] == '/' &&
        snprintf(out_paths[0], CONTROL_PATH_SIZE, "%s/repartee/%s.sock", runtime, hash) < CONTROL_PATH_SIZE)
        count++;
    snprintf(out_paths[count++], CONTROL_PATH_SIZE, "/tmp/repartee-%lu/%s.sock", (unsigned long)geteuid(), hash);
    return count;
}

int control_prepare_folder(const char *path, struct rp_error *error) {
    char folder[CONTROL_PATH_SIZE];
    struct stat status;
    snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return rp_error_set(error, RP_EIO, "cannot make the folder %s for the control socket: %s", folder,
                            strerror(errno));
    if (lstat(folder, &status) != 0)
        return rp_error_set(error, RP_EIO, "cannot look at the folder %s: %s", folder, strerror(errno));
    if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 077) != 0)
        return rp_error_set(error, RP_EIO,
                            "%s must be a folder of your own that is closed to others (chmod 700), or --control must "
                            "name another place for the control socket",
                            folder);
    return 0;
}
