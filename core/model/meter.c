/* Counts, times and explains the calls of models. The series are those of <repartee/metrics.h>: found once a model, and
 * those of outcomes at their first use. */
#include "core/model/meter.h"

#include <repartee/metrics.h>
#include <stdatomic.h>
#include <stdlib.h>

#define CODES_MAX 64

struct model_meter {
    char *name;
    struct rp_metric *seconds, *input, *output;
    struct rp_metric *_Atomic calls[CODES_MAX]; /* by error number; 0: ok */
};

static struct rp_metric *calls_metric(const char *model, int code) {
    return rp_metric(RP_COUNTER, "repartee_model_calls_total", "Calls of models by their outcome", "model", model,
                     "outcome", code ? rp_error_code(code) : "ok", NULL);
}

static struct rp_metric *tokens_metric(const char *model, const char *direction) {
    return rp_metric(RP_COUNTER, "repartee_model_tokens_total", "Tokens that models say they have read and written",
                     "model", model, "direction", direction, NULL);
}

struct model_meter *model_meter_create(const struct rp_model *model) {
    if (((const struct rp_model_type *)(const void *)model->element.type)->forwards) return NULL;
    struct model_meter *meter = rp_calloc(1, sizeof(*meter));
    meter->name = rp_strdup(model->element.name);
    meter->seconds = rp_metric(RP_HISTOGRAM, "repartee_model_seconds",
                               "Time from a call of a model to the end of its reply", "model", meter->name, NULL);
    meter->input = tokens_metric(meter->name, "input");
    meter->output = tokens_metric(meter->name, "output");
    meter->calls[0] = calls_metric(meter->name, 0);
    return meter;
}

void model_meter_destroy(struct model_meter *meter) {
    if (!meter) return;
    free(meter->name);
    free(meter);
}

static void count_call(struct model_meter *meter, int code) {
    int at = code > 0 && code < CODES_MAX ? code : code ? RP_EINTERNAL : 0;
    struct rp_metric *metric = atomic_load_explicit(&meter->calls[at], memory_order_acquire);
    if (!metric) { /* whoever is first: all find the same one */
        metric = calls_metric(meter->name, at);
        atomic_store_explicit(&meter->calls[at], metric, memory_order_release);
    }
    rp_metric_add(metric, 1);
}

/* ---- a call ------------------------------------------------------------------------------------------------------ */

void model_watch_begin(struct rp_source *source, struct rp_model *model, const struct rp_element *by) {
    struct model_watch *watch = rp_arena_zalloc(source->turn->arena, sizeof(*watch));
    *watch = (struct model_watch){.model = model, .by = by ? by : &model->element, .started_ns = rp_now_ns()};
    source->watch = watch;
}

static void note(const struct rp_source *source, int code, int64_t now) {
    const struct model_watch *watch = source->watch;
    if (!rp_turn_explained(source->turn)) return;
    json_t *detail = json_pack("{s:s, s:s, s:I, s:I, s:f}", "model", watch->model->element.name, "outcome",
                               code ? rp_error_code(code) : "ok", "input_tokens", (json_int_t)watch->usage.input_tokens,
                               "output_tokens", (json_int_t)watch->usage.output_tokens, "us",
                               (double)(now - watch->started_ns) / 1e3);
    if (watch->first_ns)
        json_object_set_new(detail, "us_to_first", json_real((double)(watch->first_ns - watch->started_ns) / 1e3));
    rp_turn_note(source->turn, watch->by, "model", detail);
}

static void finish(struct rp_source *source, int code) {
    struct model_watch *watch = source->watch;
    struct model_meter *meter = watch->model->meter;
    int64_t now = rp_now_ns();
    watch->over = true;
    note(source, code, now);
    if (!meter) return;
    count_call(meter, code);
    rp_metric_observe(meter->seconds, now - watch->started_ns);
    if (watch->usage.input_tokens) rp_metric_add(meter->input, watch->usage.input_tokens);
    if (watch->usage.output_tokens) rp_metric_add(meter->output, watch->usage.output_tokens);
}

void model_watch_chunk(struct rp_source *source, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct model_watch *watch = source->watch;
    bool said = chunk->type == RP_CHUNK_TOOL || (chunk->type == RP_CHUNK_TEXT && chunk->text.len > 0);
    if (said && !watch->first_ns) watch->first_ns = rp_now_ns();
    if (chunk->type == RP_CHUNK_USAGE) {
        watch->usage.input_tokens += chunk->usage.input_tokens > 0 ? chunk->usage.input_tokens : 0;
        watch->usage.output_tokens += chunk->usage.output_tokens > 0 ? chunk->usage.output_tokens : 0;
    }
    if (flow == RP_END) finish(source, 0);
    if (flow == RP_ERROR) finish(source, chunk->fault.code ? chunk->fault.code : RP_EINTERNAL);
}

void model_watch_close(struct rp_source *source) {
    if (!source->watch->over) finish(source, RP_ECANCELLED);
}
