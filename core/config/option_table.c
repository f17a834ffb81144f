/* What option tables say, in words, and whether a table itself is in order. bind.c uses them on a bot file. */
#include "core/config/option_table.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/config/bind.h"

#define OPTIONS_MAX 256 /* in one table: one that has no end must not be read for ever */

static const struct {
    const char *name, *expected;
    size_t size;
    bool list;
} types[] = {
    [RP_OPTION_STRING] = {"string", "a string", sizeof(const char *), false},
    [RP_OPTION_BOOL] = {"boolean", "true or false", sizeof(bool), false},
    [RP_OPTION_INT] = {"integer", "a whole number", sizeof(int64_t), false},
    [RP_OPTION_NUMBER] = {"number", "a number", sizeof(double), false},
    [RP_OPTION_SIZE] = {"size", "a size such as \"32KiB\"", sizeof(int64_t), false},
    [RP_OPTION_DURATION] = {"duration", "a duration such as \"5s\"", sizeof(int64_t), false},
    [RP_OPTION_RATE] = {"rate", "a rate such as \"5/s\"", sizeof(double), false},
    [RP_OPTION_CHOICE] = {"choice", "one of", sizeof(int), false},
    [RP_OPTION_LIST] = {"list", "a list of strings", sizeof(struct rp_option_list), true},
    [RP_OPTION_SECRET] = {"secret", "secret \"NAME\" or a string", sizeof(const char *), false},
    [RP_OPTION_FILE] = {"file", "a path", sizeof(const char *), false},
    [RP_OPTION_MAP] = {"map", "a table such as { key = \"value\" }", sizeof(json_t *), false},
    [RP_OPTION_PATTERNS] = {"patterns", "a list of patterns such as { \"email\", { match = [[…]] } }",
                            sizeof(struct rp_pattern_list), true},
    [RP_OPTION_MODEL] = {"model", "the name of a model", sizeof(struct rp_model *), false},
    [RP_OPTION_MODELS] = {"models", "a list of names of models", sizeof(struct rp_model_list), true},
    [RP_OPTION_STORE] = {"store", "the name of a store", sizeof(struct rp_store *), false},
    [RP_OPTION_LISTENER] = {"listener", "the name of a listener", sizeof(struct rp_listener *), false},
    [RP_OPTION_ADDRESS] = {"address", "an address such as \"127.0.0.1:8080\" or \"[::1]:8080\"", sizeof(const char *),
                           false},
    [RP_OPTION_SECRETS] = {"secrets", "secret \"NAME\", or a list of them", sizeof(struct rp_option_list), true},
};

static bool known_type(enum rp_option_type type) {
    return type >= RP_OPTION_STRING && (size_t)type < sizeof types / sizeof *types;
}

const char *option_type_name(enum rp_option_type type) {
    return known_type(type) ? types[type].name : "unknown";
}

size_t option_field_size(enum rp_option_type type) {
    return known_type(type) ? types[type].size : 0;
}

bool option_is_list(enum rp_option_type type) {
    return known_type(type) && types[type].list;
}

bool option_is_secret(enum rp_option_type type) {
    return type == RP_OPTION_SECRET || type == RP_OPTION_SECRETS;
}

bool option_is_bounded(const struct rp_option *option) {
    return option->min != 0 || option->max != 0;
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

struct unit {
    const char *name;
    double size;
};

/* The largest unit that leaves a whole number. */
static void text_in_units(double value, const struct unit *units, char *space, size_t size) {
    while (units[1].name && (value < units->size || (double)(int64_t)(value / units->size) != value / units->size))
        units++;
    snprintf(space, size, "%.15g%s", value / units->size, units->name);
}

/* In the shortest time that leaves a whole number: 1.5 a second are "90/m". */
static void rate_text(double rate, char *space, size_t size) {
    static const struct unit times[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        double count = rate * times[i].size, whole = round(count);
        if (whole < 1 || fabs(count - whole) > 1e-9 * whole) continue;
        snprintf(space, size, "%.15g/%s", whole, times[i].name);
        return;
    }
    snprintf(space, size, "%.6g/s", rate);
}

static void bound_text(const struct rp_option *option, double value, char *space, size_t size) {
    static const struct unit times[] = {{"d", 86400e3}, {"h", 3600e3}, {"m", 60e3}, {"s", 1e3}, {"ms", 1}, {NULL, 1}};
    static const struct unit sizes[] = {{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {NULL, 1}};
    switch (option->type) {
    case RP_OPTION_DURATION: text_in_units(value, times, space, size); return;
    case RP_OPTION_SIZE: text_in_units(value, sizes, space, size); return;
    case RP_OPTION_RATE: rate_text(value, space, size); return;
    default: snprintf(space, size, "%.15g", value);
    }
}

const char *option_range(const struct rp_option *option, char space[OPTION_TEXT_SIZE]) {
    char min[40], max[40];
    space[0] = '\0';
    if (!option_is_bounded(option)) return space;
    bound_text(option, option->min, min, sizeof min);
    bound_text(option, option->max, max, sizeof max);
    if (option->max < option->min) snprintf(space, OPTION_TEXT_SIZE, "at least %s", min);
    else snprintf(space, OPTION_TEXT_SIZE, "%s to %s", min, max);
    return space;
}

static void expected_choice(const struct rp_option *option, char *space) {
    struct rp_buf buf;
    rp_buf_init(&buf, OPTION_TEXT_SIZE - 1);
    rp_buf_printf(&buf, "one of");
    for (size_t i = 0; option->choices[i]; i++)
        if (rp_buf_printf(&buf, "%s \"%s\"", i ? "," : "", option->choices[i])) break;
    snprintf(space, OPTION_TEXT_SIZE, "%s", buf.data);
    rp_buf_finish(&buf);
}

const char *option_expected(const struct rp_option *option, char space[OPTION_TEXT_SIZE]) {
    if (option->type == RP_OPTION_CHOICE) expected_choice(option, space);
    else snprintf(space, OPTION_TEXT_SIZE, "%s", types[option->type].expected);
    return space;
}

/* ---- defaults ---------------------------------------------------------------------------------------------------- */

static struct node split_commas(struct rp_arena *arena, const char *text) {
    struct node table = {.type = NODE_TABLE};
    size_t most = 1;
    for (const char *at = text; *at; at++) most += *at == ',';
    table.table.entries = rp_arena_zalloc(arena, most * sizeof *table.table.entries);
    for (const char *at = text; *(at += strspn(at, " ,"));) {
        size_t len = strcspn(at, ",");
        struct node_entry *entry = &table.table.entries[table.table.count++];
        entry->index = (int64_t)table.table.count;
        entry->value = (struct node){.type = NODE_STRING, .text = rp_arena_str(arena, rp_str_n(at, len))};
        at += len;
    }
    table.table.numbered = table.table.count;
    return table;
}

static int default_integer(const char *text, struct node *out) {
    char *end;
    errno = 0;
    int64_t value = strtoll(text, &end, 10);
    if (end == text || *end || errno) return -RP_ECONFIG;
    *out = (struct node){.type = NODE_INT, .integer = value};
    return 0;
}

static int default_number(const char *text, struct node *out) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end) return -RP_ECONFIG;
    *out = (struct node){.type = NODE_NUMBER, .number = value};
    return 0;
}

