/* Options that hold several values or name other elements: lists, patterns, maps, references. */
#include "core/config/bind.h"
#include "core/config/option_table.h"

/* The values of a list: a table's numbered entries, or one value by itself, in `single`. NULL: neither. Entries that a
 * condition switched off are skipped by the callers. */
static const struct node *list_values(const struct node *value, struct node *single, struct node_entry *entry) {
    if (value->type == NODE_TABLE) return value->table.numbered == value->table.count ? value : NULL;
    if (value->type != NODE_STRING && value->type != NODE_SECRET) return NULL;
    *entry = (struct node_entry){.index = 1, .value = *value};
    *single = (struct node){.type = NODE_TABLE, .table = {.entries = entry, .count = 1, .numbered = 1}};
    return single;
}

static bool is_off(const struct node *value) {
    return value->type == NODE_BOOL && !value->truth;
}

static int wrong_entry(struct binding *binding, const struct rp_option *option, int64_t index, const char *expected,
                       const struct node *value) {
    char got[NODE_TEXT_SIZE];
    bind_mistake(binding, option->name, "value %lld: expected %s, got %s", (long long)index, expected,
                 node_describe(value, option_is_secret(option->type), got));
    return -RP_ECONFIG;
}

static int check_count(struct binding *binding, const struct rp_option *option, size_t count) {
    char range[OPTION_TEXT_SIZE];
    if (!option_is_bounded(option)) return 0;
    if ((double)count >= option->min && ((double)count <= option->max || option->max < option->min)) return 0;
    bind_mistake(binding, option->name, "must have %s values, got %zu", option_range(option, range), count);
    return -RP_ECONFIG;
}

/* The strings of a list; `expected` names one of them in messages. */
static int take_strings(struct binding *binding, const struct rp_option *option, const struct node *value,
                        const char *expected, struct rp_option_list *out) {
    struct node single;
    struct node_entry entry;
    const struct node *list = list_values(value, &single, &entry);
    if (!list) return bind_wrong(binding, option, value);
    const char **items = rp_arena_alloc(binding->arena, (list->table.count + 1) * sizeof *items);
    size_t count = 0;
    int code = 0;
    for (size_t i = 0; i < list->table.count; i++) {
        const struct node_entry *each = &list->table.entries[i];
        if (is_off(&each->value)) continue;
        if (node_is_text(&each->value)) items[count++] = each->value.text.data;
        else code = wrong_entry(binding, option, each->index, expected, &each->value);
    }
    if (code || check_count(binding, option, count)) return -RP_ECONFIG;
    *out = (struct rp_option_list){items, count};
    return 0;
}

int bind_list(struct binding *binding, const struct rp_option *option, const struct node *value, void *field) {
    return take_strings(binding, option, value, "a string", field);
}

/* Each as one by itself would be; bounds are those of the list. */
int bind_secrets(struct binding *binding, const struct rp_option *option, const struct node *value, void *field) {
    struct node single;
    struct node_entry alone;
    struct rp_option each = {.name = option->name, .type = RP_OPTION_SECRET};
    const struct node *list = list_values(value, &single, &alone);
    if (!list) return bind_wrong(binding, option, value);
    const char **items = rp_arena_alloc(binding->arena, (list->table.count + 1) * sizeof *items);
    size_t count = 0;
    int code = 0;
    for (size_t i = 0; i < list->table.count; i++) {
        if (is_off(&list->table.entries[i].value)) continue;
        if (bind_secret(binding, &each, &list->table.entries[i].value, &items[count])) code = -RP_ECONFIG;
        else count++;
    }
    if (code || check_count(binding, option, count)) return -RP_ECONFIG;
    *(struct rp_option_list *)field = (struct rp_option_list){items, count};
    return 0;
}

/* ---- references -------------------------------------------------------------------------------------------------- */

static void add_reference(struct binding *binding, enum rp_option_type type, const struct rp_option *option,
                          const char *name, void **field) {
    if (!binding->last_reference) return;
    struct reference *reference = rp_arena_zalloc(binding->arena, sizeof *reference);
    *reference = (struct reference){.type = type, .name = name, .option = option->name, .field = field};
    *binding->last_reference = reference;
    binding->last_reference = &reference->next;
}

int bind_reference(struct binding *binding, const struct rp_option *option, const struct node *value, void *field) {
    if (!node_is_text(value)) return bind_wrong(binding, option, value);
    add_reference(binding, option->type, option, value->text.data, field);
    return 0;
}

