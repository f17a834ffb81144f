/* t:get, t:post and t:sleep: the coroutine yields, the worker goes on, run.c resumes it when the answer is there. */
#include <math.h>
#include <stdio.h>
#include <strings.h>

#include "asking.h"
#include "luajson.h"
#include "object.h"
#include "run.h"

#define BODY_MAX ((size_t)1 << 20)
#define FIELDS_MAX 32
#define TIMEOUT_MS 10000
#define TIMEOUT_MAX 300 /* seconds */
#define SLEEP_MAX 3600

enum { OBJECT = 1, URL, OPTIONS };

/* ---- what all waits share ---------------------------------------------------------------------------------------- */

void waits_count(lua_State *L, struct run *run) {
    if (!lua_isyieldable(L)) luaL_error(L, "a rule cannot wait here, inside a library function or a metamethod");
    if (++run->waits <= run->rules->options->waits) return;
    if (run->account.over == METER_FINE) run->account.over = METER_WAITS;
    meter_raise(L);
}

void waits_drop(struct run *run) {
    rp_timer_stop(run->turn->worker, &run->wait.timer);
    rp_fetch_cancel(run->wait.fetch);
    run->wait.fetch = NULL;
    rp_buf_finish(&run->wait.body);
    asking_drop(run);
}

/* ---- the request ------------------------------------------------------------------------------------------------- */

struct request {
    struct rp_fetch_request fetch;
    const char *fields[FIELDS_MAX + 2];
    size_t field_count;
    bool typed; /* there is a Content-Type */
};

static void add_field(lua_State *L, struct run *run, struct request *request, const char *name, const char *value) {
    if (request->field_count == FIELDS_MAX) luaL_error(L, "too many headers");
    if (strcasecmp(name, "content-type") == 0) request->typed = true;
    request->fields[request->field_count++] = rp_arena_printf(run->turn->arena, "%s: %s", name, value);
}

static void read_headers(lua_State *L, struct run *run, struct request *request) {
    if (lua_getfield(L, OPTIONS, "headers") != LUA_TNIL) {
        luaL_argexpected(L, lua_istable(L, -1), OPTIONS, "headers to be a table");
        lua_pushnil(L);
        while (lua_next(L, -2)) {
            if (lua_type(L, -2) != LUA_TSTRING || !lua_isstring(L, -1))
                luaL_error(L, "headers: names and values are texts");
            const char *value = luaL_tolstring(L, -1, NULL);
            add_field(L, run, request, lua_tostring(L, -3), value);
            lua_pop(L, 2);
        }
    }
    lua_pop(L, 1);
}

/* Marks a request that may be sent again: whoever gets it twice can tell by the key. */
static void read_idempotent(lua_State *L, struct run *run, struct request *request) {
    const char *key = run->key;
    run->key = NULL;
    lua_getfield(L, OPTIONS, "idempotent");
    if (!lua_isnil(L, -1) && !lua_isboolean(L, -1)) luaL_error(L, "idempotent: true or false");
    if (lua_toboolean(L, -1)) {
        if (!key) key = rp_arena_printf(run->turn->arena, "%s-%lld", run->turn->id, (long long)run->waits);
        add_field(L, run, request, "Idempotency-Key", key);
    }
    lua_pop(L, 1);
}

static void read_body(lua_State *L, struct run *run, struct request *request) {
    bool json = lua_getfield(L, OPTIONS, "json") != LUA_TNIL;
    if (json) {
        luajson_dump(L, -1);
        if (!request->typed) add_field(L, run, request, "Content-Type", "application/json");
    } else {
        lua_getfield(L, OPTIONS, "body");
    }
    if (!lua_isnil(L, -1)) {
        size_t len;
        const char *text = luaL_tolstring(L, -1, &len);
        if (len > BODY_MAX) luaL_error(L, "the body is longer than %d bytes", (int)BODY_MAX);
        request->fetch.body = rp_arena_str(run->turn->arena, rp_str_n(text, len));
    }
    lua_settop(L, OPTIONS);
}

static void read_timeout(lua_State *L, struct request *request) {
    request->fetch.total_ms = TIMEOUT_MS;
    if (lua_getfield(L, OPTIONS, "timeout") != LUA_TNIL) {
        lua_Number seconds = luaL_checknumber(L, -1);
        if (!(seconds > 0 && seconds <= TIMEOUT_MAX)) luaL_error(L, "timeout: from 0 to %d seconds", TIMEOUT_MAX);
        request->fetch.total_ms = (int64_t)ceil(seconds * 1000);
    }
    lua_pop(L, 1);
}

static void check_options(lua_State *L) {
    static const char *const known[] = {"headers", "json", "body", "timeout", "idempotent", NULL};
    if (lua_isnil(L, OPTIONS)) {
        lua_newtable(L);
        lua_replace(L, OPTIONS);
    }
    luaL_checktype(L, OPTIONS, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, OPTIONS)) {
        lua_pop(L, 1);
        const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "?", *const *at = known;
        while (*at && strcmp(*at, name) != 0) at++;
        if (!*at) luaL_error(L, "there is no option '%s': headers, json, body, timeout and idempotent are known", name);
    }
}

/* ---- the response ------------------------------------------------------------------------------------------------ */

