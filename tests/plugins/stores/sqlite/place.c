#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "place.h"

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

const struct rp_plugin *rp_plugin(void);

struct options place_options;
struct store_rig place_rig;
static char folder[128], path[160];

const struct rp_store_type *place_type(void) {
    return rp_plugin()->stores[0];
}

int place_make(void **state) {
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.80s/sqlite-test-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/store.db", folder);
    place_options = (struct options){.path = path, .max = 1 << 30, .queue = 16 << 20, .patience = 5000};
    return 0;
}

static int remove_one(const char *name, const struct stat *info, int flag, struct FTW *ftw) {
    (void)info, (void)flag, (void)ftw;
    return remove(name);
}

int place_remove(void **state) {
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *place_path(const char *name) {
    static char paths[4][200];
    static unsigned next;
    char *out = paths[next++ % 4];
    snprintf(out, sizeof paths[0], "%s/%s", folder, name);
    return out;
}

void place_open(void) {
    if (store_rig_open(&place_rig, place_type(), "main", &place_options, 1) != 0)
        fail_msg("open: %s", place_rig.error.text);
}

void place_close(void) {
    store_rig_close(&place_rig);
}

void place_reopen(void) {
    place_close();
    place_open();
}

void place_refuses(const char *text) {
    assert_int_not_equal(store_rig_open(&place_rig, place_type(), "main", &place_options, 1), 0);
    if (!strstr(place_rig.error.text, text)) fail_msg("'%s' does not have '%s'", place_rig.error.text, text);
}