static int default_map(struct rp_arena *arena, const char *text, struct node *out) {
    json_t *json;
    if (rp_json_parse(text, strlen(text), &json, NULL)) return -RP_ECONFIG;
    *out = node_from_json(arena, json);
    json_decref(json);
    return 0;
}

int option_default(struct rp_arena *arena, const struct rp_option *option, struct node *out_node) {
    const char *text = option->text;
    *out_node = (struct node){.type = NODE_NIL};
    if (!text) return 0;
    switch (option->type) {
    case RP_OPTION_BOOL:
        *out_node = (struct node){.type = NODE_BOOL, .truth = strcmp(text, "true") == 0};
        return out_node->truth || strcmp(text, "false") == 0 ? 0 : -RP_ECONFIG;
    case RP_OPTION_INT: return default_integer(text, out_node);
    case RP_OPTION_NUMBER: return default_number(text, out_node);
    case RP_OPTION_MAP: return default_map(arena, text, out_node);
    default: break;
    }
    if (option_is_list(option->type)) *out_node = split_commas(arena, text);
    else *out_node = (struct node){.type = NODE_STRING, .text = rp_arena_str(arena, rp_str(text))};
    return 0;
}

/* ---- whether a table is in order --------------------------------------------------------------------------------- */

static int check_option(const struct rp_option *option, size_t options_size, struct rp_error *error) {
    if (!known_type(option->type))
        return rp_error_set(error, RP_EPLUGIN, "option '%s' has the unknown type %d", option->name, (int)option->type);
    size_t size = option_field_size(option->type);
    if (size > options_size || option->offset > options_size - size)
        return rp_error_set(error, RP_EPLUGIN, "option '%s' lies outside its struct of %zu bytes", option->name,
                            options_size);
    if (option->type == RP_OPTION_CHOICE && (!option->choices || !option->choices[0]))
        return rp_error_set(error, RP_EPLUGIN, "option '%s' has no choices", option->name);
    return 0;
}

static int check_table(const struct rp_option *table, size_t options_size, struct rp_error *error) {
    unsigned positional = 0;
    for (size_t i = 0; table[i].name; i++) {
        if (i == OPTIONS_MAX) return rp_error_set(error, RP_EPLUGIN, "the option table has no end");
        int code = check_option(&table[i], options_size, error);
        if (code) return code;
        positional += (table[i].flags & RP_OPTION_POSITIONAL) != 0;
        if (positional > 1)
            return rp_error_set(error, RP_EPLUGIN, "option '%s' is a second positional one", table[i].name);
        for (size_t other = 0; other < i; other++)
            if (strcmp(table[i].name, table[other].name) == 0)
                return rp_error_set(error, RP_EPLUGIN, "option '%s' stands twice in the table", table[i].name);
    }
    return 0;
}

/* Binds an empty element: what goes wrong then is wrong with the defaults. */
static int check_defaults(const struct rp_option *table, size_t options_size, struct rp_error *error) {
    struct rp_arena *arena = rp_arena_create();
    struct report report = {0};
    struct binding binding = {.arena = arena, .report = &report, .folder = "/", .path = "type", .defaults_only = true};
    bind_options(&binding, table, NULL, NULL, rp_arena_zalloc(arena, options_size + 1));
    int code = report.errors ? rp_error_set(error, RP_EPLUGIN, "%s", report.entries[0].error.text) : 0;
    report_finish(&report);
    rp_arena_destroy(arena);
    return code;
}

int option_table_check(const struct rp_option *table, size_t options_size, struct rp_error *error) {
    if (!table) return 0;
    int code = check_table(table, options_size, error);
    return code ? code : check_defaults(table, options_size, error);
}
