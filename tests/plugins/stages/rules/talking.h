/* The bot of bot.h with two models: "main" answers what the rules leave, as the stage `ask` would let it; "small" answers
 * only who asks for it. */
#ifndef TESTS_RULES_TALKING_H
#define TESTS_RULES_TALKING_H

#include "bot.h"
#include "core/config/bot.h"
#include "support/model.h"

struct talking {
    struct test_model main, small;
    struct rp_model *models[2];
    struct bot bot;
};
extern struct talking talking;

int talking_setup(void **state); /* bot_setup, and the models */
int talking_teardown(void **state);
void talking_rules(const char *text); /* bot_rules, with the model "main" behind them */
/* The text of the i-th message in the last call of a model, of "u:hi|a:…" as test_model writes it, from there on. */
const char *talking_message(const struct test_model *model, unsigned call, unsigned i);

#endif
