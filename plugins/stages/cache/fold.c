/* Messages as they are compared: capitals, widths, invisible characters and white space make no difference. */
#include <repartee/normalise.h>

#include "cache.h"

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* In place: one space where there were several, none at the ends. */
static size_t squeeze(char *text, size_t len) {
    size_t to = 0;
    for (size_t i = 0; i < len; i++) {
        if (!is_space(text[i]))
            text[to++] = text[i];
        else if (to > 0 && text[to - 1] != ' ')
            text[to++] = ' ';
    }
    if (to > 0 && text[to - 1] == ' ') to--;
    return to;
}

struct rp_str fold(struct rp_turn *turn, struct rp_str message) {
    struct rp_str folded = rp_normalise_folded(turn->arena, message);
    char *text = rp_arena_copy(turn->arena, folded.data, folded.len);
    return rp_str_n(text, squeeze(text, folded.len));
}
