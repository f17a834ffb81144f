/* What a refusal or a broken transfer means, and whether another attempt makes sense. Pure functions. */
#ifndef CORE_REMOTE_RETRY_H
#define CORE_REMOTE_RETRY_H

#include <repartee/remote_model.h>

#define RETRY_AFTER_CAP_MS (60 * 1000)

/* The code for a response with this status, RP_E…; `error` is what its body said. */
int fault_of_status(int status, const struct rp_answer_error *error);
/* The code for an error in the middle of a stream. */
int fault_of_event(const struct rp_answer_error *error);

struct attempt_result {
    int code;               /* RP_E…, positive */
    int status;             /* 0: there was no response */
    int should_retry;       /* the field x-should-retry: 1, 0, or -1 for none */
    int64_t retry_after_ms; /* -1: none */
    bool started;           /* part of the reply has come */
    int64_t retries;        /* made so far */
};
struct retry_rules {
    int64_t retries, base_ms, max_ms;
    int64_t after_max_ms; /* a server that asks for more time than this has said no; 0: RETRY_AFTER_CAP_MS */
    int64_t left_ms; /* until the deadline */
    double jitter;   /* 0 to 1, random */
};
struct retry_plan {
    bool again;
    int64_t wait_ms;
    int retry_after; /* seconds, for the client, when there is no other attempt; 0: not known */
};
struct retry_plan retry_decide(const struct attempt_result *result, const struct retry_rules *rules);

#endif
