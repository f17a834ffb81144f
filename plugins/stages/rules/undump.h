/* Reads the binary form of functions, as lua_dump writes it: the same for all of Lua 5.4. */
#ifndef RULES_UNDUMP_H
#define RULES_UNDUMP_H

#include <lua.h>
#include <repartee/base.h>

struct undump {
    const unsigned char *at, *end;
    bool broken; /* it is not what it should be; every call gives nothing from then on */
    int depth;   /* of functions in functions */
};

/* Pushes the binary form of the function at `index`, without its lines when `strip`, and reads its head. It must stay on
 * the stack while it is read. */
void undump_push(lua_State *L, int index, bool strip, struct undump *out);

const unsigned char *undump_take(struct undump *undump, size_t len); /* NULL when broken */
unsigned undump_byte(struct undump *undump);
size_t undump_size(struct undump *undump);
void undump_skip_items(struct undump *undump, size_t size); /* a number, and as many items of this size */
void undump_skip_string(struct undump *undump);
void undump_skip_constants(struct undump *undump);
void undump_skip_names(struct undump *undump); /* what stands behind the lines: of locals and upvalues */
/* Into one more function; false, and broken, when they are nested too deep. */
bool undump_enter(struct undump *undump);
void undump_leave(struct undump *undump);

#endif
