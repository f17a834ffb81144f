/* The plugin host: finds the file that has a type, loads it, and keeps it until the bot ends. One for each bot. */
#ifndef CORE_HOST_HOST_H
#define CORE_HOST_HOST_H

#include "core/host/kind.h"
#include "core/host/plugin_file.h"
#include "core/host/trust.h"

struct host {
    char **folders; /* in order of lookup */
    size_t folder_count;
    struct plugin_file **files; /* all that were tried, good and bad */
    size_t file_count;
    bool scanned;
    bool signed_only;
    unsigned char key[TRUST_KEY_SIZE];
};

void host_init(struct host *host);
void host_finish(struct host *host); /* unloads everything */
/* In order: what the bot file says, then host_add_own_folders. Folders that do not exist are passed over. */
void host_add_folder(struct host *host, const char *path);
/* $REPARTEE_PLUGIN_PATH, and the build tree or the installation. */
void host_add_own_folders(struct host *host);
/* Only plugins that this key has signed. 0, or -RP_ECONFIG. */
int host_trust(struct host *host, const char *key, const char *folder, struct rp_error *error);

/* Loads what is needed to find a type: the file of that name, else all. NULL: there is none. `out_error`, zeroed, is
 * filled when the file of that name is there but cannot be used. */
const struct rp_type *host_find(struct host *host, enum kind kind, const char *name, struct rp_error *out_error);
/* The file that declares a type. */
const struct plugin_file *host_file_of(const struct host *host, const struct rp_type *type);
/* Loads every file in the folders. */
void host_scan(struct host *host);
/* The names of all loaded types of a kind; the array is the caller's to free. */
size_t host_names(const struct host *host, enum kind kind, const char ***out_names);

#endif
