/* The matcher for Lua patterns: backtracking over items, each step counted. What a match is for, lpattern.c says. */
#include "lpattern_match.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "meter.h"

#define DEPTH_MAX 200
#define CHARGE_EVERY 256

static const char *match(struct search *search, const char *s, const char *p);

void search_charge(struct search *search) {
    int steps = search->steps;
    search->steps = 0;
    meter_charge(search->L, steps);
}

static void tick(struct search *search) {
    if (++search->steps >= CHARGE_EVERY) search_charge(search);
}

/* ---- classes ----------------------------------------------------------------------------------------------------- */

static bool in_class(int c, int letter) {
    bool in;
    switch (tolower(letter)) {
    case 'a':
        in = isalpha(c);
        break;
    case 'c':
        in = iscntrl(c);
        break;
    case 'd':
        in = isdigit(c);
        break;
    case 'g':
        in = isgraph(c);
        break;
    case 'l':
        in = islower(c);
        break;
    case 'p':
        in = ispunct(c);
        break;
    case 's':
        in = isspace(c);
        break;
    case 'u':
        in = isupper(c);
        break;
    case 'w':
        in = isalnum(c);
        break;
    case 'x':
        in = isxdigit(c);
        break;
    case 'z':
        in = c == 0;
        break;
    default:
        return letter == c;
    }
    return isupper(letter) ? !in : in;
}

/* `p` at the bracket that opens the set, `last` at the one that closes it. */
static bool in_set(int c, const char *p, const char *last) {
    bool found = true;
    if (p[1] == '^') {
        found = false;
        p++;
    }
    while (++p < last) {
        if (*p == '%') {
            p++;
            if (in_class(c, (unsigned char)*p)) return found;
        } else if (p[1] == '-' && p + 2 < last) {
            p += 2;
            if ((unsigned char)p[-2] <= c && c <= (unsigned char)*p) return found;
        } else if ((unsigned char)*p == c) {
            return found;
        }
    }
    return !found;
}

/* Behind the item that starts at `p`, its repetition not included. */
static const char *item_end(struct search *search, const char *p) {
    char first = *p++;
    if (first == '%') {
        if (p == search->pattern_end) luaL_error(search->L, "malformed pattern (ends with '%%')");
        return p + 1;
    }
    if (first != '[') return p;
    if (*p == '^') p++;
    do {
        if (p == search->pattern_end) luaL_error(search->L, "malformed pattern (missing ']')");
        if (*p++ == '%' && p < search->pattern_end) p++;
    } while (*p != ']');
    return p + 1;
}

static bool matches_one(struct search *search, const char *s, const char *p, const char *end) {
    tick(search);
    if (s >= search->text_end) return false;
    int c = (unsigned char)*s;
    switch (*p) {
    case '.':
        return true;
    case '%':
        return in_class(c, (unsigned char)p[1]);
    case '[':
        search->steps += (int)((end - p) / 8);
        return in_set(c, p, end - 1);
    default:
        return (unsigned char)*p == c;
    }
}

/* ---- repetitions ------------------------------------------------------------------------------------------------- */

static const char *as_many(struct search *search, const char *s, const char *p, const char *end, ptrdiff_t least) {
    ptrdiff_t count = 0;
    while (matches_one(search, s + count, p, end)) count++;
    for (; count >= least; count--) {
        const char *result = match(search, s + count, end + 1);
        if (result) return result;
    }
    return NULL;
}

static const char *as_few(struct search *search, const char *s, const char *p, const char *end) {
    for (;; s++) {
        const char *result = match(search, s, end + 1);
        if (result) return result;
        if (!matches_one(search, s, p, end)) return NULL;
    }
}

/* ---- captures, balance, frontier --------------------------------------------------------------------------------- */

static const char *open_capture(struct search *search, const char *s, const char *p) {
    bool position = p[1] == ')';
    if (search->level >= SEARCH_CAPTURES) luaL_error(search->L, "too many captures");
    search->capture[search->level].start = s;
    search->capture[search->level].len = position ? CAPTURE_POSITION : CAPTURE_OPEN;
    search->level++;
    const char *result = match(search, s, p + (position ? 2 : 1));
    if (!result) search->level--;
    return result;
}

