/* The arguments of a tool call: each value is masked by itself; text that does not parse is masked as text. */
#include "redact.h"

struct masking {
    const struct mask *mask;
    struct rp_arena *arena;
    unsigned *counts;
};

static int mask_value(void *arg, struct rp_str text, struct rp_str *out_text) {
    struct masking *masking = arg;
    return mask_text_counted(masking->mask, masking->arena, text, masking->counts, out_text);
}

int tool_mask(const struct mask *mask, struct rp_arena *arena, struct rp_str arguments, unsigned *counts,
              struct rp_str *out_arguments) {
    struct masking masking = {mask, arena, counts};
    int code = rp_json_map(arena, arguments, mask_value, &masking, out_arguments);
    return code == -RP_EJSON ? mask_text_counted(mask, arena, arguments, counts, out_arguments) : code;
}
