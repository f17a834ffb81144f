/* Wraps methods. What a method needs to know of journals is nothing: it runs, may wait, returns or raises; its results
 * are kept as they are, and so is its error, since a script can catch it. */
#include "calls.h"

#include <lauxlib.h>

#include "dialog.h"
#include "luajson.h"
#include "object.h"
#include "packed.h"
#include "progress.h"

enum kind {
    KIND_CALLS,    /* results are kept */
    KIND_COMPUTES, /* runs again; what it needs of the journal it asks for itself */
    KIND_TELLS,    /* done once, nothing is kept */
    KIND_SENDS,    /* announced before, and kept */
    KIND_ASKS,     /* calls; with tools, which can do anything, it sends */
};
static const struct call {
    const char *name;
    enum kind kind;
    bool response; /* the result is an HTTP response: its `json` is made from its `body` once more */
} calls[] = {
    {"get", KIND_CALLS, true},         {"post", KIND_SENDS, true},     {"event", KIND_TELLS, false},
    {"handoff", KIND_TELLS, false},    {"release", KIND_TELLS, false}, {"ask", KIND_COMPUTES, false},
    {"confirm", KIND_COMPUTES, false}, {"form", KIND_COMPUTES, false}, {"say", KIND_COMPUTES, false},
    {"call", KIND_COMPUTES, false},    {"cancel", KIND_COMPUTES, false}, {"pass", KIND_COMPUTES, false},
    {"generate", KIND_ASKS, false},
};
static const struct call any_other = {NULL, KIND_CALLS, false};

/* A call under way. lua_KContext has the number of arguments; the rest is found again from the stack: the arguments,
 * behind them their hash, behind that the results. */
struct under_way {
    lua_State *L;
    struct run *run;
    const struct call *call;
    int args;
    int results; /* place of the first */
};

static struct under_way under_way(lua_State *L, lua_KContext args) {
    return (struct under_way){.L = L,
                              .run = object_run(L, 1),
                              .call = lua_touserdata(L, lua_upvalueindex(2)),
                              .args = (int)args,
                              .results = (int)args + 2};
}

static uint32_t hash_of(const struct under_way *way) {
    return (uint32_t)lua_tointeger(way->L, way->args + 1);
}

/* Of the method's name and its arguments, `t` left out. */
static void push_hash(lua_State *L, int args) {
    size_t len;
    const char *name = lua_tolstring(L, lua_upvalueindex(3), &len);
    uint32_t hash = packed_hash_text(PACKED_HASH_START, rp_str_n(name, len));
    for (int i = 2; i <= args; i++) hash = packed_hash(L, i, hash);
    lua_pushinteger(L, hash);
}