static enum rp_fetch_take on_data(struct rp_fetch *fetch, const char *data, size_t len) {
    struct run *run = rp_fetch_arg(fetch);
    rp_buf_append(&run->wait.body, data, len); /* the client ends what is longer than max_body */
    return RP_FETCH_TAKEN;
}

static void on_done(struct rp_fetch *fetch, int code, const char *detail) {
    struct run *run = rp_fetch_arg(fetch);
    const char *type = rp_fetch_field(fetch, "Content-Type");
    run->wait.fetch = NULL;
    run->wait.code = code;
    run->wait.status = rp_fetch_status(fetch);
    snprintf(run->wait.detail, sizeof(run->wait.detail), "%s", detail ? detail : "");
    snprintf(run->wait.type, sizeof(run->wait.type), "%s", type ? type : "");
    stage_continue(run, run_resume(run));
}

static const struct rp_fetch_ops fetch_ops = {.on_data = on_data, .on_done = on_done};

static bool looks_like_json(const struct wait *wait) {
    struct rp_str body = rp_buf_str(&wait->body);
    return body.len > 0 && (strstr(wait->type, "json") || body.data[0] == '{' || body.data[0] == '[');
}

static void push_json(lua_State *L, const struct wait *wait) {
    struct rp_error error;
    if (!looks_like_json(wait)) return;
    if (luajson_parse(L, rp_buf_str(&wait->body), &error) == 0) lua_setfield(L, -2, "json");
}

static void push_error(lua_State *L, const struct wait *wait) {
    if (wait->code != 0) {
        lua_pushstring(L, wait->detail[0] ? wait->detail : rp_error_text(wait->code));
    } else {
        lua_pushfstring(L, "HTTP status %d", wait->status);
    }
    lua_setfield(L, -2, "error");
}

/* { ok, status, body, type, json, error } */
static int push_result(lua_State *L, struct wait *wait) {
    bool ok = wait->code == 0 && wait->status >= 200 && wait->status < 300;
    struct rp_str body = rp_buf_str(&wait->body);
    lua_createtable(L, 0, 6);
    lua_pushboolean(L, ok);
    lua_setfield(L, -2, "ok");
    lua_pushinteger(L, wait->status);
    lua_setfield(L, -2, "status");
    lua_pushstring(L, wait->type);
    lua_setfield(L, -2, "type");
    lua_pushlstring(L, body.data ? body.data : "", body.len);
    lua_setfield(L, -2, "body");
    if (wait->code == 0) push_json(L, wait);
    if (!ok) push_error(L, wait);
    rp_buf_finish(&wait->body);
    return 1;
}

static int after_fetch(lua_State *L, int status, lua_KContext context) {
    (void)status;
    return push_result(L, &((struct run *)context)->wait);
}

static int fetch(lua_State *L, const char *method) {
    struct run *run = object_run(L, OBJECT);
    struct request request = {.fetch = {.method = method, .max_body = BODY_MAX, .ops = &fetch_ops, .arg = run}};
    request.fetch.url = luaL_checkstring(L, URL);
    lua_settop(L, OPTIONS);
    check_options(L);
    waits_count(L, run);
    read_headers(L, run, &request);
    read_idempotent(L, run, &request);
    read_body(L, run, &request);
    read_timeout(L, &request);
    request.fetch.fields = request.fields;
    run->wait.code = run->wait.status = 0;
    run->wait.type[0] = '\0';
    rp_buf_finish(&run->wait.body);
    rp_buf_init(&run->wait.body, BODY_MAX);
    int rc = rp_fetch_start(run->turn->worker, &request.fetch, &run->wait.fetch);
    if (rc == 0) return lua_yieldk(L, 0, (lua_KContext)run, after_fetch);
    run->wait.code = rc;
    snprintf(run->wait.detail, sizeof(run->wait.detail), "the URL or a header cannot be sent");
    return push_result(L, &run->wait);
}

static int get(lua_State *L) {
    return fetch(L, "GET");
}

static int post(lua_State *L) {
    return fetch(L, "POST");
}

/* ---- sleep ------------------------------------------------------------------------------------------------------- */

static void on_timer(struct rp_timer *timer) {
    struct run *run = (struct run *)(void *)((char *)timer - offsetof(struct run, wait.timer));
    stage_continue(run, run_resume(run));
}

static int after_sleep(lua_State *L, int status, lua_KContext context) {
    (void)L;
    (void)status;
    (void)context;
    return 0;
}

static int sleep_for(lua_State *L) {
    struct run *run = object_run(L, OBJECT);
    lua_Number seconds = luaL_checknumber(L, 2);
    if (!(seconds >= 0 && seconds <= SLEEP_MAX)) return luaL_error(L, "sleep: from 0 to %d seconds", SLEEP_MAX);
    waits_count(L, run);
    run->wait.timer.run = on_timer;
    rp_timer_start(run->turn->worker, &run->wait.timer, (int64_t)ceil(seconds * 1000));
    return lua_yieldk(L, 0, (lua_KContext)run, after_sleep);
}

const luaL_Reg waits_functions[] = {{"get", get}, {"post", post}, {"sleep", sleep_for}, {NULL, NULL}};
