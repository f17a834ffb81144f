/* Between JSON and Lua values. JSON's null is absent in an object and `json.null` in a list. */
#ifndef RULES_LUAJSON_H
#define RULES_LUAJSON_H

#include <lauxlib.h>
#include <repartee/base.h>

#define LUAJSON_BYTES ((size_t)8 << 20) /* of the texts in it */
#define LUAJSON_NODES 100000 /* values in one text made from Lua */

/* The value at `index`. 0 and a new reference, or a negative code with *out_why. Raises nothing. */
int luajson_read(lua_State *L, int index, json_t **out_value, const char **out_why);
/* Pushes a value; raises a Lua error when memory or steps run out, so the caller must not own the JSON alone. */
void luajson_push(lua_State *L, const json_t *value);
/* Parses and pushes; on mistakes pushes nothing and returns them in `error`. */
int luajson_parse(lua_State *L, struct rp_str text, struct rp_error *error);
/* Pushes the JSON text of the value at `index`, or raises. */
void luajson_dump(lua_State *L, int index);

void luajson_open(lua_State *L);           /* once a state */
extern const luaL_Reg luajson_functions[]; /* the table `json`, but for `null` */

#endif
