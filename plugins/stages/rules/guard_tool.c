/* Walks through a tool call's arguments with one guard. */
#include "guard_tool.h"

struct looking {
    const struct guard_use *use;
    struct guard_found *found;
};

static int look_at(void *arg, struct rp_str text, struct rp_str *out_text) {
    struct looking *looking = arg;
    struct rp_normalised whole;
    struct guard_found found = {0};
    bool replaces = looking->use->guard->action == GUARD_REPLACE;
    *out_text = text;
    if (!rp_utf8_valid(text.data, text.len)) return -RP_EUTF8;
    rp_normalise(looking->use->arena, text, &whole);
    int code = replaces ? guard_replace(looking->use, &whole, &found, out_text)
                        : guard_look(looking->use, &whole, &found);
    if (code == 0 && found.found && !looking->found->found) *looking->found = found;
    return code;
}

int guard_tool(const struct guard_use *use, struct rp_str arguments, struct guard_found *out,
               struct rp_str *out_arguments) {
    struct looking looking = {use, out};
    *out = (struct guard_found){.with = use->guard->has_with ? use->guard->with : use->sentence};
    int code = rp_json_map(use->arena, arguments, look_at, &looking, out_arguments);
    return code == -RP_EJSON ? look_at(&looking, arguments, out_arguments) : code;
}
