/* Loaded objects are known by their path and a hash of their bytes. The loader itself knows a path only once: what has
 * been loaded from it is what it gives again, even when the file is another one. So the successor is loaded from a
 * private copy, which has a path of its own. */
#include "core/host/shared_object.h"

#include <dlfcn.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/host/cut_short.h"

/* Leak checkers need the symbols of what was unloaded, so under them objects stay. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KEEP_LOADED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define KEEP_LOADED 1
#endif
#endif

#define HOW (RTLD_NOW | RTLD_LOCAL)

struct shared_object {
    struct shared_object *next;
    char *path;
    unsigned char hash[crypto_generichash_BYTES];
    void *handle;
    struct private_copy copy;
    unsigned users;
};

static struct shared_object *objects; /* all that are loaded */

static struct shared_object *find(const char *path, const unsigned char *hash, bool exactly) {
    for (struct shared_object *object = objects; object; object = object->next)
        if (strcmp(object->path, path) == 0 && memcmp(object->hash, hash, sizeof(object->hash)) == 0 &&
            (!exactly || object->copy.fd >= 0))
            return object;
    return NULL;
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

static int refuse_for_loader(const char *path, struct rp_error *error) {
    const char *text = dlerror();
    char symbol[128];
    if (missing_symbol(text, symbol, sizeof symbol))
        return rp_error_set(error, RP_EPLUGIN, "it needs the symbol '%s', which %s", symbol,
                            strncmp(symbol, "rp_", 3) == 0 ? "this version of repartee does not have"
                                                           : "none of the libraries it is linked with has");
    size_t len = strlen(path); /* the loader puts the path in front */
    if (strncmp(text, path, len) == 0 && strncmp(text + len, ": ", 2) == 0) text += len + 2;
    return rp_error_set(error, RP_EPLUGIN, "it is not a shared object that can be loaded here: %s", text);
}

/* ---- loading ----------------------------------------------------------------------------------------------------- */

static bool is_loaded(const char *path) {
    void *handle = dlopen(path, HOW | RTLD_NOLOAD);
    if (handle) dlclose(handle);
    return handle != NULL;
}

static int load_copy(struct shared_object *object, struct rp_str bytes, struct rp_error *error) {
    int code = private_copy_make(bytes, &object->copy, error);
    if (code) return code;
    object->handle = dlopen(object->copy.path, HOW);
    return object->handle ? 0 : refuse_for_loader(object->copy.path, error);
}

/* Nobody else can have changed the file since it was checked, as nobody else can write there; this notices that we
 * ourselves did, by installing a new version at this moment. */
static int load_file(struct shared_object *object, const struct stat *checked, struct rp_error *error) {
    struct stat now;
    object->handle = dlopen(object->path, HOW);
    if (!object->handle) return refuse_for_loader(object->path, error);
    if (stat(object->path, &now) == 0 && now.st_dev == checked->st_dev && now.st_ino == checked->st_ino &&
        now.st_size == checked->st_size && now.st_mtime == checked->st_mtime)
        return 0;
    return rp_error_set(error, RP_EPLUGIN, "it changed while it was being loaded");
}

static void object_free(struct shared_object *object) {
#ifndef KEEP_LOADED
    if (object->handle) dlclose(object->handle);
    private_copy_drop(&object->copy);
#endif
    free(object->path);
    free(object);
}

static int load(struct shared_object *object, const struct stat *checked, struct rp_str bytes, bool exactly,
                struct rp_error *error) {
    if (!exactly && file_cut_short(object->path, checked->st_size))
        return rp_error_set(error, RP_EPLUGIN, "a part of it is missing: the file ends too early");
    return exactly || is_loaded(object->path) ? load_copy(object, bytes, error) : load_file(object, checked, error);
}

int shared_object_open(const char *path, const struct stat *checked, struct rp_str bytes, bool exactly,
                       struct shared_object **out, struct rp_error *error) {
    unsigned char hash[crypto_generichash_BYTES];
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)bytes.data, bytes.len, NULL, 0);
    struct shared_object *object = find(path, hash, exactly);
    if (!object) {
        object = rp_calloc(1, sizeof(*object));
        object->path = rp_strdup(path);
        object->copy.fd = -1;
        memcpy(object->hash, hash, sizeof(hash));
        int code = load(object, checked, bytes, exactly, error);
        if (code) {
            object_free(object);
            return code;
        }
        object->next = objects;
        objects = object;
    }
    object->users++;
    *out = object;
    return 0;
}

void *shared_object_symbol(const struct shared_object *object, const char *name) {
    return dlsym(object->handle, name);
}

void shared_object_close(struct shared_object *object) {
    if (!object || --object->users > 0) return;
#ifndef KEEP_LOADED
    struct shared_object **at = &objects;
    while (*at != object) at = &(*at)->next;
    *at = object->next;
    object_free(object);
#endif
}
