/* The Redis store: what its files share.
 *
 * Each worker has a client of its own: one connection on the worker's loop, with calls in a line behind each other. */
#ifndef REDIS_H
#define REDIS_H

#include <hiredis/async.h>
#include <netinet/in.h>
#include <repartee/metrics.h>
#include <repartee/plugin.h>
#include <stdatomic.h>

struct options {
    const char *url, *prefix;
    int64_t timeout, connect_timeout; /* ms */
    int64_t queue;                    /* bytes of calls that one worker has under way */
};

#define KEY_MAX 4096 /* bytes, without the prefix */

/* ---- url --------------------------------------------------------------------------------------------------------- */

struct url { /* texts are NULL where the URL has none */
    char *host, *socket, *user, *password; /* host or socket */
    int port, database;
};
int url_parse(const char *text, struct url *out_url, struct rp_error *error);
void url_finish(struct url *url);

/* ---- health: what is told of a server that is away, or says no; shared by the workers ------------------------------- */

struct health {
    const char *store;
    char where[300];
    atomic_uint down; /* clients that cannot reach it */
    _Atomic int64_t refused_ns;
    struct rp_metric *errors, *connections;
};
void health_init(struct health *health, const char *store, const struct url *url);
void health_down(struct health *health, const char *why);
void health_up(struct health *health);
void health_refused(struct health *health, const char *why); /* an error that the server answered with */

/* ---- calls ------------------------------------------------------------------------------------------------------- */

enum kind { CALL_GET, CALL_PUT, CALL_DEL, CALL_LIST, CALL_ADD };

struct call {
    struct call *next; /* in its line */
    enum kind kind;
    bool again; /* it was sent before, on a connection that is gone */
    struct rp_store_op *op;
    int64_t deadline_ms;
    int64_t ttl_ms;
    int64_t delta;             /* add */
    char cursor[24];           /* list: where it goes on */
    size_t key_len, value_len; /* the key has the prefix in front; of a list it is a pattern */
    char bytes[];
};
struct line { /* first in, first out */
    struct call *first, **last;
};
void line_init(struct line *line);
void line_add(struct line *line, struct call *call);
struct call *line_take(struct line *line); /* NULL: empty */
void line_prepend(struct line *line, struct line *front); /* empties `front` */

/* ---- client: the connection of one worker ----------------------------------------------------------------------------- */

enum client_state {
    CLIENT_AWAY,       /* waits before it tries again; calls fail at once */
    CLIENT_RESOLVING,  /* from here on calls wait */
    CLIENT_CONNECTING,
    CLIENT_GREETING,   /* connected, and being let in */
    CLIENT_READY,
    CLIENT_ENDED,
};
struct lookup; /* a name being resolved */

#define ADDRESSES 4

struct client {
    struct rp_worker *worker;
    const struct options *options;
    const struct url *url;
    struct health *health;
    enum client_state state;
    bool down; /* counted by health */
    redisAsyncContext *context; /* NULL: none */
    int greetings;              /* answers that are still to come before it is ready */
    struct line waiting, sent;
    size_t bytes; /* of both */
    struct rp_timer attempt, deadline; /* of the connection, or until the next one; of the oldest call */
    unsigned attempts;          /* since it was last ready for a while */
    int64_t ready_ms;
    struct lookup *lookup;
    char addresses[ADDRESSES][INET6_ADDRSTRLEN];
    unsigned address_count, address;
};
struct client *client_create(struct rp_worker *worker, const struct options *options, const struct url *url,
                             struct health *health);
void client_destroy(struct client *client); /* what is under way fails */
/* Takes the call over. 0, or a code: then it is the caller's still. */
int client_submit(struct client *client, struct call *call);
void client_send_waiting(struct client *client); /* when it is ready */
void client_send_again(struct client *client);   /* what was under way on the connection that is gone waits again */
void client_fail_waiting(struct client *client);

void connection_begin(struct client *client);
void connection_lost(struct client *client, const char *why); /* it is of no use any more */
void connection_drop(struct client *client);                  /* no callback follows */

/* resolve.c: fills the addresses, then calls connection_resolved; the error is a negative code of libuv, or 0 */
int lookup_start(struct client *client);
void lookup_forget(struct lookup *lookup); /* nobody waits for it any more; takes NULL */
void connection_resolved(struct client *client, int error);

/* watch.c: the connection's socket on the loop; a code of libuv */
int watch_start(redisAsyncContext *context, uv_loop_t *loop);

/* command.c: how a call is said, and what its answer means */
int command_send(redisAsyncContext *context, const struct call *call, redisCallbackFn *done, void *arg);
/* True: done with. False: a list that goes on; send it again. */
bool command_answer(struct call *call, const redisReply *reply, size_t prefix_len, struct health *health);
void command_fail(struct call *call, int code);

/* ---- the store's calls --------------------------------------------------------------------------------------------------- */

int store_check(const void *options, struct rp_error *error);
int store_open(struct rp_element *element, struct rp_error *error);
void store_close(struct rp_element *element);
int store_attach(struct rp_element *element, struct rp_worker *worker, void **out_local, struct rp_error *error);
void store_detach(struct rp_element *element, struct rp_worker *worker, void *local);
void store_get(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_store_op *op);
void store_put(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_str value, int64_t ttl_ms,
               struct rp_store_op *op);
void store_del(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_store_op *op);
void store_list(struct rp_store *store, struct rp_worker *worker, struct rp_str prefix, struct rp_store_op *op);
void store_add(struct rp_store *store, struct rp_worker *worker, struct rp_str key, int64_t delta, int64_t ttl_ms,
               struct rp_store_op *op);

#endif
