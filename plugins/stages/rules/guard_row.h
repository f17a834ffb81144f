/* The row of guards that a reply passes: each hands on to the next what it leaves of the text and of the tool calls. */
#ifndef RULES_GUARD_ROW_H
#define RULES_GUARD_ROW_H

#include "guard_ask.h"
#include "guard_text.h"

struct guard_link {
    struct guard_use use;
    struct guard_stream stream; /* for a guard that takes the reply in pieces */
    struct rp_buf held;         /* for one that wants the whole */
    bool told;
};
struct guard_call { /* a tool call on its way */
    struct rp_tool_call tool;
    struct guard_call *next;
};
enum guard_row_state {
    GUARD_ROW_GOES_ON,  /* take `text`; more may follow */
    GUARD_ROW_ENDS,     /* take `text` and `calls`, in this order; nothing follows but the end with `finish` */
    GUARD_ROW_WAITS,    /* then() comes later with one of the others */
    GUARD_ROW_RESTARTS, /* the model is asked again; the row is as new */
    GUARD_ROW_FAILS,    /* with `code` */
};
struct guard_row {
    struct run *run;
    struct guard_link *links;
    size_t count;
    bool own;       /* the stage itself made the reply: there is no model to ask again */
    bool has_whole; /* some guard wants the whole: nothing leaves before the end */
    int64_t restarts;
    void (*then)(struct guard_row *row, enum guard_row_state state);
    /* what comes out */
    struct rp_str text; /* until the next call */
    struct guard_call *calls; /* held until the end */
    struct guard_call *call;  /* in the middle: goes on now, and whoever takes it sets it to NULL */
    enum rp_finish finish;
    int code;
    /* the end under way */
    size_t at;
    struct guard_link *stop; /* blocks at a tool call: the text up to there is its last, and its words come behind */
    struct guard_found found;
    struct guard_asking asking;
};

void guard_row_init(struct guard_row *row, struct run *run, size_t most); /* zeroed memory of the turn's arena */
void guard_row_add(struct guard_row *row, const struct guard *guard);
void guard_row_finish(struct guard_row *row); /* also ends what is waited for */

enum guard_row_state guard_row_text(struct guard_row *row, struct rp_str piece);
/* A call that goes on at once, in `call`: one of the bot's own tools, which is run next, or any in a row without
 * has_whole. */
enum guard_row_state guard_row_call(struct guard_row *row, const struct rp_tool_call *call);
void guard_row_keep(struct guard_row *row, const struct rp_tool_call *call); /* until the end */
enum guard_row_state guard_row_end(struct guard_row *row, struct rp_str piece, enum rp_finish finish);

#endif
