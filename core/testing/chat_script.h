/* What a conversation test writes down for those who are not there: models and HTTP servers. */
#ifndef CORE_TESTING_CHAT_SCRIPT_H
#define CORE_TESTING_CHAT_SCRIPT_H

#include <repartee/turn.h>

#include "core/http_client/client.h"

/* `model NAME: Hello |{message}|tool find {"id": 1}|!upstream_error`. `||` and `\|` are a bar, `\n` a line break, `\\` a
 * backslash; {message}, {system} and {history} are filled in from the call. */
struct script_piece {
    enum { PIECE_TEXT, PIECE_TOOL, PIECE_FAULT } kind;
    struct rp_str text;      /* or the tool's arguments: JSON */
    struct rp_str tool;      /* its name */
    int fault;               /* RP_E… */
    struct script_piece *next;
};
struct model_script {
    unsigned line;
    struct rp_str model;
    struct script_piece *pieces;
    bool used;
    struct model_script *next;
};

/* `http POST https://host/path {"order": 1}: 200 {"ok": true}`: the JSON in front of the colon must be part of the
 * request's body. A star in the URL stands for any text. `!upstream_timeout` instead of the status: there is no answer.
 * Further lines `http+ Name: value` are fields of the answer. */
struct http_script {
    unsigned line, last_line;
    struct rp_str method, url;
    json_t *body; /* NULL: any */
    struct http_answer answer;
    size_t field_count;
    bool used;
    struct http_script *next;
};

/* Both take what stands behind the word; the memory is the arena's. 0, or -RP_EINVALID with `error->text`. */
int chat_script_model(struct rp_arena *arena, struct rp_str rest, struct model_script **out, struct rp_error *error);
int chat_script_http(struct rp_arena *arena, struct rp_str rest, struct http_script **out, struct rp_error *error);
int chat_script_field(struct rp_arena *arena, struct rp_str rest, struct http_script *http, struct rp_error *error);
/* The number behind "rate_limited"; 0: there is no such code. Models' own errors may leave out "upstream_". */
int chat_script_code(struct rp_str name);

#endif
