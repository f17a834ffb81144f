/* Reads answers: a line of a stream, or a whole reply, which is one line that has it all. */
#include "ollama.h"

#define REASON_MAX 64

/* ---- tool calls -------------------------------------------------------------------------------------------------- */

/* Arguments are an object here; it is handed on as the text that it is. */
static bool take_function(struct rp_answer_tool *tool, struct rp_scan *scan) {
    if (rp_scan_peek(scan) != '{') return rp_scan_skip(scan);
    struct rp_str key, arguments = {0};
    bool first = rp_scan_open(scan, '{');
    while (rp_scan_key(scan, &first, &key)) {
        bool good = rp_str_is(key, "name")        ? rp_scan_text(scan, &tool->name)
                    : rp_str_is(key, "arguments") ? rp_scan_raw(scan, &arguments)
                                                  : rp_scan_skip(scan);
        if (!good) return false;
    }
    bool object = arguments.len > 0 && arguments.data[0] == '{';
    return !scan->broken && (!object || rp_buf_append_str(&tool->arguments, arguments) == 0);
}

/* Each call comes whole. Older servers give it no id, without which its result could not be told from others. */
static bool take_call(struct rp_answer *answer, struct rp_scan *scan) {
    struct rp_answer_tool *tool = rp_answer_tool(answer, (int64_t)answer->tool_count);
    if (!tool) return false;
    struct rp_str key;
    bool first = rp_scan_open(scan, '{');
    while (rp_scan_key(scan, &first, &key)) {
        bool good = rp_str_is(key, "function") ? take_function(tool, scan)
                    : rp_str_is(key, "id")     ? rp_scan_text(scan, &tool->id)
                                               : rp_scan_skip(scan);
        if (!good) return false;
    }
    if (tool->id.len == 0) rp_buf_printf(&tool->id, "call_%zu", answer->tool_count);
    return !scan->broken;
}

static bool take_calls(struct rp_answer *answer, struct rp_scan *scan) {
    if (rp_scan_peek(scan) != '[') return rp_scan_skip(scan);
    bool first = rp_scan_open(scan, '[');
    while (rp_scan_item(scan, &first)) {
        if (!take_call(answer, scan)) return false;
    }
    return !scan->broken;
}

/* ---- the line ---------------------------------------------------------------------------------------------------- */

/* A model that thinks is awake, though what it thinks is not part of the reply. */
static bool take_thought(struct rp_answer *answer, struct rp_scan *scan) {
    if (rp_scan_peek(scan) == '"') answer->awake = true;
    return rp_scan_skip(scan);
}

static bool take_message(struct rp_answer *answer, struct rp_scan *scan) {
    if (rp_scan_peek(scan) != '{') return rp_scan_skip(scan);
    struct rp_str key;
    bool first = rp_scan_open(scan, '{');
    while (rp_scan_key(scan, &first, &key)) {
        bool good = rp_str_is(key, "content")      ? rp_answer_scan_text(answer, scan)
                    : rp_str_is(key, "tool_calls") ? take_calls(answer, scan)
                    : rp_str_is(key, "thinking")   ? take_thought(answer, scan)
                                                   : rp_scan_skip(scan);
        if (!good) return false;
    }
    return !scan->broken;
}

static bool take_reason(struct rp_answer *answer, struct rp_scan *scan) {
    struct rp_buf reason;
    rp_buf_init(&reason, REASON_MAX);
    bool good = rp_scan_short(scan, &reason);
    if (rp_str_is(rp_buf_str(&reason), "length")) answer->finish = RP_FINISH_LENGTH;
    rp_buf_finish(&reason);
    return good;
}

static bool take_count(struct rp_answer *answer, struct rp_scan *scan, int64_t *out) {
    answer->has_usage = true;
    return rp_scan_count(scan, out);
}

static bool take_done(struct rp_answer *answer, struct rp_scan *scan) {
    if (rp_scan_peek(scan) == 't') answer->done = answer->whole = answer->finished = answer->has_reply = true;
    return rp_scan_skip(scan);
}

int answer_read(const void *options, struct rp_answer *answer, struct rp_str json) {
    struct rp_scan scan;
    struct rp_str key;
    (void)options;
    rp_scan_init(&scan, json);
    bool first = rp_scan_open(&scan, '{');
    while (rp_scan_key(&scan, &first, &key)) {
        bool good = rp_str_is(key, "message")             ? take_message(answer, &scan)
                    : rp_str_is(key, "done")              ? take_done(answer, &scan)
                    : rp_str_is(key, "done_reason")       ? take_reason(answer, &scan)
                    : rp_str_is(key, "prompt_eval_count") ? take_count(answer, &scan, &answer->usage.input_tokens)
                    : rp_str_is(key, "eval_count")        ? take_count(answer, &scan, &answer->usage.output_tokens)
                    : rp_str_is(key, "error")             ? rp_answer_scan_error(answer, &scan)
                                                          : rp_scan_skip(&scan);
        if (!good) break;
    }
    if (!rp_scan_done(&scan)) return -RP_EJSON;
    if (answer->done && answer->tool_count > 0) answer->finish = RP_FINISH_TOOLS;
    return 0;
}
