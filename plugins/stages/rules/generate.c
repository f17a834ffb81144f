/* t:generate { … }: a model's reply as a value: a text, or what its JSON says where a schema is given. */
#include "asking.h"
#include "form.h"
#include "luajson.h"
#include "object.h"
#include "run.h"

#define HISTORY 20 /* messages, for history = true */
#define HISTORY_MAX 1000

/* `prompt`, else the user's message. */
static struct rp_str read_prompt(const struct form *form, const struct run *run) {
    struct rp_str prompt = run->turn->message;
    int type = form_push(form, "prompt");
    if (type == LUA_TSTRING) prompt = form_copy_top(form);
    if (type != LUA_TNIL && (type != LUA_TSTRING || prompt.len == 0 || !rp_utf8_valid(prompt.data, prompt.len)))
        form_wrong(form, "'prompt' must be a text");
    lua_pop(form->L, 1);
    return prompt;
}

static size_t read_history(const struct form *form) {
    int type = form_push(form, "history"), whole;
    lua_Integer count = lua_tointegerx(form->L, -1, &whole);
    bool all = type == LUA_TBOOLEAN && lua_toboolean(form->L, -1);
    lua_pop(form->L, 1);
    if (type == LUA_TNIL || type == LUA_TBOOLEAN) return all ? HISTORY : 0;
    if (type == LUA_TNUMBER && whole && count >= 0 && count <= HISTORY_MAX) return (size_t)count;
    form_wrong(form, "'history' must be true, or a number of messages up to %d", HISTORY_MAX);
    return 0;
}

static int after_text(lua_State *L, int status, lua_KContext context) {
    struct run *run = (struct run *)context;
    struct asking *asking = run->asking;
    (void)status;
    if (asking->fault.code) {
        lua_pushnil(L);
        asking_push_error(L, &asking->fault);
    } else {
        lua_pushlstring(L, asking->text.data ? asking->text.data : "", asking->text.len);
    }
    int results = asking->fault.code ? 2 : 1;
    asking_drop(run);
    return results;
}

/* The text has been checked: it is JSON. */
int generate_after_json(lua_State *L, int status, lua_KContext context) {
    struct run *run = (struct run *)context;
    struct asking *asking = run->asking;
    struct rp_error error;
    if (asking->fault.code) return after_text(L, status, context);
    if (luajson_parse(L, rp_buf_str(&asking->text), &error) != 0) return luaL_error(L, "%s", error.text);
    asking_drop(run);
    return 1;
}

static int generate(lua_State *L) {
    static const char *const own[] = {"prompt", "history", NULL};
    struct run *run = object_run(L, 1);
    struct shape shape;
    lua_settop(L, 2);
    if (lua_type(L, 2) == LUA_TSTRING) { /* only the prompt */
        lua_createtable(L, 0, 1);
        lua_insert(L, 2);
        lua_setfield(L, 2, "prompt");
    }
    struct form form = asking_form(L, run, 2, "t:generate");
    form_check_names_of(&form, own, shape_fields);
    shape_read(&form, &shape);
    shape_resolve(&form, &shape);
    struct rp_str prompt = read_prompt(&form, run);
    size_t history = read_history(&form);
    asking_check_form(&form);
    struct rp_model *model = asking_model(L, run, &shape);
    struct shape *kept = rp_arena_alloc(run->turn->arena, sizeof(*kept)); /* tools are looked up in it */
    *kept = shape;
    struct rp_call *call = asking_call(run, model, kept, kept->system, history, prompt);
    return asking_start(L, run, model, call, kept->schema ? generate_after_json : after_text);
}

const luaL_Reg generate_functions[] = {{"generate", generate}, {NULL, NULL}};
