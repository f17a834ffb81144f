/* Messages as they are compared: capitals, widths, invisible characters and white space make no difference. */
#include <stdlib.h>
#include <utf8proc.h>

#include "cache.h"

#define OPTIONS                                                                                                        \
    (UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE)

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

static bool lower_ascii(char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] >= 0x80) return false;
        if (text[i] >= 'A' && text[i] <= 'Z') text[i] |= 0x20;
    }
    return true;
}

struct rp_str fold(struct rp_turn *turn, struct rp_str message) {
    char *text = rp_arena_copy(turn->arena, message.data, message.len);
    if (lower_ascii(text, message.len)) return rp_str_n(text, squeeze(text, message.len));
    utf8proc_uint8_t *mapped;
    utf8proc_ssize_t len = utf8proc_map((const utf8proc_uint8_t *)message.data, (utf8proc_ssize_t)message.len, &mapped,
                                        (utf8proc_option_t)OPTIONS);
    if (len < 0) return message; /* cannot be: it is valid UTF-8. Then only what is equal is alike */
    rp_arena_defer(turn->arena, free, mapped);
    return rp_str_n((char *)mapped, squeeze((char *)mapped, (size_t)len));
}
