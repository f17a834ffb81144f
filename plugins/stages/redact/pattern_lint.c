/* Refuses what makes a match depend on where the search began or on what else was tried: \G, verbs such as (*COMMIT),
 * and what can take half a character or change the match's start afterwards. Reads just enough of the syntax to tell
 * escapes, \Q…\E and classes from the rest; PCRE2 itself reports what is malformed. */
#include "pattern_lint.h"

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

/* Behind the escape at `at`, or NULL with the refused one in `*out_refused`. */
static const char *skip_escape(const char *at, const char **out_refused) {
    static const struct {
        char letter;
        const char *text;
    } refused[] = {{'G', "\\G"}, {'K', "\\K"}, {'C', "\\C"}, {'X', "\\X"}};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (at[1] != refused[i].letter) continue;
        *out_refused = refused[i].text;
        return NULL;
    }
    if (at[1] == 'Q') {
        const char *end = strstr(at, "\\E");
        return end ? end + 2 : at + strlen(at);
    }
    if (at[1] == 'c' && at[2]) return at + 3;
    return at[1] ? at + 2 : at + 1;
}

const char *pattern_lint(const char *pattern, size_t *out_lookbehinds) {
    const char *refused = NULL;
    size_t lookbehinds = 0;
    for (const char *at = pattern; *at;) {
        if (*at == '\\') {
            at = skip_escape(at, &refused);
            if (!at) return refused;
        } else if (*at == '[') {
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
    *out_lookbehinds = lookbehinds;
    return NULL;
}
