/* One call of a model: what it cannot take is refused, or told in words, before it is asked. */
#include <repartee/talk.h>
#include <stdlib.h>

#include "core/model/budget.h"

static const struct rp_model_type *type_of(const struct rp_model *model) {
    return (const struct rp_model_type *)(const void *)model->element.type;
}

unsigned rp_model_takes(const struct rp_model *model) {
    return type_of(model)->takes ? type_of(model)->takes(model) : 0;
}

static struct rp_source *refuse(const struct rp_model *model, struct rp_turn *turn, const char *what) {
    const char *message = rp_arena_printf(turn->arena, "the model '%s' takes no %s", model->element.name, what);
    return rp_source_fault(turn, &(struct rp_fault){.code = RP_EUNSUPPORTED, .message = message});
}

static bool has_images(const struct rp_call *call) {
    for (size_t i = 0; i < call->message_count; i++) {
        if (call->messages[i].image_count) return true;
    }
    return false;
}

static struct rp_str schema_in_words(struct rp_turn *turn, const json_t *schema) {
    char *text = json_dumps(schema, JSON_COMPACT | JSON_ENCODE_ANY);
    const char *words =
        rp_arena_printf(turn->arena,
                        "Answer with one JSON value and nothing else, no explanation and no code fence. "
                        "It must fit this JSON Schema:\n%s",
                        text ? text : "{}");
    free(text);
    return rp_str(words);
}

/* The same call without the schema, which a system's note at the end tells instead. */
static const struct rp_call *without_schema(struct rp_turn *turn, const struct rp_call *call) {
    struct rp_message note = {.role = RP_ROLE_SYSTEM, .text = schema_in_words(turn, call->prompt->schema)};
    struct rp_prompt *prompt = rp_arena_alloc(turn->arena, sizeof(*prompt));
    struct rp_call *other = rp_arena_alloc(turn->arena, sizeof(*other));
    struct rp_message *messages = rp_arena_alloc(turn->arena, (call->message_count + 1) * sizeof(*messages));
    if (call->message_count) memcpy(messages, call->messages, call->message_count * sizeof(*messages));
    messages[call->message_count] = note;
    *prompt = *call->prompt;
    prompt->schema = NULL;
    *other = *call;
    other->prompt = prompt;
    other->messages = messages;
    other->message_count++;
    return other;
}

static struct rp_source *ask(struct rp_model *model, struct rp_turn *turn, const struct rp_call *call) {
    unsigned takes = rp_model_takes(model);
    const struct rp_prompt *prompt = call->prompt;
    if (call->too_large)
        return rp_source_fault(turn, &(struct rp_fault){.code = RP_ETOOLARGE, .message = call->too_large});
    if (prompt->tools && !(takes & RP_TAKES_TOOLS)) return refuse(model, turn, "tools");
    if (prompt->grammar && !(takes & RP_TAKES_GRAMMAR)) return refuse(model, turn, "grammar");
    if (call->prefix.len && !(takes & RP_TAKES_PREFIX)) return refuse(model, turn, "replies that others have begun");
    if (!(takes & RP_TAKES_IMAGES) && has_images(call)) return refuse(model, turn, "images");
    if (prompt->schema && !(takes & RP_TAKES_SCHEMA)) call = without_schema(turn, call);
    return type_of(model)->ask(model, turn, call);
}

struct rp_source *model_ask_now(struct rp_model *model, struct rp_turn *turn, const struct rp_call *call,
                                struct budget_hold *hold) {
    struct rp_source *source = ask(model, turn, call);
    if (source->watch || budget_is_source(source)) { /* another model's, handed on: it is watched already */
        budget_hold_settle(hold, 0, 0);
        return source;
    }
    if (model->meter || rp_turn_explained(turn)) model_watch_begin(source, model, call, hold);
    return source;
}

struct rp_source *rp_model_ask(struct rp_model *model, struct rp_turn *turn, const struct rp_call *call) {
    if (model_meter_budgets(model->meter)) return budget_source(model, turn, call);
    return model_ask_now(model, turn, call, NULL);
}
