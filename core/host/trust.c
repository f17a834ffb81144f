/* Whose plugins may be loaded, by owner and mode.
 *
 * A plugin is code that runs with all our rights. So nobody may be able to change it, or put another in its place, who
 * could not change this program as well: folders that hold the program too add nothing to that and are not looked at.
 * Signatures are in trust_signature.c. */
#include "core/host/trust.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/host/lookup.h"

static bool trusted_owner(uid_t owner, uid_t program_owner) {
    return owner == 0 || owner == geteuid() || owner == program_owner;
}

/* A group that is its user's alone, as many systems make one for each user: the same name, and no other member. */
static bool private_group(uid_t owner, gid_t group_id) {
    const struct passwd *user = getpwuid(owner);
    if (!user || user->pw_gid != group_id) return false;
    char *name = rp_strdup(user->pw_name);
    const struct group *group = getgrgid(group_id);
    bool alone = group && strcmp(group->gr_name, name) == 0;
    for (char **member = alone ? group->gr_mem : NULL; member && *member; member++)
        if (strcmp(*member, name) != 0) alone = false;
    free(name);
    return alone;
}

static const char *writable_by(const struct stat *status) {
    if (S_ISDIR(status->st_mode) && status->st_mode & S_ISVTX) return NULL; /* others cannot rename what is ours */
    if (status->st_mode & S_IWOTH) return "everybody";
    if (status->st_mode & S_IWGRP && !private_group(status->st_uid, status->st_gid)) return "its group";
    return NULL;
}

static int trust_one(const char *path, uid_t program_owner, struct stat *out_status, struct rp_error *error) {
    struct stat status;
    if (lstat(path, &status) != 0) return rp_error_set(error, RP_EPLUGIN, "%s: %s", path, strerror(errno));
    if (!trusted_owner(status.st_uid, program_owner))
        return rp_error_set(error, RP_EPLUGIN,
                            "%s belongs to user %lu, neither to root nor to the user who runs this (%lu): not trusted",
                            path, (unsigned long)status.st_uid, (unsigned long)geteuid());
    const char *who = writable_by(&status);
    if (who)
        return rp_error_set(error, RP_EPLUGIN, "%s can be written to by %s: not trusted (chmod go-w makes it so)", path,
                            who);
    *out_status = status;
    return 0;
}

/* Every folder above the file, from the top. `path` is changed and restored on the way. */
static int trust_folders(char *path, const char *program_folder, uid_t program_owner, struct rp_error *error) {
    struct stat status;
    size_t held = lookup_common_folder(path, program_folder);
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        if ((size_t)(slash - path) <= held) continue;
        *slash = '\0';
        int code = trust_one(path, program_owner, &status, error);
        *slash = '/';
        if (code) return code;
    }
    return 0;
}

int trust_file(const char *path, char out_path[PATH_MAX], struct stat *out_status, struct rp_error *error) {
    char program[PATH_MAX];
    struct stat status;
    if (!realpath(path, out_path)) return rp_error_set(error, RP_EPLUGIN, "%s", strerror(errno));
    uid_t program_owner = 0;
    if (lookup_library(program) == 0 && stat(program, &status) == 0) program_owner = status.st_uid;
    else program[0] = '\0';
    int code = trust_folders(out_path, program, program_owner, error);
    if (!code) code = trust_one(out_path, program_owner, out_status, error);
    if (!code && !S_ISREG(out_status->st_mode)) code = rp_error_set(error, RP_EPLUGIN, "it is not a regular file");
    return code;
}
