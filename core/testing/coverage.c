/* Asks every stage for its inventory, and tells what is in it with a count of nothing. */
#include "core/testing/coverage.h"

static const struct rp_stage_type *type_of(const struct rp_stage *stage) {
    return (const struct rp_stage_type *)(const void *)stage->element.type;
}

/* Calls fn for the inventory of each stage that has one. */
static void for_each(const struct alone *alone, void (*fn)(const json_t *items, void *arg), void *arg) {
    const struct bot *bot = alone->bot;
    for (size_t i = 0; i < bot->pipeline_count; i++) {
        for (size_t k = 0; k < bot->pipelines[i]->count; k++) {
            struct rp_stage *stage = bot->pipelines[i]->stages[k];
            if (!type_of(stage)->inventory) continue;
            json_t *items = type_of(stage)->inventory(stage, alone_worker(alone));
            fn(items, arg);
            json_decref(items);
        }
    }
}

static void ignore(const json_t *items, void *arg) {
    (void)items, (void)arg;
}

void coverage_start(const struct alone *alone) {
    for_each(alone, ignore, NULL);
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static int line_number(const json_t *lines, size_t index) {
    return (int)json_integer_value(json_array_get(json_array_get(lines, index), 0));
}

static bool line_ran(const json_t *lines, size_t index) {
    return json_integer_value(json_array_get(json_array_get(lines, index), 1)) > 0;
}

/* "12, 15-17": lines that did not run; what lies between two of them and cannot run joins them. */
static size_t put_lines(const json_t *lines, FILE *out) {
    size_t count = json_array_size(lines), missing = 0;
    for (size_t i = 0; i < count; i++) {
        if (line_ran(lines, i)) continue;
        size_t last = i;
        while (last + 1 < count && !line_ran(lines, last + 1)) last++;
        if (out) fprintf(out, "%s%d", missing ? ", " : "", line_number(lines, i));
        if (out && last > i) fprintf(out, "-%d", line_number(lines, last));
        missing += last - i + 1;
        i = last;
    }
    return missing;
}

/* ---- items ------------------------------------------------------------------------------------------------------- */

static const char *text_of(const json_t *item, const char *name) {
    const char *text = json_string_value(json_object_get(item, name));
    return text ? text : "";
}

static void put_item(const json_t *item, FILE *out) {
    fprintf(out, "%s:%d: %s", text_of(item, "file"), (int)json_integer_value(json_object_get(item, "line")),
            text_of(item, "kind"));
    if (*text_of(item, "name")) fprintf(out, " '%s'", text_of(item, "name"));
}

/* Of a function that was not called at all the place where it would be says enough. */
static void tell_lines(const json_t *item, struct coverage *coverage, FILE *out) {
    const json_t *lines = json_object_get(item, "lines");
    size_t missing = put_lines(lines, NULL), count = json_array_size(lines);
    coverage->lines += count;
    coverage->ran += count - missing;
    if (missing == 0 || missing == count) return;
    put_item(item, out);
    fprintf(out, ": %s ", missing == 1 ? "this line did not run:" : "these lines did not run:");
    put_lines(lines, out);
    fputc('\n', out);
}

void coverage_items(const json_t *items, struct coverage *coverage, FILE *out) {
    size_t index;
    json_t *item;
    json_array_foreach(items, index, item) {
        bool function = strcmp(text_of(item, "kind"), "function") == 0;
        bool reached = json_integer_value(json_object_get(item, "reached")) > 0;
        coverage->items += !function;
        coverage->reached += !function && reached;
        if (!function && !reached) {
            put_item(item, out);
            fputs(" was not reached\n", out);
        }
        tell_lines(item, coverage, out);
    }
}

struct telling {
    struct coverage coverage;
    FILE *out;
};

static void tell_stage(const json_t *items, void *arg) {
    struct telling *telling = arg;
    coverage_items(items, &telling->coverage, telling->out);
}

struct coverage coverage_tell(const struct alone *alone, FILE *out) {
    struct telling telling = {.out = out};
    for_each(alone, tell_stage, &telling);
    const struct coverage *coverage = &telling.coverage;
    fprintf(out, "coverage: %zu of %zu reached", coverage->reached, coverage->items);
    if (coverage->lines) fprintf(out, ", %zu of %zu lines of functions run", coverage->ran, coverage->lines);
    fputc('\n', out);
    return *coverage;
}
