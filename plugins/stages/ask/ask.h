/* ask: what its files share. plugin.c: options; ask.c: the stage; summary.c: a model sums up what has no room any more;
 * transcript.c: what that model gets to read. */
#ifndef ASK_ASK_H
#define ASK_ASK_H

#include <repartee/talk.h>

struct ask_options {
    struct rp_model *model;
    const char *system;
    int64_t history, history_tokens;
    int64_t images;
    struct rp_model *summary; /* NULL: nobody sums up */
    int64_t summary_tokens, summary_timeout;
};

extern const struct rp_stage_type ask_stage; /* ask.c */
extern const struct rp_option ask_table[];   /* plugin.c */

/* ---- summary.c ----------------------------------------------------------------------------------------------------- */

/* A summary under way. In the turn's arena. */
struct summing {
    struct rp_stage *stage;
    struct rp_turn *turn;
    struct rp_sink sink;
    struct rp_source *source; /* NULL: it is over, or never began */
    struct rp_timer late;
    struct rp_task task;
    struct rp_buf text;
    struct rp_fault fault; /* code 0: none */
    enum rp_finish finish;
    /* Once, from the top of the stack: the new summary; empty: there is none, which has been told and logged. */
    void (*done)(struct summing *summing, struct rp_str summary);
};
bool summary_rests(const struct rp_stage *stage, const struct rp_turn *turn); /* it has just failed: left alone for a while */
/* Stage, turn and `done` are set. Sums up the old summary and these messages. */
void summary_start(struct summing *summing, struct rp_str before, const struct rp_message *messages, size_t count);
void summary_drop(struct summing *summing); /* done() is not called any more; also when it is over */
int summary_check(const void *options, struct rp_error *error);
int summary_open(struct rp_element *element, struct rp_error *error);
void summary_close(struct rp_element *element);

/* ---- transcript.c -------------------------------------------------------------------------------------------------- */

/* The summary so far and what was said since, for a model that shall make one of the two, in at most that many of its
 * tokens: the oldest messages are left out. Each line says who speaks, so that nobody can pass for somebody else. */
struct rp_str transcript_write(struct rp_arena *arena, const struct rp_model *model, struct rp_str before,
                               const struct rp_message *messages, size_t count, int64_t tokens);

#endif
