/* What the files of a talk share: talk.c has the steps, round.c the tools of one round, form.c replies that must fit. */
#ifndef CORE_MODEL_TALK_H
#define CORE_MODEL_TALK_H

#include <repartee/talk.h>

/* The tools that a model has called in one call, in their order. Zero-initialise but for `done`. */
struct round {
    struct tool_run *first, **last;
    size_t count, open;                /* open: runs that have not ended, and one more while they are being started */
    void (*done)(struct round *round); /* all results are there; also inside round_run */
};
void round_clear(struct round *round);
void round_add(struct round *round, struct rp_turn *turn, const struct rp_tool_call *call,
               unsigned number); /* copies */
const struct rp_tool_call *round_last(const struct round *round);
void round_run(struct round *round, struct rp_turn *turn, const struct rp_tool_runner *runner);
void round_cancel(struct round *round, const struct rp_tool_runner *runner); /* what is still running */
/* Adds what the model has said and called, and the results, to what it is asked. */
void round_tell(const struct round *round, struct rp_turn *turn, struct rp_str said, struct rp_call *call);

/* Whether the text is JSON that fits; a code fence around it is taken off. `out_text` or `out_mistakes`, a line each, is
 * in the turn's arena. */
bool form_fits(struct rp_turn *turn, const struct rp_schema *schema, struct rp_str text, enum rp_finish finish,
               struct rp_str *out_text, struct rp_str *out_mistakes);
struct rp_str form_first(struct rp_str mistakes); /* line */
/* Adds the reply and what is wrong with it to what the model is asked. */
void form_tell(struct rp_turn *turn, struct rp_str said, struct rp_str mistakes, struct rp_call *call);

/* Puts `count` messages behind those of the call. */
void talk_append(struct rp_turn *turn, struct rp_call *call, const struct rp_message *messages, size_t count);

#endif
