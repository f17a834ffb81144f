/* One path for the process. */
#include <stdlib.h>

#include <repartee/base.h>

#include "core/turn/bulk_state.h"

static char *state;

void bulk_state_set(const char *path) {
    free(state);
    state = path ? rp_strdup(path) : NULL;
}

const char *bulk_state(void) {
    return state;
}