static const char *close_capture(struct search *search, const char *s, const char *p) {
    int i = search->level - 1;
    while (i >= 0 && search->capture[i].len != CAPTURE_OPEN) i--;
    if (i < 0) luaL_error(search->L, "invalid pattern capture");
    search->capture[i].len = s - search->capture[i].start;
    const char *result = match(search, s, p + 1);
    if (!result) search->capture[i].len = CAPTURE_OPEN;
    return result;
}

static const char *repeat_capture(struct search *search, const char *s, int digit) {
    int i = digit - '1';
    if (i < 0 || i >= search->level || search->capture[i].len == CAPTURE_OPEN) {
        luaL_error(search->L, "invalid capture index %%%d", i + 1);
    }
    size_t len = (size_t)search->capture[i].len; /* a position is longer than any text */
    if ((size_t)(search->text_end - s) < len) return NULL;
    search->steps += (int)(len / 16);
    return memcmp(search->capture[i].start, s, len) == 0 ? s + len : NULL;
}

static const char *match_balance(struct search *search, const char *s, const char *p) {
    if (p >= search->pattern_end - 1) luaL_error(search->L, "malformed pattern (missing arguments to '%%b')");
    if (s >= search->text_end || *s != *p) return NULL;
    int open = 1;
    for (s++; s < search->text_end; s++) {
        tick(search);
        if (*s == p[1]) {
            if (--open == 0) return s + 1;
        } else if (*s == *p) {
            open++;
        }
    }
    return NULL;
}

/* `p` at the set; *out_end behind it. */
static bool match_frontier(struct search *search, const char *s, const char *p, const char **out_end) {
    if (*p != '[') luaL_error(search->L, "missing '[' after '%%f' in pattern");
    const char *end = item_end(search, p);
    int before = s == search->text ? 0 : (unsigned char)s[-1];
    int after = s == search->text_end ? 0 : (unsigned char)*s;
    tick(search);
    *out_end = end;
    return !in_set(before, p, end - 1) && in_set(after, p, end - 1);
}

/* ---- the walk over the pattern ----------------------------------------------------------------------------------- */

/* A %b, %f or %1 at *p: moves both on; false: no match. Anything else is left alone. */
static bool match_special(struct search *search, const char **s, const char **p, bool *out_done) {
    int letter = (*p)[0] == '%' ? (unsigned char)(*p)[1] : 0;
    *out_done = true;
    if (letter == 'b') {
        *s = match_balance(search, *s, *p + 2);
        *p += 4;
        return *s != NULL;
    }
    if (letter == 'f') return match_frontier(search, *s, *p + 2, p);
    if (isdigit(letter)) {
        *s = repeat_capture(search, *s, letter);
        *p += 2;
        return *s != NULL;
    }
    *out_done = false;
    return true;
}

static const char *walk(struct search *search, const char *s, const char *p) {
    while (p != search->pattern_end) {
        bool done;
        if (*p == '(') return open_capture(search, s, p);
        if (*p == ')') return close_capture(search, s, p);
        if (*p == '$' && p + 1 == search->pattern_end) return s == search->text_end ? s : NULL;
        if (!match_special(search, &s, &p, &done)) return NULL;
        if (done) continue;
        const char *end = item_end(search, p), *result;
        switch (*end) {
        case '*':
            return as_many(search, s, p, end, 0);
        case '+':
            return as_many(search, s, p, end, 1);
        case '-':
            return as_few(search, s, p, end);
        case '?':
            if (matches_one(search, s, p, end) && (result = match(search, s + 1, end + 1))) return result;
            p = end + 1;
            break;
        default:
            if (!matches_one(search, s, p, end)) return NULL;
            s++;
            p = end;
        }
    }
    return s;
}

static const char *match(struct search *search, const char *s, const char *p) {
    if (++search->depth > DEPTH_MAX) luaL_error(search->L, "pattern too complex");
    tick(search);
    const char *result = walk(search, s, p);
    search->depth--;
    return result;
}

const char *search_at(struct search *search, const char *s, const char *pattern) {
    search->level = 0;
    search->depth = 0;
    return match(search, s, pattern);
}
