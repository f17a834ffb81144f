/* Elements: the sections listeners, stores, models and transports become items, each with its type looked up and its
 * options bound. Pipelines are in load_pipelines.c. */
#include <stdlib.h>

#include "core/config/load.h"
#include "core/config/place.h"

bool load_is_off(const struct node *value) {
    return value->type == NODE_NIL || (value->type == NODE_BOOL && !value->truth);
}

static size_t element_size(enum kind kind) {
    static const size_t sizes[KIND_COUNT] = {
        [KIND_STORE] = sizeof(struct rp_store),   [KIND_MODEL] = sizeof(struct rp_model),
        [KIND_LISTENER] = sizeof(struct rp_listener), [KIND_STAGE] = sizeof(struct rp_stage),
        [KIND_TRANSPORT] = sizeof(struct rp_transport),
    };
    return sizes[kind];
}

static const char *place_file(struct place place) {
    return place.source ? place.source->name : NULL;
}

/* ---- types ------------------------------------------------------------------------------------------------------- */

/* What to say behind "no stage called 'x'": another kind has it, or a name that is near. */
static const char *type_hint(struct load *load, enum kind wanted, const char *name) {
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        struct rp_error unused = {0};
        if (kind != wanted && host_find(load->host, kind, name, &unused))
            return rp_arena_printf(load->arena, ": it is a %s and belongs in %s { … }", kind_name(kind),
                                   kind_section(kind));
    }
    const char **names;
    size_t count = host_names(load->host, wanted, &names);
    const char *hint = bind_hint(load->arena, name, names, count);
    free(names);
    return hint;
}

