/* A stage that talks to a model which says what the test wrote down, with tools that the test ends by hand. */
#ifndef TESTS_CORE_MODEL_TALKER_H
#define TESTS_CORE_MODEL_TALKER_H

#include <repartee/schema.h>
#include <repartee/talk.h>

#include "support/rig.h"

#define TALKER_CALLS 16

/* What the model does in one call, a character a chunk: texts as they stand; '^name{…}' calls a tool; '#' is usage of 10
 * and 1 tokens; '!' fails; '~' ends with the finish "length", '%' with "content_filter". The end comes by itself. */
struct talker {
    struct rig rig;
    struct rig_client client;
    struct rp_model model;
    struct rp_tool_runner runner;
    struct rp_prompt prompt;
    unsigned takes;
    const char *replies[TALKER_CALLS]; /* one a call */
    char asked[TALKER_CALLS][2048];    /* the messages of each call: "u:hi|a:text(id name args)|t:id=result" */
    unsigned calls, closed;            /* of the model */
    unsigned hang_at;              /* the model goes silent at its n-th chunk, over all calls; 0: never */
    unsigned chunks;               /* it was asked for */
    bool at_once;                  /* tools answer inside start() */
    unsigned started, cancelled;
    struct rp_tool_run *runs[TALKER_CALLS];
    char passed[2048]; /* the tool chunks that taps saw, "name{…} " each; "!" behind one that is not the bot's own */
    unsigned block_at;  /* the tap ends the reply at this tool chunk; 0: never */
};
extern struct talker talker;

int talker_setup(void **state);
int talker_teardown(void **state);
void talker_fits(const char *schema, int corrections);
void talker_tools(const char *names); /* prompt->tools, a name each, separated by blanks; the runner too */
void talker_start(const char *message);
const char *talker_say(const char *message); /* to its end: the text, or "!code" */

#endif
