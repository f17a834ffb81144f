/* Periods that budgets are for, by UTC. */
#ifndef CORE_MONEY_PERIOD_H
#define CORE_MONEY_PERIOD_H

#include <repartee/base.h>

enum period { PERIOD_HOUR, PERIOD_DAY, PERIOD_MONTH, PERIOD_COUNT };

extern const char *const period_names[PERIOD_COUNT + 1]; /* NULL-terminated */

/* The period around `wall_ms`: its name, "2026-11-26T14", "2026-11-26" or "2026-11", and when it ends. */
#define PERIOD_TEXT_SIZE 24
struct period_at {
    char name[PERIOD_TEXT_SIZE];
    int64_t ends_ms;
};
struct period_at period_at(enum period period, int64_t wall_ms);

#endif
