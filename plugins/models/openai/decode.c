/* The decoder: walks to choices[0], usage and error, and takes what it knows. */
#include "decode.h"

#define ERROR_TEXT_MAX 2048
#define SHORT_MAX 64

static bool is(struct rp_str key, const char *name) {
    return rp_str_equal(key, rp_str(name));
}

void reply_init(struct reply *reply, size_t max_text) {
    *reply = (struct reply){0};
    rp_buf_init(&reply->text, max_text);
    rp_buf_init(&reply->error.message, ERROR_TEXT_MAX);
    rp_buf_init(&reply->error.type, ERROR_TEXT_MAX);
    rp_buf_init(&reply->error.code, ERROR_TEXT_MAX);
}

void reply_finish(struct reply *reply) {
    rp_buf_finish(&reply->text);
    rp_buf_finish(&reply->error.message);
    rp_buf_finish(&reply->error.type);
    rp_buf_finish(&reply->error.code);
    tools_finish(&reply->tools);
}

/* A text that may be too long to be of use: only then it is left out, and the rest still counts. */
static bool take_short(struct rp_scan *scan, struct rp_buf *out) {
    struct rp_scan before = *scan;
    rp_buf_clear(out);
    if (rp_scan_peek(scan) == '"' && rp_scan_string(scan, out)) return true;
    *scan = before;
    return rp_scan_skip(scan);
}

static bool take_error(struct upstream_error *error, struct rp_scan *scan) {
    char first_char = rp_scan_peek(scan);
    if (first_char == 'n') return rp_scan_skip(scan);
    error->present = true;
    if (first_char != '{') return take_short(scan, &error->message);
    struct rp_str key;
    bool first = rp_scan_open(scan, '{');
    while (rp_scan_key(scan, &first, &key)) {
        struct rp_buf *field = is(key, "message") ? &error->message
                               : is(key, "type")  ? &error->type
                               : is(key, "code")  ? &error->code
                                                  : NULL;
        if (!(field ? take_short(scan, field) : rp_scan_skip(scan))) return false;
    }
    return !scan->broken;
}

static bool take_usage(struct reply *reply, struct rp_scan *scan) {
    if (rp_scan_peek(scan) != '{') return rp_scan_skip(scan);
    struct rp_str key;
    bool first = rp_scan_open(scan, '{');
    while (rp_scan_key(scan, &first, &key)) {
        int64_t *field = is(key, "prompt_tokens")       ? &reply->usage.input_tokens
                         : is(key, "completion_tokens") ? &reply->usage.output_tokens
                                                        : NULL;
        char type = rp_scan_peek(scan);
        bool number = field && ((type >= '0' && type <= '9') || type == '-');
        if (!(number ? rp_scan_integer(scan, field) : rp_scan_skip(scan))) return false;
    }
    reply->has_usage = true;
    return !scan->broken;
}

static bool take_finish(struct reply *reply, struct rp_scan *scan) {
    if (rp_scan_peek(scan) != '"') return rp_scan_skip(scan);
    struct rp_buf reason;
    rp_buf_init(&reason, SHORT_MAX);
    bool good = take_short(scan, &reason);
    struct rp_str name = rp_buf_str(&reason);
    if (name.len > 0) { /* some servers send "" until the end */
        reply->finished = true;
        reply->finish = is(name, "length")                                    ? RP_FINISH_LENGTH
                        : is(name, "tool_calls") || is(name, "function_call") ? RP_FINISH_TOOLS
                        : is(name, "content_filter")                          ? RP_FINISH_FILTER
                                                                              : RP_FINISH_STOP;
    }
    rp_buf_finish(&reason);
    return good;
}

/* The "delta" or the "message" of a choice. A refusal is what the model says, so it is text. */
static bool take_message(struct reply *reply, struct rp_scan *scan) {
    if (rp_scan_peek(scan) != '{') return rp_scan_skip(scan);
    struct rp_str key;
    bool first = rp_scan_open(scan, '{');
    while (rp_scan_key(scan, &first, &key)) {
        bool good = is(key, "content") || is(key, "refusal") ? rp_scan_text(scan, &reply->text)
                    : is(key, "tool_calls")                  ? tools_decode(&reply->tools, scan)
                                                             : rp_scan_skip(scan);
        if (!good) return false;
    }
    if (reply->text.len > 0 || reply->tools.count > 0) reply->started = true;
    return !scan->broken;
}

static bool take_choice(struct reply *reply, struct rp_scan *scan) {
    struct rp_str key;
    bool first = rp_scan_open(scan, '{');
    while (rp_scan_key(scan, &first, &key)) {
        bool good = is(key, "delta") || is(key, "message") ? take_message(reply, scan)
                    : is(key, "finish_reason")             ? take_finish(reply, scan)
                                                           : rp_scan_skip(scan);
        if (!good) return false;
    }
    reply->has_choice = true;
    return !scan->broken;
}

/* Only one choice is ever asked for; more are passed over. */
static bool take_choices(struct reply *reply, struct rp_scan *scan) {
    if (rp_scan_peek(scan) != '[') return rp_scan_skip(scan);
    bool first = rp_scan_open(scan, '['), taken = false;
    while (rp_scan_item(scan, &first)) {
        if (!(taken ? rp_scan_skip(scan) : take_choice(reply, scan))) return false;
        taken = true;
    }
    return !scan->broken;
}

int reply_decode(struct reply *reply, struct rp_str json) {
    struct rp_scan scan;
    struct rp_str key;
    rp_scan_init(&scan, json);
    bool first = rp_scan_open(&scan, '{');
    while (rp_scan_key(&scan, &first, &key)) {
        bool good = is(key, "choices") ? take_choices(reply, &scan)
                    : is(key, "usage") ? take_usage(reply, &scan)
                    : is(key, "error") ? take_error(&reply->error, &scan)
                                       : rp_scan_skip(&scan);
        if (!good) break;
    }
    return rp_scan_done(&scan) ? 0 : -RP_EJSON;
}
