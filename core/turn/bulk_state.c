/* One path for the process. */
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

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

static void empty(const char *path) {
    DIR *folder = opendir(path);
    if (!folder) return;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (strlen(entry->d_name) != RP_ID_SIZE - 1) continue; /* notes have an id for a name; nothing else is ours */
        unlinkat(dirfd(folder), entry->d_name, 0);
    }
    closedir(folder);
}

void bulk_state_forget(bool whole) {
    if (!state) return;
    if (whole) empty(state);
    rmdir(state); /* only when nothing is left in it */
    bulk_state_set(NULL);
}
