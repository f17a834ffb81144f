/* Takes `model` and `http` lines apart. What happens with them in a test is for stand_in.c. */
#include "core/testing/chat_script.h"

#include <repartee/json_scan.h>
#include <stdio.h>
#include <strings.h>

#define FIELDS_MAX 16
#define URL_MAX 4096

static struct rp_str behind(struct rp_str text, size_t count) {
    return rp_str_n(text.data + count, text.len - count);
}

static struct rp_str skip_blanks(struct rp_str text) {
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) text = behind(text, 1);
    return text;
}

/* Up to a blank or the end; `text` goes on behind the word and the blanks. */
static struct rp_str take_word(struct rp_str *text) {
    size_t len = 0;
    while (len < text->len && text->data[len] != ' ' && text->data[len] != '\t') len++;
    struct rp_str word = rp_str_n(text->data, len);
    *text = skip_blanks(behind(*text, len));
    return word;
}

static bool only(struct rp_str text, const char *characters) {
    for (size_t i = 0; i < text.len; i++)
        if (!text.data[i] || !strchr(characters, text.data[i])) return false;
    return text.len > 0;
}

#define SMALL "abcdefghijklmnopqrstuvwxyz"
#define CAPITAL "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static int code_named(struct rp_str name) {
#define MATCH(symbol, number, code, status, text)                                                                      \
    if (rp_str_equal(name, RP_STR(code))) return number;
    RP_ERRORS(MATCH)
#undef MATCH
    return 0;
}

int chat_script_code(struct rp_str name) {
    char whole[64];
    int len = snprintf(whole, sizeof(whole), "upstream_%.*s", RP_STR_ARG(name));
    int code = len > 0 && (size_t)len < sizeof(whole) ? code_named(rp_str(whole)) : 0;
    return code ? code : code_named(name);
}

/* ---- model ------------------------------------------------------------------------------------------------------- */

/* Up to the next bar that cuts. */
static size_t piece_length(struct rp_str text) {
    size_t at = 0;
    while (at < text.len) {
        if (text.data[at] == '|' && (at + 1 == text.len || text.data[at + 1] != '|')) return at;
        at += at + 1 < text.len && (text.data[at] == '|' || text.data[at] == '\\') ? 2 : 1;
    }
    return text.len;
}

/* What an escape of two characters stands for; '\0': it is none, and stays as it is. */
static char escaped(const char *at, bool json) {
    if (at[0] == '|' && at[1] == '|') return '|';
    if (at[0] != '\\') return '\0';
    if (at[1] == '|') return '|';
    if (json) return '\0'; /* its own escapes are for whoever reads it */
    if (at[1] == 'n') return '\n';
    return at[1] == '\\' || at[1] == '!' ? at[1] : '\0';
}

static struct rp_str unescape(struct rp_arena *arena, struct rp_str text, bool json) {
    char *out = rp_arena_alloc(arena, text.len + 1);
    size_t used = 0;
    for (size_t i = 0; i < text.len; i++) {
        char one = i + 1 < text.len ? escaped(text.data + i, json) : '\0';
        out[used++] = one ? one : text.data[i];
        if (one)
            i++;
        else if (text.data[i] == '\\' && json && i + 1 < text.len)
            out[used++] = text.data[++i];
    }
    out[used] = '\0';
    return rp_str_n(out, used);
}

static int read_fault(struct rp_str raw, struct script_piece *piece, struct rp_error *error) {
    piece->kind = PIECE_FAULT;
    piece->fault = chat_script_code(behind(raw, 1));
    if (piece->fault) return 0;
    return rp_error_set(error, RP_EINVALID, "'%.*s' names no error code (write '\\%.*s' for the text)", RP_STR_ARG(raw),
                        RP_STR_ARG(raw));
}

