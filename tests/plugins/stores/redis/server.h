/* A Redis server of one test's own, and a store that uses it. */
#ifndef TESTS_REDIS_SERVER_H
#define TESTS_REDIS_SERVER_H

#include <sys/types.h>

#include "plugins/stores/redis/redis.h"
#include "support/store_rig.h"

extern struct options server_options; /* what server_open opens with; server_make sets the defaults and a URL */
extern struct store_rig server_rig;

int server_make(void **state);   /* a cmocka setup: a folder, and a server on a socket in it */
int server_remove(void **state); /* and its teardown: kills the server */
const char *server_path(const char *name); /* of a file in the folder; valid until the fourth call from now */
/* Starts one with these words, NULL-terminated, of which the first is --port or --unixsocket, and waits until it takes
 * connections. */
void server_start(const char *const *words);
void server_start_again(void); /* with the same words */
void server_signal(int number); /* SIGKILL: waits for its end */
int server_free_port(void);

const struct rp_store_type *server_type(void);
void server_open(void);  /* and waits until the store is connected */
void server_open_only(void);
void server_close(void);
bool server_connects(int64_t ms); /* within this time the store answers a get */

#endif
