/* The limits of a bot's budgets, as `budgets { user = "0.50/day", bot_tokens = "2M/month" }` says them. */
#ifndef CORE_MONEY_LIMIT_H
#define CORE_MONEY_LIMIT_H

#include <repartee/metrics.h>
#include <repartee/plugin.h>
#include <stdatomic.h>

#include "core/money/period.h"

enum budget_scope { BUDGET_USER, BUDGET_BOT }; /* each user, or all of them together */
enum budget_unit { BUDGET_MONEY, BUDGET_TOKENS };

struct budget_limit {
    enum budget_scope scope;
    enum budget_unit unit;
    enum period period;
    int64_t amount;                    /* billionths of the currency (price.h), or tokens */
    const char *text;                  /* as the bot file has it */
    struct rp_metric *spent, *refused; /* spent: of the bot alone, else NULL */
    _Atomic int64_t told_ms;           /* the end of the period in which the log was told that it is spent */
};

struct budgets {                 /* of one bot, one generation */
    const char *bot;             /* its name */
    struct rp_store *store;      /* has `add` */
    struct budget_limit *limits; /* the users' in front */
    size_t count, user_count;
    int64_t reply_tokens; /* that a reply may have which nothing else bounds */
    bool open;            /* a store that fails lets calls through */
    struct rp_metric *failures;
};

/* "0.50/day", "100k/month". 0 with amount and period set, or -RP_EINVALID; `text` must outlive the limit. */
int limit_parse(const char *text, struct budget_limit *limit);

void budgets_open(struct budgets *budgets);                              /* its metrics */
bool budgets_have(const struct budgets *budgets, enum budget_unit unit); /* a limit in this unit; takes NULL */

#endif