/* `tool NAME {…}`: anything else that begins like it is text. */
static bool looks_like_tool(struct rp_str raw, struct rp_str *out_name, struct rp_str *out_arguments) {
    struct rp_str rest = raw;
    if (!rp_str_equal(take_word(&rest), RP_STR("tool"))) return false;
    *out_name = take_word(&rest);
    *out_arguments = rest;
    return only(*out_name, SMALL CAPITAL "0123456789_-.") && rest.len > 0 && rest.data[0] == '{';
}

static int read_tool(struct rp_arena *arena, struct rp_str name, struct rp_str arguments, struct script_piece *piece,
                     struct rp_error *error) {
    struct rp_error why;
    json_t *value;
    piece->kind = PIECE_TOOL;
    piece->tool = rp_arena_str(arena, name);
    piece->text = unescape(arena, arguments, true);
    if (rp_json_parse(piece->text.data, piece->text.len, &value, &why) != 0)
        return rp_error_set(error, RP_EINVALID, "the arguments of tool '%.*s': %s", RP_STR_ARG(name), why.text);
    json_decref(value);
    return 0;
}

static int read_piece(struct rp_arena *arena, struct rp_str raw, struct script_piece *piece, struct rp_error *error) {
    struct rp_str name, arguments;
    if (raw.len > 1 && raw.data[0] == '!' && only(behind(raw, 1), SMALL "_")) return read_fault(raw, piece, error);
    if (looks_like_tool(raw, &name, &arguments)) return read_tool(arena, name, arguments, piece, error);
    piece->text = unescape(arena, raw, false);
    return 0;
}

static int read_pieces(struct rp_arena *arena, struct rp_str rest, struct model_script *script, struct rp_error *error) {
    struct script_piece **last = &script->pieces;
    for (;;) {
        size_t len = piece_length(rest);
        struct script_piece *piece = rp_arena_zalloc(arena, sizeof(*piece));
        int code = read_piece(arena, rp_str_n(rest.data, len), piece, error);
        if (code != 0) return code;
        *last = piece;
        last = &piece->next;
        if (len == rest.len) return 0;
        if (piece->kind == PIECE_FAULT) return rp_error_set(error, RP_EINVALID, "nothing can follow an error");
        rest = behind(rest, len + 1);
    }
}

int chat_script_model(struct rp_arena *arena, struct rp_str rest, struct model_script **out, struct rp_error *error) {
    const char *colon = memchr(rest.data, ':', rest.len);
    if (!colon || !only(rp_str_n(rest.data, (size_t)(colon - rest.data)), SMALL CAPITAL "0123456789_"))
        return rp_error_set(error, RP_EINVALID, "expected model NAME: what it replies");
    struct model_script *script = rp_arena_zalloc(arena, sizeof(*script));
    script->model = rp_str_n(rest.data, (size_t)(colon - rest.data));
    rest = behind(rest, script->model.len + 1);
    if (rest.len > 0 && rest.data[0] == ' ') rest = behind(rest, 1);
    int code = read_pieces(arena, rest, script, error);
    if (code == 0) *out = script;
    return code;
}

/* ---- http -------------------------------------------------------------------------------------------------------- */

static int wrong_http(struct rp_error *error) {
    return rp_error_set(error, RP_EINVALID, "expected http METHOD URL: STATUS BODY, or http METHOD URL {json}: …");
}

/* The JSON that the request's body must have; `rest` goes on behind it. */
static int take_expected_body(struct rp_str *rest, struct http_script *script, struct rp_error *error) {
    struct rp_scan scan;
    struct rp_error why;
    rp_scan_init(&scan, *rest);
    if (!rp_scan_skip(&scan)) return rp_error_set(error, RP_EINVALID, "what the request must hold is not valid JSON");
    size_t len = (size_t)(scan.at - rest->data);
    if (rp_json_parse(rest->data, len, &script->body, &why) != 0)
        return rp_error_set(error, RP_EINVALID, "what the request must hold: %s", why.text);
    *rest = skip_blanks(behind(*rest, len));
    return 0;
}

