/* The plugin host: which file has a type. By convention redact.so has the type `redact`, so that one is tried first;
 * only when it does not help, all files are loaded and looked at. The first folder that has a file of a name hides the
 * others. */
#include "core/host/host.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/host/lookup.h"

#define SUFFIX ".so"

void host_init(struct host *host) {
    memset(host, 0, sizeof *host);
}

void host_finish(struct host *host) {
    while (host->file_count > 0) {
        struct plugin_file *file = host->files[--host->file_count];
        plugin_file_close(file);
        free(file);
    }
    while (host->folder_count > 0) free(host->folders[--host->folder_count]);
    free(host->files);
    free(host->folders);
    host_init(host);
}

void host_add_folder(struct host *host, const char *path) {
    if (!*path) return;
    host->folders = rp_realloc(host->folders, (host->folder_count + 1) * sizeof *host->folders);
    host->folders[host->folder_count++] = rp_strdup(path);
}

void host_add_own_folders(struct host *host) {
    const char *path = getenv("REPARTEE_PLUGIN_PATH");
    while (path && *path) {
        size_t len = strcspn(path, ":");
        char *folder = rp_calloc(1, len + 1);
        memcpy(folder, path, len);
        host_add_folder(host, folder);
        free(folder);
        path += len + (path[len] == ':');
    }
    char own[PATH_MAX];
    if (lookup_own_plugins(own)) host_add_folder(host, own);
}

int host_trust(struct host *host, const char *key, const char *folder, struct rp_error *error) {
    int code = trust_key(key, folder, host->key, error);
    host->signed_only = true;
    return code;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static struct plugin_file *file_named(const struct host *host, const char *base) {
    for (size_t i = 0; i < host->file_count; i++)
        if (strcmp(host->files[i]->base, base) == 0) return host->files[i];
    return NULL;
}

static const struct plugin_file *file_with(const struct host *host, enum kind kind, const char *name) {
    for (size_t i = 0; i < host->file_count; i++)
        if (host->files[i]->plugin && kind_find(host->files[i]->plugin, kind, name)) return host->files[i];
    return NULL;
}

/* Two files with one type: nobody could tell which one is meant. */
static void refuse_clash(const struct host *host, struct plugin_file *file) {
    for (enum kind kind = 0; file->plugin && kind < KIND_COUNT; kind++) {
        for (const struct rp_type *const *type = kind_list(file->plugin, kind); *type; type++) {
            const struct plugin_file *other = file_with(host, kind, (*type)->name);
            if (!other) continue;
            plugin_file_refuse(file, "it declares the %s '%s', which %s declares already", kind_name(kind),
                               (*type)->name, other->path);
            return;
        }
    }
}

static struct plugin_file *load_file(struct host *host, const char *path) {
    struct plugin_file *file = rp_calloc(1, sizeof *file);
    plugin_file_open(path, host->signed_only ? host->key : NULL, file);
    refuse_clash(host, file);
    host->files = rp_realloc(host->files, (host->file_count + 1) * sizeof *host->files);
    host->files[host->file_count++] = file;
    return file;
}

/* NULL: no folder has a file of this name. */
static struct plugin_file *load_named(struct host *host, const char *base) {
    char path[PATH_MAX];
    struct plugin_file *file = file_named(host, base);
    for (size_t i = 0; !file && i < host->folder_count; i++) {
        int len = snprintf(path, sizeof path, "%s/%s" SUFFIX, host->folders[i], base);
        if (len < (int)sizeof path && access(path, F_OK) == 0) file = load_file(host, path);
    }
    return file;
}

/* ---- types ------------------------------------------------------------------------------------------------------- */

static const struct rp_type *loaded_type(const struct host *host, enum kind kind, const char *name) {
    const struct plugin_file *file = file_with(host, kind, name);
    return file ? kind_find(file->plugin, kind, name) : NULL;
}

const struct rp_type *host_find(struct host *host, enum kind kind, const char *name, struct rp_error *out_error) {
    const struct rp_type *type = loaded_type(host, kind, name);
    if (type) return type;
    const struct plugin_file *file = load_named(host, name);
    if (file && !file->plugin) {
        *out_error = file->error;
        return NULL;
    }
    type = loaded_type(host, kind, name);
    if (type) return type;
    host_scan(host);
    return loaded_type(host, kind, name);
}

const struct plugin_file *host_file_of(const struct host *host, const struct rp_type *type) {
    for (size_t i = 0; i < host->file_count; i++)
        for (enum kind kind = 0; host->files[i]->plugin && kind < KIND_COUNT; kind++)
            if (kind_find(host->files[i]->plugin, kind, type->name) == type) return host->files[i];
    return NULL;
}

size_t host_names(const struct host *host, enum kind kind, const char ***out_names) {
    size_t count = 0;
    const char **names = rp_calloc(host->file_count + 1, RP_LIST_SIZE * sizeof *names);
    for (size_t i = 0; i < host->file_count; i++) {
        if (!host->files[i]->plugin) continue;
        for (const struct rp_type *const *type = kind_list(host->files[i]->plugin, kind); *type; type++)
            names[count++] = (*type)->name;
    }
    *out_names = names;
    return count;
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static int is_plugin_name(const struct dirent *entry) {
    size_t len = strlen(entry->d_name);
    return len > strlen(SUFFIX) && entry->d_name[0] != '.' && strcmp(entry->d_name + len - strlen(SUFFIX), SUFFIX) == 0;
}

static void scan_folder(struct host *host, const char *folder) {
    struct dirent **entries;
    int count = scandir(folder, &entries, is_plugin_name, alphasort);
    for (int i = 0; i < count; i++) {
        entries[i]->d_name[strlen(entries[i]->d_name) - strlen(SUFFIX)] = '\0';
        load_named(host, entries[i]->d_name);
        free(entries[i]);
    }
    if (count >= 0) free(entries);
}

void host_scan(struct host *host) {
    if (host->scanned) return;
    host->scanned = true;
    for (size_t i = 0; i < host->folder_count; i++) scan_folder(host, host->folders[i]);
}
