/* Reads answers: a whole completion, a chunk of a stream, an error. One decoder for all three, since they differ only
 * in "message" or "delta". */
#ifndef OPENAI_DECODE_H
#define OPENAI_DECODE_H

#include <repartee/json_scan.h>
#include <repartee/turn.h>

#define TOOLS_MAX 64

struct tool {
    int64_t index;
    struct rp_buf id, name, arguments;
};
/* Tool calls as they grow; a call's arguments come in pieces. */
struct tool_list {
    struct tool *items;
    size_t count, given;
};

struct upstream_error {
    bool present;
    struct rp_buf message, type, code;
};

struct reply {
    struct rp_buf text; /* not handed on yet; may end inside a character */
    struct tool_list tools;
    bool has_usage, has_choice, finished;
    bool started; /* text or a tool call has come: too late for another attempt */
    enum rp_finish finish;
    struct rp_usage usage;
    struct upstream_error error;
};

void reply_init(struct reply *reply, size_t max_text);
void reply_finish(struct reply *reply);
/* Adds one JSON text to the reply. 0, or -RP_EJSON when it is none, has the wrong shape, or outgrows a limit. */
int reply_decode(struct reply *reply, struct rp_str json);

/* tools.c */
struct tool *tool_at(struct tool_list *list, int64_t index); /* made when new; NULL: too many */
bool tools_decode(struct tool_list *list, struct rp_scan *scan);
bool tools_valid(struct tool_list *list); /* names are there and arguments are JSON; empty arguments become {} */
void tools_finish(struct tool_list *list);

#endif
