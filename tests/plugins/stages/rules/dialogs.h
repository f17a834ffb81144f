/* Talks with dialogs under test: turn by turn, on a new state of the rules each time where wanted. */
#ifndef TESTS_RULES_DIALOGS_H
#define TESTS_RULES_DIALOGS_H

#include "bot.h"

/* The worker's Lua state is thrown away and made anew from the same rules, as in another process. */
void dialogs_forget(void);
void dialogs_change(const char *rules); /* the same, from other rules: a reload */
/* `transcript`: lines "> message" and "< reply" (a reply may have several lines, each with its own "<"), "+ 10m" advances
 * the clock, "=" names who made the reply. Fails with what differs. */
void dialogs_talk(const char *transcript);
/* The same, with the state thrown away before every message. */
void dialogs_talk_forgetting(const char *transcript);
void dialogs_advance(int64_t ms); /* the clock, and runs what is due then */
int dialogs_setup(void **state);    /* bot_setup, with a frozen clock */
int dialogs_teardown(void **state);
void dialogs_keep(const char *session, const char *json); /* puts it there */
const json_t *dialogs_kept(const char *session); /* "@dialog" as the store has it; until the next call */

#endif
