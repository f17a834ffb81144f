/* The kinds of types that a plugin can declare, in the order in which a bot opens their elements. */
#ifndef CORE_HOST_KIND_H
#define CORE_HOST_KIND_H

#include <repartee/plugin.h>

enum kind { KIND_STORE, KIND_MODEL, KIND_LISTENER, KIND_STAGE, KIND_TRANSPORT, KIND_COUNT };

const char *kind_name(enum kind kind);    /* "stage" */
const char *kind_section(enum kind kind); /* "pipeline": where its elements stand in the bot file */
/* The plugin's list of this kind, RP_LIST_SIZE entries. Each type starts with a struct rp_type. */
const struct rp_type *const *kind_list(const struct rp_plugin *plugin, enum kind kind);
/* The type of this name, or NULL. */
const struct rp_type *kind_find(const struct rp_plugin *plugin, enum kind kind, const char *name);

#endif
