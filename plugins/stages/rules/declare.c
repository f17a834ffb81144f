/* What scripts call to declare something: the name first, then the table, which a declare_*.c reads. */
#include "declare.h"

#include "form.h"
#include "freeze.h"
#include "inventory.h"
#include "vm.h"

#define NAME_LEN 64

static bool good_name(const char *name, size_t len) {
    if (len == 0 || len > NAME_LEN || !rp_utf8_valid(name, len)) return false;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7F) return false;
    }
    return true;
}

static struct origin origin_of(lua_State *L, struct vm *vm, const char *name) {
    lua_Debug at;
    struct origin origin = {.name = rp_arena_copy(vm->set->arena, name, strlen(name)), .file = "?"};
    if (lua_getstack(L, 1, &at) && lua_getinfo(L, "Sl", &at)) {
        origin.file = rp_arena_copy(vm->set->arena, at.source + 1, strlen(at.source + 1));
        origin.line = at.currentline;
    }
    return origin;
}

/* The line where the last function in the table on the stack ends. */
static int last_line(lua_State *L, int table) {
    lua_Debug at;
    int last = 0;
    for (lua_pushnil(L); lua_next(L, table);) {
        if (!lua_isfunction(L, -1) || lua_iscfunction(L, -1)) {
            lua_pop(L, 1);
            continue;
        }
        lua_getinfo(L, ">S", &at); /* takes the function */
        if (at.lastlinedefined > last) last = at.lastlinedefined;
    }
    return last;
}

static int read_body(lua_State *L, const char *kind, void (*read)(const struct form *form)) {
    struct vm *vm = vm_of(L);
    const char *name = lua_tostring(L, lua_upvalueindex(1));
    if (!vm->mistakes) return luaL_error(L, "%s works only while the rules are loaded", kind);
    struct form form = {.L = L,
                        .vm = vm,
                        .arena = vm->set->arena,
                        .mistakes = vm->mistakes,
                        .kind = kind,
                        .origin = origin_of(L, vm, name)};
    if (!lua_istable(L, 1)) {
        form_wrong(&form, "a table { … } must follow the name");
        return 0;
    }
    lua_settop(L, 1);
    luaL_checkstack(L, 24, NULL);
    freeze_contents(L, 1);
    form.table = 2;
    form.origin.serial = vm->set->serial;
    read(&form);
    if (vm->set->serial > form.origin.serial) inventory_add(vm, kind, &form.origin, last_line(L, form.table));
    return 0;
}

static int rule_body(lua_State *L) {
    return read_body(L, "rule", declare_rule);
}

static int dialog_body(lua_State *L) {
    return read_body(L, "dialog", declare_dialog);
}

static int generate_body(lua_State *L) {
    return read_body(L, "generate", declare_generate);
}

static int guard_body(lua_State *L) {
    return read_body(L, "guard", declare_guard);
}

static int tool_body(lua_State *L) {
    return read_body(L, "tool", declare_tool);
}

static int declare(lua_State *L, const char *kind, lua_CFunction body) {
    size_t len;
    if (lua_type(L, 1) != LUA_TSTRING) return luaL_error(L, "%s needs a name: %s \"name\" { … }", kind, kind);
    const char *name = lua_tolstring(L, 1, &len);
    if (!good_name(name, len))
        return luaL_error(L, "%s: a name has 1 to %d bytes, none of them a control character", kind, NAME_LEN);
    if (lua_gettop(L) > 1) return luaL_error(L, "%s: write %s \"%s\" { … }, without a comma", kind, kind, name);
    lua_pushcclosure(L, body, 1);
    return 1;
}

static int rule(lua_State *L) {
    return declare(L, "rule", rule_body);
}

static int dialog(lua_State *L) {
    return declare(L, "dialog", dialog_body);
}

static int generate(lua_State *L) {
    return declare(L, "generate", generate_body);
}

static int guard(lua_State *L) {
    return declare(L, "guard", guard_body);
}

static int tool(lua_State *L) {
    return declare(L, "tool", tool_body);
}

const luaL_Reg declare_functions[] = {{"rule", rule},   {"dialog", dialog}, {"generate", generate},
                                    {"guard", guard}, {"tool", tool},     {NULL, NULL}};
