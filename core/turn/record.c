/* Builds the record as JSON while the turn is on its way: stage by stage, each with its notes. Whoever gets to see it
 * sees it masked, as the stages of the pipeline mask what goes to the log. */
#include "core/turn/record.h"

#include <stdlib.h>

#include "core/money/price.h"
#include "core/ops/trace.h"
#include "core/turn/spend.h"

#define NOTES_MAX 1000

struct record {
    json_t *root, *stages;
    int64_t entered_ns, first_text_ns;
    size_t notes;
};

static void forget(void *arg) {
    json_decref(((struct record *)arg)->root);
}

static json_t *text_of(struct rp_str text) {
    return json_stringn(text.data ? text.data : "", text.len);
}

void record_begin(struct turn *turn) {
    struct record *record = rp_arena_zalloc(turn->pub.arena, sizeof(*record));
    record->stages = json_array();
    record->root = json_pack("{s:s, s:o, s:o, s:o}", "id", turn->pub.id, "session", text_of(turn->pub.session),
                             "message", text_of(turn->pub.original), "stages", record->stages);
    if (turn->pub.event) json_object_set_new(record->root, "event", json_string(turn->pub.event));
    rp_arena_defer(turn->pub.arena, forget, record);
    turn->record = record;
}

void record_enter(struct turn *turn) {
    struct record *record = turn->record;
    if (!record) return;
    json_array_append_new(record->stages, json_pack("{s:i, s:s}", "place", (int)turn->index + 1, "stage",
                                                    turn->pipeline->stages[turn->index]->element.type->name));
    record->entered_ns = rp_now_ns();
}

static json_t *last_stage(const struct record *record) {
    return json_array_get(record->stages, json_array_size(record->stages) - 1);
}

void record_leave(struct turn *turn, const char *how) {
    struct record *record = turn->record;
    if (!record) return;
    json_object_set_new(last_stage(record), "us", json_real((double)(rp_now_ns() - record->entered_ns) / 1e3));
    json_object_set_new(last_stage(record), "outcome", json_string(how));
}

void record_pay(struct turn *turn, const char *how) {
    if (!turn->record || json_array_size(turn->record->stages) == 0) return;
    json_t *stage = last_stage(turn->record);
    json_object_set(stage, "us_at_first", json_object_get(stage, "us"));
    record_leave(turn, how);
}

void record_text(struct turn *turn) {
    if (turn->record && !turn->record->first_text_ns) turn->record->first_text_ns = rp_now_ns();
}

/* The last entry of the stage that the element is: after a restart a stage is in the record twice. */
static json_t *stage_of(const struct turn *turn, const struct rp_element *by) {
    for (size_t i = json_array_size(turn->record->stages); i > 0; i--) {
        json_t *stage = json_array_get(turn->record->stages, i - 1);
        size_t place = (size_t)json_integer_value(json_object_get(stage, "place"));
        if (&turn->pipeline->stages[place - 1]->element == by) return stage;
    }
    return turn->record->root; /* a model, a store */
}

bool rp_turn_explained(const struct rp_turn *turn) {
    return ((const struct turn *)turn)->record != NULL;
}

void rp_turn_note(struct rp_turn *pub, const struct rp_element *by, const char *what, json_t *detail) {
    struct turn *turn = turn_of(pub);
    if (!turn->record || turn->record->notes++ >= NOTES_MAX) {
        json_decref(detail);
        return;
    }
    json_t *stage = stage_of(turn, by), *notes = json_object_get(stage, "notes");
    if (!notes) {
        notes = json_array();
        json_object_set_new(stage, "notes", notes);
    }
    json_t *note = json_pack("{s:s}", "what", what);
    if (json_is_object(detail))
        json_object_update(note, detail);
    else if (detail)
        json_object_set(note, "detail", detail);
    json_decref(detail);
    json_array_append_new(notes, note);
}

static json_t *reply_part(const struct turn *turn) {
    double first = turn->record->first_text_ns ? (double)(turn->record->first_text_ns - turn->pub.started_ns) / 1e3 : 0;
    return json_pack("{s:s, s:s, s:I, s:f}", "by", turn->pub.by ? turn->pub.by : "", "finish",
                     rp_finish_name(turn->finish), "bytes", (json_int_t)turn->reply.len, "us_to_first", first);
}

static json_t *usage_part(const struct turn *turn) {
    const struct spend *spend = turn->spend;
    const struct rp_usage *usage = spend ? &spend->usage : &turn->usage;
    char space[MONEY_TEXT_SIZE];
    json_t *part = json_pack("{s:I, s:I}", "input_tokens", (json_int_t)usage->input_tokens, "output_tokens",
                             (json_int_t)usage->output_tokens);
    if (spend && spend->estimated) json_object_set_new(part, "estimated", json_true());
    if (!spend || spend->cost < 0) return part;
    const char *currency = turn->runtime->currency ? turn->runtime->currency : "";
    json_object_set_new(part, "cost", json_sprintf("%s%s%s", money_text(spend->cost, space), *currency ? " " : "", currency));
    return part;
}

/* ---- what must not be seen ----------------------------------------------------------------------------------------- */

static void mask_value(struct turn *turn, json_t *value) {
    const char *key;
    json_t *inner;
    size_t index;
    if (json_is_string(value)) {
        struct rp_str text = rp_str_n(json_string_value(value), json_string_length(value));
        struct rp_str masked = turn_mask(turn, text);
        if (masked.data != text.data) json_string_setn(value, masked.data ? masked.data : "", masked.len);
    } else if (json_is_object(value)) {
        json_object_foreach(value, key, inner) mask_value(turn, inner);
    } else {
        json_array_foreach(value, index, inner) mask_value(turn, inner);
    }
}

/* ---- the end ------------------------------------------------------------------------------------------------------- */

static void complete(struct turn *turn) {
    json_t *root = turn->record->root;
    json_object_set_new(root, "text", text_of(turn->pub.message));
    json_object_set_new(root, "reply", reply_part(turn));
    json_object_set_new(root, "usage", usage_part(turn));
    if (turn->fault.code) {
        const char *message = turn->fault.message ? turn->fault.message : rp_error_text(turn->fault.code);
        json_object_set_new(root, "error", json_string(rp_error_code(turn->fault.code)));
        json_object_set_new(root, "error_message", json_string(message));
    }
    json_object_set_new(root, "us", json_real((double)(rp_now_ns() - turn->pub.started_ns) / 1e3));
    mask_value(turn, root);
}

const json_t *rp_turn_record(struct rp_turn *pub) {
    struct turn *turn = turn_of(pub);
    if (!turn->record) return NULL;
    complete(turn);
    return turn->record->root;
}

void record_keep(struct turn *turn) {
    if (!turn->runtime->trace || !turn->record) return;
    complete(turn);
    char *text = json_dumps(turn->record->root, JSON_COMPACT);
    if (text) trace_keep(turn->pub.id, rp_str(text));
    free(text);
}
