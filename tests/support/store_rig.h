/* A rig for stores: one worker that the test drives by hand, or several on threads of their own, and calls that wait for
 * their answer. */
#ifndef TESTS_SUPPORT_STORE_RIG_H
#define TESTS_SUPPORT_STORE_RIG_H

#include <repartee/plugin.h>

#include "core/loop/worker.h"

#define STORE_RIG_WORKERS 4

struct store_rig {
    struct worker_group group;
    struct rp_worker *worker; /* the first */
    struct rp_store store;
    const struct rp_store_type *type;
    struct rp_error error; /* of an open or attach that failed */
    void *locals[STORE_RIG_WORKERS];
};
struct store_answer {
    struct rp_store_op op;
    unsigned calls;
    int code;
    struct rp_buf value; /* of a list: the keys, each with a line feed behind */
};

/* Opens and attaches on all workers, which are not threads. The code of what failed: then nothing is left open. */
int store_rig_open(struct store_rig *rig, const struct rp_store_type *type, const char *name, const void *options,
                   unsigned workers);
void store_rig_close(struct store_rig *rig);

/* The answer is cleared first; its value is the caller's to finish. */
void store_rig_get(struct store_rig *rig, const char *key, struct store_answer *answer);
void store_rig_list(struct store_rig *rig, struct rp_str prefix, struct store_answer *answer);
/* Start it only; `answer` must be zeroed. */
void store_rig_begin_get(struct store_rig *rig, struct rp_str key, struct store_answer *answer);
void store_rig_begin_put(struct store_rig *rig, struct rp_str key, struct rp_str value, int64_t ttl_ms,
                         struct store_answer *answer);
void store_rig_begin_add(struct store_rig *rig, struct rp_str key, int64_t delta, int64_t ttl_ms,
                         struct store_answer *answer);
void store_rig_wait(struct store_rig *rig, struct store_answer *answer); /* fails the test after some seconds */
/* The code of the answer. */
int store_rig_put(struct store_rig *rig, const char *key, const char *value, int64_t ttl_ms);
int store_rig_put_bytes(struct store_rig *rig, struct rp_str key, struct rp_str value);
/* The code, and with 0 the sum. */
int store_rig_add(struct store_rig *rig, const char *key, int64_t delta, int64_t ttl_ms, int64_t *out_sum);
void store_rig_check_numbers(struct store_rig *rig); /* what every store that counts must do; the key "n" */
int store_rig_del(struct store_rig *rig, const char *key);
bool store_rig_has(struct store_rig *rig, const char *key, const char *value);
int store_rig_code(struct store_rig *rig, const char *key); /* of a get */

#endif
