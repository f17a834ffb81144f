/* One plugin file: trust, signature, dlopen, descriptor. Each thing that can be wrong has its own sentence. */
#include "core/host/plugin_file.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/config/file.h"
#include "core/host/abi.h"
#include "core/host/cut_short.h"
#include "core/host/trust.h"

#define FILE_MAX (256u << 20) /* bytes of a signed plugin: it is read into memory */

/* Leak checkers need the symbols of what was unloaded, so under them plugins stay. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KEEP_LOADED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define KEEP_LOADED 1
#endif
#endif

static void unload(struct plugin_file *file) {
#ifndef KEEP_LOADED
    if (file->handle) dlclose(file->handle);
    private_copy_drop(&file->copy);
#endif
    file->handle = NULL;
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

/* ---- what the loader says ---------------------------------------------------------------------------------------- */

/* The symbol that an error of the loader names, as glibc, musl and macOS write it; copied into `out`. */
static bool missing_symbol(const char *text, char *out, size_t size) {
    static const char *const marks[] = {"undefined symbol: ", "symbol not found in flat namespace '_",
                                        "Symbol not found: _", "Error relocating "};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const char *at = strstr(text, marks[i]);
        if (!at) continue;
        at += strlen(marks[i]);
        if (i == 3) { /* musl: "Error relocating FILE: SYMBOL: symbol not found" */
            at = strchr(at, ' ');
            if (!at) return false;
            at++;
        }
        size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$");
        snprintf(out, size, "%.*s", (int)len, at);
        return len > 0;
    }
    return false;
}

static void refuse_for_loader(struct plugin_file *file, const char *text) {
    char symbol[128];
    if (missing_symbol(text, symbol, sizeof symbol)) {
        plugin_file_refuse(file, "it needs the symbol '%s', which %s", symbol,
                           strncmp(symbol, "rp_", 3) == 0 ? "this version of repartee does not have"
                                                          : "none of the libraries it is linked with has");
        return;
    }
    size_t path = strlen(file->path); /* the loader puts the path in front */
    if (strncmp(text, file->path, path) == 0 && strncmp(text + path, ": ", 2) == 0) text += path + 2;
    plugin_file_refuse(file, "it is not a shared object that can be loaded here: %s", text);
}

/* ---- loading ----------------------------------------------------------------------------------------------------- */

/* Opens `path`, which was checked and had this identity. Nobody else can have changed it since, as nobody else can
 * write there; this notices that we ourselves did, by installing a new version at this moment. */
static void load_checked(struct plugin_file *file, const char *path, const struct stat *checked) {
    struct stat now;
    if (file_cut_short(path, checked->st_size)) {
        plugin_file_refuse(file, "a part of it is missing: the file ends too early");
        return;
    }
    file->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!file->handle) {
        refuse_for_loader(file, dlerror());
        return;
    }
    if (stat(path, &now) != 0 || now.st_dev != checked->st_dev || now.st_ino != checked->st_ino ||
        now.st_size != checked->st_size || now.st_mtime != checked->st_mtime)
        plugin_file_refuse(file, "it changed while it was being loaded");
}

static void load_signed(struct plugin_file *file, const char *path, const unsigned char *key) {
    struct rp_error error;
    struct rp_str bytes;
    const char *why = NULL;
    struct rp_arena *arena = rp_arena_create();
    if (file_read(arena, path, FILE_MAX, &bytes, &why)) {
        plugin_file_refuse(file, "%s", why);
    } else if (trust_signature(path, bytes, key, &error) || private_copy_make(bytes, &file->copy, &error)) {
        plugin_file_refuse(file, "%s", error.text);
    } else {
        file->handle = dlopen(file->copy.path, RTLD_NOW | RTLD_LOCAL);
        if (!file->handle) refuse_for_loader(file, dlerror());
    }
    rp_arena_destroy(arena);
}

static void take_descriptor(struct plugin_file *file) {
    const struct rp_plugin *(*describe)(void);
    struct rp_error error;
    void *symbol = dlsym(file->handle, RP_PLUGIN_SYMBOL);
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
    out->copy.fd = -1;
    out->path = rp_strdup(path);
    out->base = base_name(path);
    if (trust_file(path, resolved, &status, &error)) {
        plugin_file_refuse(out, "%s", error.text);
        return -RP_EPLUGIN;
    }
    if (key) load_signed(out, resolved, key);
    else load_checked(out, resolved, &status);
    if (out->handle) take_descriptor(out);
    return out->plugin ? 0 : -RP_EPLUGIN;
}

void plugin_file_close(struct plugin_file *file) {
    unload(file);
    free(file->path);
    free(file->base);
    memset(file, 0, sizeof *file);
    file->copy.fd = -1;
}
