/* Fills a struct from a table of the bot file, as an option table says: defaults, values, what is missing and what
 * nobody knows. Converting single values is for bind_value.c and bind_list.c. */
#include "core/config/bind.h"

#include <stdio.h>

#include "core/config/option_table.h"
#include "core/config/place.h"

void bind_mistake(struct binding *binding, const char *key, const char *format, ...) {
    char text[sizeof((struct rp_error *)0)->text];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    int line = key && binding->word ? place_of_option(binding->place, binding->word, key) : binding->place.line;
    const char *file = binding->place.source ? binding->place.source->name : NULL;
    if (key) report_add(binding->report, RP_ECONFIG, file, line, "%s: option '%s': %s", binding->path, key, text);
    else report_add(binding->report, RP_ECONFIG, file, line, "%s: %s", binding->path, text);
}

int bind_wrong(struct binding *binding, const struct rp_option *option, const struct node *value) {
    char expected[OPTION_TEXT_SIZE], got[NODE_TEXT_SIZE];
    node_describe(value, option_is_secret(option->type), got);
    bind_mistake(binding, option->name, "expected %s, got %s", option_expected(option, expected), got);
    return -RP_ECONFIG;
}

const char *bind_hint(struct rp_arena *arena, const char *wanted, const char *const *names, size_t count) {
    const char *nearest = rp_nearest_name(wanted, names, count);
    return nearest ? rp_arena_printf(arena, " (did you mean '%s'?)", nearest) : "";
}

/* ---- what nobody knows ------------------------------------------------------------------------------------------- */

static const struct rp_option *find_option(const struct rp_option *table, const char *name, bool hidden_too) {
    for (; table && table->name; table++)
        if (strcmp(table->name, name) == 0) return table->flags & RP_OPTION_HIDDEN && !hidden_too ? NULL : table;
    return NULL;
}

static void unknown_option(struct binding *binding, const struct rp_option *table, const char *name) {
    const char *names[256];
    size_t count = 0;
    for (; table && table->name && count < 256; table++)
        if (!(table->flags & RP_OPTION_HIDDEN)) names[count++] = table->name;
    const char *hint = bind_hint(binding->arena, name, names, count);
    int line = binding->word ? place_of_option(binding->place, binding->word, name) : binding->place.line;
    report_add(binding->report, RP_ECONFIG, binding->place.source ? binding->place.source->name : NULL, line,
               "%s: no option called '%s'%s", binding->path, name, hint);
}

static size_t check_names(struct binding *binding, const struct rp_option *table, const struct node *values,
                          bool hidden_too) {
    size_t mistakes = 0;
    for (size_t i = values->table.numbered; i < values->table.count; i++) {
        const char *name = values->table.entries[i].key;
        if (find_option(table, name, hidden_too)) continue;
        unknown_option(binding, table, name);
        mistakes++;
    }
    return mistakes;
}

/* ---- values without a name --------------------------------------------------------------------------------------- */

static bool is_skipped(const struct node *value) {
    return value->type == NODE_NIL || (value->type == NODE_BOOL && !value->truth);
}

/* The numbered entries alone, without those that a condition switched off. */
static struct node numbered_values(struct rp_arena *arena, const struct node *values) {
    struct node table = {.type = NODE_TABLE};
    table.table.entries = rp_arena_zalloc(arena, (values->table.numbered + 1) * sizeof *table.table.entries);
    for (size_t i = 0; i < values->table.numbered; i++)
        if (!is_skipped(&values->table.entries[i].value))
            table.table.entries[table.table.count++] = values->table.entries[i];
    table.table.numbered = table.table.count;
    return table;
}

static const struct rp_option *positional_option(const struct rp_option *table) {
    for (; table && table->name; table++)
        if (table->flags & RP_OPTION_POSITIONAL) return table;
    return NULL;
}

/* Finds what the positional option gets. 0 and a value or NODE_NIL, or the number of mistakes. */
static size_t take_positional(struct binding *binding, const struct rp_option *table, const struct node *values,
                              struct node *out) {
    struct node given = numbered_values(binding->arena, values);
    const struct rp_option *option = positional_option(table);
    char got[NODE_TEXT_SIZE];
    *out = (struct node){.type = NODE_NIL};
    if (given.table.count == 0) return 0;
    const struct node *first = &given.table.entries[0].value;
    if (!option) {
        bind_mistake(binding, NULL, "%s stands without a name: write option = value", node_describe(first, false, got));
    } else if (node_get(values, option->name)) {
        bind_mistake(binding, option->name, "given twice, with its name and without");
    } else if (!option_is_list(option->type) && given.table.count > 1) {
        bind_mistake(binding, NULL, "%zu values stand without a name, only '%s' takes one", given.table.count,
                     option->name);
    } else {
        *out = option_is_list(option->type) ? given : *first;
        return 0;
    }
    return 1;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static size_t bind_default(struct binding *binding, const struct rp_option *option, void *field) {
    struct node value;
    if (option_default(binding->arena, option, &value)) {
        bind_mistake(binding, option->name, "its default '%s' is not %s", option->text, option_type_name(option->type));
        return 1;
    }
    return value.type == NODE_NIL ? 0 : bind_value(binding, option, &value, field) != 0;
}

static size_t bind_one(struct binding *binding, const struct rp_option *option, const struct node *value, void *field) {
    if (value && value->type != NODE_NIL) return bind_value(binding, option, value, field) != 0;
    if (!(option->flags & RP_OPTION_REQUIRED)) return bind_default(binding, option, field);
    if (binding->defaults_only) return 0;
    bind_mistake(binding, NULL, "option '%s' is missing: %s", option->name,
                 option->help ? option->help : "it is required");
    return 1;
}

size_t bind_options(struct binding *binding, const struct rp_option *table, const struct node *values,
                    const struct node *overrides, void *out) {
    static const struct node none = {.type = NODE_TABLE};
    if (!values) values = &none;
    if (!overrides) overrides = &none;
    struct node positional;
    size_t mistakes = check_names(binding, table, values, false) + check_names(binding, table, overrides, true);
    size_t wrong_positional = take_positional(binding, table, values, &positional);
    mistakes += wrong_positional;
    for (const struct rp_option *option = table; option && option->name; option++) {
        const struct node *value = node_get(overrides, option->name);
        if (!value && !(option->flags & RP_OPTION_HIDDEN)) value = node_get(values, option->name);
        if (!value && option->flags & RP_OPTION_POSITIONAL) {
            if (wrong_positional) continue;
            value = &positional;
        }
        mistakes += bind_one(binding, option, value, (char *)out + option->offset);
    }
    return mistakes;
}
