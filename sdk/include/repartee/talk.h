/* Talking to a model until a reply stands: what is asked, tools that are run, replies that must fit a schema.
 *
 * Called by stages that ask models, on the turn's worker. Everything lives in the turn's arena. */
#ifndef REPARTEE_TALK_H
#define REPARTEE_TALK_H

#include <repartee/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what is asked ---------------------------------------------------------------------------------------------- */

struct rp_call_parts {
    const struct rp_model *model;      /* that is to be asked: it counts tokens, and has a context; NULL: estimated, none */
    struct rp_str system;              /* empty: none */
    const struct rp_message *examples; /* between system and history */
    size_t example_count;
    struct rp_str summary; /* of what was said before the history; empty: none. The model gets it as a user's message that
                              quotes it, so that nobody whose words are in it speaks with the system's voice */
    const struct rp_message *history; /* oldest first; as rp_session_messages or rp_session_history give it */
    size_t history_count;
    size_t history_texts;        /* texts of user and bot that may go along: the oldest are left out */
    int64_t history_tokens;      /* tokens that they may have together, with their tools and the summary */
    struct rp_str message;       /* the user's */
    const struct rp_str *images; /* that belong to it */
    size_t image_count;
    struct rp_str note; /* the system's, behind it; empty: none */
};
/* What of the history goes along. */
struct rp_history {
    size_t first;       /* place in the history of the first message that does; history_count: none do */
    size_t bare;        /* of what stands in front of this place only the texts do, not the tools */
    size_t texts;       /* how many of user and bot go along */
    size_t dropped;     /* and how many stay behind because there is no room; what no user's message begins is not counted */
    int64_t tokens;     /* what goes along has, the summary included; -1: not all was counted, since it fits in any case */
    int64_t budget;     /* tokens that it may have, of which the summary takes its part */
    bool summary;       /* it goes along: there is one, and room for it */
    const char *too_large; /* the rest is more than the model has room for: a sentence; NULL: it is not */
};
/* Chooses: whole exchanges, the newest, as many as `history_texts`, `history_tokens` and the model's context leave room
 * for. What does not belong to the history always goes along. Tools go along where the call offers them, and the model
 * takes some; a call and its result are never parted. `count`: the tokens are wanted in any case. */
RP_EXPORT void rp_history_choose(struct rp_arena *arena, const struct rp_call *call, const struct rp_call_parts *parts,
                                 bool count, struct rp_history *out);
/* The same with half of that room, after rp_history_choose. */
RP_EXPORT void rp_history_halve(const struct rp_call *call, const struct rp_call_parts *parts, struct rp_history *history);
/* Fills `messages` and `message_count`, and `too_large`, by a choice or by one of its own (NULL). The call's prompt must be
 * set. The texts stay where they are, the array is the arena's. */
RP_EXPORT void rp_call_build(struct rp_call *call, struct rp_arena *arena, const struct rp_call_parts *parts,
                             const struct rp_history *history);

/* The images that came with the turn: its metadata { "images": ["https://…", "data:image/png;base64,…"] }. 0 with the
 * list in the turn's arena, or -RP_EINVALID with a sentence for the client. */
RP_EXPORT int rp_turn_images(struct rp_turn *turn, const struct rp_str **out_images, size_t *out_count,
                             const char **out_why);

/* ---- tools ------------------------------------------------------------------------------------------------------ */

/* One call of a tool under way; the talk's. */
struct rp_tool_run {
    struct rp_turn *turn;
    const struct rp_tool_call *call;
    /* The result as the model shall read it, or what went wrong: copied. Once, also inside start(). */
    void (*done)(struct rp_tool_run *run, struct rp_str result);
    void *state; /* the runner's */
};
struct rp_tool_ops {
    /* Owes exactly one done(), now or later. What is wrong with a call (no such tool, arguments that do not fit, an
     * error, a time that has run out) is a result too: the model is told. */
    void (*start)(const struct rp_tool_runner *runner, struct rp_tool_run *run);
    /* Instead of done(): nobody wants the result any more. */
    void (*cancel)(const struct rp_tool_runner *runner, struct rp_tool_run *run);
};
/* Who can run the tools of a prompt; the first member of something larger. */
struct rp_tool_runner {
    const struct rp_tool_ops *ops;
    unsigned rounds; /* how often the model may call tools and be asked again; then the reply fails, RP_ETOOLS */
    unsigned calls;  /* tools that run at once; further calls of a round are refused */
};

/* ---- the talk --------------------------------------------------------------------------------------------------- */

/* A source as rp_model_ask gives one, over as many calls as it takes. With a runner in the prompt the tools that the
 * model calls are run and their results told to it; each call passes as a chunk (own = true) before it is run. With
 * `fits` the reply comes in one piece that is JSON and fits, or fails with RP_EMISFIT. */
RP_EXPORT struct rp_source *rp_model_talk(struct rp_model *model, struct rp_turn *turn, const struct rp_call *call);

/* Adds to the turn's usage: for replies that do not go out through the turn's taps. */
RP_EXPORT void rp_turn_add_usage(struct rp_turn *turn, const struct rp_usage *usage);

#ifdef __cplusplus
}
#endif
#endif
