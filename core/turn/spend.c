/* Adds up what a turn's calls have cost. */
#include "core/turn/spend.h"

#include "core/base/digits.h"
#include "core/money/price.h"

#define CALLS_SIZE 8192

static struct turn *payer_of(struct turn *turn) {
    while (turn && turn->branch) turn = (struct turn *)rp_turn_find(turn->pub.worker, turn->origin);
    return turn;
}

static int64_t add_costs(int64_t a, int64_t b) {
    return a < 0 ? b : b < 0 ? a : money_add(a, b);
}

void spend_add(struct turn *turn, const struct spend_call *call) {
    turn = payer_of(turn);
    if (!turn) return;
    if (!turn->spend) {
        turn->spend = rp_arena_zalloc(turn->pub.arena, sizeof(*turn->spend));
        turn->spend->cost = -1;
    }
    struct spend *spend = turn->spend;
    spend->usage.input_tokens += call->usage.input_tokens;
    spend->usage.output_tokens += call->usage.output_tokens;
    spend->cost = add_costs(spend->cost, call->cost);
    spend->estimated |= call->estimated;
    if (spend->count < SPEND_CALLS) {
        spend->calls[spend->count] = *call;
        spend->calls[spend->count].model = rp_arena_str(turn->pub.arena, rp_str(call->model)).data;
    }
    spend->count++;
}

/* ---- the log ----------------------------------------------------------------------------------------------------- */

/* What finds no room lets nothing behind it in either: half of it would be no JSON. */
static void put(struct rp_buf *out, const char *text) {
    if (rp_buf_append_str(out, rp_str(text)) != 0) out->max = out->len;
}

static void put_tokens(struct rp_buf *out, const char *key, int64_t tokens) {
    char text[DIGITS_MAX] = {0};
    put(out, key);
    put(out, digits_before(text + sizeof(text) - 1, (uint64_t)tokens, 1));
}

static void put_call(struct rp_buf *out, const struct spend_call *call) {
    char cost[MONEY_TEXT_SIZE];
    put(out, out->len > 1 ? ", {\"model\": " : "{\"model\": ");
    if (rp_buf_json(out, call->model, strlen(call->model)) != 0) out->max = out->len;
    put(out, ", \"outcome\": \"");
    put(out, call->outcome);
    put_tokens(out, "\", \"input_tokens\": ", call->usage.input_tokens);
    put_tokens(out, ", \"output_tokens\": ", call->usage.output_tokens);
    if (call->usage.cached_tokens) put_tokens(out, ", \"cached_tokens\": ", call->usage.cached_tokens);
    if (call->cost >= 0) put(out, ", \"cost\": ");
    if (call->cost >= 0) put(out, money_text(call->cost, cost));
    put(out, call->estimated ? ", \"estimated\": true}" : "}");
}

static void log_calls(const struct spend *spend, struct rp_log_line *line) {
    char space[512]; /* enough for one whose name is not very long */
    struct rp_buf out = {.data = space, .cap = sizeof(space), .max = sizeof(space) - 1};
    bool heap = spend->count > 1 || strlen(spend->calls[0].model) > 50;
    if (heap) rp_buf_init(&out, CALLS_SIZE);
    put(&out, "[");
    for (size_t i = 0; i < spend->count && i < SPEND_CALLS; i++) put_call(&out, &spend->calls[i]);
    if (rp_buf_append(&out, "]", 1) == 0) rp_log_json(line, "calls", rp_buf_str(&out));
    if (heap) rp_buf_finish(&out);
}

void spend_log(const struct turn *turn, struct rp_log_line *line) {
    const struct spend *spend = turn->spend;
    const struct rp_usage *usage = spend ? &spend->usage : &turn->usage;
    char cost[MONEY_TEXT_SIZE];
    if (usage->input_tokens || usage->output_tokens) {
        rp_log_int(line, "input_tokens", usage->input_tokens);
        rp_log_int(line, "output_tokens", usage->output_tokens);
    }
    if (!spend) return;
    if (spend->cost >= 0) rp_log_json(line, "cost", rp_str(money_text(spend->cost, cost)));
    if (spend->cost >= 0 && turn->runtime->currency && *turn->runtime->currency)
        rp_log_str(line, "currency", rp_str(turn->runtime->currency));
    log_calls(spend, line);
}
