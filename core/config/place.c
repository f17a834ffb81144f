/* Finds the very line of an option inside an element that spans several.
 *
 * Lua tells only the line on which a constructor was called. So the source is read once more, as tokens: strings and
 * comments are skipped, brackets are counted, and `key =` directly inside the element's braces is what we look for. */
#include "core/config/place.h"

#include <ctype.h>

struct scan {
    const char *at, *end;
    int line;
    struct rp_str word; /* of the last token: a name, or a string's inside; else empty */
    char token;         /* 'n' name, 's' string, else the character; 0 at the end */
};

static void advance(struct scan *scan, size_t count) {
    for (; count > 0 && scan->at < scan->end; count--) scan->line += *scan->at++ == '\n';
}

/* The level of a long bracket that opens here, "[==[" is 2; -1: none. */
static int long_level(const struct scan *scan) {
    const char *at = scan->at + 1;
    while (at < scan->end && *at == '=') at++;
    return scan->at < scan->end && *scan->at == '[' && at < scan->end && *at == '[' ? (int)(at - scan->at) - 1 : -1;
}

static bool long_closes(const struct scan *scan, size_t level) {
    const char *at = scan->at;
    if ((size_t)(scan->end - at) < level + 2 || *at != ']' || at[level + 1] != ']') return false;
    for (size_t i = 1; i <= level; i++)
        if (at[i] != '=') return false;
    return true;
}

static void skip_long(struct scan *scan, int level) {
    advance(scan, (size_t)level + 2);
    while (scan->at < scan->end && !long_closes(scan, (size_t)level)) advance(scan, 1);
    advance(scan, (size_t)level + 2);
}

static void skip_comment(struct scan *scan) {
    advance(scan, 2);
    int level = long_level(scan);
    if (level >= 0) {
        skip_long(scan, level);
        return;
    }
    while (scan->at < scan->end && *scan->at != '\n') advance(scan, 1);
}

static void skip_blank(struct scan *scan) {
    while (scan->at < scan->end) {
        if (isspace((unsigned char)*scan->at)) advance(scan, 1);
        else if (*scan->at == '-' && scan->end - scan->at > 1 && scan->at[1] == '-') skip_comment(scan);
        else return;
    }
}

static void take_string(struct scan *scan) {
    char quote = *scan->at;
    advance(scan, 1);
    const char *start = scan->at;
    while (scan->at < scan->end && *scan->at != quote && *scan->at != '\n') advance(scan, *scan->at == '\\' ? 2 : 1);
    scan->word = rp_str_n(start, (size_t)(scan->at - start));
    scan->token = 's';
    advance(scan, 1);
}

static void take_name(struct scan *scan) {
    const char *start = scan->at;
    while (scan->at < scan->end && (isalnum((unsigned char)*scan->at) || *scan->at == '_')) advance(scan, 1);
    scan->word = rp_str_n(start, (size_t)(scan->at - start));
    scan->token = 'n';
}

static void next_token(struct scan *scan) {
    skip_blank(scan);
    scan->word = rp_str(NULL);
    scan->token = scan->at == scan->end ? '\0' : *scan->at ? *scan->at : '?'; /* a NUL in the source is no end */
    int level = long_level(scan);
    if (scan->token == '\0') return;
    if (level >= 0) {
        skip_long(scan, level);
        scan->token = 's';
    } else if (scan->token == '"' || scan->token == '\'') {
        take_string(scan);
    } else if (isalnum((unsigned char)scan->token) || scan->token == '_') {
        take_name(scan);
    } else {
        advance(scan, 1);
    }
}

/* Whether `=`, and not `==`, follows. */
static bool assigns(struct scan scan) {
    next_token(&scan);
    return scan.token == '=' && (scan.at == scan.end || *scan.at != '=');
}

/* Behind "key" in ["key"] = …. */
static bool assigns_bracketed(struct scan scan) {
    next_token(&scan);
    return scan.token == ']' && assigns(scan);
}

/* Inside the brackets that just opened. 0: not there. */
static int find_key(struct scan *scan, struct rp_str key, int depth) {
    char before = '{';
    for (next_token(scan); scan->token; before = scan->token, next_token(scan)) {
        int line = scan->line;
        if (strchr("{([", scan->token)) depth++;
        else if (strchr("})]", scan->token) && --depth == 0) return 0;
        if (!rp_str_equal(scan->word, key)) continue;
        if (depth == 1 && scan->token == 'n' && strchr("{,;", before) && assigns(*scan)) return line;
        if (depth == 2 && scan->token == 's' && before == '[' && assigns_bracketed(*scan)) return line;
    }
    return 0;
}

/* From behind the element's own word to its braces: ( and a name in quotes may stand between. */
static bool enter_braces(struct scan *scan) {
    next_token(scan);
    if (scan->token == 's' || scan->token == '(') next_token(scan);
    return scan->token == '{';
}

int place_of_option(struct place place, const char *word, const char *key) {
    if (!place.source || place.line <= 0) return place.line;
    struct rp_str text = place.source->text;
    struct scan scan = {.at = text.data, .end = text.data + text.len, .line = 1};
    while (scan.at < scan.end && scan.line < place.line) next_token(&scan);
    while (scan.token != '\0' || scan.at < scan.end) {
        if (scan.line > place.line) break;
        if (rp_str_equal(scan.word, rp_str(word))) {
            struct scan inside = scan;
            int line = enter_braces(&inside) ? find_key(&inside, rp_str(key), 1) : 0;
            if (line > 0) return line;
        }
        next_token(&scan);
    }
    return place.line;
}
