/* Loading a bot: runs the script, then goes on as far as it can after each mistake, so that all of them are told. */
#include "core/config/load.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "core/config/place.h"

/* ---- what stands nowhere ----------------------------------------------------------------------------------------- */

static void mark_placed(const struct node *node) {
    if (node->type == NODE_ELEMENT && !node->element->placed) {
        node->element->placed = true;
        mark_placed(&node->element->options);
    } else if (node->type == NODE_TABLE) {
        for (size_t i = 0; i < node->table.count; i++) mark_placed(&node->table.entries[i].value);
    }
}

static void report_unplaced(struct load *load) {
    static const char *const words[] = {"bot",    "log",        "limits",   "plugins", "listeners", "stores",
                                        "models", "transports", "pipeline", "trace",   "events",  "prices", "budgets", "env",       "secret",  "include"};
    for (const struct part *part = load->script.parts; part; part = part->next) mark_placed(&part->table);
    for (struct declared *element = load->script.elements; element; element = element->next)
        if (!element->placed) { /* what it holds is not to blame */
            mark_placed(&element->options);
            mark_placed(&element->again);
        }
    for (const struct declared *element = load->script.elements; element; element = element->next) {
        if (element->placed) continue;
        script_mistake(&load->script, element->place, "'%s' is neither a section nor used in one%s", element->type,
                       bind_hint(load->arena, element->type, words, sizeof words / sizeof *words));
    }
}

/* ---- the core's sections ----------------------------------------------------------------------------------------- */

/* The section is there, whatever came of it. */
static bool has_section(const struct load *load, enum section section) {
    for (const struct part *part = load->script.parts; part; part = part->next)
        if (part->section == section) return true;
    return false;
}

/* Binds the section, which may be absent but must not stand twice. */
static void load_settings(struct load *load, enum section section, const struct rp_option *table, void *out,
                          struct reference **references, struct place *out_place) {
    const struct part *first = NULL;
    const char *name = section_names[section];
    for (const struct part *part = load->script.parts; part; part = part->next) {
        if (part->section != section) continue;
        if (!first) first = part;
        else script_mistake(&load->script, part->place, "%s: it stands in line %d already", name, first->place.line);
    }
    struct binding binding = {
        .arena = load->arena, .report = load->report, .folder = load->bot->folder, .path = name, .word = name,
        .place = first ? first->place : (struct place){load->script.sources, 0}, .last_reference = references,
    };
    bind_options(&binding, table, first ? &first->table : NULL, NULL, out);
    if (out_place) *out_place = binding.place;
    for (struct reference *reference = references ? *references : NULL; reference; reference = reference->next)
        reference->line = place_of_option(binding.place, name, reference->option);
}

/* False: whom to trust is not known, so no plugin may be loaded. */
static bool load_plugin_settings(struct load *load) {
    struct settings_plugins plugins = {0};
    struct place place;
    struct rp_error error;
    load_settings(load, SECTION_PLUGINS, settings_plugins_options, &plugins, NULL, &place);
    for (size_t i = 0; i < plugins.path.count; i++) {
        const char *path = plugins.path.items[i];
        if (*path != '/') path = rp_arena_printf(load->arena, "%s/%s", load->bot->folder, path);
        host_add_folder(load->host, path);
    }
    host_add_own_folders(load->host);
    if (!plugins.trust || host_trust(load->host, plugins.trust, load->bot->folder, &error) == 0) return true;
    place.line = place_of_option(place, "plugins", "trust");
    script_mistake(&load->script, place, "plugins: option 'trust': %s", error.text);
    return false;
}

static void load_events(struct load *load) {
    struct bot_events *events = &load->bot->events;
    struct place place;
    load_settings(load, SECTION_EVENTS, settings_events_options, events, NULL, &place);
    if (!events->url || strncmp(events->url, "http://", 7) == 0 || strncmp(events->url, "https://", 8) == 0) return;
    place.line = place_of_option(place, "events", "url");
    script_mistake(&load->script, place, "events: option 'url' must begin with http:// or https://");
}

static bool load_own_sections(struct load *load) {
    struct bot *bot = load->bot;
    load_settings(load, SECTION_BOT, settings_bot_options, &load->settings, &load->settings_references,
                  &load->settings_place);
    load_settings(load, SECTION_LOG, settings_log_options, &bot->log, NULL, NULL);
    load_settings(load, SECTION_LIMITS, settings_limits_options, &bot->limits, NULL, NULL);
    if (has_section(load, SECTION_TRACE))
        load_settings(load, SECTION_TRACE, settings_trace_options, &bot->trace, NULL, NULL);
    if (has_section(load, SECTION_EVENTS)) load_events(load);
    if (has_section(load, SECTION_BUDGETS))
        load_settings(load, SECTION_BUDGETS, settings_budgets_options, &load->budgets, &load->budgets_references,
                      &load->budgets_place);
    load_price_table(load);
    bot->name = load->settings.name;
    bot->language = load->settings.language;
    return load_plugin_settings(load);
}

/* ---- what is missing --------------------------------------------------------------------------------------------- */

