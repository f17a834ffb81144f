/* The words of the bot file: env, secret, include, the sections, and any other name as the constructor of an element.
 *
 * Here everything is only recorded. Which element may stand where, and what its options mean, is for others. */
#include <lauxlib.h>
#include <stdlib.h>

#include "core/config/file.h"
#include "core/config/script_lua.h"

#define SECRET_MAX (64 * 1024) /* bytes of a file that holds a secret */

const char *const section_names[SECTION_COUNT + 1] = {
    [SECTION_BOT] = "bot",         [SECTION_LOG] = "log",
    [SECTION_LIMITS] = "limits",   [SECTION_PLUGINS] = "plugins",
    [SECTION_LISTENERS] = "listeners", [SECTION_STORES] = "stores",
    [SECTION_MODELS] = "models",   [SECTION_TRANSPORTS] = "transports",
    [SECTION_PIPELINE] = "pipeline",   [SECTION_TRACE] = "trace",
    [SECTION_EVENTS] = "events",   [SECTION_PRICES] = "prices",
    [SECTION_BUDGETS] = "budgets",
};

/* Names of Lua that a bot file does without; taken for a type, they would fail in ways hard to understand. */
static const char *const missing_words[] = {
    "_G",       "_VERSION", "arg",    "collectgarbage", "coroutine", "debug",    "dofile",  "getmetatable", "io",
    "load",     "loadfile", "loadstring", "os",         "package",   "print",    "rawequal", "rawget",      "rawlen",
    "rawset",   "require",  "setfenv", "setmetatable",  "unpack",    "warn",     "xpcall",   NULL,
};
static const char *const own_words[] = {
    "assert", "env",  "error",  "include", "ipairs", "math",  "next",     "pairs",    "pcall",
    "secret", "self", "select", "string",  "table",  "tonumber", "tostring", "type", "utf8", NULL,
};

static bool word_in(const char *word, const char *const *words) {
    for (; *words; words++)
        if (strcmp(word, *words) == 0) return true;
    return false;
}

bool script_reserved(const char *name) {
    return word_in(name, section_names) || word_in(name, own_words) || word_in(name, missing_words);
}

/* ---- elements ---------------------------------------------------------------------------------------------------- */

/* An argument that is no table counts as a table with this one value: redact "email". */
static struct node as_table(struct script *script, struct node value) {
    if (value.type == NODE_TABLE) return value;
    struct node table = {.type = NODE_TABLE};
    table.table.entries = rp_arena_zalloc(script->arena, sizeof *table.table.entries);
    if (value.type == NODE_NIL) return table;
    table.table.entries[0] = (struct node_entry){.index = 1, .value = value};
    table.table.count = table.table.numbered = 1;
    return table;
}

int script_construct(lua_State *lua) {
    struct script *script = script_of(lua);
    const char *name = lua_tostring(lua, lua_upvalueindex(1));
    if (lua_gettop(lua) > 1) return luaL_error(lua, "'%s' takes one table: %s { … }", name, name);
    lua_settop(lua, 1);
    struct declared *element = rp_arena_zalloc(script->arena, sizeof *element);
    element->type = rp_arena_copy(script->arena, name, strlen(name));
    element->place = script_place(lua);
    element->options = as_table(script, script_value(lua, 1));
    element->order = ++script->element_count;
    *script->last_element = element;
    script->last_element = &element->next;
    struct declared **object = lua_newuserdatauv(lua, sizeof *object, 0);
    *object = element;
    luaL_setmetatable(lua, ELEMENT_TYPE);
    return 1;
}

/* Calling an element again, as in `pipelin "staff" { … }`, is a mistake; what it means is told when all is known. */
static int element_call(lua_State *lua) {
    struct declared *const *element = luaL_checkudata(lua, 1, ELEMENT_TYPE);
    lua_settop(lua, 2);
    (*element)->again = as_table(script_of(lua), script_value(lua, 2));
    lua_settop(lua, 1);
    return 1;
}

static int element_text(lua_State *lua) {
    struct declared *const *element = luaL_checkudata(lua, 1, ELEMENT_TYPE);
    lua_pushstring(lua, (*element)->type);
    return 1;
}

static int unknown_word(lua_State *lua) {
    const char *name = luaL_checkstring(lua, 2);
    if (word_in(name, missing_words)) return luaL_error(lua, "'%s' is not available in a bot file", name);
    lua_settop(lua, 2);
    lua_pushcclosure(lua, script_construct, 1);
    return 1;
}

/* ---- sections ---------------------------------------------------------------------------------------------------- */

static struct part *record_part(struct script *script, enum section section, const char *name, struct place place) {
    struct part *part = rp_arena_zalloc(script->arena, sizeof *part);
    part->section = section;
    part->name = name;
    part->place = place;
    *script->last_part = part;
    script->last_part = &part->next;
    return part;
}

