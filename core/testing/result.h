/* What came of running a conversation test. */
#ifndef CORE_TESTING_RESULT_H
#define CORE_TESTING_RESULT_H

#include "core/testing/chat_file.h"

struct failure {
    unsigned line;
    const char *what;            /* "the reply is another one" */
    bool compared;               /* there is something expected and something that came */
    bool words;                  /* and they are to be compared word by word */
    struct rp_str expected, got;
    const char *hint;            /* what to do about it; NULL: none */
    struct rp_str log;           /* what the bot logged meanwhile, as lines; empty: nothing */
    struct failure *next;
};

struct sent_event {
    const char *name;
    json_t *data; /* NULL: none */
    struct sent_event *next;
};

struct outcome { /* of one step that ran a turn */
    const struct chat_step *step;
    struct rp_str reply;    /* what came of it, also when it broke */
    const char *by;         /* "" when nobody made it */
    int code;               /* RP_E…: it was refused, or broke; 0: it ended well */
    const char *message;    /* of the error */
    struct sent_event *sent;
    bool spoiled;           /* a script was missing or left over: what came is not to be accepted */
    struct outcome *next;
};

struct result {
    const struct chat_file *file;
    struct rp_arena *arena; /* of all below */
    bool shredded;
    uint64_t seed;
    unsigned turns;
    int64_t ns;
    bool lost; /* a turn did not end: nothing can be run behind it */
    struct failure *failures, **last_failure;
    struct outcome *outcomes, **last_outcome;
    struct result *next;
};

struct result *result_create(const struct chat_file *file);
void result_destroy(struct result *result); /* takes NULL */
/* `what` is copied. The second: with what was expected and what came. */
struct failure *result_fail(struct result *result, unsigned line, const char *format, ...) RP_PRINTF(3, 4);
struct failure *result_differ(struct result *result, unsigned line, const char *what, struct rp_str expected, struct rp_str got);

/* verdict.c: compares what came with what the step expects, and adds a failure for each difference. */
void verdict(struct result *result, const struct outcome *outcome);

#endif
