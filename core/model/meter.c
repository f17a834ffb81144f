/* Counts, times and explains the calls of models. The series are those of <repartee/metrics.h>: found once a model, and
 * those of outcomes at their first use. */
#include "core/model/meter.h"

#include <repartee/metrics.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/config/bot.h"
#include "core/model/terms.h"
#include "core/model/tokens.h"
#include "core/money/users.h"
#include "core/turn/spend.h"

#define CODES_MAX 64

struct model_meter {
    char *name, *bot;
    const struct budgets *budgets; /* NULL: none that a call of it has to do with */
    int64_t users;                 /* that have metrics of their own; 0: none */
    struct rp_metric *seconds, *input, *output, *guessed_input, *guessed_output;
    struct rp_metric *cost;                     /* NULL: it has no price */
    struct rp_metric *_Atomic calls[CODES_MAX]; /* by error number; 0: ok */
};

static struct rp_metric *calls_metric(const char *model, int code) {
    return rp_metric(RP_COUNTER, "repartee_model_calls_total", "Calls of models by their outcome", "model", model,
                     "outcome", code ? rp_error_code(code) : "ok", NULL);
}

static struct rp_metric *tokens_metric(const struct model_meter *meter, const char *direction) {
    return rp_metric(RP_COUNTER, "repartee_model_tokens_total", "Tokens that models have read and written", "bot",
                     meter->bot, "model", meter->name, "direction", direction, NULL);
}

static struct rp_metric *guessed_metric(const struct model_meter *meter, const char *direction) {
    return rp_metric(RP_COUNTER, "repartee_model_tokens_estimated_total",
                     "Those of the tokens that are estimated, as the call ended without saying what it had used", "bot",
                     meter->bot, "model", meter->name, "direction", direction, NULL);
}

static bool is_limited(const struct rp_model *model, const struct budgets *budgets) {
    const struct model_terms *terms = model->terms;
    bool free_of_charge = !terms || (terms->price.input == 0 && terms->price.output == 0);
    return budgets_have(budgets, BUDGET_TOKENS) || (!free_of_charge && budgets_have(budgets, BUDGET_MONEY));
}

struct model_meter *model_meter_create(const struct rp_model *model) {
    if (((const struct rp_model_type *)(const void *)model->element.type)->forwards) return NULL;
    const struct bot *bot = model->element.bot;
    struct model_meter *meter = rp_calloc(1, sizeof(*meter));
    meter->name = rp_strdup(model->element.name);
    meter->bot = rp_strdup(bot && bot->name ? bot->name : "bot");
    meter->users = bot ? bot->limits.metric_users : 0;
    if (bot && is_limited(model, bot->budgets)) meter->budgets = bot->budgets;
    meter->seconds = rp_metric(RP_HISTOGRAM, "repartee_model_seconds",
                               "Time from a call of a model to the end of its reply", "model", meter->name, NULL);
    meter->input = tokens_metric(meter, "input");
    meter->output = tokens_metric(meter, "output");
    meter->guessed_input = guessed_metric(meter, "input");
    meter->guessed_output = guessed_metric(meter, "output");
    if (model->terms && model->terms->priced)
        meter->cost = rp_metric(RP_COUNTER, "repartee_model_cost_total",
                                "What calls of models have cost, in billionths of the currency of prices { }", "bot",
                                meter->bot, "model", meter->name, NULL);
    meter->calls[0] = calls_metric(meter->name, 0);
    return meter;
}

void model_meter_destroy(struct model_meter *meter) {
    if (!meter) return;
    free(meter->name);
    free(meter->bot);
    free(meter);
}

const struct budgets *model_meter_budgets(const struct model_meter *meter) {
    return meter ? meter->budgets : NULL;
}

static void count_call(struct model_meter *meter, int code) {
    int at = code > 0 && code < CODES_MAX ? code : code ? RP_EINTERNAL : 0;
    struct rp_metric *metric = atomic_load_explicit(&meter->calls[at], memory_order_acquire);
    if (!metric) { /* whoever is first: all find the same one */
        metric = calls_metric(meter->name, at);
        atomic_store_explicit(&meter->calls[at], metric, memory_order_release);
    }
    rp_metric_add(metric, 1);
}

/* ---- a call ------------------------------------------------------------------------------------------------------ */

void model_watch_begin(struct rp_source *source, struct rp_model *model, const struct rp_call *call,
                       struct budget_hold *hold) {
    struct model_watch *watch = rp_arena_zalloc(source->turn->arena, sizeof(*watch));
    *watch = (struct model_watch){.model = model,
                                  .call = call,
                                  .by = call->by ? call->by : &model->element,
                                  .hold = hold,
                                  .started_ns = rp_now_ns()};
    source->watch = watch;
}

/* What a model has to say of its use comes at the end, and not to those who have left by then. */
static bool has_worked(const struct model_watch *watch, int code) {
    if (watch->bulk && code != 0) return false;
    switch (code) {
    case 0:
    case RP_ECANCELLED:
    case RP_EDEADLINE:
    case RP_EUPTIMEOUT:
    case RP_ETRUNCATED:
        return true;
    default:
        return watch->first_ns != 0;
    }
}

