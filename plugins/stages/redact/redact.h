/* The stage: what its files share. */
#ifndef REDACT_REDACT_H
#define REDACT_REDACT_H

#include <repartee/plugin.h>

#include "mask.h"

enum redact_on { REDACT_BOTH, REDACT_MESSAGE, REDACT_REPLY };

struct redact_options {
    struct rp_pattern_list patterns;
    const char *mask;
    int on; /* enum redact_on */
    int64_t hold;
};

extern const struct rp_stage_type redact_stage; /* redact.c */
extern const struct rp_option redact_table[];   /* plugin.c */

/* reply.c: hangs the masking into the reply of a turn that passes. */
void reply_tap(struct rp_stage *stage, struct rp_turn *turn);

/* tell.c: for the explanation of a turn: what was masked how often, never the text itself. */
unsigned *tell_counts(const struct rp_stage *stage, struct rp_turn *turn); /* zeroed; NULL: nobody wants to know */
void tell_masked(const struct rp_stage *stage, struct rp_turn *turn, const char *where, const unsigned *counts);

/* tool.c: a tool call's arguments, masked value by value so that they stay JSON. Memory of the arena, or `arguments`
 * itself. 0, or an error of mask_text. `counts`: as of mask_text_counted. */
int tool_mask(const struct mask *mask, struct rp_arena *arena, struct rp_str arguments, unsigned *counts,
              struct rp_str *out_arguments);

#endif
