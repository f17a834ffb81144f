/* What a model is asked: system text, examples, as much of the history as there is room for, and the message. */
#ifndef ASK_CALL_H
#define ASK_CALL_H

#include <repartee/plugin.h>

struct call_parts {
    struct rp_str system;              /* empty: none */
    const struct rp_message *examples; /* between system and history */
    size_t example_count;
    const struct rp_message *history; /* oldest first */
    size_t history_count;
    size_t history_size; /* bytes of text that the history may have */
    struct rp_str message;
};

/* Fills `messages` and `message_count`. The texts stay where they are, the array is the arena's. */
void call_build(struct rp_call *call, struct rp_arena *arena, const struct call_parts *parts);

#endif
