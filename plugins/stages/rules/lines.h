/* Which lines of a rule file can run once the file is loaded: those of the functions in it. */
#ifndef RULES_LINES_H
#define RULES_LINES_H

#include <lua.h>
#include <repartee/base.h>

struct lines_visitor {
    void (*function)(void *arg, int first, int last); /* not one inside another; before its lines */
    void (*line)(void *arg, int line);                /* perhaps more than once */
    void *arg;
};

/* Compiles the text, which is known to be good, and walks over its functions. False: their code cannot be read. Leaves
 * the stack as it was; may raise when memory is out. */
bool lines_find(lua_State *L, struct rp_str text, const struct lines_visitor *visitor);

#endif
