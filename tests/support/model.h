/* A model that says what the test wrote down, and writes down what it is asked. */
#ifndef TESTS_SUPPORT_MODEL_H
#define TESTS_SUPPORT_MODEL_H

#include <repartee/talk.h>

#define TEST_MODEL_CALLS 16

/* A reply, a character a chunk: texts as they stand; `^name{…}` calls a tool; '#' is usage of 10 and 1 tokens; '!' fails;
 * '~' ends with the finish "length", '%' with "content_filter". The end comes by itself. */
struct test_model {
    struct rp_model model;
    unsigned takes;
    int64_t context; /* tokens; 0: not known */
    const char *replies[TEST_MODEL_CALLS]; /* one a call; NULL: an empty one */
    char asked[TEST_MODEL_CALLS][4096];    /* the messages of each call: "u:hi|a:text(id name args)|t:id=result" */
    struct rp_prompt prompt;               /* of the last call: what it points to in the turn's arena may be gone */
    char schema[2048], tools[2048];        /* the last call's, as JSON; empty: none */
    char grammar[256];
    bool streamed; /* the last call wanted to */
    unsigned calls, closed;
    unsigned hang_at; /* it goes silent at its n-th chunk, over all calls; 0: never */
    unsigned chunks;  /* it was asked for */
};

void test_model_open(struct test_model *model, const char *name); /* takes everything, and is counted */
void test_model_close(struct test_model *model);
struct bot;
/* Makes a bot out of these models, for stages that look for them. */
void test_models_in(struct bot *bot, struct rp_model **models, size_t count);
void test_model_rewind(struct test_model *model); /* the first reply is next */

#endif
