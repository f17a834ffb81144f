/* The arguments of a tool call: each value is masked by itself; text that does not parse is masked as text. */
#include "redact.h"

struct masking {
    const struct mask *mask;
    struct rp_arena *arena;
};

static int mask_value(void *arg, struct rp_str text, struct rp_str *out_text) {
    struct masking *masking = arg;
    return mask_text(masking->mask, masking->arena, text, out_text);
}

int tool_mask(const struct mask *mask, struct rp_arena *arena, struct rp_str arguments, struct rp_str *out_arguments) {
    struct masking masking = {mask, arena};
    int code = rp_json_map(arena, arguments, mask_value, &masking, out_arguments);
    return code == -RP_EJSON ? mask_text(mask, arena, arguments, out_arguments) : code;
}
