/* Walks folders. Hidden ones are passed over, and links to folders are not followed: no circle, no surprise. */
#define _GNU_SOURCE /* asprintf */
#include "core/testing/find.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define DEPTH_MAX 16
#define FILES_MAX 100000

static bool ends_in_chat(const char *name) {
    size_t len = strlen(name);
    return len > 5 && strcmp(name + len - 5, ".chat") == 0;
}

static void add(struct found *found, const char *path) {
    for (size_t i = 0; i < found->count; i++)
        if (strcmp(found->paths[i], path) == 0) return;
    if (found->count == FILES_MAX) return;
    if (found->count % 64 == 0) found->paths = rp_realloc(found->paths, (found->count + 64) * sizeof(*found->paths));
    found->paths[found->count++] = rp_strdup(path);
}

static int visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static int walk(struct found *found, const char *folder, int depth, struct rp_error *error) {
    struct dirent **entries;
    int count = scandir(folder, &entries, visible, alphasort), code = 0;
    if (count < 0) return rp_error_set(error, RP_EIO, "cannot read the folder %s: %s", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        char *path;
        struct stat about;
        if (asprintf(&path, "%s/%s", folder, entries[i]->d_name) < 0) abort();
        bool there = lstat(path, &about) == 0;
        if (there && S_ISDIR(about.st_mode) && depth < DEPTH_MAX && code == 0)
            code = walk(found, path, depth + 1, error);
        else if (there && !S_ISDIR(about.st_mode) && ends_in_chat(path))
            add(found, path);
        free(path);
        free(entries[i]);
    }
    free(entries);
    return code;
}

int find_tests(struct found *found, const char *path, bool optional, struct rp_error *error) {
    struct stat about;
    if (stat(path, &about) != 0) {
        if (optional && errno == ENOENT) return 0;
        return rp_error_set(error, RP_ENOTFOUND, "%s: %s", path, strerror(errno));
    }
    if (!S_ISDIR(about.st_mode)) {
        add(found, path);
        return 0;
    }
    char *folder = rp_strdup(path);
    size_t len = strlen(folder);
    while (len > 1 && folder[len - 1] == '/') folder[--len] = '\0';
    int code = walk(found, folder, 0, error);
    free(folder);
    return code;
}

void found_finish(struct found *found) {
    for (size_t i = 0; i < found->count; i++) free(found->paths[i]);
    free(found->paths);
    *found = (struct found){0};
}
