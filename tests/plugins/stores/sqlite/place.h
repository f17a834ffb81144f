/* A folder for the database of one test, and a store opened in it. */
#ifndef TESTS_SQLITE_PLACE_H
#define TESTS_SQLITE_PLACE_H

#include "plugins/stores/sqlite/sqlite.h"
#include "support/store_rig.h"

extern struct options place_options; /* what place_open opens with; place_make sets the defaults, and a path there */
extern struct store_rig place_rig;

int place_make(void **state);   /* a cmocka setup: an empty folder */
int place_remove(void **state); /* and its teardown */
const char *place_path(const char *name); /* of a file in the folder; valid until the fourth call from now */
void place_open(void);
void place_close(void);
void place_reopen(void);
void place_refuses(const char *text); /* opening must fail, and say this */
const struct rp_store_type *place_type(void);

#endif
