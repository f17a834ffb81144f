/* Refuses what makes a match depend on where the search began or on what else was tried: \G, verbs such as (*COMMIT),
 * and what can take half a character or change the match's start afterwards. Reads just enough of the syntax to tell
 * escapes, \Q…\E and classes from the rest; PCRE2 itself reports what is malformed. Where in doubt it refuses: an
 * escape counts wherever it stands, and in a pattern that may have comments, quotes and classes are no shelter. */
#include "core/text/sieve_lint.h"

#include <string.h>

static const char *refused_escape(const char *pattern) {
    static const char *const refused[] = {"\\G", "\\K", "\\C", "\\X"};
    for (const char *at = strchr(pattern, '\\'); at && at[1]; at = strchr(at, '\\')) {
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
            if (at[1] == refused[i][1]) return refused[i];
        }
        at += at[1] == 'c' && at[2] ? 3 : 2;
    }
    return NULL;
}

/* Whether there is a group that may turn this flag on. */
static bool may_have_flag(const char *pattern, char flag) {
    for (const char *at = pattern; (at = strstr(at, "(?"));) {
        at += 2;
        for (; *at == '^' || *at == '-' || (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z'); at++) {
            if (*at == flag) return true;
        }
    }
    return false;
}

/* Behind the class that starts at `at`. */
static const char *skip_class(const char *at) {
    at++;
    if (*at == '^') at++;
    if (*at == ']') at++;
    for (; *at && *at != ']'; at++) {
        if (*at == '\\' && at[1]) {
            at++;
        } else if (at[0] == '[' && at[1] == ':') {
            const char *end = strstr(at, ":]");
            if (end) at = end + 1;
        }
    }
    return *at ? at + 1 : at;
}

static const char *skip_escape(const char *at, bool quotes) {
    if (at[1] == 'Q' && quotes) {
        const char *end = strstr(at, "\\E");
        return end ? end + 2 : at + strlen(at);
    }
    if (at[1] == 'c' && at[2]) return at + 3;
    return at[1] ? at + 2 : at + 1;
}

const char *sieve_lint(const char *pattern, struct sieve_lint *out) {
    const char *refused = refused_escape(pattern);
    bool shelter = !strstr(pattern, "(?#") && !may_have_flag(pattern, 'x');
    size_t lookbehinds = 0;
    if (refused) return refused;
    for (const char *at = pattern; *at;) {
        if (*at == '\\') {
            at = skip_escape(at, shelter);
        } else if (*at == '[' && shelter) {
            at = skip_class(at);
        } else if (at[0] == '(' && at[1] == '*') {
            return "(*";
        } else {
            if (strncmp(at, "(?<=", 4) == 0 || strncmp(at, "(?<!", 4) == 0 || strncmp(at, "(?<*", 4) == 0) {
                lookbehinds++;
            }
            at++;
        }
    }
    out->lookbehinds = lookbehinds;
    out->lines = (strchr(pattern, '^') && may_have_flag(pattern, 'm')) || strstr(pattern, "\\R");
    return NULL;
}
