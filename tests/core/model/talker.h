/* A stage that talks to a model which says what the test wrote down, with tools that the test ends by hand. */
#ifndef TESTS_CORE_MODEL_TALKER_H
#define TESTS_CORE_MODEL_TALKER_H

#include <repartee/schema.h>
#include <repartee/talk.h>

#include "support/model.h"
#include "support/rig.h"

#define TALKER_CALLS 16

struct talker {
    struct rig rig;
    struct rig_client client;
    struct test_model model;
    struct rp_tool_runner runner;
    struct rp_prompt prompt;
    bool at_once; /* tools answer inside start() */
    unsigned started, cancelled;
    struct rp_tool_run *runs[TALKER_CALLS];
    char passed[2048]; /* the tool chunks that taps saw, "name{…} " each; "!" behind one that is not the bot's own */
    unsigned block_at; /* the tap ends the reply at this tool chunk; 0: never */
};
extern struct talker talker;

int talker_setup(void **state);
int talker_teardown(void **state);
void talker_fits(const char *schema, int corrections);
void talker_tools(const char *names); /* prompt->tools, a name each, separated by blanks; the runner too */
void talker_start(const char *message);
const char *talker_say(const char *message); /* to its end: the text, or "!code" */

#endif