/* Up to the colon behind which the answer stands. */
static int take_request(struct rp_str *rest, struct http_script *script, struct rp_error *error) {
    script->method = take_word(rest);
    script->url = take_word(rest);
    bool closed = script->url.len > 0 && script->url.data[script->url.len - 1] == ':';
    if (closed) script->url.len--;
    bool http = script->url.len > 7 && (memcmp(script->url.data, "http://", 7) == 0 ||
                                        memcmp(script->url.data, "https:/", 7) == 0);
    if (!only(script->method, CAPITAL) || !http || script->url.len > URL_MAX) return wrong_http(error);
    if (closed) return 0;
    if (rest->len == 0 || !strchr("{[", rest->data[0])) return wrong_http(error);
    int code = take_expected_body(rest, script, error);
    if (code != 0) return code;
    if (rest->len == 0 || rest->data[0] != ':') return wrong_http(error);
    *rest = skip_blanks(behind(*rest, 1));
    return 0;
}

static int status_of(struct rp_str word) {
    if (word.len != 3 || !only(word, "0123456789")) return 0;
    int status = (word.data[0] - '0') * 100 + (word.data[1] - '0') * 10 + word.data[2] - '0';
    return status >= 200 && status < 600 ? status : 0;
}

static const char *guess_type(struct rp_str body) {
    struct rp_str text = skip_blanks(body);
    return text.len > 0 && strchr("{[", text.data[0]) ? "Content-Type: application/json"
                                                        : "Content-Type: text/plain; charset=utf-8";
}

static int read_answer(struct rp_arena *arena, struct rp_str rest, struct http_script *script, struct rp_error *error) {
    size_t len = 0;
    while (len < rest.len && rest.data[len] != ' ') len++;
    struct rp_str word = rp_str_n(rest.data, len);
    script->answer.body = rp_arena_str(arena, behind(rest, len < rest.len ? len + 1 : len));
    if (len > 1 && word.data[0] == '!') {
        int code = chat_script_code(behind(word, 1));
        if (!code) return rp_error_set(error, RP_EINVALID, "'%.*s' names no error code", RP_STR_ARG(word));
        script->answer.code = -code;
        script->answer.detail = rp_error_text(code);
        return 0;
    }
    script->answer.status = status_of(word);
    if (!script->answer.status)
        return rp_error_set(error, RP_EINVALID, "'%.*s' is no HTTP status from 200 to 599", RP_STR_ARG(word));
    return 0;
}

static void unref(void *json) {
    json_decref(json);
}

int chat_script_http(struct rp_arena *arena, struct rp_str rest, struct http_script **out, struct rp_error *error) {
    struct http_script *script = rp_arena_zalloc(arena, sizeof(*script));
    int code = take_request(&rest, script, error);
    if (script->body) rp_arena_defer(arena, unref, script->body);
    if (code == 0) code = read_answer(arena, rest, script, error);
    if (code != 0) return code;
    const char **fields = rp_arena_zalloc(arena, (FIELDS_MAX + 2) * sizeof(*fields));
    fields[script->field_count++] = guess_type(script->answer.body);
    script->answer.fields = fields;
    *out = script;
    return 0;
}

/* A field that is given takes the place of one that was guessed. */
int chat_script_field(struct rp_arena *arena, struct rp_str rest, struct http_script *http, struct rp_error *error) {
    const char **fields = (const char **)(uintptr_t)http->answer.fields;
    const char *colon = memchr(rest.data, ':', rest.len);
    if (!colon || colon == rest.data || memchr(rest.data, 0, rest.len))
        return rp_error_set(error, RP_EINVALID, "expected http+ Name: value");
    if (http->field_count > FIELDS_MAX) return rp_error_set(error, RP_EINVALID, "too many fields for one answer");
    const char *field = rp_arena_str(arena, rest).data;
    bool is_type = (size_t)(colon - rest.data) == 12 && strncasecmp(field, "content-type", 12) == 0;
    if (is_type)
        fields[0] = field;
    else
        fields[http->field_count++] = field;
    return 0;
}
