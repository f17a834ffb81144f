/* Limits: reading them, and the metrics they have. */
#include "core/money/limit.h"

#include "core/text/units.h"

static const char *const scope_names[] = {"user", "bot"};
static const char *const unit_names[] = {"money", "tokens"};

#define NUMBER_SIZE 40

static bool find_period(const char *name, enum period *out_period) {
    for (int i = 0; period_names[i]; i++) {
        if (strcmp(period_names[i], name) != 0) continue;
        *out_period = (enum period)i;
        return true;
    }
    return false;
}

int limit_parse(const char *text, struct budget_limit *limit) {
    const char *slash = strchr(text, '/');
    char number[NUMBER_SIZE] = {0};
    size_t len = slash ? (size_t)(slash - text) : 0;
    if (len == 0 || len >= sizeof(number) || !find_period(slash + 1, &limit->period)) return -RP_EINVALID;
    memcpy(number, text, len);
    limit->text = text;
    return limit->unit == BUDGET_MONEY ? units_money(number, &limit->amount) : units_count(number, &limit->amount);
}

static void open_limit(const struct budgets *budgets, struct budget_limit *limit) {
    const char *period = period_names[limit->period], *unit = unit_names[limit->unit];
    limit->refused =
        rp_metric(RP_COUNTER, "repartee_budget_refused_total", "Calls of models that a budget has refused", "bot",
                  budgets->bot, "of", scope_names[limit->scope], "period", period, "unit", unit, NULL);
    if (limit->scope == BUDGET_USER) return;
    limit->spent = rp_metric(RP_GAUGE, "repartee_budget_spent",
                             "What a bot has spent in this period, with what is reserved, as of a recent call: tokens, "
                             "or billionths of the currency",
                             "bot", budgets->bot, "period", period, "unit", unit, NULL);
    rp_metric_set(rp_metric(RP_GAUGE, "repartee_budget_limit",
                            "What a bot may spend in a period: tokens, or billionths of the currency", "bot",
                            budgets->bot, "period", period, "unit", unit, NULL),
                  limit->amount);
}

void budgets_open(struct budgets *budgets) {
    budgets->failures =
        rp_metric(RP_COUNTER, "repartee_budget_errors_total",
                  "Reservations and settlements that the store of the budgets has failed", "bot", budgets->bot, NULL);
    for (size_t i = 0; i < budgets->count; i++) open_limit(budgets, &budgets->limits[i]);
}

bool budgets_have(const struct budgets *budgets, enum budget_unit unit) {
    for (size_t i = 0; budgets && i < budgets->count; i++)
        if (budgets->limits[i].unit == unit) return true;
    return false;
}