/* The second half of pipeline "staff" { … }; upvalue 1 is the part. */
static int fill_part(lua_State *lua) {
    struct part *part = lua_touserdata(lua, lua_upvalueindex(1));
    if (lua_type(lua, 1) != LUA_TTABLE)
        return luaL_error(lua, "pipeline '%s' takes a table: pipeline \"%s\" { … }", part->name, part->name);
    part->table = script_value(lua, 1);
    return 0;
}

static int name_part(lua_State *lua, struct script *script) {
    struct node name = script_value(lua, 1);
    if (!node_is_text(&name) || name.text.len == 0) return luaL_error(lua, "this is not a name for a pipeline");
    lua_pushlightuserdata(lua, record_part(script, SECTION_PIPELINE, name.text.data, script_place(lua)));
    lua_pushcclosure(lua, fill_part, 1);
    return 1;
}

static int section_call(lua_State *lua) {
    struct script *script = script_of(lua);
    enum section section = (enum section)lua_tointeger(lua, lua_upvalueindex(1));
    const char *name = section_names[section];
    lua_settop(lua, 1);
    if (section == SECTION_PIPELINE && lua_type(lua, 1) == LUA_TSTRING) return name_part(lua, script);
    if (lua_type(lua, 1) != LUA_TTABLE) return luaL_error(lua, "'%s' takes a table: %s { … }", name, name);
    struct part *part = record_part(script, section, "main", script_place(lua));
    part->table = script_value(lua, 1);
    return 0;
}

/* ---- env and secret ---------------------------------------------------------------------------------------------- */

static int word_env(lua_State *lua) {
    const char *value = getenv(luaL_checkstring(lua, 1));
    lua_settop(lua, 2);
    if (value) lua_pushstring(lua, value);
    return 1;
}

static const char *trim_line_end(struct rp_str text) {
    char *data = (char *)text.data;
    while (text.len > 0 && (data[text.len - 1] == '\n' || data[text.len - 1] == '\r')) text.len--;
    data[text.len] = '\0';
    return data;
}

/* The secret in the file that NAME_FILE names, or NULL: then nothing names one, or a mistake was reported. */
static const char *secret_from_file(struct script *script, struct place place, const char *name, bool *out_reported) {
    const char *path = getenv(rp_arena_printf(script->arena, "%s_FILE", name));
    if (!path || !*path) return NULL;
    struct rp_str text;
    const char *why = NULL;
    if (file_read(script->arena, path, SECRET_MAX, &text, &why) == 0) {
        if (!memchr(text.data, '\0', text.len)) return trim_line_end(text);
        why = "it holds a NUL byte";
    }
    script_mistake(script, place, "secret '%s': cannot read '%s': %s", name, path, why);
    *out_reported = true;
    return NULL;
}

/* secret "NAME", or secret("NAME", "default"). An unset one is a mistake only where it is used. */
static int word_secret(lua_State *lua) {
    struct script *script = script_of(lua);
    const char *name = luaL_checkstring(lua, 1), *other = luaL_optstring(lua, 2, NULL), *value = getenv(name);
    bool reported = false;
    if (!value || !*value) value = secret_from_file(script, script_place(lua), name, &reported);
    if (!value) value = reported ? "" : other;
    struct node *node = rp_arena_zalloc(script->arena, sizeof *node);
    node->type = NODE_SECRET;
    node->secret.name = rp_arena_copy(script->arena, name, strlen(name));
    if (value) node->secret.value = rp_arena_copy(script->arena, value, strlen(value));
    struct node **object = lua_newuserdatauv(lua, sizeof *object, 0);
    *object = node;
    luaL_setmetatable(lua, SECRET_TYPE);
    return 1;
}

static int secret_text(lua_State *lua) {
    lua_pushliteral(lua, "secret");
    return 1;
}

/* ---- setting up -------------------------------------------------------------------------------------------------- */

static void make_type(lua_State *lua, const char *name, lua_CFunction text, lua_CFunction call) {
    luaL_newmetatable(lua, name);
    lua_pushcfunction(lua, text);
    lua_setfield(lua, -2, "__tostring");
    if (call) {
        lua_pushcfunction(lua, call);
        lua_setfield(lua, -2, "__call");
    }
    lua_pop(lua, 1);
}

void script_words(lua_State *lua) {
    static const luaL_Reg words[] = {
        {"env", word_env}, {"secret", word_secret}, {"include", script_include}, {NULL, NULL}};
    luaL_setfuncs(lua, words, 0);
    for (int i = 0; i < SECTION_COUNT; i++) {
        lua_pushinteger(lua, i);
        lua_pushcclosure(lua, section_call, 1);
        lua_setfield(lua, -2, section_names[i]);
    }
    lua_newtable(lua);
    lua_pushcfunction(lua, unknown_word);
    lua_setfield(lua, -2, "__index");
    lua_setmetatable(lua, -2);
    make_type(lua, ELEMENT_TYPE, element_text, element_call);
    make_type(lua, SECRET_TYPE, secret_text, NULL);
}
