/* Whether a plugin's descriptor fits this core: magic, version, size, then each type and its option table. One clear
 * sentence for each way in which it does not. */
#include "core/host/abi.h"

#include <ctype.h>

#include "core/config/option_table.h"
#include "core/config/script.h"
#include "core/host/kind.h"

#define NAME_MAX_LEN 64
#define OPTIONS_SIZE_MAX (1u << 20)

static bool is_keyword(const char *name) {
    static const char *const keywords[] = {"and",   "break", "do",  "else", "elseif", "end",    "false", "for",
                                           "function", "goto", "if", "in",  "local",  "nil",    "not",   "or",
                                           "repeat", "return", "then", "true", "until", "while"};
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (strcmp(name, keywords[i]) == 0) return true;
    return false;
}

static bool is_identifier(const char *name) {
    size_t len = strnlen(name, NAME_MAX_LEN + 1);
    if (len == 0 || len > NAME_MAX_LEN || isdigit((unsigned char)*name)) return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '_') return false;
    return !is_keyword(name);
}

static int check_version(const struct rp_plugin *plugin, struct rp_error *error) {
    if (plugin->magic != RP_ABI_MAGIC)
        return rp_error_set(error, RP_EPLUGIN,
                            "its descriptor does not start with repartee's magic number: found 0x%08x",
                            (unsigned)plugin->magic);
    if (plugin->abi_major != RP_ABI_MAJOR)
        return rp_error_set(error, RP_EPLUGIN,
                            "it is built for plugin interface %u.%u, this repartee has %d.%d: build it again with the "
                            "headers of this version",
                            plugin->abi_major, plugin->abi_minor, RP_ABI_MAJOR, RP_ABI_MINOR);
    if (plugin->abi_minor > RP_ABI_MINOR)
        return rp_error_set(
            error, RP_EPLUGIN,
            "it is built for plugin interface %u.%u, which is newer than this repartee's %d.%d: update repartee",
            plugin->abi_major, plugin->abi_minor, RP_ABI_MAJOR, RP_ABI_MINOR);
    if (plugin->size != sizeof *plugin)
        return rp_error_set(
            error, RP_EPLUGIN,
            "its descriptor has %u bytes where this repartee's has %zu: it was built with other headers",
            (unsigned)plugin->size, sizeof *plugin);
    return 0;
}

/* The call that makes a type what it is. */
static const char *missing_call(enum kind kind, const struct rp_type *type) {
    const void *whole = type;
    const struct rp_store_type *store = whole;
    switch (kind) {
    case KIND_STAGE: return ((const struct rp_stage_type *)whole)->on_turn ? NULL : "on_turn";
    case KIND_MODEL: return ((const struct rp_model_type *)whole)->ask ? NULL : "ask";
    case KIND_STORE: return !store->get ? "get" : !store->put ? "put" : !store->del ? "del" : NULL;
    default: return NULL;
    }
}

static int check_type(enum kind kind, const struct rp_type *type, struct rp_error *error) {
    struct rp_error why;
    if (!type->name || !is_identifier(type->name))
        return rp_error_set(error, RP_EPLUGIN, "it declares a %s whose name is not an identifier: '%.80s'",
                            kind_name(kind), type->name ? type->name : "");
    if (script_reserved(type->name))
        return rp_error_set(error, RP_EPLUGIN, "it declares a %s with the name '%s', which is a word of the bot file",
                            kind_name(kind), type->name);
    const char *missing = missing_call(kind, type);
    if (missing)
        return rp_error_set(error, RP_EPLUGIN, "its %s '%s' has no %s()", kind_name(kind), type->name, missing);
    if (type->options_size > OPTIONS_SIZE_MAX)
        return rp_error_set(error, RP_EPLUGIN, "its %s '%s' has options of %zu bytes", kind_name(kind), type->name,
                            type->options_size);
    if (option_table_check(type->options, type->options_size, &why))
        return rp_error_set(error, RP_EPLUGIN, "its %s '%s': %s", kind_name(kind), type->name, why.text);
    return 0;
}

static int check_list(const struct rp_plugin *plugin, enum kind kind, struct rp_error *error) {
    const struct rp_type *const *list = kind_list(plugin, kind);
    size_t count = 0;
    while (count < RP_LIST_SIZE && list[count]) count++;
    if (count == RP_LIST_SIZE) return rp_error_set(error, RP_EPLUGIN, "its list of %ss has no end", kind_name(kind));
    for (size_t i = 0; i < count; i++) {
        int code = check_type(kind, list[i], error);
        if (code) return code;
        for (size_t other = 0; other < i; other++)
            if (strcmp(list[i]->name, list[other]->name) == 0)
                return rp_error_set(error, RP_EPLUGIN, "it declares the %s '%s' twice", kind_name(kind), list[i]->name);
    }
    return 0;
}

int abi_check(const struct rp_plugin *plugin, struct rp_error *error) {
    if (!plugin) return rp_error_set(error, RP_EPLUGIN, "its function " RP_PLUGIN_SYMBOL "() returned nothing");
    int code = check_version(plugin, error);
    if (code) return code;
    if (!plugin->name || !is_identifier(plugin->name))
        return rp_error_set(error, RP_EPLUGIN, "its name is not an identifier: '%.80s'",
                            plugin->name ? plugin->name : "");
    if (!plugin->version || !*plugin->version)
        return rp_error_set(error, RP_EPLUGIN, "its descriptor has no version");
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        code = check_list(plugin, kind, error);
        if (code) return code;
    }
    return 0;
}
