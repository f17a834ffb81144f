/* One plugin file: checked, loaded, its descriptor checked. */
#ifndef CORE_HOST_PLUGIN_FILE_H
#define CORE_HOST_PLUGIN_FILE_H

#include <repartee/plugin.h>

#include "core/host/shared_object.h"

struct plugin_file {
    char *path; /* as it was looked up */
    char *base; /* "redact" of redact.so */
    struct shared_object *object;
    const struct rp_plugin *plugin; /* NULL: it cannot be used, `error` says why */
    struct rp_error error;
};

/* Always fills `out`; 0, or -RP_EPLUGIN with out->error: "cannot load the plugin FILE: …". `key`: NULL, or the key that
 * must have signed the file. */
int plugin_file_open(const char *path, const unsigned char *key, struct plugin_file *out);
/* Refuses a file that was opened: closes it and keeps the reason. */
void plugin_file_refuse(struct plugin_file *file, const char *format, ...) RP_PRINTF(2, 3);
void plugin_file_close(struct plugin_file *file); /* unloads it; its types must not be used again */

#endif
