/* Three ways of looking, the strictest first. */
#include "label.h"

#include <stdlib.h>
#include <strings.h>

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* What models put around a word: quotes, stars, full stops, also those of other scripts. */
static struct rp_str trim(struct rp_str text) {
    static const char *const wide[] = {"。", "“", "”", "「", "」", "《", "》", "‘", "’", "：", "，", "！"};
    for (bool again = true; again;) {
        again = false;
        while (text.len && strchr(" \t\r\n\"'`*.,:;!()[]{}<>", text.data[0]))
            text = rp_str_n(text.data + 1, text.len - 1);
        while (text.len && strchr(" \t\r\n\"'`*.,:;!()[]{}<>", text.data[text.len - 1])) text.len--;
        for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
            size_t len = strlen(wide[i]);
            if (text.len >= len && memcmp(text.data, wide[i], len) == 0) {
                text = rp_str_n(text.data + len, text.len - len);
                again = true;
            }
            if (text.len >= len && memcmp(text.data + text.len - len, wide[i], len) == 0) {
                text.len -= len;
                again = true;
            }
        }
    }
    return text;
}

static bool same(struct rp_str a, struct rp_str b) {
    return a.len == b.len && (a.len == 0 || strncasecmp(a.data, b.data, a.len) == 0);
}

/* Where the label stands as a word of its own; SIZE_MAX: nowhere. */
static size_t occurs(struct rp_str text, struct rp_str label) {
    for (size_t at = 0; label.len > 0 && at + label.len <= text.len; at++) {
        if (strncasecmp(text.data + at, label.data, label.len) != 0) continue;
        bool left = at > 0 && is_word(text.data[at - 1]) && is_word(label.data[0]);
        size_t end = at + label.len;
        bool right = end < text.len && is_word(text.data[end]) && is_word(label.data[label.len - 1]);
        if (!left && !right) return at;
    }
    return SIZE_MAX;
}

/* Longer labels first, and what they cover is gone: "refund status" does not hold "refund". */
static size_t only_one(struct rp_str text, const struct rp_str *labels, size_t count) {
    char *copy = rp_alloc(text.len + 1);
    bool *seen = rp_calloc(count + 1, sizeof(*seen));
    size_t found = count, hits = 0;
    if (text.len) memcpy(copy, text.data, text.len);
    for (size_t round = 0; round < count; round++) {
        size_t longest = count;
        for (size_t i = 0; i < count; i++)
            if (!seen[i] && (longest == count || labels[i].len > labels[longest].len)) longest = i;
        seen[longest] = true;
        bool here = false;
        for (size_t at; (at = occurs(rp_str_n(copy, text.len), labels[longest])) != SIZE_MAX; here = true)
            memset(copy + at, '\n', labels[longest].len);
        if (here) found = longest;
        hits += here;
    }
    free(copy);
    free(seen);
    return hits == 1 ? found : count;
}

size_t label_find(struct rp_str text, const struct rp_str *labels, size_t count) {
    struct rp_str bare = trim(text);
    for (size_t i = 0; i < count; i++)
        if (rp_str_equal(labels[i], text)) return i;
    for (size_t i = 0; i < count; i++)
        if (rp_str_equal(labels[i], bare)) return i;
    for (size_t i = 0; i < count; i++)
        if (same(trim(labels[i]), bare) && bare.len) return i;
    return only_one(text, labels, count);
}
