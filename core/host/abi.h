/* Whether a plugin's descriptor fits this core. */
#ifndef CORE_HOST_ABI_H
#define CORE_HOST_ABI_H

#include <repartee/plugin.h>

/* 0, or -RP_EPLUGIN with one sentence that continues "cannot load the plugin FILE: …". Looks at nothing behind what has
 * been checked. `plugin` may be NULL. */
int abi_check(const struct rp_plugin *plugin, struct rp_error *error);

#endif
