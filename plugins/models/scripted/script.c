/* Replies as the bot file gives them, cut into pieces: `Hello, |{message}|!upstream_error`, or `!call NAME {…}` for a
 * tool. A backslash takes the meaning from a bar, an exclamation mark or a backslash behind it. */
#include <stdlib.h>

#include "scripted.h"

/* The positive number behind "upstream_error"; 0: there is no such code. */
static int code_named(struct rp_str name) {
#define MATCH(symbol, number, code, status, text)                                                                      \
    if (rp_str_equal(name, RP_STR(code))) return number;
    RP_ERRORS(MATCH)
#undef MATCH
    return 0;
}

/* Whether a piece is a failure by its looks: an exclamation mark and one word in lower case. */
static bool looks_like_fault(const char *text, size_t len) {
    return len > 1 && text[0] == '!' && strspn(text + 1, "abcdefghijklmnopqrstuvwxyz_") >= len - 1;
}

/* Up to the next bar that counts. */
static size_t piece_length(const char *text) {
    size_t len = 0;
    while (text[len] && text[len] != '|') len += text[len] == '\\' && text[len + 1] ? 2 : 1;
    return len;
}

static struct rp_str unescape(const char *text, size_t len) {
    char *out = rp_alloc(len + 1);
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\\' && i + 1 < len && strchr("|!\\", text[i + 1])) i++;
        out[used++] = text[i];
    }
    out[used] = '\0';
    return rp_str_n(out, used);
}

/* `NAME {…}`, or NAME alone for a call without arguments. */
static int read_call(struct piece *piece, const char *text, size_t len, struct rp_error *error) {
    size_t name = 0;
    while (name < len && text[name] != ' ') name++;
    piece->tool = rp_str_n(memcpy(rp_calloc(1, name + 1), text, name), name);
    piece->text = name < len ? unescape(text + name + 1, len - name - 1) : unescape("{}", 2);
    json_t *arguments;
    struct rp_error why;
    if (name == 0) return rp_error_set(error, RP_ECONFIG, "replies: '!call' must name a tool: !call NAME {…}");
    if (rp_json_parse(piece->text.data, piece->text.len, &arguments, &why) != 0)
        return rp_error_set(error, RP_ECONFIG, "replies: the arguments of '!call %.*s' are not JSON: %s", (int)name, text,
                            why.text);
    json_decref(arguments);
    return 0;
}

static void free_piece(const struct piece *piece) {
    free((char *)piece->text.data);
    free((char *)piece->tool.data);
}

static int add_piece(struct script *script, const char *text, size_t len, struct rp_error *error) {
    struct piece piece = {0};
    if (len >= 5 && memcmp(text, "!call", 5) == 0 && (len == 5 || text[5] == ' ')) {
        int rc = read_call(&piece, text + (len > 5 ? 6 : 5), len > 5 ? len - 6 : 0, error);
        if (rc != 0) {
            free_piece(&piece);
            return rc;
        }
    } else if (looks_like_fault(text, len)) {
        piece.fault = code_named(rp_str_n(text + 1, len - 1));
        if (!piece.fault)
            return rp_error_set(error, RP_ECONFIG, "replies: '%.*s' names no error code (write '\\%.*s' for the text)",
                                (int)len, text, (int)len, text);
    }
    if (!piece.fault && !piece.tool.data) piece.text = unescape(text, len);
    script->pieces = rp_realloc(script->pieces, (script->count + 1) * sizeof(script->pieces[0]));
    script->pieces[script->count++] = piece;
    return 0;
}

int script_read(struct script *script, const char *reply, struct rp_error *error) {
    *script = (struct script){0};
    for (;;) {
        size_t len = piece_length(reply);
        int rc = add_piece(script, reply, len, error);
        if (rc != 0) {
            script_finish(script);
            return rc;
        }
        if (reply[len] == '\0') return 0;
        reply += len + 1;
    }
}

void script_finish(struct script *script) {
    for (size_t i = 0; i < script->count; i++) free_piece(&script->pieces[i]);
    free(script->pieces);
    *script = (struct script){0};
}

int scripted_check(const void *data, struct rp_error *error) {
    const struct scripted_options *options = data;
    for (size_t i = 0; i < options->takes.count; i++) {
        if (scripted_ability(options->takes.items[i])) continue;
        return rp_error_set(error, RP_ECONFIG, "takes: '%s' is none of tools, schema, grammar", options->takes.items[i]);
    }
    if (options->replies.count == 0) return rp_error_set(error, RP_ECONFIG, "replies must not be empty");
    for (size_t i = 0; i < options->replies.count; i++) {
        struct script script;
        if (!rp_utf8_valid(options->replies.items[i], strlen(options->replies.items[i])))
            return rp_error_set(error, RP_ECONFIG, "replies: reply %zu is not valid UTF-8", i + 1);
        int rc = script_read(&script, options->replies.items[i], error);
        if (rc != 0) return rc;
        script_finish(&script);
    }
    return 0;
}

int scripted_open(struct rp_element *element, struct rp_error *error) {
    struct scripted *scripted = rp_calloc(1, sizeof(*scripted));
    scripted->options = element->options;
    scripted->count = scripted->options->replies.count;
    scripted->scripts = rp_calloc(scripted->count, sizeof(scripted->scripts[0]));
    element->state = scripted;
    for (size_t i = 0; i < scripted->count; i++) {
        int rc = script_read(&scripted->scripts[i], scripted->options->replies.items[i], error);
        if (rc == 0) continue;
        scripted_close(element);
        return rc;
    }
    return 0;
}

void scripted_close(struct rp_element *element) {
    struct scripted *scripted = element->state;
    for (size_t i = 0; i < scripted->count; i++) script_finish(&scripted->scripts[i]);
    free(scripted->scripts);
    free(scripted);
}
