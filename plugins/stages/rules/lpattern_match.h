/* One search with a Lua pattern; for lpattern.c, which offers it to scripts. */
#ifndef RULES_LPATTERN_MATCH_H
#define RULES_LPATTERN_MATCH_H

#include <lua.h>
#include <stddef.h>

#define SEARCH_CAPTURES 32
#define CAPTURE_OPEN (-1)
#define CAPTURE_POSITION (-2)

struct search {
    lua_State *L;
    const char *text, *text_end;
    const char *pattern_end;
    int steps; /* not yet charged */
    int depth;
    int level; /* captures opened so far */
    struct {
        const char *start;
        ptrdiff_t len; /* or CAPTURE_… */
    } capture[SEARCH_CAPTURES];
};

/* Where the match of `pattern` at `s` ends; NULL: no match. Raises Lua's own errors for malformed patterns. */
const char *search_at(struct search *search, const char *s, const char *pattern);
void search_charge(struct search *search); /* what is left to charge */

#endif
