/* What is said of a turn when it has ended: its line in the log, and the object that clients get. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/digits.h"
#include "core/turn/spend.h"

static int64_t microseconds(const struct turn *turn) {
    return (rp_now_ns() - turn->pub.started_ns) / 1000;
}

/* Masked also where a stage leaves messages alone. What is masked already stays as it is. */
struct rp_str turn_mask(struct turn *turn, struct rp_str text) {
    for (size_t i = 0; i < turn->pipeline->count; i++) {
        struct rp_stage *stage = turn->pipeline->stages[i];
        const struct rp_stage_type *type = (const struct rp_stage_type *)(const void *)stage->element.type;
        if (type->mask) text = type->mask(stage, &turn->pub, text);
    }
    return text;
}

static enum rp_log_level level_of(const struct turn *turn) {
    if (turn->fault.code == 0 || turn->fault.code == RP_ECANCELLED) return RP_LOG_INFO;
    int status = rp_error_http_status(turn->fault.code);
    return status < 500 || status == 503 ? RP_LOG_WARN : RP_LOG_ERROR; /* refusals are no defects */
}

static void log_fault(struct rp_log_line *line, const struct turn *turn) {
    const struct rp_fault *fault = &turn->fault;
    rp_log_str(line, "status", rp_str(fault->code == RP_ECANCELLED ? "cancelled" : "error"));
    rp_log_str(line, "code", rp_str(rp_error_code(fault->code)));
    rp_log_str(line, "error", rp_str(fault->message ? fault->message : rp_error_text(fault->code)));
    if (turn->index < turn->pipeline->count)
        rp_log_str(line, "where", rp_str(turn->pipeline->stages[turn->index]->element.type->name));
}

static void log_stages(const struct turn *turn) {
    struct rp_log_line line;
    rp_log_open(&line, RP_LOG_DEBUG, "turn");
    rp_log_str(&line, "request_id", rp_str(turn->pub.id));
    for (size_t i = 0; i < turn->pipeline->count && i <= turn->index; i++) {
        char key[80]; /* with its place: a pipeline may have two stages of a type */
        snprintf(key, sizeof(key), "stage %zu (%s)", i + 1, turn->pipeline->stages[i]->element.type->name);
        rp_log_ms(&line, key, (double)turn->stage_ns[i] / 1e6);
    }
    rp_log_close(&line);
}

void turn_log(struct turn *turn) {
    enum rp_log_level level = level_of(turn);
    if (!rp_log_enabled(level)) return;
    struct rp_log_line line;
    rp_log_open(&line, level, NULL);
    rp_log_str(&line, "request_id", rp_str(turn->pub.id));
    rp_log_str(&line, "user_id", turn->pub.user);
    rp_log_str(&line, "session", turn->pub.session);
    if (turn->runtime->log_prompts) rp_log_str(&line, "prompt", turn_mask(turn, turn->pub.message));
    rp_log_str(&line, "by", rp_str(turn->pub.by ? turn->pub.by : ""));
    rp_log_ms(&line, "response_time", (double)microseconds(turn) / 1e3);
    spend_log(turn, &line);
    if (turn->fault.code)
        log_fault(&line, turn);
    else
        rp_log_str(&line, "status", RP_STR("success"));
    rp_log_close(&line);
    if (turn->stage_ns) log_stages(turn);
}

static int put(struct rp_buf *out, const char *key, struct rp_str value) {
    int result = rp_buf_append_str(out, rp_str(key));
    return result ? result : rp_buf_json(out, value.data, value.len);
}

static int put_int(struct rp_buf *out, const char *key, int64_t value) {
    int result = rp_buf_append_str(out, rp_str(key));
    return result ? result : rp_buf_int(out, value);
}

static int put_ms(struct rp_buf *out, const char *key, int64_t us) {
    char text[DIGITS_MAX], *end = text + sizeof(text), *first = digits_before(end, (uint64_t)us % 1000, 3);
    *--first = '.';
    int result = put_int(out, key, us / 1000);
    return result ? result : rp_buf_append(out, first, (size_t)(end - first));
}

static int put_record(struct turn *turn, struct rp_buf *out) {
    char *text = json_dumps(rp_turn_record(&turn->pub), JSON_COMPACT);
    int result = rp_buf_printf(out, ",\"explain\":%s", text ? text : "null");
    free(text);
    return result;
}

int turn_json_members(const struct rp_turn *pub, enum rp_finish finish, struct rp_buf *out) {
    const struct turn *turn = (const struct turn *)pub;
    if (put(out, ",\"session\":", pub->session) != 0 || put(out, ",\"reply\":", rp_turn_reply_text(pub)) != 0 ||
        put(out, ",\"by\":", rp_str(pub->by ? pub->by : "")) != 0)
        return -RP_ETOOLARGE;
    if (put(out, ",\"finish\":", rp_str(rp_finish_name(finish))) != 0 ||
        put_int(out, ",\"usage\":{\"input_tokens\":", turn->usage.input_tokens) != 0 ||
        put_int(out, ",\"output_tokens\":", turn->usage.output_tokens) != 0 ||
        put_ms(out, "},\"ms\":", microseconds(turn)) != 0)
        return -RP_ETOOLARGE;
    return turn->explain ? put_record((struct turn *)(uintptr_t)turn, out) : 0;
}

int rp_turn_json(const struct rp_turn *turn, enum rp_finish finish, struct rp_buf *out) {
    int result = put(out, "{\"id\":", rp_str(turn->id));
    if (result == 0) result = turn_json_members(turn, finish, out);
    return result ? result : rp_buf_append(out, "}", 1);
}
