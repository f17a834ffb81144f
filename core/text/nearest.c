/* Damerau and Levenshtein's distance (neighbours may swap once), on three rows of the table. */
#include <repartee/base.h>

#define NAME_MAX_LEN 63 /* longer names are not worth a guess */

static char small(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len) {
    size_t rows[3][NAME_MAX_LEN + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b_len; j++) above[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t cost = small(a[i - 1]) != small(b[j - 1]);
            row[j] = smaller(above[j - 1] + cost, smaller(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && small(a[i - 1]) == small(b[j - 2]) && small(a[i - 2]) == small(b[j - 1])) {
                row[j] = smaller(row[j], before[j - 2] + 1);
            }
        }
        size_t *free_row = before;
        before = above;
        above = row;
        row = free_row;
    }
    return above[b_len];
}

const char *rp_nearest_name(const char *wanted, const char *const *names, size_t count) {
    size_t len = strlen(wanted);
    size_t least = len / 3 > 1 ? len / 3 : 1;
    const char *best = NULL;

    if (len > NAME_MAX_LEN) return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t name_len = strlen(names[i]);
        if (name_len > NAME_MAX_LEN) continue;
        size_t edits = distance(wanted, len, names[i], name_len);
        if (edits > least || (best && edits == least)) continue;
        least = edits;
        best = names[i];
    }
    return best;
}