/* Rounded up. */
static int64_t part_of(int64_t cost, int64_t thousandths) {
    return cost / 1000 * thousandths + (cost % 1000 * thousandths + 999) / 1000;
}

static struct spend_call spent(const struct model_watch *watch, int code) {
    const struct model_terms *terms = watch->model->terms;
    struct spend_call call = {.model = watch->model->element.name,
                              .outcome = code ? rp_error_code(code) : "ok",
                              .usage = watch->usage,
                              .cost = -1};
    if (watch->usage.input_tokens == 0 && watch->usage.output_tokens == 0 && has_worked(watch, code)) {
        call.estimated = true;
        call.usage.input_tokens = tokens_of_call(watch->model, watch->call);
        call.usage.output_tokens = tokens_from_parts(watch->parts);
    }
    if (terms && terms->priced) call.cost = price_cost(&terms->price, &call.usage);
    if (watch->bulk && call.cost > 0) call.cost = part_of(call.cost, terms->bulk);
    return call;
}

void model_watch_bulk(struct rp_source *source, bool bulk) {
    if (source->watch) source->watch->bulk = bulk;
}

static void note(const struct rp_source *source, const struct spend_call *call, int64_t now) {
    const struct model_watch *watch = source->watch;
    char space[MONEY_TEXT_SIZE];
    if (!rp_turn_explained(source->turn)) return;
    json_t *detail = json_pack("{s:s, s:s, s:I, s:I, s:f}", "model", call->model, "outcome", call->outcome,
                               "input_tokens", (json_int_t)call->usage.input_tokens, "output_tokens",
                               (json_int_t)call->usage.output_tokens, "us", (double)(now - watch->started_ns) / 1e3);
    if (watch->first_ns)
        json_object_set_new(detail, "us_to_first", json_real((double)(watch->first_ns - watch->started_ns) / 1e3));
    if (call->cost >= 0) json_object_set_new(detail, "cost", json_string(money_text(call->cost, space)));
    if (call->estimated) json_object_set_new(detail, "estimated", json_true());
    rp_turn_note(source->turn, watch->by, "model", detail);
}

static void count_spent(struct model_meter *meter, const struct rp_turn *turn, const struct spend_call *call) {
    const struct rp_usage *usage = &call->usage;
    if (usage->input_tokens) rp_metric_add(meter->input, usage->input_tokens);
    if (usage->output_tokens) rp_metric_add(meter->output, usage->output_tokens);
    if (call->estimated) {
        rp_metric_add(meter->guessed_input, usage->input_tokens);
        rp_metric_add(meter->guessed_output, usage->output_tokens);
    }
    if (meter->cost && call->cost > 0) rp_metric_add(meter->cost, call->cost);
    if (meter->users > 0) users_count(meter->bot, turn->user, meter->users, usage, call->cost > 0 ? call->cost : 0);
}

static void finish(struct rp_source *source, int code) {
    struct model_watch *watch = source->watch;
    struct model_meter *meter = watch->model->meter;
    int64_t now = rp_now_ns();
    struct spend_call call = spent(watch, code);
    watch->over = true;
    note(source, &call, now);
    if (!meter) return;
    count_call(meter, code);
    rp_metric_observe(meter->seconds, now - watch->started_ns);
    count_spent(meter, source->turn, &call);
    spend_add(turn_of(source->turn), &call);
    budget_hold_settle(watch->hold, call.cost > 0 ? call.cost : 0, call.usage.input_tokens + call.usage.output_tokens);
}

void model_watch_chunk(struct rp_source *source, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct model_watch *watch = source->watch;
    bool said = chunk->type == RP_CHUNK_TOOL || (chunk->type == RP_CHUNK_TEXT && chunk->text.len > 0);
    if (said && !watch->first_ns) watch->first_ns = rp_now_ns();
    if (chunk->type == RP_CHUNK_TEXT) watch->parts += tokens_parts(chunk->text);
    if (chunk->type == RP_CHUNK_TOOL)
        watch->parts += tokens_parts(chunk->tool.name) + tokens_parts(chunk->tool.arguments);
    if (chunk->type == RP_CHUNK_USAGE) {
        watch->usage.input_tokens += chunk->usage.input_tokens > 0 ? chunk->usage.input_tokens : 0;
        watch->usage.output_tokens += chunk->usage.output_tokens > 0 ? chunk->usage.output_tokens : 0;
        watch->usage.cached_tokens += chunk->usage.cached_tokens > 0 ? chunk->usage.cached_tokens : 0;
    }
    if (flow == RP_END) finish(source, 0);
    if (flow == RP_ERROR) finish(source, chunk->fault.code ? chunk->fault.code : RP_EINTERNAL);
}

void model_watch_close(struct rp_source *source) {
    if (!source->watch->over) finish(source, RP_ECANCELLED);
}
