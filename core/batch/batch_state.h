/* A batch from the inside: batch.c says which item runs when, attempt.c what becomes of it. */
#ifndef CORE_BATCH_BATCH_STATE_H
#define CORE_BATCH_BATCH_STATE_H

#include <repartee/batch.h>

#include "core/batch/queues.h"

enum source { SOURCE_READY, SOURCE_DRY, SOURCE_ENDED };

struct item {
    struct queued queued; /* first: in its session's line, or among those that are ready */
    struct rp_sink sink;
    struct rp_batch *batch;
    struct item *before, *after; /* among those under way */
    struct queue *queue;         /* NULL: it names no session */
    struct rp_turn *turn;        /* NULL: none, it waits for `again` */
    struct rp_timer again;
    int64_t again_ms; /* until it is tried again; -1: it is not */
    int64_t first_ms; /* when it was tried first */
    unsigned tries;
    bool settled; /* it has its result, or is to have none */
    int64_t number;
    char head[sizeof(((struct rp_batch_item *)0)->head)];
    struct rp_str id; /* in `text` */
    size_t len;
    char text[];
};

struct rp_batch {
    struct rp_batch_options options;
    char *id, *address;
    struct rp_task task;
    struct queues queues;
    struct item under_way;              /* head of a ring */
    struct queued *ready, **ready_last; /* nobody is in front of these any more */
    size_t running, waiting, read_ahead;
    size_t held; /* bytes */
    enum source source;
    bool paused, stopped, cancelled, over;
    struct rp_buf space, line;
};

/* attempt.c */
void item_prepare(struct item *item); /* a new one */
void item_try(struct item *item);     /* ends in its result, in another try, or in item_end */
void item_tell_unread(struct rp_batch *batch, const struct rp_batch_item *item, struct rp_str id,
                      const struct rp_fault *fault); /* the result of what was no item to begin with */

/* batch.c */
void item_end(struct item *item); /* makes room for others, and gives its session to the next; the item is gone */

#endif