static void find_type(struct load *load, struct item *item) {
    struct rp_error error = {0};
    const char *name = item->declared->type;
    item->type = host_find(load->host, item->kind, name, &error);
    if (item->type) return;
    item->broken = true;
    struct place place = item->declared->place;
    if (error.text[0]) {
        report_add(load->report, RP_EPLUGIN, place_file(place), place.line, "%s: %s", item->path, error.text);
        return;
    }
    load->type_missing = true;
    /* Models and so on have names of their own, which a message about a type must not be mistaken for. */
    const char *what = item->kind == KIND_STAGE || item->kind == KIND_TRANSPORT ? "" : " type";
    report_add(load->report, RP_ECONFIG, place_file(place), place.line, "%s: no %s%s called '%s'%s", item->path,
               kind_name(item->kind), what, name, type_hint(load, item->kind, name));
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

static bool type_has_option(const struct rp_type *type, const char *name) {
    for (const struct rp_option *option = type->options; option && option->name; option++)
        if (strcmp(option->name, name) == 0) return true;
    return false;
}

/* Takes `pipeline = "staff"`, which every transport has from the core, out of the values. */
static struct node take_pipeline(struct load *load, struct item *item, struct binding *binding) {
    struct node values = item->declared->options;
    const struct node *given = node_get(&values, "pipeline");
    if (item->kind != KIND_TRANSPORT || !given || type_has_option(item->type, "pipeline")) return values;
    static const struct rp_option option = {.name = "pipeline", .type = RP_OPTION_STRING};
    if (bind_value(binding, &option, given, &item->pipeline)) item->broken = true;
    struct node_entry *entries = rp_arena_alloc(load->arena, values.table.count * sizeof *entries);
    size_t count = 0;
    for (size_t i = 0; i < values.table.count; i++)
        if (&values.table.entries[i].value != given) entries[count++] = values.table.entries[i];
    values.table.entries = entries;
    values.table.count = count;
    return values;
}

static bool takes_wish(struct load *load, const struct item *item) {
    if (!load->wish || !load->wish->transport || load->wish_met || item->kind != KIND_TRANSPORT) return false;
    return load->wish_met = strcmp(item->declared->type, load->wish->transport) == 0;
}

/* Kinds whose elements are not opened as the bot file has them: what they lack is missed by nobody. */
static bool left_out(const struct load *load, enum kind kind) {
    return load->bot->use == BOT_OFFLINE && kind != KIND_MODEL && kind != KIND_STAGE;
}

static void bind_item(struct load *load, struct item *item) {
    struct binding binding = {
        .defaults_only = left_out(load, item->kind), .offline = load->bot->use == BOT_OFFLINE,
        .arena = load->arena, .report = load->report, .folder = load->bot->folder, .path = item->path,
        .place = item->declared->place, .word = item->declared->type, .last_reference = &item->references,
    };
    struct node values = take_pipeline(load, item, &binding), wished;
    bool wish = takes_wish(load, item) && load->wish->options;
    if (wish) wished = node_from_json(load->arena, load->wish->options);
    item->options = rp_arena_zalloc(load->arena, item->type->options_size + 1);
    if (bind_options(&binding, item->type->options, &values, wish ? &wished : NULL, item->options)) item->broken = true;
    for (struct reference *reference = item->references; reference; reference = reference->next)
        reference->line = place_of_option(binding.place, binding.word, reference->option);
}

/* A store that keeps what it is given in memory, whatever the bot file says. */
static void stand_in_store(struct load *load, struct item *item) {
    struct rp_error error = {0};
    struct binding binding = {.arena = load->arena, .report = load->report, .folder = load->bot->folder,
                              .path = item->path, .place = item->declared->place, .word = "memory"};
    const struct rp_type *memory = host_find(load->host, KIND_STORE, "memory", &error);
    item->type = memory ? memory : item->type;
    item->broken |= !memory;
    if (!memory) script_mistake(&load->script, item->declared->place, "%s: the plugin 'memory' is missing", item->path);
    item->references = NULL;
    item->options = rp_arena_zalloc(load->arena, item->type->options_size + 1);
    if (memory) bind_options(&binding, memory->options, NULL, NULL, item->options);
}

static void make_element(struct load *load, struct item *item) {
    item->element = rp_arena_zalloc(load->arena, element_size(item->kind));
    *item->element = (struct rp_element){
        .bot = load->bot,
        .type = item->type,
        .name = item->name,
        .file = place_file(item->declared->place),
        .line = item->declared->place.line,
        .language = load->bot->language,
        .options = item->options,
    };
}

/* ---- items ------------------------------------------------------------------------------------------------------- */

struct item *load_item_named(struct load *load, enum kind kind, const char *name) {
    for (struct item *item = load->items; item; item = item->next)
        if (item->kind == kind && strcmp(item->name, name) == 0) return item;
    return NULL;
}

struct item *load_add(struct load *load, enum kind kind, const char *name, const char *path,
                      struct declared *declared) {
    if (load->item_count == ITEMS_MAX) {
        script_mistake(&load->script, declared->place, "a bot cannot have more than %d elements", ITEMS_MAX);
        return NULL;
    }
    struct item *item = rp_arena_zalloc(load->arena, sizeof *item);
    *item = (struct item){.kind = kind, .name = name, .path = path, .declared = declared};
    *load->last_item = item;
    load->last_item = &item->next;
    load->item_count++;
    if (declared->again.type != NODE_NIL)
        script_mistake(&load->script, declared->place, "%s: '%s' takes one table: %s { … }", path, declared->type,
                       declared->type);
    find_type(load, item);
    if (!item->type) return item;
    if (kind == KIND_STAGE || kind == KIND_TRANSPORT) /* where they stand says little about what they are */
        item->path = rp_arena_printf(load->arena, "%s (%s)", path, item->type->name);
    bind_item(load, item);
    if (kind == KIND_STORE && load->bot->use == BOT_OFFLINE) stand_in_store(load, item);
    make_element(load, item);
    return item;
}

struct item *load_extra(struct load *load, enum kind kind, const char *type, const char *path) {
    struct declared *declared = rp_arena_zalloc(load->arena, sizeof *declared);
    declared->type = type;
    declared->place = (struct place){load->script.sources, 0};
    declared->options.type = NODE_TABLE;
    return load_add(load, kind, type, path, declared);
}

void load_not_an_element(struct load *load, struct place place, const char *path, const struct node *value) {
    char got[NODE_TEXT_SIZE];
    if (value->type == NODE_WORD)
        script_mistake(&load->script, place, "%s: '%s' stands without its braces: write %s {}", path, value->text.data,
                       value->text.data);
    else
        script_mistake(&load->script, place, "%s: expected an element such as name { … }, got %s", path,
                       node_describe(value, false, got));
}

/* ---- sections ---------------------------------------------------------------------------------------------------- */

/* "model 'cloud'", or "transport 2" where it has no name. */
static const char *entry_path(struct load *load, enum kind kind, const struct node_entry *entry) {
    if (entry->key) return rp_arena_printf(load->arena, "%s '%s'", kind_name(kind), entry->key);
    return rp_arena_printf(load->arena, "%s %lld", kind_name(kind), (long long)entry->index);
}

static void load_entry(struct load *load, const struct part *part, enum kind kind, const struct node_entry *entry) {
    if (load_is_off(&entry->value)) return;
    const char *path = entry_path(load, kind, entry);
    if (entry->value.type != NODE_ELEMENT) {
        struct place place = part->place;
        if (entry->key) place.line = place_of_option(place, section_names[part->section], entry->key);
        load_not_an_element(load, place, path, &entry->value);
        return;
    }
    struct declared *declared = entry->value.element;
    const char *name = entry->key ? entry->key : declared->type;
    const struct item *other = entry->key || kind != KIND_TRANSPORT ? load_item_named(load, kind, name) : NULL;
    if (other) {
        script_mistake(&load->script, declared->place, "%s: there is one called '%s' already, in line %d", path, name,
                       other->declared->place.line);
        return;
    }
    load_add(load, kind, name, path, declared);
}

/* Named entries come out of Lua in any order: the file's own is the order in which the elements were made. */
static int compare_order(const void *left, const void *right) {
    const struct node_entry *a = left, *b = right;
    bool first = a->value.type == NODE_ELEMENT, second = b->value.type == NODE_ELEMENT;
    if (!first || !second) return (int)second - (int)first;
    unsigned x = a->value.element->order, y = b->value.element->order;
    return (x > y) - (x < y);
}

static void load_section(struct load *load, const struct part *part, enum kind kind) {
    size_t count = part->table.table.count;
    struct node_entry *entries = rp_arena_alloc(load->arena, (count + 1) * sizeof *entries);
    if (count > 0) memcpy(entries, part->table.table.entries, count * sizeof *entries);
    qsort(entries, count, sizeof *entries, compare_order);
    for (size_t i = 0; i < count; i++) load_entry(load, part, kind, &entries[i]);
}

void load_elements(struct load *load) {
    static const struct {
        enum section section;
        enum kind kind;
    } sections[] = {
        {SECTION_STORES, KIND_STORE},
        {SECTION_MODELS, KIND_MODEL},
        {SECTION_LISTENERS, KIND_LISTENER},
        {SECTION_TRANSPORTS, KIND_TRANSPORT},
    };
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        for (const struct part *part = load->script.parts; part; part = part->next)
            if (part->section == sections[i].section) load_section(load, part, sections[i].kind);
}
