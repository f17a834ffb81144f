/* The mark on the session, and the events that tell a person's desk of it. */
#include "handoff.h"

#include <repartee/log.h>

#include "attempt.h"
#include "event.h"
#include "object.h"
#include "run.h"

#define MARK "@handoff"
#define STEPS 10000 /* it writes a line to the log */
#define TRANSCRIPT_MAX 100

static const char *const role_names[] = {"system", "user", "assistant", "tool"};

static const struct rules_options *options_of(const struct rp_stage *stage) {
    return ((const struct rules *)stage->element.state)->options;
}

static json_t *text_of(struct rp_str text) {
    return json_stringn(text.data ? text.data : "", text.len);
}

/* ---- the mark ---------------------------------------------------------------------------------------------------- */

static int set_mark(struct run *run, struct rp_str reason) {
    int64_t until = options_of(run->stage)->handoff_for_ms;
    json_t *mark = json_pack("{s:o, s:I}", "reason", text_of(reason), "until",
                             (json_int_t)(until ? rp_wall_ms() + until : 0));
    int rc = rp_session_set(run->turn, MARK, mark);
    json_decref(mark);
    return rc;
}

bool handoff_stands(struct rp_stage *stage, struct rp_turn *turn) {
    const json_t *mark = rp_session_get(turn, MARK);
    (void)stage;
    if (!json_is_object(mark)) return false;
    json_int_t until = json_integer_value(json_object_get(mark, "until"));
    if (until == 0 || rp_wall_ms() < until) return true;
    rp_session_set(turn, MARK, NULL);
    return false;
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static json_t *transcript(struct rp_turn *turn) {
    const struct rp_message *messages;
    size_t count = rp_session_history(turn, TRANSCRIPT_MAX, &messages);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_pack("{s:s, s:o}", "role", role_names[messages[i].role], "text",
                                              text_of(messages[i].text)));
    }
    if (!turn->event)
        json_array_append_new(list, json_pack("{s:s, s:o}", "role", "user", "text", text_of(turn->message)));
    return list;
}

int handoff_begin(struct run *run, const char *by, struct rp_str reason) {
    int rc = set_mark(run, reason);
    if (rc != 0) return rc;
    event_tell(run, "handoff",
               json_pack("{s:o, s:s, s:o}", "reason", text_of(reason), "by", by, "transcript",
                         transcript(run->turn)));
    return 0;
}

struct rp_str handoff_pass_on(struct rp_stage *stage, struct rp_turn *turn) {
    rp_turn_event(turn, "message", json_pack("{s:o}", "text", text_of(turn->message)));
    return rp_str(options_of(stage)->handoff_waiting);
}

bool handoff_event(struct rp_turn *turn, struct rp_str *out_text) {
    *out_text = RP_STR("");
    if (strcmp(turn->event, "release") == 0) {
        rp_session_set(turn, MARK, NULL);
        return true;
    }
    if (strcmp(turn->event, "say") != 0) return false;
    const json_t *text = json_object_get(turn->metadata, "text");
    if (json_is_string(text))
        *out_text = rp_arena_str(turn->arena, rp_str_n(json_string_value(text), json_string_length(text)));
    return true;
}

/* ---- methods ----------------------------------------------------------------------------------------------------- */

static int hand_off(lua_State *L) {
    struct run *run = object_run(L, 1);
    size_t len;
    const char *reason = luaL_optlstring(L, 2, "", &len);
    meter_charge(L, STEPS);
    if (!rp_utf8_valid(reason, len)) return luaL_error(L, "the reason is not valid UTF-8");
    if (handoff_begin(run, run_origin(run)->name, rp_str_n(reason, len)) != 0) return luaL_error(L, "the session is full");
    run->handed_off = true;
    lua_pushlightuserdata(L, (void *)(uintptr_t)&attempt_handoff_token);
    return 1;
}

static int release(lua_State *L) {
    rp_session_set(object_run(L, 1)->turn, MARK, NULL);
    return 0;
}

const luaL_Reg handoff_functions[] = {{"handoff", hand_off}, {"release", release}, {NULL, NULL}};
