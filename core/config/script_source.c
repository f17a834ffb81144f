/* The files of a bot: reading, running and including them, and finding the file and line that a Lua error names.
 *
 * Lua knows each file as "#1", "#2", …: its own way of shortening long names would lose what the user needs. */
#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/config/file.h"
#include "core/config/sandbox.h"
#include "core/config/script_lua.h"

#define INCLUDE_DEPTH 16
#define SOURCE_MAX 256 /* files */

struct source *source_open(struct script *script, const char *name, const char *path, const char **out_why) {
    struct rp_str text;
    if (script->source_count == SOURCE_MAX) {
        *out_why = "too many files";
        return NULL;
    }
    if (file_read(script->arena, path, SCRIPT_FILE_MAX, &text, out_why)) return NULL;
    static const char mark[] = "\xef\xbb\xbf"; /* some editors put one */
    if (text.len >= 3 && memcmp(text.data, mark, 3) == 0) text = rp_str_n(text.data + 3, text.len - 3);
    struct source *source = rp_arena_zalloc(script->arena, sizeof *source);
    source->name = rp_arena_copy(script->arena, name, strlen(name));
    source->path = rp_arena_copy(script->arena, path, strlen(path));
    source->text = text;
    source->number = ++script->source_count;
    *script->last_source = source;
    script->last_source = &source->next;
    return source;
}

static const struct source *source_numbered(const struct script *script, unsigned number) {
    for (const struct source *source = script->sources; source; source = source->next)
        if (source->number == number) return source;
    return NULL;
}

const struct source *source_at(const struct script *script, const char *chunk) {
    unsigned number;
    return sscanf(chunk, "=#%u", &number) == 1 ? source_numbered(script, number) : NULL;
}

int source_run(lua_State *lua, struct source *source) {
    char chunk[32];
    snprintf(chunk, sizeof chunk, "=#%u", source->number);
    int status = luaL_loadbufferx(lua, source->text.data, source->text.len, chunk, "t");
    if (status != LUA_OK) return status;
    source->running = true;
    status = lua_pcall(lua, 0, LUA_MULTRET, 0);
    source->running = false;
    return status;
}

/* Takes "#2:14: " off the front; an error that was caught and thrown again has several, the last is the cause. */
static const char *error_place(const struct script *script, const char *text, struct place *place) {
    unsigned number;
    int line, taken;
    while (taken = 0, sscanf(text, "#%u:%d: %n", &number, &line, &taken) == 2 && taken > 0) {
        const struct source *source = source_numbered(script, number);
        if (!source) break;
        *place = (struct place){source, line};
        text += taken;
    }
    return text;
}

void script_report_error(lua_State *lua, const struct source *source) {
    struct script *script = script_of(lua);
    struct place place = {source, 0};
    const char *text = lua_type(lua, -1) == LUA_TSTRING ? lua_tostring(lua, -1) : "an error that is not a text";
    text = error_place(script, text, &place);
    script_mistake(script, place, "%s", text);
    script->failed = true;
    lua_pop(lua, 1);
}

/* ---- include ----------------------------------------------------------------------------------------------------- */

static bool inside_folder(const char *path, const char *folder) {
    size_t len = strlen(folder);
    return strncmp(path, folder, len) == 0 && (path[len] == '/' || len == 1);
}

/* `wanted` beside `beside`: parts/a.lua and b.lua give parts/b.lua. */
static char *path_beside(struct rp_arena *arena, const char *beside, const char *wanted) {
    const char *slash = strrchr(beside, '/');
    int folder = slash && wanted[0] != '/' ? (int)(slash - beside) + 1 : 0;
    return rp_arena_printf(arena, "%.*s%s", folder, beside, wanted);
}

static bool source_is_running(const struct script *script, const char *path) {
    for (const struct source *source = script->sources; source; source = source->next)
        if (source->running && strcmp(source->path, path) == 0) return true;
    return false;
}

static struct source *include_open(struct script *script, struct place place, const char *wanted) {
    char path[PATH_MAX];
    const char *why = NULL;
    if (!realpath(path_beside(script->arena, place.source->path, wanted), path))
        why = strerror(errno);
    else if (!inside_folder(path, script->folder))
        why = "it lies outside the bot's folder";
    else if (source_is_running(script, path))
        why = "it is being included already";
    struct source *source = NULL;
    if (!why) source = source_open(script, path_beside(script->arena, place.source->name, wanted), path, &why);
    if (why) script_mistake(script, place, "cannot include '%s': %s", wanted, why);
    return source;
}

/* A file that fails is reported and leaves the rest of the bot to be checked, unless the budget is used up. */
int script_include(lua_State *lua) {
    struct script *script = script_of(lua);
    struct place place = script_place(lua);
    const char *wanted = luaL_checkstring(lua, 1);
    int top = lua_gettop(lua);
    if (++script->include_depth > INCLUDE_DEPTH) luaL_error(lua, "files include one another too deep");
    luaL_checkstack(lua, 8, NULL);
    struct source *source = include_open(script, place, wanted);
    int status = source ? source_run(lua, source) : LUA_OK;
    if (status == LUA_ERRMEM || sandbox_spent(lua)) return lua_error(lua);
    if (status != LUA_OK) script_report_error(lua, source);
    if (!source) script->failed = true;
    script->include_depth--;
    return lua_gettop(lua) - top;
}
