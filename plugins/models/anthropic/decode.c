/* Reads answers: a whole message, an event of a stream, an error. Each says in "type" what it is, which may stand behind
 * the rest; so the parts are found first and read then. */
#include "anthropic.h"

/* The values that matter, as they are written; empty: not there. */
struct parts {
    struct rp_str type, index, delta, block, message, usage, content, stop_reason, error;
};

static struct rp_str *part_named(struct parts *parts, struct rp_str key) {
    const struct {
        const char *name;
        struct rp_str *part;
    } names[] = {
        {"type", &parts->type},          {"index", &parts->index},     {"delta", &parts->delta},
        {"content_block", &parts->block}, {"message", &parts->message}, {"usage", &parts->usage},
        {"content", &parts->content},    {"error", &parts->error},     {"stop_reason", &parts->stop_reason},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (rp_str_is(key, names[i].name)) return names[i].part;
    }
    return NULL;
}

static bool find_parts(struct rp_str json, struct parts *parts) {
    struct rp_scan scan;
    struct rp_str key;
    *parts = (struct parts){0};
    rp_scan_init(&scan, json);
    bool first = rp_scan_open(&scan, '{');
    while (rp_scan_key(&scan, &first, &key)) {
        struct rp_str *part = part_named(parts, key);
        if (!(part ? rp_scan_raw(&scan, part) : rp_scan_skip(&scan))) return false;
    }
    return rp_scan_done(&scan);
}

static bool is_object(struct rp_str json) {
    return json.len > 0 && json.data[0] == '{';
}

/* ---- usage and reason -------------------------------------------------------------------------------------------- */

/* Counts are those of the whole answer each time; what came out of the cache was read as well. */
static bool take_usage(struct rp_answer *answer, struct rp_str json) {
    if (!is_object(json)) return true;
    struct rp_scan scan;
    struct rp_str key;
    int64_t input = -1, cached = 0, created = 0;
    rp_scan_init(&scan, json);
    bool first = rp_scan_open(&scan, '{');
    while (rp_scan_key(&scan, &first, &key)) {
        int64_t *field = rp_str_is(key, "input_tokens")                  ? &input
                         : rp_str_is(key, "output_tokens")               ? &answer->usage.output_tokens
                         : rp_str_is(key, "cache_read_input_tokens")     ? &cached
                         : rp_str_is(key, "cache_creation_input_tokens") ? &created
                                                                         : NULL;
        if (!(field ? rp_scan_count(&scan, field) : rp_scan_skip(&scan))) return false;
    }
    if (input >= 0) {
        answer->usage.input_tokens = input + cached + created;
        answer->usage.cached_tokens = cached;
    }
    answer->has_usage = true;
    return true;
}

static void take_reason(struct rp_answer *answer, struct rp_str json) {
    static const struct {
        const char *name;
        enum rp_finish finish;
    } reasons[] = {
        {"\"max_tokens\"", RP_FINISH_LENGTH},
        {"\"model_context_window_exceeded\"", RP_FINISH_LENGTH},
        {"\"tool_use\"", RP_FINISH_TOOLS},
        {"\"refusal\"", RP_FINISH_FILTER},
    };
    if (answer->finished || json.len < 3 || json.data[0] != '"') return;
    answer->finished = true;
    answer->finish = RP_FINISH_STOP; /* end_turn, stop_sequence, pause_turn, and what is not known yet */
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (rp_str_is(json, reasons[i].name)) answer->finish = reasons[i].finish;
    }
}

/* ---- blocks of content ------------------------------------------------------------------------------------------- */

struct block {
    struct rp_str type, text, id, name, input;
};

static bool find_block(struct rp_str json, struct block *block) {
    struct rp_scan scan;
    struct rp_str key;
    *block = (struct block){0};
    if (!is_object(json)) return false;
    rp_scan_init(&scan, json);
    bool first = rp_scan_open(&scan, '{');
    while (rp_scan_key(&scan, &first, &key)) {
        struct rp_str *part = rp_str_is(key, "type")    ? &block->type
                              : rp_str_is(key, "text")  ? &block->text
                              : rp_str_is(key, "id")    ? &block->id
                              : rp_str_is(key, "name")  ? &block->name
                              : rp_str_is(key, "input") ? &block->input
                                                        : NULL;
        if (!(part ? rp_scan_raw(&scan, part) : rp_scan_skip(&scan))) return false;
    }
    return true;
}

/* A value that may be a string, decoded into `out`. */
static bool take_text(struct rp_str json, struct rp_buf *out) {
    struct rp_scan scan;
    if (json.len == 0) return true;
    rp_scan_init(&scan, json);
    return rp_scan_text(&scan, out);
}

static bool add_text(struct rp_answer *answer, struct rp_str json) {
    struct rp_scan scan;
    if (json.len == 0) return true;
    rp_scan_init(&scan, json);
    return rp_answer_scan_text(answer, &scan);
}

