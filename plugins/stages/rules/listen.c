/* Takes the answer from the journal, or ends the turn with the question. */
#include "listen.h"

#include <lauxlib.h>
#include <math.h>
#include <repartee/option.h>

#include "attempt.h"
#include "handoff.h"
#include "object.h"
#include "packed.h"
#include "reply.h"
#include "ruleset.h"

#define TIMEOUT_MAX_MS (INT64_C(366) * 24 * 3600 * 1000)

struct run *listen_run(lua_State *L, const char *name) {
    struct run *run = object_run(L, 1);
    if (!run->journal) luaL_error(L, "t:%s works only in a dialog", name);
    return run;
}

int64_t listen_timeout(lua_State *L, int index, const char *what) {
    int64_t ms = 0;
    int type = lua_getfield(L, index, "timeout");
    if (type == LUA_TNUMBER) {
        lua_Number seconds = lua_tonumber(L, -1);
        if (seconds > 0 && seconds <= TIMEOUT_MAX_MS / 1000) ms = (int64_t)ceil(seconds * 1000);
    } else if (type == LUA_TSTRING && rp_duration(lua_tostring(L, -1), &ms) != 0) {
        ms = 0;
    }
    lua_pop(L, 1);
    if (type != LUA_TNIL && (ms <= 0 || ms > TIMEOUT_MAX_MS))
        luaL_error(L, "%s: 'timeout' is a duration such as \"5m\", or seconds, of a year at most", what);
    return ms;
}

static enum heard take(struct run *run, const json_t *text) {
    run->dialogs->fresh = false;
    if (json_is_null(text)) return HEARD_NOTHING;
    struct rp_str message = rp_str_n(json_string_value(text), json_string_length(text));
    rp_normalise(run->turn->arena, message, &run->dialogs->text);
    return HEARD_TEXT;
}

enum heard listen_for(lua_State *L, struct run *run, struct rp_str question, struct rp_str again, int64_t timeout_ms) {
    struct dialogs *dialogs = run->dialogs;
    uint32_t hash = packed_hash_text(PACKED_HASH_START, question);
    const json_t *text;
    if (!lua_isyieldable(L)) luaL_error(L, "a dialog cannot ask here, inside a library function or a metamethod");
    switch (journal_next(run->journal, JOURNAL_ASK, hash, &text)) {
    case JOURNAL_HAS: return take(run, text);
    case JOURNAL_LIVE: break;
    default: dialog_differs(L, run);
    }
    if (run->handed_off || handoff_stands(run->stage, run->turn))
        dialog_leave(L, run, rp_arena_str(run->turn->arena, rp_str(run->rules->options->handoff)));
    dialogs->asks = true;
    dialogs->question = (struct question){
        .text = again,
        .now = question,
        .hash = journal_hash(run->journal, JOURNAL_ASK, hash),
        .timeout_ms = timeout_ms ? timeout_ms : dialogs->rule->dialog->timeout_ms,
    };
    return HEARD_LATER;
}

/* ---- when the dialog's own time is over -------------------------------------------------------------------------- */

static int after_timed_out(lua_State *L, int status, lua_KContext from) {
    struct run *run = object_run(L, 1);
    struct rp_str text = {0};
    (void)status;
    if (lua_gettop(L) > (int)from && lua_isstring(L, (int)from + 1))
        text = lua_istable(L, (int)from + 2) ? reply_fill(L, run, (int)from + 1, (int)from + 2)
                                             : reply_text(L, run, (int)from + 1);
    if (!text.data && run->handed_off) text = rp_arena_str(run->turn->arena, rp_str(run->rules->options->handoff));
    return dialog_leave(L, run, text);
}

int listen_timed_out(lua_State *L, struct run *run) {
    const struct dialog *dialog = run->dialogs->rule->dialog;
    if (dialog->timed_out_ref != LUA_NOREF) {
        int from = lua_gettop(L);
        luaL_checkstack(L, 8, NULL);
        lua_rawgeti(L, LUA_REGISTRYINDEX, dialog->timed_out_ref);
        lua_pushvalue(L, 1);
        lua_callk(L, 1, LUA_MULTRET, from, after_timed_out);
        return after_timed_out(L, LUA_OK, from);
    }
    if (dialog->timed_out) return dialog_leave(L, run, rp_str(dialog->timed_out));
    lua_pushnil(L);
    lua_pushliteral(L, "timeout");
    return 2;
}