/* Calls the method in protected mode; continues with `k`. */
static int call_method(const struct under_way *way, lua_KFunction k) {
    lua_State *L = way->L;
    luaL_checkstack(L, way->args + 8, NULL);
    lua_settop(L, way->args + 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    for (int i = 1; i <= way->args; i++) lua_pushvalue(L, i);
    int status = lua_pcallk(L, way->args, LUA_MULTRET, 0, way->args, k);
    return k(L, status, way->args);
}

static bool failed(const struct under_way *way, int status) {
    if (status == LUA_OK || status == LUA_YIELD) return false;
    if (status == LUA_ERRMEM && way->run->account.over == METER_FINE) way->run->account.over = METER_MEMORY;
    if (way->run->account.over != METER_FINE) lua_error(way->L); /* final: no result */
    return true;
}

/* ---- results as JSON --------------------------------------------------------------------------------------------- */

/* Between a response in Lua, which has its body's value as `json`, and what is kept of it: that there is one. */
static void take_json(lua_State *L, int index) {
    if (!lua_istable(L, index)) return;
    bool has = lua_getfield(L, index, "json") != LUA_TNIL;
    lua_pop(L, 1);
    if (!has) return;
    lua_pushboolean(L, 1);
    lua_setfield(L, index, "json");
}

static void give_json(lua_State *L, int index) {
    size_t len;
    if (!lua_istable(L, index)) return;
    bool has = lua_getfield(L, index, "json") != LUA_TNIL;
    const char *body = lua_getfield(L, index, "body") == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
    if (has && body && luajson_parse(L, rp_str_n(body, len), NULL) == 0) lua_setfield(L, index, "json");
    lua_settop(L, index);
}

/* The results, or the error in their place. */
static int keep_results(const struct under_way *way, int status, json_t **out, const char **why) {
    lua_State *L = way->L;
    size_t left = (size_t)way->run->rules->options->journal;
    int top = lua_gettop(L);
    bool error = failed(way, status);
    json_t *list = json_array(), *value;
    if (way->call->response && !error && top >= way->results) take_json(L, way->results);
    for (int i = way->results; i <= top; i++) {
        int rc = packed_read(L, i, left, &value, why);
        if (rc != 0) {
            json_decref(list);
            return rc;
        }
        json_array_append_new(list, value);
    }
    *out = error ? json_pack("{s:O}", "error", json_array_get(list, 0)) : json_incref(list);
    json_decref(list);
    return 0;
}

/* Returns what was kept, or raises it. */
static int give_results(const struct under_way *way, const json_t *kept) {
    lua_State *L = way->L;
    lua_settop(L, way->args + 1);
    if (json_is_object(kept)) {
        packed_push(L, json_object_get(kept, "error"));
        return lua_error(L);
    }
    int count = (int)json_array_size(kept);
    luaL_checkstack(L, count + 8, NULL);
    for (int i = 0; i < count; i++) packed_push(L, json_array_get(kept, (size_t)i));
    if (way->call->response && count > 0) give_json(L, way->results);
    return count;
}

static int not_kept(const struct under_way *way, int rc, const char *why) {
    if (rc == -RP_ETOOLARGE) return dialog_full(way->L, way->run);
    return luaL_error(way->L, "t:%s gave what a dialog cannot keep: %s", lua_tostring(way->L, lua_upvalueindex(3)), why);
}

/* ---- methods that call ------------------------------------------------------------------------------------------- */

static int after_call(lua_State *L, int status, lua_KContext args) {
    struct under_way way = under_way(L, args);
    const char *why = NULL;
    json_t *kept = NULL;
    int rc = keep_results(&way, status, &kept, &why);
    if (rc == 0) rc = journal_add(way.run->journal, JOURNAL_CALL, hash_of(&way), json_incref(kept));
    if (rc != 0) {
        json_decref(kept);
        return not_kept(&way, rc, why);
    }
    json_decref(kept); /* the journal has it */
    return give_results(&way, kept);
}

static int run_call(const struct under_way *way) {
    const json_t *kept;
    switch (journal_next(way->run->journal, JOURNAL_CALL, hash_of(way), &kept)) {
    case JOURNAL_HAS: return give_results(way, kept);
    case JOURNAL_LIVE: return call_method(way, after_call);
    default: return dialog_differs(way->L, way->run);
    }
}

/* ---- methods that tell ------------------------------------------------------------------------------------------- */

/* It leaves an entry only where it raised. */
static int after_telling(lua_State *L, int status, lua_KContext args) {
    struct under_way way = under_way(L, args);
    if (failed(&way, status)) return after_call(L, status, args);
    journal_trace(way.run->journal, hash_of(&way));
    return lua_gettop(L) - way.args - 1;
}

static int tell(const struct under_way *way) {
    struct journal *journal = way->run->journal;
    uint32_t hash = hash_of(way);
    const json_t *kept;
    if (!journal_live(journal) && journal_is_next(journal, JOURNAL_CALL, hash)) {
        journal_next(journal, JOURNAL_CALL, hash, &kept);
        return give_results(way, kept);
    }
    if (!journal_settled(journal)) return call_method(way, after_telling);
    journal_trace(journal, hash);
    return 0;
}

/* ---- methods that send ------------------------------------------------------------------------------------------- */

static bool has_option(lua_State *L, int options, const char *name) {
    if (!lua_istable(L, options)) return false;
    lua_getfield(L, options, name);
    bool has = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return has;
}

/* A response of our own making. */
static json_t *no_response(const char *error, bool unknown) {
    json_t *response = json_pack("{s:b, s:i, s:s, s:s, s:s}", "ok", 0, "status", 0, "type", "", "body", "", "error", error);
    if (unknown) json_object_set_new(response, "unknown", json_true());
    return json_pack("[o]", response);
}

/* What a model is said to have answered then. */
static json_t *no_text(const char *code, const char *message) {
    return json_pack("[n, {s:s, s:s}]", "code", code, "message", message);
}

/* Of a response that is too large to keep, what matters. The room for this was kept free. */
static json_t *shortened(const struct under_way *way) {
    static const char why[] = "the response is too large for a dialog's journal";
    lua_State *L = way->L;
    if (!way->call->response) return no_text("too_large", why);
    json_t *kept = no_response(why, false);
    if (!lua_istable(L, way->results)) return kept;
    json_t *response = json_array_get(kept, 0);
    lua_getfield(L, way->results, "ok");
    json_object_set_new(response, "ok", json_boolean(lua_toboolean(L, -1)));
    lua_getfield(L, way->results, "status");
    json_object_set_new(response, "status", json_integer(lua_tointeger(L, -1)));
    lua_settop(L, way->results);
    return kept;
}

static int after_outcome(lua_State *L, int status, lua_KContext args) {
    struct under_way way = under_way(L, args);
    (void)status;
    dialog_unshield(way.run);
    return give_results(&way, journal_last(way.run->journal));
}

/* What became of it goes to the store at once: a process that dies from here on knows. */
static int save_outcome(const struct under_way *way, json_t *kept) {
    int rc = journal_outcome(way->run->journal, kept);
    if (rc != 0) return dialog_full(way->L, way->run);
    if (dialog_save(way->run) == 0) return lua_yieldk(way->L, 0, way->args, after_outcome);
    return after_outcome(way->L, LUA_OK, way->args);
}

static int after_sending(lua_State *L, int status, lua_KContext args) {
    struct under_way way = under_way(L, args);
    const char *why = NULL;
    json_t *kept = NULL;
    int rc = keep_results(&way, status, &kept, &why);
    if (rc == 0 && !journal_fits(way.run->journal, kept)) {
        json_decref(kept);
        rc = -RP_ETOOLARGE;
    }
    if (rc == -RP_ETOOLARGE) kept = shortened(&way);
    if (rc != 0 && rc != -RP_ETOOLARGE) return not_kept(&way, rc, why);
    return save_outcome(&way, kept);
}

/* The same key each time that this entry is sent. */
static int send_now(const struct under_way *way) {
    struct run *run = way->run;
    dialog_shield(run);
    run->key = rp_arena_printf(run->turn->arena, "%s-%zu", progress_id(run->dialogs->record).data, run->journal->at);
    return call_method(way, after_sending);
}

static int after_announcing(lua_State *L, int status, lua_KContext args) {
    struct under_way way = under_way(L, args);
    (void)status;
    if (way.run->wait.code == 0) return send_now(&way);
    static const char unsaved[] = "nothing was sent: the session could not be saved";
    if (way.call->response) return save_outcome(&way, no_response(unsaved, false));
    return save_outcome(&way, no_text("io_error", unsaved));
}

static int announce(const struct under_way *way, uint32_t hash) {
    struct run *run = way->run;
    if (!lua_isyieldable(way->L)) return luaL_error(way->L, "a dialog cannot wait here, inside a library function");
    if (journal_add(run->journal, JOURNAL_SEND, hash, NULL) != 0) return dialog_full(way->L, run);
    run->wait.code = dialog_save(run);
    if (run->wait.code == 0) return lua_yieldk(way->L, 0, way->args, after_announcing);
    return after_announcing(way->L, LUA_OK, way->args);
}

/* It was announced, and nobody knows what became of it. */
static int send_again(const struct under_way *way) {
    static const char unknown[] = "it is not known whether this was done: the process ended in between";
    if (way->args >= 3 && has_option(way->L, 3, "idempotent")) return send_now(way);
    if (way->call->response) return save_outcome(way, no_response(unknown, true));
    return save_outcome(way, no_text("unknown", unknown));
}

static int run_send(const struct under_way *way) {
    const json_t *kept = NULL;
    uint32_t hash = hash_of(way);
    switch (journal_next(way->run->journal, JOURNAL_SEND, hash, &kept)) {
    case JOURNAL_HAS: return kept ? give_results(way, kept) : send_again(way);
    case JOURNAL_LIVE: return announce(way, hash);
    default: return dialog_differs(way->L, way->run);
    }
}

/* ---- the wrappers ------------------------------------------------------------------------------------------------ */

static int after_plain(lua_State *L, int status, lua_KContext args) {
    (void)status;
    return lua_gettop(L) - (int)args;
}

static int run_plain(const struct under_way *way) {
    lua_State *L = way->L;
    lua_pushvalue(L, lua_upvalueindex(1));
    for (int i = 1; i <= way->args; i++) lua_pushvalue(L, i);
    lua_callk(L, way->args, LUA_MULTRET, way->args, after_plain);
    return after_plain(L, LUA_OK, way->args);
}

static int run_method(lua_State *L) {
    struct under_way way = under_way(L, lua_gettop(L));
    luaL_checkstack(L, way.args + 8, NULL);
    if (!way.run->journal || way.call->kind == KIND_COMPUTES) return run_plain(&way);
    push_hash(L, way.args);
    switch (way.call->kind) {
    case KIND_CALLS: return run_call(&way);
    case KIND_TELLS: return tell(&way);
    case KIND_ASKS: return way.args > 1 && has_option(L, 2, "tools") ? run_send(&way) : run_call(&way);
    default: return run_send(&way);
    }
}

static const struct call *call_named(const char *name) {
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        if (strcmp(calls[i].name, name) == 0) return &calls[i];
    return &any_other;
}

void calls_wrap(lua_State *L, int index) {
    index = lua_absindex(L, index);
    lua_newtable(L);
    int wrapped = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pushvalue(L, wrapped + 1);
        lua_insert(L, wrapped + 2);
        lua_pushlightuserdata(L, (void *)(uintptr_t)call_named(lua_tostring(L, wrapped + 1)));
        lua_pushvalue(L, wrapped + 1);
        lua_pushcclosure(L, run_method, 3);
        lua_rawset(L, wrapped);
    }
}