static bool has_kind(const struct load *load, enum kind kind) {
    for (const struct item *item = load->items; item; item = item->next)
        if (item->kind == kind) return true;
    return false;
}

static void load_missing(struct load *load) {
    const char *file = load->bot->private->shown;
    if (load->wish && load->wish->transport && !load->wish_met)
        load_extra(load, KIND_TRANSPORT, load->wish->transport, "the command's transport");
    if (load->script.failed) return;
    if (!has_section(load, SECTION_PIPELINE))
        report_add(load->report, RP_ECONFIG, file, 0, "there is no pipeline { … }, so nothing can answer");
    if (load->bot->use == BOT_SERVES && !has_kind(load, KIND_TRANSPORT))
        report_warn(load->report, file, 0, "it has no transports, so only `repartee chat` can reach this bot");
    if (!has_kind(load, KIND_STORE)) load_extra(load, KIND_STORE, "memory", "the store for sessions");
}

/* A type that was not found may be in a file that could not be loaded. */
static void report_bad_files(struct load *load) {
    if (!load->type_missing) return;
    for (size_t i = 0; i < load->host->file_count; i++)
        if (!load->host->files[i]->plugin)
            report_warn(load->report, NULL, 0, "%s", load->host->files[i]->error.text);
}

/* ---- the result -------------------------------------------------------------------------------------------------- */

static void check_items(struct load *load) {
    for (struct item *item = load->items; item; item = item->next) {
        struct rp_error error = {0};
        struct place place = item->declared->place;
        bool unused = load->bot->use == BOT_OFFLINE && (item->kind == KIND_LISTENER || item->kind == KIND_TRANSPORT);
        if (unused || item->broken || !item->type->check || item->type->check(item->options, &error) == 0) continue;
        item->broken = true;
        script_mistake(&load->script, place, "%s: %s", item->path,
                       error.text[0] ? error.text : "its options are not valid");
    }
}

/* The elements of a kind, in opening order. */
static void *kind_elements(struct load *load, enum kind kind, size_t *out_count) {
    const struct bot_private *private = load->bot->private;
    struct rp_element **elements = rp_arena_zalloc(load->arena, (private->count + 1) * sizeof *elements);
    size_t count = 0;
    for (size_t i = 0; i < private->count; i++)
        if (private->items[i]->kind == kind) elements[count++] = private->items[i]->element;
    *out_count = count;
    return elements;
}

static void fill_bot(struct load *load) {
    struct bot *bot = load->bot;
    bot->stores = kind_elements(load, KIND_STORE, &bot->store_count);
    bot->models = kind_elements(load, KIND_MODEL, &bot->model_count);
    bot->listeners = kind_elements(load, KIND_LISTENER, &bot->listener_count);
    bot->transports = kind_elements(load, KIND_TRANSPORT, &bot->transport_count);
    bot->sessions = load->settings.sessions;
    for (struct item *item = load->items; item && !bot->sessions; item = item->next)
        if (item->kind == KIND_STORE) bot->sessions = (struct rp_store *)item->element;
}

static void load_steps(struct load *load) {
    struct bot *bot = load->bot;
    script_run(&load->script, bot->private->shown, bot->file, bot->folder, load->arena, load->report);
    report_unplaced(load);
    if (!load_own_sections(load)) return;
    load_elements(load);
    load_pipelines(load);
    load_missing(load);
    load_transport_pipelines(load);
    load_references(load);
    check_items(load);
    report_bad_files(load);
    fill_bot(load);
    load_money(load);
}

static struct bot *bot_create(const char *file, const char *path) {
    struct rp_arena *arena = rp_arena_create();
    struct bot *bot = rp_arena_zalloc(arena, sizeof *bot);
    bot->private = rp_arena_zalloc(arena, sizeof *bot->private);
    bot->private->arena = arena;
    bot->private->shown = rp_arena_copy(arena, file, strlen(file));
    host_init(&bot->private->host);
    const char *slash = strrchr(path, '/');
    bot->file = rp_arena_copy(arena, path, strlen(path));
    bot->folder = slash == path ? "/" : rp_arena_copy(arena, path, (size_t)(slash - path));
    return bot;
}

void bot_free(struct bot *bot) {
    if (!bot) return;
    struct rp_arena *arena = bot->private->arena;
    host_finish(&bot->private->host);
    rp_arena_destroy(arena);
}

int bot_load(const char *file, const struct bot_wish *wish, struct bot **out_bot, struct report *report) {
    char path[PATH_MAX];
    size_t first = report->count, errors = report->errors;
    if (!realpath(file, path)) {
        report_add(report, RP_ECONFIG, file, 0, "cannot be read: %s", strerror(errno));
        return -RP_ECONFIG;
    }
    struct bot *bot = bot_create(file, path);
    struct load load = {
        .bot = bot, .arena = bot->private->arena, .host = &bot->private->host, .report = report, .wish = wish};
    load.last_item = &load.items;
    if (wish) bot->use = wish->use;
    load_steps(&load);
    report_sort(report, first, bot->private->shown);
    if (report->errors > errors) {
        bot_free(bot);
        return -RP_ECONFIG;
    }
    *out_bot = bot;
    return 0;
}
