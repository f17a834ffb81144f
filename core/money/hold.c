/* Reserving and settling. Users' limits are asked first, and those of the bot only when they allow the call: who has spent
 * all that he may must not take, not even for a moment, what is everybody's. */
#include "core/money/hold.h"

#include <repartee/log.h>
#include <stdio.h>
#include <stdlib.h>

#define GRACE_MS (48 * INT64_C(3600000)) /* a ledger outlives its period by the longest that a call may take */

struct part {
    struct rp_store_op op; /* first */
    struct budget_hold *hold;
    struct budget_limit *limit;
    struct period_at period;
    struct rp_str key;
    int64_t amount; /* reserved, or to be */
    int64_t sum;    /* in the ledger, as of the answer */
    int code;
    bool taken;
};

struct budget_hold {
    struct rp_worker *worker;
    const struct budgets *budgets;
    void (*done)(void *arg, const struct budget_verdict *verdict); /* NULL: nobody waits */
    void *arg;
    void (*next)(struct budget_hold *hold); /* when all that are open have answered */
    size_t open;
    size_t count, users; /* parts; the first `users` are limits of users */
    int64_t now_ms;
    struct part parts[];
};

static const struct rp_store_type *store_type(const struct budget_hold *hold) {
    return (const struct rp_store_type *)(const void *)hold->budgets->store->element.type;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

/* Whom a user's limit counts for. Without a name it is the address, so that nobody gets around it by being nobody; the
 * mark in front keeps names and addresses apart. */
static struct rp_str key_of(const struct budgets *budgets, const struct budget_limit *limit,
                            const struct period_at *period, const struct rp_turn *turn) {
    struct rp_buf key;
    const char *unit = limit->unit == BUDGET_MONEY ? "money" : "tokens";
    struct rp_str who = turn->user.len ? turn->user : turn->address;
    rp_buf_init(&key, 4096);
    rp_buf_printf(&key, "budget/%s/%s/%s/", budgets->bot, period->name, unit);
    if (limit->scope == BUDGET_BOT)
        rp_buf_printf(&key, "bot");
    else
        rp_buf_printf(&key, "%s/%.*s", turn->user.len ? "user" : "address", RP_STR_ARG(who));
    return rp_buf_str(&key);
}

static void add_part(struct budget_hold *hold, struct budget_limit *limit, const struct rp_turn *turn, int64_t amount) {
    struct part *part = &hold->parts[hold->count++];
    *part = (struct part){.hold = hold, .limit = limit, .amount = amount};
    part->period = period_at(limit->period, hold->now_ms);
    part->key = key_of(hold->budgets, limit, &part->period, turn);
    if (limit->scope == BUDGET_USER) hold->users = hold->count;
}

struct budget_hold *budget_hold_create(const struct budgets *budgets, const struct rp_turn *turn, int64_t money,
                                       int64_t tokens) {
    struct budget_hold *hold = rp_calloc(1, sizeof(*hold) + budgets->count * sizeof(hold->parts[0]));
    hold->worker = turn->worker;
    hold->budgets = budgets;
    hold->now_ms = rp_wall_ms();
    for (size_t i = 0; i < budgets->count; i++) {
        int64_t amount = budgets->limits[i].unit == BUDGET_MONEY ? money : tokens;
        if (amount > 0) add_part(hold, &budgets->limits[i], turn, amount);
    }
    if (hold->count == 0) {
        free(hold);
        return NULL;
    }
    rp_worker_hold(hold->worker);
    rp_element_hold(&budgets->store->element, hold->worker);
    return hold;
}

static void forget(struct budget_hold *hold) {
    struct rp_worker *worker = hold->worker;
    const struct rp_element *element = &hold->budgets->store->element;
    for (size_t i = 0; i < hold->count; i++) free((char *)(uintptr_t)hold->parts[i].key.data);
    free(hold);
    rp_element_release(element, worker);
    rp_worker_release(worker);
}

/* ---- the ledger -------------------------------------------------------------------------------------------------- */

static void close_one(struct budget_hold *hold) {
    if (--hold->open == 0) hold->next(hold);
}

static void on_added(struct rp_store_op *op, int code, struct rp_str value) {
    struct part *part = (struct part *)op;
    struct budget_hold *hold = part->hold;
    part->code = code ? code : rp_str_int64(value, &part->sum);
    if (part->code)
        rp_metric_add(hold->budgets->failures, 1);
    else if (part->limit->spent && part->period.ends_ms > rp_wall_ms())
        rp_metric_set(part->limit->spent, part->sum);
    close_one(hold);
}

static void add(struct part *part, int64_t delta) {
    struct budget_hold *hold = part->hold;
    int64_t now = rp_wall_ms(), rest = part->period.ends_ms > now ? part->period.ends_ms - now : 0;
    hold->open++;
    part->op.done = on_added;
    store_type(hold)->add(hold->budgets->store, hold->worker, part->key, delta, rest + GRACE_MS, &part->op);
}

/* ---- settling ---------------------------------------------------------------------------------------------------- */

void budget_hold_settle(struct budget_hold *hold, int64_t money, int64_t tokens) {
    if (!hold) return;
    hold->open = 1;
    hold->next = forget;
    for (size_t i = 0; i < hold->count; i++) {
        struct part *part = &hold->parts[i];
        int64_t cost = part->limit->unit == BUDGET_MONEY ? money : tokens;
        if (part->taken && cost != part->amount) add(part, cost - part->amount);
    }
    close_one(hold);
}

/* ---- reserving --------------------------------------------------------------------------------------------------- */

static void tell_once(const struct budget_hold *hold, const struct part *part) {
    struct budget_limit *limit = part->limit;
    if (limit->scope != BUDGET_BOT || atomic_exchange(&limit->told_ms, part->period.ends_ms) == part->period.ends_ms)
        return;
    rp_log(RP_LOG_WARN, "budget",
           "the bot '%s' has spent its budget %s = \"%s\": calls of models are refused until it ends",
           hold->budgets->bot, limit->unit == BUDGET_TOKENS ? "bot_tokens" : "bot", limit->text);
}

static int seconds_until(int64_t at_ms) {
    int64_t now = rp_wall_ms();
    return at_ms > now ? (int)((at_ms - now + 999) / 1000) : 1;
}

static void count_refusal(const struct budget_hold *hold, const struct part *part, int retry_after,
                          struct budget_verdict *verdict) {
    rp_metric_add(part->limit->refused, 1);
    if (retry_after) tell_once(hold, part);
    if (verdict->code == RP_ESPENT && verdict->retry_after > retry_after) return;
    *verdict = (struct budget_verdict){RP_ESPENT, part->limit, part->taken ? part->sum - part->amount : 0, retry_after};
}

/* Of the parts asked so far. */
static struct budget_verdict judge(struct budget_hold *hold, size_t count) {
    struct budget_verdict verdict = {0};
    for (size_t i = 0; i < count; i++) {
        struct part *part = &hold->parts[i];
        part->taken = part->code == 0;
        if (part->code) {
            if (!hold->budgets->open && !verdict.code) verdict.code = RP_EIO;
        } else if (part->sum > part->limit->amount) {
            count_refusal(hold, part, seconds_until(part->period.ends_ms), &verdict);
        }
    }
    return verdict;
}

/* The last thing: whoever waits may end everything. */
static void answer(struct budget_hold *hold, const struct budget_verdict *verdict) {
    void (*done)(void *arg, const struct budget_verdict *verdict) = hold->done;
    void *arg = hold->arg;
    bool refused = !done || verdict->code;
    hold->done = NULL;
    if (refused) budget_hold_settle(hold, 0, 0);
    if (done) done(arg, verdict);
}

static void on_bot(struct budget_hold *hold) {
    struct budget_verdict verdict = judge(hold, hold->count);
    answer(hold, &verdict);
}

static void ask(struct budget_hold *hold, size_t from, size_t to, void (*next)(struct budget_hold *hold)) {
    hold->open = 1;
    hold->next = next;
    for (size_t i = from; i < to; i++) add(&hold->parts[i], hold->parts[i].amount);
    close_one(hold);
}

static void on_users(struct budget_hold *hold) {
    struct budget_verdict verdict = judge(hold, hold->users);
    if (verdict.code || !hold->done || hold->users == hold->count)
        answer(hold, &verdict);
    else
        ask(hold, hold->users, hold->count, on_bot);
}

/* A call that is larger than the whole budget. */
static struct budget_verdict judge_size(struct budget_hold *hold) {
    struct budget_verdict verdict = {0};
    for (size_t i = 0; i < hold->count; i++)
        if (hold->parts[i].amount > hold->parts[i].limit->amount) count_refusal(hold, &hold->parts[i], 0, &verdict);
    return verdict;
}

void budget_hold_take(struct budget_hold *hold, void (*done)(void *arg, const struct budget_verdict *verdict),
                      void *arg) {
    struct budget_verdict verdict = judge_size(hold);
    hold->done = done;
    hold->arg = arg;
    if (verdict.code)
        answer(hold, &verdict);
    else
        ask(hold, 0, hold->users, on_users);
}

void budget_hold_leave(struct budget_hold *hold) {
    hold->done = NULL;
}
