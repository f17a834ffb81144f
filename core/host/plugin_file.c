/* One plugin file: trust, signature, loading, descriptor. Each thing that can be wrong has its own sentence. */
#include "core/host/plugin_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/config/file.h"
#include "core/host/abi.h"
#include "core/host/trust.h"

#define FILE_MAX (256u << 20) /* bytes of a plugin: it is read into memory */

static void unload(struct plugin_file *file) {
    shared_object_close(file->object);
    file->object = NULL;
    file->plugin = NULL;
}

void plugin_file_refuse(struct plugin_file *file, const char *format, ...) {
    char text[sizeof file->error.text];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    unload(file);
    rp_error_set(&file->error, RP_EPLUGIN, "cannot load the plugin %.300s: %.400s", file->path, text);
}

static void load(struct plugin_file *file, const char *path, const struct stat *checked, const unsigned char *key) {
    struct rp_error error;
    struct rp_str bytes;
    const char *why = NULL;
    struct rp_arena *arena = rp_arena_create();
    if (file_read(arena, path, FILE_MAX, &bytes, &why))
        plugin_file_refuse(file, "%s", why);
    else if ((key && trust_signature(path, bytes, key, &error)) ||
             shared_object_open(path, checked, bytes, key != NULL, &file->object, &error))
        plugin_file_refuse(file, "%s", error.text);
    rp_arena_destroy(arena);
}

static void take_descriptor(struct plugin_file *file) {
    const struct rp_plugin *(*describe)(void);
    struct rp_error error;
    void *symbol = shared_object_symbol(file->object, RP_PLUGIN_SYMBOL);
    if (!symbol) {
        plugin_file_refuse(file, "it is not a repartee plugin: it has no function " RP_PLUGIN_SYMBOL "()");
        return;
    }
    memcpy(&describe, &symbol, sizeof describe);
    const struct rp_plugin *plugin = describe();
    if (abi_check(plugin, &error)) plugin_file_refuse(file, "%s", error.text);
    else file->plugin = plugin;
}

static char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    char *base = rp_strdup(slash ? slash + 1 : path);
    char *dot = strrchr(base, '.');
    if (dot && dot != base) *dot = '\0';
    return base;
}

int plugin_file_open(const char *path, const unsigned char *key, struct plugin_file *out) {
    char resolved[PATH_MAX];
    struct stat status;
    struct rp_error error;
    memset(out, 0, sizeof *out);
    out->path = rp_strdup(path);
    out->base = base_name(path);
    if (trust_file(path, resolved, &status, &error)) {
        plugin_file_refuse(out, "%s", error.text);
        return -RP_EPLUGIN;
    }
    load(out, resolved, &status, key);
    if (out->object) take_descriptor(out);
    return out->plugin ? 0 : -RP_EPLUGIN;
}

void plugin_file_close(struct plugin_file *file) {
    unload(file);
    free(file->path);
    free(file->base);
    memset(file, 0, sizeof *file);
}
