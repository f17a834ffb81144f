/* The source of a call that has to be paid for: first the reservation, then the model's own source. */
#include "core/model/budget.h"

#include "core/model/terms.h"
#include "core/model/tokens.h"

struct paid {
    struct rp_source source; /* first */
    struct rp_sink sink;     /* where the model writes */
    struct rp_model *model;
    const struct rp_call *call;
    struct rp_source *inner;  /* NULL: not asked yet */
    struct budget_hold *hold; /* while it is being taken */
    struct rp_usage estimate;
    int64_t cost;
    bool begun;
};

/* ---- telling ----------------------------------------------------------------------------------------------------- */

static const char *whose(const struct budget_limit *limit) {
    return limit->scope == BUDGET_USER ? "user" : "bot";
}

static void note(const struct paid *paid, const struct budget_verdict *verdict) {
    const struct rp_turn *turn = paid->source.turn;
    const struct rp_element *by = paid->call->by ? paid->call->by : &paid->model->element;
    char space[MONEY_TEXT_SIZE];
    if (!rp_turn_explained(turn)) return;
    json_t *detail = json_pack("{s:s, s:s, s:I, s:s}", "model", paid->model->element.name, "outcome",
                               !verdict->code               ? "reserved"
                               : verdict->code == RP_ESPENT ? "refused"
                                                            : "not known",
                               "tokens", (json_int_t)(paid->estimate.input_tokens + paid->estimate.output_tokens),
                               "cost", money_text(paid->cost, space));
    if (verdict->limit) {
        bool money = verdict->limit->unit == BUDGET_MONEY;
        json_object_set_new(
            detail, "limit",
            json_sprintf("%s %s%s", whose(verdict->limit), verdict->limit->text, money ? "" : " tokens"));
        json_object_set_new(detail, "spent",
                            money ? json_string(money_text(verdict->sum, space))
                                  : json_integer((json_int_t)verdict->sum));
    }
    rp_turn_note((struct rp_turn *)(uintptr_t)turn, by, "budget", detail);
}

static struct rp_fault fault_of(const struct paid *paid, const struct budget_verdict *verdict) {
    struct rp_fault fault = {.code = verdict->code, .retry_after = verdict->retry_after};
    if (verdict->code == RP_ESPENT && verdict->retry_after)
        fault.message = rp_arena_printf(paid->source.turn->arena, "the %s's budget for this %s is used up",
                                        whose(verdict->limit), period_names[verdict->limit->period]);
    else if (verdict->code == RP_ESPENT)
        fault.message = rp_arena_printf(paid->source.turn->arena, "this needs more than the %s's whole budget",
                                        whose(verdict->limit));
    else
        fault.message = "the budget cannot be looked up at the moment";
    return fault;
}

/* ---- the model --------------------------------------------------------------------------------------------------- */

static void on_write(struct rp_sink *sink, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct paid *paid = (struct paid *)(void *)((char *)sink - offsetof(struct paid, sink));
    rp_source_write(&paid->source, chunk, flow);
}

static void ask(struct paid *paid, struct budget_hold *hold) {
    paid->inner = model_ask_now(paid->model, paid->source.turn, paid->call, hold);
    rp_source_open(paid->inner, &paid->sink);
    rp_source_more(paid->inner);
}

static void on_verdict(void *arg, const struct budget_verdict *verdict) {
    struct paid *paid = arg;
    struct budget_hold *hold = paid->hold;
    paid->hold = NULL;
    note(paid, verdict);
    if (verdict->code == 0) {
        ask(paid, hold);
        return;
    }
    struct rp_chunk chunk = {.type = RP_CHUNK_ERROR, .fault = fault_of(paid, verdict)};
    rp_source_write(&paid->source, &chunk, RP_ERROR);
}

/* ---- the reservation --------------------------------------------------------------------------------------------- */

/* What a reply may have at the most. Where neither the prompt nor the model says so, the model is told what the budgets
 * reserve: a reply that nothing bounds could overdraw them. */
static int64_t bound_reply(struct paid *paid, const struct budgets *budgets) {
    const struct model_terms *terms = paid->model->terms;
    const struct rp_prompt *prompt = paid->call->prompt;
    struct rp_arena *arena = paid->source.turn->arena;
    if (prompt->max_tokens > 0) return prompt->max_tokens;
    if (terms && terms->max_tokens > 0) return terms->max_tokens;
    struct rp_prompt *bounded = rp_arena_alloc(arena, sizeof(*bounded));
    struct rp_call *call = rp_arena_alloc(arena, sizeof(*call));
    *bounded = *prompt;
    bounded->max_tokens = budgets->reply_tokens;
    *call = *paid->call;
    call->prompt = bounded;
    paid->call = call;
    return budgets->reply_tokens;
}

static void begin(struct paid *paid) {
    const struct budgets *budgets = model_meter_budgets(paid->model->meter);
    const struct model_terms *terms = paid->model->terms;
    paid->begun = true;
    paid->estimate = (struct rp_usage){.input_tokens = tokens_of_call(paid->model, paid->call),
                                       .output_tokens = bound_reply(paid, budgets)};
    paid->cost = terms ? price_cost(&terms->price, &paid->estimate) : 0;
    paid->hold = budget_hold_create(budgets, paid->source.turn, paid->cost,
                                    paid->estimate.input_tokens + paid->estimate.output_tokens);
    if (paid->hold)
        budget_hold_take(paid->hold, on_verdict, paid);
    else
        ask(paid, NULL);
}

static void more(struct rp_source *source) {
    struct paid *paid = (struct paid *)source;
    if (paid->begun)
        rp_source_more(paid->inner);
    else
        begin(paid);
}

static void close(struct rp_source *source) {
    struct paid *paid = (struct paid *)source;
    if (paid->hold) budget_hold_leave(paid->hold);
    paid->hold = NULL;
    rp_source_close(paid->inner);
}

static const struct rp_source_ops ops = {.more = more, .close = close};

struct rp_source *budget_source(struct rp_model *model, struct rp_turn *turn, const struct rp_call *call) {
    static const struct rp_sink_ops sink_ops = {.write = on_write};
    struct paid *paid = rp_arena_zalloc(turn->arena, sizeof(*paid));
    rp_source_init(&paid->source, &ops, turn);
    paid->sink.ops = &sink_ops;
    paid->model = model;
    paid->call = call;
    return &paid->source;
}

bool budget_is_source(const struct rp_source *source) {
    return source->ops == &ops;
}
