/* The kinds of types that a plugin can declare: their words, and where the descriptor has them. */
#include "core/host/kind.h"

static const struct {
    const char *name, *section;
    size_t list;
} kinds[KIND_COUNT] = {
    [KIND_STORE] = {"store", "stores", offsetof(struct rp_plugin, stores)},
    [KIND_MODEL] = {"model", "models", offsetof(struct rp_plugin, models)},
    [KIND_LISTENER] = {"listener", "listeners", offsetof(struct rp_plugin, listeners)},
    [KIND_STAGE] = {"stage", "pipeline", offsetof(struct rp_plugin, stages)},
    [KIND_TRANSPORT] = {"transport", "transports", offsetof(struct rp_plugin, transports)},
};

const char *kind_name(enum kind kind) {
    return kinds[kind].name;
}

const char *kind_section(enum kind kind) {
    return kinds[kind].section;
}

const struct rp_type *const *kind_list(const struct rp_plugin *plugin, enum kind kind) {
    return (const struct rp_type *const *)(const void *)((const char *)plugin + kinds[kind].list);
}

const struct rp_type *kind_find(const struct rp_plugin *plugin, enum kind kind, const char *name) {
    for (const struct rp_type *const *type = kind_list(plugin, kind); *type; type++)
        if (strcmp((*type)->name, name) == 0) return *type;
    return NULL;
}
