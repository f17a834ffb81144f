/* Reads answers: a whole completion, a chunk of a stream, an error. One way for all three, since they differ only in
 * "message" or "delta": it walks to choices[0], usage and error, and takes what it knows. */
#include "openai.h"

#define REASON_MAX 64

static bool take_details(struct rp_answer *answer, struct rp_scan *scan) {
    if (rp_scan_peek(scan) != '{') return rp_scan_skip(scan);
    struct rp_str key;
    bool first = rp_scan_open(scan, '{');
    while (rp_scan_key(scan, &first, &key)) {
        bool cached = rp_str_is(key, "cached_tokens");
        if (!(cached ? rp_scan_count(scan, &answer->usage.cached_tokens) : rp_scan_skip(scan))) return false;
    }
    return !scan->broken;
}

static bool take_usage(struct rp_answer *answer, struct rp_scan *scan) {
    if (rp_scan_peek(scan) != '{') return rp_scan_skip(scan);
    struct rp_str key;
    bool first = rp_scan_open(scan, '{');
    while (rp_scan_key(scan, &first, &key)) {
        int64_t *field = rp_str_is(key, "prompt_tokens")             ? &answer->usage.input_tokens
                         : rp_str_is(key, "completion_tokens")       ? &answer->usage.output_tokens
                         : rp_str_is(key, "prompt_cache_hit_tokens") ? &answer->usage.cached_tokens /* DeepSeek's */
                                                                     : NULL;
        if (rp_str_is(key, "prompt_tokens_details")) {
            if (!take_details(answer, scan)) return false;
        } else if (!(field ? rp_scan_count(scan, field) : rp_scan_skip(scan))) return false;
    }
    answer->has_usage = true;
    return !scan->broken;
}

static enum rp_finish finish_named(struct rp_str name) {
    if (rp_str_is(name, "length")) return RP_FINISH_LENGTH;
    if (rp_str_is(name, "tool_calls") || rp_str_is(name, "function_call")) return RP_FINISH_TOOLS;
    return rp_str_is(name, "content_filter") ? RP_FINISH_FILTER : RP_FINISH_STOP;
}

static bool take_finish(struct rp_answer *answer, struct rp_scan *scan) {
    struct rp_buf reason;
    rp_buf_init(&reason, REASON_MAX);
    bool good = rp_scan_short(scan, &reason);
    if (reason.len > 0 && !answer->finished) { /* some servers send "" until the end, others say it twice */
        answer->finished = true;
        answer->finish = finish_named(rp_buf_str(&reason));
    }
    rp_buf_finish(&reason);
    return good;
}

/* A model that thinks aloud is awake, though what it thinks is not part of the reply. */
static bool take_thought(struct rp_answer *answer, struct rp_scan *scan) {
    if (rp_scan_peek(scan) == '"') answer->awake = true;
    return rp_scan_skip(scan);
}

/* The "delta" or the "message" of a choice. A refusal is what the model says, so it is text. */
static bool take_message(struct rp_answer *answer, struct rp_scan *scan) {
    if (rp_scan_peek(scan) != '{') return rp_scan_skip(scan);
    struct rp_str key;
    bool first = rp_scan_open(scan, '{');
    while (rp_scan_key(scan, &first, &key)) {
        bool text = rp_str_is(key, "content") || rp_str_is(key, "refusal");
        bool thought = rp_str_is(key, "reasoning_content") || rp_str_is(key, "reasoning");
        bool good = text                           ? rp_answer_scan_text(answer, scan)
                    : rp_str_is(key, "tool_calls") ? tools_read(answer, scan)
                    : thought                      ? take_thought(answer, scan)
                                                   : rp_scan_skip(scan);
        if (!good) return false;
    }
    return !scan->broken;
}

static bool take_choice(struct rp_answer *answer, struct rp_scan *scan) {
    struct rp_str key;
    bool first = rp_scan_open(scan, '{');
    while (rp_scan_key(scan, &first, &key)) {
        bool message = rp_str_is(key, "delta") || rp_str_is(key, "message");
        bool good = message                           ? take_message(answer, scan)
                    : rp_str_is(key, "finish_reason") ? take_finish(answer, scan)
                                                      : rp_scan_skip(scan);
        if (!good) return false;
    }
    answer->has_reply = true;
    return !scan->broken;
}

/* Only one choice is ever asked for; more are passed over. */
static bool take_choices(struct rp_answer *answer, struct rp_scan *scan) {
    if (rp_scan_peek(scan) != '[') return rp_scan_skip(scan);
    bool first = rp_scan_open(scan, '['), taken = false;
    while (rp_scan_item(scan, &first)) {
        if (!(taken ? rp_scan_skip(scan) : take_choice(answer, scan))) return false;
        taken = true;
    }
    return !scan->broken;
}

static int read_json(struct rp_answer *answer, struct rp_str json) {
    struct rp_scan scan;
    struct rp_str key;
    rp_scan_init(&scan, json);
    bool first = rp_scan_open(&scan, '{');
    while (rp_scan_key(&scan, &first, &key)) {
        bool good = rp_str_is(key, "choices") ? take_choices(answer, &scan)
                    : rp_str_is(key, "usage") ? take_usage(answer, &scan)
                    : rp_str_is(key, "error") ? rp_answer_scan_error(answer, &scan)
                                              : rp_scan_skip(&scan);
        if (!good) break;
    }
    return rp_scan_done(&scan) ? 0 : -RP_EJSON;
}

int answer_read(const void *data, struct rp_answer *answer, struct rp_str json) {
    const struct openai_options *options = data;
    if (rp_str_is(json, "[DONE]")) {
        answer->done = true;
        answer->whole = answer->finished;
        return 0;
    }
    int rc = read_json(answer, json);
    if (rc == 0 && !options->needs_done) answer->whole = answer->finished;
    return rc;
}
