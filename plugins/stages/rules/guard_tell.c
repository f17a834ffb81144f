/* Tells of verdicts. What matched is cut to a line's length: it can be a whole reply. */
#include "guard_tell.h"

#include <repartee/log.h>
#include <repartee/metrics.h>

#include "inventory.h"
#include "run.h"

#define SHOWN 200 /* bytes */

static json_t *shown(struct rp_str text) {
    bool cut = text.len > SHOWN;
    if (!text.data) return json_string("");
    return json_stringn(text.data, cut ? rp_utf8_whole(text.data, SHOWN) : text.len);
}

static json_t *describe(const struct guard *guard, struct rp_str matched, struct rp_str reason) {
    json_t *detail = json_pack("{s:s, s:s, s:s}", "guard", guard->origin.name, "on",
                               guard->on == GUARD_ON_MESSAGE ? "message" : "reply", "action",
                               guard_actions[guard->action]);
    if (matched.len) json_object_set_new(detail, "matched", shown(matched));
    if (reason.len) json_object_set_new(detail, "reason", shown(reason));
    return detail;
}

static void note(const struct run *run, const struct guard *guard, json_t *detail, const char *verdict) {
    json_object_set_new(detail, "verdict", json_string(verdict));
    json_object_set_new(detail, "at", json_sprintf("%s:%d", guard->origin.file, guard->origin.line));
    rp_turn_note(run->turn, &run->stage->element, "guard", detail);
}

void guard_tell(const struct run *run, const struct guard *guard, struct rp_str matched, struct rp_str reason,
                const char *outcome) {
    enum guard_action action = guard->action;
    inventory_reached(run->vm, &guard->origin);
    rp_metric_add(run->rules->program->guards[guard->number].verdicts, 1);
    if (action == GUARD_BLOCK || action == GUARD_FLAG || action == GUARD_HANDOFF)
        rp_turn_event(run->turn, "guard", describe(guard, matched, reason));
    if (!rp_turn_explained(run->turn)) return;
    note(run, guard, describe(guard, matched, reason), outcome ? outcome : guard_actions[action]);
}

void guard_tell_clear(const struct run *run, const struct guard *guard, const char *why) {
    if (rp_turn_explained(run->turn)) note(run, guard, describe(guard, RP_STR(""), RP_STR("")), why);
}

void guard_tell_limit(const struct run *run, const struct guard *guard, int code) {
    struct rp_log_line line;
    rp_log_open(&line, RP_LOG_ERROR, "rules");
    rp_log_str(&line, "message", rp_str("a guard could not look at the whole text"));
    rp_log_str(&line, "request_id", rp_str(run->turn->id));
    rp_log_str(&line, "code", rp_str(rp_error_code(code)));
    rp_log_str(&line, "guard", rp_str(guard->origin.name));
    rp_log_str(&line, "file", rp_str(guard->origin.file));
    rp_log_int(&line, "line", guard->origin.line);
    rp_log_close(&line);
    guard_tell_clear(run, guard, rp_error_code(code));
}