static bool take_tool(struct rp_answer *answer, int64_t index, const struct block *block) {
    struct rp_answer_tool *tool = rp_answer_tool(answer, index);
    if (!tool || !take_text(block->id, &tool->id) || !take_text(block->name, &tool->name)) return false;
    bool empty = block->input.len == 2; /* {}: it comes in pieces, or there is none */
    return empty || !is_object(block->input) || rp_buf_append_str(&tool->arguments, block->input) == 0;
}

/* Blocks of other kinds, thinking and what the server's own tools do, are no part of the reply. */
static bool take_block(struct rp_answer *answer, int64_t index, struct rp_str json) {
    struct block block;
    if (!find_block(json, &block)) return false;
    if (rp_str_is(block.type, "\"tool_use\"")) return take_tool(answer, index, &block);
    if (rp_str_is(block.type, "\"text\"")) return add_text(answer, block.text);
    answer->awake = true;
    return true;
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static bool index_of(const struct parts *parts, int64_t *out) {
    struct rp_scan scan;
    *out = 0;
    if (parts->index.len == 0) return true;
    rp_scan_init(&scan, parts->index);
    return rp_scan_count(&scan, out);
}

static bool on_block_start(struct rp_answer *answer, const struct parts *parts) {
    int64_t index;
    return index_of(parts, &index) && take_block(answer, index, parts->block);
}

/* A piece of input for a block that is no tool of ours, the server's own search for example, is passed over. */
static bool take_input(struct rp_answer *answer, int64_t index, struct rp_scan *scan) {
    for (size_t i = 0; i < answer->tool_count; i++) {
        if (answer->tools[i].index == index) return rp_answer_scan_arguments(&answer->tools[i], scan);
    }
    return rp_scan_skip(scan);
}

static bool on_block_delta(struct rp_answer *answer, const struct parts *parts) {
    struct rp_scan scan;
    struct rp_str key;
    int64_t index;
    if (!is_object(parts->delta) || !index_of(parts, &index)) return false;
    rp_scan_init(&scan, parts->delta);
    bool first = rp_scan_open(&scan, '{');
    while (rp_scan_key(&scan, &first, &key)) {
        bool good = rp_str_is(key, "text")           ? rp_answer_scan_text(answer, &scan)
                    : rp_str_is(key, "partial_json") ? take_input(answer, index, &scan)
                                                     : rp_scan_skip(&scan);
        if (!good) return false;
    }
    answer->awake = true;
    return true;
}

static bool on_message_start(struct rp_answer *answer, const struct parts *parts) {
    struct parts message;
    if (!is_object(parts->message) || !find_parts(parts->message, &message)) return false;
    return take_usage(answer, message.usage);
}

static bool on_message_delta(struct rp_answer *answer, const struct parts *parts) {
    struct parts delta = {0};
    if (is_object(parts->delta) && !find_parts(parts->delta, &delta)) return false;
    take_reason(answer, delta.stop_reason);
    return take_usage(answer, parts->usage);
}

static bool on_message_stop(struct rp_answer *answer, const struct parts *parts) {
    (void)parts;
    answer->done = true;
    answer->whole = answer->finished;
    return true;
}

static bool on_error(struct rp_answer *answer, const struct parts *parts) {
    struct rp_scan scan;
    answer->error.present = true;
    if (parts->error.len == 0) return true;
    rp_scan_init(&scan, parts->error);
    return rp_answer_scan_error(answer, &scan);
}

static bool on_message(struct rp_answer *answer, const struct parts *parts) {
    struct rp_scan scan;
    struct rp_str block;
    if (parts->content.len == 0 || parts->content.data[0] != '[') return false;
    rp_scan_init(&scan, parts->content);
    bool first = rp_scan_open(&scan, '[');
    for (int64_t index = 0; rp_scan_item(&scan, &first); index++) {
        if (!rp_scan_raw(&scan, &block) || !take_block(answer, index, block)) return false;
    }
    take_reason(answer, parts->stop_reason);
    answer->has_reply = true;
    return take_usage(answer, parts->usage);
}

static bool on_ping(struct rp_answer *answer, const struct parts *parts) {
    (void)parts;
    answer->ping = true;
    return true;
}

int answer_read(const void *options, struct rp_answer *answer, struct rp_str json) {
    static const struct {
        const char *type;
        bool (*take)(struct rp_answer *answer, const struct parts *parts);
    } kinds[] = {
        {"\"content_block_delta\"", on_block_delta}, {"\"content_block_start\"", on_block_start},
        {"\"message_start\"", on_message_start},     {"\"message_delta\"", on_message_delta},
        {"\"message_stop\"", on_message_stop},       {"\"error\"", on_error},
        {"\"message\"", on_message},               {"\"ping\"", on_ping},
    };
    struct parts parts;
    (void)options;
    if (!find_parts(json, &parts)) return -RP_EJSON;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (rp_str_is(parts.type, kinds[i].type)) return kinds[i].take(answer, &parts) ? 0 : -RP_EJSON;
    }
    if (parts.error.len > 0 && !on_error(answer, &parts)) return -RP_EJSON; /* a gateway's, in another shape */
    return 0; /* events that are not known yet */
}