int bind_models(struct binding *binding, const struct rp_option *option, const struct node *value, void *field) {
    struct rp_option_list names;
    if (take_strings(binding, option, value, "the name of a model", &names)) return -RP_ECONFIG;
    struct rp_model **models = rp_arena_zalloc(binding->arena, (names.count + 1) * sizeof *models);
    for (size_t i = 0; i < names.count; i++)
        add_reference(binding, RP_OPTION_MODEL, option, names.items[i], (void **)&models[i]);
    *(struct rp_model_list *)field = (struct rp_model_list){models, names.count};
    return 0;
}

/* ---- patterns ---------------------------------------------------------------------------------------------------- */

enum { PATTERN_FIELDS = 3 };
static const char *const pattern_names[PATTERN_FIELDS] = {"name", "match", "mask"};
static const char *const pattern_fields[PATTERN_FIELDS] = {"a string as name", "a string as match", "a string as mask"};

static size_t pattern_field(const char *key) {
    size_t which = 0;
    while (key && which < PATTERN_FIELDS && strcmp(key, pattern_names[which]) != 0) which++;
    return key ? which : PATTERN_FIELDS;
}

static int unknown_pattern_field(struct binding *binding, const struct rp_option *option, int64_t index,
                                 const char *key) {
    if (key)
        bind_mistake(binding, option->name, "value %lld: a pattern has name, match and mask, no '%s'%s",
                     (long long)index, key, bind_hint(binding->arena, key, pattern_names, PATTERN_FIELDS));
    else
        bind_mistake(binding, option->name, "value %lld: a pattern is written { match = [[…]] }", (long long)index);
    return -RP_ECONFIG;
}

/* { name = "order", match = [[…]], mask = "*" } */
static int pattern_table(struct binding *binding, const struct rp_option *option, const struct node_entry *entry,
                         struct rp_pattern *out) {
    const char **const fields[PATTERN_FIELDS] = {&out->name, &out->match, &out->mask};
    for (size_t i = 0; i < entry->value.table.count; i++) {
        const struct node_entry *part = &entry->value.table.entries[i];
        size_t which = pattern_field(part->key);
        if (which == PATTERN_FIELDS) return unknown_pattern_field(binding, option, entry->index, part->key);
        if (!node_is_text(&part->value))
            return wrong_entry(binding, option, entry->index, pattern_fields[which], &part->value);
        *fields[which] = part->value.text.data;
    }
    return 0;
}

static int take_pattern(struct binding *binding, const struct rp_option *option, const struct node_entry *entry,
                        struct rp_pattern *out) {
    *out = (struct rp_pattern){0};
    if (node_is_text(&entry->value)) {
        out->name = entry->value.text.data;
        return 0;
    }
    if (entry->value.type != NODE_TABLE)
        return wrong_entry(binding, option, entry->index, "the name of a pattern or { match = [[…]] }", &entry->value);
    if (pattern_table(binding, option, entry, out)) return -RP_ECONFIG;
    if (!out->name && !out->match) {
        bind_mistake(binding, option->name, "value %lld: a pattern needs match", (long long)entry->index);
        return -RP_ECONFIG;
    }
    if (!out->name) out->name = rp_arena_printf(binding->arena, "pattern %lld", (long long)entry->index);
    return 0;
}

int bind_patterns(struct binding *binding, const struct rp_option *option, const struct node *value, void *field) {
    struct node single;
    struct node_entry alone;
    const struct node *list = list_values(value, &single, &alone);
    if (!list) return bind_wrong(binding, option, value);
    struct rp_pattern *items = rp_arena_zalloc(binding->arena, (list->table.count + 1) * sizeof *items);
    size_t count = 0;
    int code = 0;
    for (size_t i = 0; i < list->table.count; i++) {
        if (is_off(&list->table.entries[i].value)) continue;
        if (take_pattern(binding, option, &list->table.entries[i], &items[count])) code = -RP_ECONFIG;
        else count++;
    }
    if (code || check_count(binding, option, count)) return -RP_ECONFIG;
    *(struct rp_pattern_list *)field = (struct rp_pattern_list){items, count};
    return 0;
}

/* ---- maps -------------------------------------------------------------------------------------------------------- */

static void drop_json(void *json) {
    json_decref(json);
}

int bind_map(struct binding *binding, const struct rp_option *option, const struct node *value, void *field) {
    const char *why = NULL;
    if (value->type != NODE_TABLE || value->table.numbered > 0) return bind_wrong(binding, option, value);
    json_t *json = node_to_json(value, &why);
    if (!json) {
        bind_mistake(binding, option->name, "holds %s", why);
        return -RP_ECONFIG;
    }
    rp_arena_defer(binding->arena, drop_json, json);
    *(json_t **)field = json;
    return 0;
}
