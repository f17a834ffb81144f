/* Lua values as JSON that gives back the very same values: also strings that are no UTF-8, numbers that JSON lacks, lists
 * with holes, tables with numbers for keys. What luajson.h makes is for others to read; this is for a journal.
 *
 *     nil, true, 1, 1.5, "text"      null, true, 1, 1.5, "text"
 *     "\xFF"                         ["s", "ÿ"]: each byte as the character of that number, NUL as U+0100
 *     1/0, -1/0, 0/0                 ["n", "inf"], ["n", "-inf"], ["n", "nan"]
 *     json.null                      ["0"]
 *     { "a", "b" }                   ["l", "a", "b"]
 *     { x = 1 }, {}                  {"x": 1}, {}
 *     any other table                ["m", key, value, key, value, …] */
#ifndef RULES_PACKED_H
#define RULES_PACKED_H

#include <jansson.h>
#include <lua.h>
#include <repartee/base.h>

/* The value at `index`, as long as it takes no more than about `max` bytes. 0 and a new reference; -RP_ETOOLARGE, or
 * -RP_EJSON with *out_why for what cannot be kept (functions, `t`, tables in themselves). Raises nothing. */
int packed_read(lua_State *L, int index, size_t max, json_t **out_value, const char **out_why);
/* Pushes the value; raises when memory or steps run out, or for JSON that packed_read has not made. */
void packed_push(lua_State *L, const json_t *value);

/* A number for what a value says, the same in every process; mixed into `hash`. Order of keys, metatables and which
 * function it is do not count. */
uint32_t packed_hash(lua_State *L, int index, uint32_t hash);
uint32_t packed_hash_text(uint32_t hash, struct rp_str text);
#define PACKED_HASH_START UINT32_C(0x811C9DC5)

#endif
