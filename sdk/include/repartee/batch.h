/* Many messages at a time: what POST /v1/batch and `repartee batch` share. All of it on one worker.
 *
 * An item is JSON: a text in quotes, or an object as POST /v1/chat takes it, with an "id" (a string or a whole number) if
 * the sender likes. Each is a turn of its own, so auth, limits and filters count it like any other. At most `concurrency`
 * of them are under way; items of one session run one after the other, in the order in which they came, and those that
 * wait for their session take nobody's place. What is read ahead for that is bounded.
 *
 * A result is one line of JSON, in the order in which they are done, whose first members are the owner's `head`:
 *
 *     {"index":3,"status":200,"id":"a-17","request_id":"…","session":"…","reply":"…","by":"…","finish":"stop",
 *      "usage":{…},"ms":3.1}
 *     {"index":4,"status":429,"id":"a-18","error":{"code":"rate_limited","message":"…","request_id":"…","retry_after":2}}
 *
 * An item that is refused for now (rate_limited, overloaded, upstream_rate_limited) keeps its place and is tried again
 * after `retry_after`, or after a while that grows from a quarter of a second to 30, as long as that ends within `wait_ms`
 * of its first try. What a shutdown breaks off has no result: it counts as not asked. */
#ifndef REPARTEE_BATCH_H
#define REPARTEE_BATCH_H

#include <repartee/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rp_batch;

enum rp_batch_next {
    RP_BATCH_ITEM,
    RP_BATCH_WAIT, /* none is there yet: rp_batch_go when there is */
    RP_BATCH_END,  /* no more will come */
};
struct rp_batch_item {
    struct rp_str text;    /* JSON; borrowed for the call */
    struct rp_fault fault; /* code not 0: the item could not even be read, and this is its result */
    char head[96];         /* the first members of its result: `"index":3` */
    int64_t number;        /* the owner's; given back with the result, and the end of the request id */
};
struct rp_batch_result {
    int64_t number;
    int code;           /* RP_E…; 0: there is a reply */
    struct rp_str line; /* ends in a line break; borrowed for the call */
};
struct rp_batch_ops {
    enum rp_batch_next (*next)(void *arg, struct rp_batch_item *out_item);
    void (*result)(void *arg, const struct rp_batch_result *result);
    /* Everything has ended, nothing else is called: the owner may destroy the batch here. */
    void (*done)(void *arg);
};
struct rp_batch_options {
    const struct rp_batch_ops *ops; /* called from tasks of the worker's, never inside the calls below */
    void *arg;
    struct rp_transport *transport; /* turns start from it */
    struct rp_worker *worker;
    size_t concurrency; /* from 1 */
    int64_t wait_ms;    /* 0: nothing is tried again */
    int64_t time_ms;    /* of each turn; 0: what the bot's limits say */
    bool patient;       /* see rp_turn_start */
    bool may_explain;   /* items may ask for their explanation; else those are refused */
    const char *id;     /* items' request ids begin with it; NULL: each has one of its own. Copied */
    struct rp_str address; /* copied */
};

/* Holds the worker until done(). Nothing happens before the first rp_batch_go. */
RP_EXPORT struct rp_batch *rp_batch_create(const struct rp_batch_options *options);
RP_EXPORT void rp_batch_destroy(struct rp_batch *batch); /* before the first rp_batch_go, or from done() on; takes NULL */

RP_EXPORT void rp_batch_go(struct rp_batch *batch); /* there are items; also ends a pause */
/* Nothing is begun and next() is not called until rp_batch_go; what is under way goes on. */
RP_EXPORT void rp_batch_pause(struct rp_batch *batch);
RP_EXPORT void rp_batch_stop(struct rp_batch *batch);   /* begins nothing more; done() when what is under way has ended */
RP_EXPORT void rp_batch_cancel(struct rp_batch *batch); /* ends that too, and no result is told any more */
RP_EXPORT size_t rp_batch_running(const struct rp_batch *batch); /* items under way */

#ifdef __cplusplus
}
#endif
#endif
