/* What has been read of an answer: made, grown within its limits, checked. The readers of the protocols fill it. */
#include <stdlib.h>

#include <repartee/remote_model.h>

#define ERROR_TEXT_MAX 2048
#define TOOL_NAME_MAX 256
#define TOOL_ARGUMENTS_MAX (256 * 1024)

static void init_error(struct rp_answer_error *error) {
    rp_buf_init(&error->message, ERROR_TEXT_MAX);
    rp_buf_init(&error->type, ERROR_TEXT_MAX);
    rp_buf_init(&error->code, ERROR_TEXT_MAX);
}

void rp_answer_init(struct rp_answer *answer, size_t max_text) {
    *answer = (struct rp_answer){0};
    rp_buf_init(&answer->text, max_text);
    init_error(&answer->error);
}

void rp_answer_finish(struct rp_answer *answer) {
    rp_buf_finish(&answer->text);
    rp_buf_finish(&answer->error.message);
    rp_buf_finish(&answer->error.type);
    rp_buf_finish(&answer->error.code);
    for (size_t i = 0; i < answer->tool_count; i++) {
        rp_buf_finish(&answer->tools[i].id);
        rp_buf_finish(&answer->tools[i].name);
        rp_buf_finish(&answer->tools[i].arguments);
    }
    free(answer->tools);
    *answer = (struct rp_answer){0};
}

static bool scan_piece(struct rp_scan *scan, struct rp_buf *out, uint16_t *half) {
    if (rp_scan_peek(scan) != '"') return rp_scan_skip(scan);
    scan->half = half;
    bool good = rp_scan_string(scan, out);
    scan->half = NULL;
    return good;
}

bool rp_answer_scan_text(struct rp_answer *answer, struct rp_scan *scan) {
    return scan_piece(scan, &answer->text, &answer->half);
}

bool rp_answer_scan_arguments(struct rp_answer_tool *tool, struct rp_scan *scan) {
    return scan_piece(scan, &tool->arguments, &tool->half);
}

/* ---- tool calls -------------------------------------------------------------------------------------------------- */

struct rp_answer_tool *rp_answer_tool(struct rp_answer *answer, int64_t index) {
    for (size_t i = 0; i < answer->tool_count; i++) {
        if (answer->tools[i].index == index) return &answer->tools[i];
    }
    if (answer->tool_count == RP_ANSWER_TOOLS_MAX) return NULL;
    answer->tools = rp_realloc(answer->tools, (answer->tool_count + 1) * sizeof(answer->tools[0]));
    struct rp_answer_tool *tool = &answer->tools[answer->tool_count++];
    *tool = (struct rp_answer_tool){.index = index};
    rp_buf_init(&tool->id, TOOL_NAME_MAX);
    rp_buf_init(&tool->name, TOOL_NAME_MAX);
    rp_buf_init(&tool->arguments, TOOL_ARGUMENTS_MAX);
    return tool;
}

static bool tool_valid(struct rp_answer_tool *tool) {
    struct rp_scan scan;
    if (tool->arguments.len == 0) rp_buf_append(&tool->arguments, "{}", 2);
    if (tool->half && rp_buf_append(&tool->arguments, "\xEF\xBF\xBD", 3) != 0) return false;
    tool->half = 0;
    rp_scan_init(&scan, rp_buf_str(&tool->arguments));
    bool json = rp_scan_skip(&scan) && rp_scan_done(&scan);
    return json && tool->name.len > 0 && rp_utf8_valid(tool->id.data, tool->id.len) &&
           rp_utf8_valid(tool->name.data, tool->name.len) && rp_utf8_valid(tool->arguments.data, tool->arguments.len);
}

bool rp_answer_tools_valid(struct rp_answer *answer) {
    for (size_t i = 0; i < answer->tool_count; i++) {
        if (!tool_valid(&answer->tools[i])) return false;
    }
    return true;
}

/* ---- errors ------------------------------------------------------------------------------------------------------ */

static struct rp_buf *error_field(struct rp_answer_error *error, struct rp_str key) {
    if (rp_str_is(key, "message")) return &error->message;
    if (rp_str_is(key, "type")) return &error->type;
    return rp_str_is(key, "code") || rp_str_is(key, "error_code") ? &error->code : NULL;
}

/* A field that stands there as null, or that an inner object has too, does not undo what was said. */
static bool scan_error_fields(struct rp_answer_error *error, struct rp_scan *scan) {
    struct rp_str key;
    bool first = rp_scan_open(scan, '{');
    while (rp_scan_key(scan, &first, &key)) {
        struct rp_buf *field = error_field(error, key);
        bool details = rp_str_is(key, "details") && rp_scan_peek(scan) == '{';
        bool good = details                   ? scan_error_fields(error, scan)
                    : field && field->len == 0 ? rp_scan_short(scan, field)
                                               : rp_scan_skip(scan);
        if (!good) return false;
    }
    return !scan->broken;
}

bool rp_answer_scan_error(struct rp_answer *answer, struct rp_scan *scan) {
    char first = rp_scan_peek(scan);
    if (first == 'n') return rp_scan_skip(scan);
    answer->error.present = true;
    if (first != '{') return rp_scan_short(scan, &answer->error.message);
    return scan_error_fields(&answer->error, scan);
}
