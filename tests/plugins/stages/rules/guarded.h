/* For tests of guards on replies: a bot whose model says what the test tells it to, in the pieces that it tells. */
#ifndef TESTS_RULES_GUARDED_H
#define TESTS_RULES_GUARDED_H

#include "bot.h"

#define GUARDED_REPLIES 8

/* What the model answers, one reply for each time that it is asked, the last one again and again. Pieces are cut by '|';
 * a piece "@tool:{…}" is a tool call with these arguments, "@own:{…}" one of the bot's own tools, "@usage" ten tokens in and one out, "@error" breaks the reply.
 * The last piece carries the end. */
struct guarded_model {
    const char *replies[GUARDED_REPLIES];
    unsigned asked;
    char note[256]; /* of the prompt, at the last time */
    unsigned closed;
};
extern struct guarded_model guarded;

int guarded_setup(void **state);
int guarded_teardown(void **state);
void guarded_rules(const char *text); /* opens the stage and the model behind it */
/* Runs one turn, explained, to its end; the result is in bot.client. */
void guarded_say(const char *message, const char *reply); /* NULL: replies are set already */
void guarded_expect(const char *reply, const char *text, const char *by, enum rp_finish finish);
void guarded_expect_error(const char *reply, const char *text, const char *code);

/* Of the last turn: JSON text of its record and events, as they were when its last text came; tool calls, "name(arguments)"
 * each, as they left. */
extern char *guarded_record, *guarded_events;
extern char guarded_tools[1024];

#endif
