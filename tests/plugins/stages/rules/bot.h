/* A bot for one test: the stage `rules` over a temporary folder, and behind it a stage that plays the model. */
#ifndef TESTS_RULES_BOT_H
#define TESTS_RULES_BOT_H

#include "folder.h"
#include "plugins/stages/rules/options.h"
#include "support/rig.h"
#include "support/store.h"

struct bot_under_test {
    struct rig rig;
    struct test_store store; /* of the sessions */
    struct rules_options options; /* to be changed before bot_rules */
    struct rig_client client;     /* of the last turn */
    struct rp_prompt prompt;      /* as the model saw it last; what it points to in the turn's arena is gone */
    char system[256];
    unsigned asked; /* how often the model was asked */
};
extern struct bot_under_test bot;

int bot_setup(void **state); /* folder, rig, default options */
int bot_teardown(void **state);
void bot_rules(const char *text); /* writes rules/a.lua and opens the stage */

/* Each runs one turn to its end. The reply; "!code" for an error. Borrowed until the next turn. */
const char *bot_say(const char *message);
const char *bot_say_in(const char *session, const char *message);
void bot_start(const char *session, const char *message); /* without waiting */
void bot_expect(const char *message, const char *reply, const char *by);
struct vm *bot_vm(void);

/* A web server on the bot's loop that gives this response, as it stands, to each request; the port is returned. */
int web_open(const char *response);
int web_open_making(const char *(*make)(void)); /* asks for the response to each request, which it has counted */
const char *web_request(void); /* the last one */
unsigned web_requests(void);
void web_hang_up(const char *response); /* on all who wait; those to come get this response */
void web_close(void);

#endif
