/* redact, the stage: masks the message on its way in, hangs a tap into the reply, and masks for the log. Whatever cannot
 * be masked is not shown: the turn fails, and its message is taken away before anybody can log it. */
#include "redact.h"

#define UNSHOWN RP_STR("[not shown]")

static int create(const struct redact_options *options, struct mask **out_mask, struct rp_error *error) {
    return mask_create(&options->patterns, options->mask, (size_t)options->hold, out_mask, error);
}

static int check(const void *options, struct rp_error *error) {
    struct mask *mask;
    int code = create(options, &mask, error);
    if (code == 0) mask_free(mask);
    return code;
}

static int on_open(struct rp_element *element, struct rp_error *error) {
    struct mask *mask;
    int code = create(element->options, &mask, error);
    if (code == 0) element->state = mask;
    return code;
}

static void on_close(struct rp_element *element) {
    mask_free(element->state);
}

static enum rp_outcome fail(struct rp_turn *turn, int code) {
    struct rp_fault fault = {.code = -code};
    rp_turn_set_message(turn, UNSHOWN);
    rp_turn_fail(turn, &fault);
    return RP_KEEP;
}

static enum rp_outcome on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    const struct redact_options *options = stage->element.options;
    const struct mask *mask = stage->element.state;
    if (options->on != REDACT_REPLY) {
        struct rp_str masked;
        unsigned *counts = tell_counts(stage, turn);
        int code = mask_text_counted(mask, turn->arena, turn->message, counts, &masked);
        tell_masked(stage, turn, "message", counts);
        if (code) return fail(turn, code);
        if (masked.data != turn->message.data) rp_turn_set_message(turn, masked);
    }
    if (options->on != REDACT_MESSAGE) reply_tap(stage, turn);
    return RP_PASS;
}

static struct rp_str mask_for_log(struct rp_stage *stage, struct rp_turn *turn, struct rp_str text) {
    struct rp_str masked;
    return mask_text(stage->element.state, turn->arena, text, &masked) == 0 ? masked : UNSHOWN;
}

const struct rp_stage_type redact_stage = {
    .type = {.name = "redact",
             .summary = "masks personal data in messages, replies and the log",
             .options_size = sizeof(struct redact_options),
             .options = redact_table,
             .check = check,
             .open = on_open,
             .close = on_close,
             .remembers_nothing = true},
    .on_turn = on_turn,
    .mask = mask_for_log,
};
