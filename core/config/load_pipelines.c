/* Pipelines: their stages in order, and which one each transport takes. */
#include "core/config/load.h"

static struct rp_pipeline *find_pipeline(const struct bot *bot, const char *name) {
    for (size_t i = 0; i < bot->pipeline_count; i++)
        if (strcmp(bot->pipelines[i]->name, name) == 0) return bot->pipelines[i];
    return NULL;
}

static void load_stage(struct load *load, const struct part *part, struct rp_pipeline *pipeline, const char *path,
                       const struct node_entry *entry) {
    const struct node *value = &entry->value;
    if (load_is_off(value)) return;
    if (entry->key) {
        script_mistake(&load->script, part->place, "%s: a pipeline is a list: its stages have no names such as '%s'",
                       path, entry->key);
        return;
    }
    const char *stage = rp_arena_printf(load->arena, "%s stage %lld", path, (long long)entry->index);
    if (value->type != NODE_ELEMENT) {
        load_not_an_element(load, part->place, stage, value);
        return;
    }
    struct item *item = load_add(load, KIND_STAGE, value->element->type, stage, value->element);
    if (item) item->pipeline = pipeline->name;
    if (item && item->element) pipeline->stages[pipeline->count] = (struct rp_stage *)item->element;
    pipeline->count++;
}

static void load_pipeline(struct load *load, const struct part *part) {
    struct bot *bot = load->bot;
    bool main = strcmp(part->name, "main") == 0;
    const char *path = main ? "pipeline" : rp_arena_printf(load->arena, "pipeline '%s'", part->name);
    if (part->table.type != NODE_TABLE) {
        script_mistake(&load->script, part->place, "%s: its stages are missing: pipeline \"%s\" { … }", path,
                       part->name);
        return;
    }
    if (find_pipeline(bot, part->name)) {
        script_mistake(&load->script, part->place, "%s: there is one of this name already", path);
        return;
    }
    struct rp_pipeline *pipeline = rp_arena_zalloc(load->arena, sizeof *pipeline);
    pipeline->name = part->name;
    pipeline->stages = rp_arena_zalloc(load->arena, (part->table.table.count + 1) * sizeof *pipeline->stages);
    bot->pipelines[bot->pipeline_count++] = pipeline;
    size_t given = 0;
    for (size_t i = 0; i < part->table.table.count; i++) {
        given += !load_is_off(&part->table.table.entries[i].value);
        load_stage(load, part, pipeline, path, &part->table.table.entries[i]);
    }
    if (given == 0) script_mistake(&load->script, part->place, "%s: it has no stages, so nothing can answer", path);
}

void load_pipelines(struct load *load) {
    size_t count = 0;
    for (const struct part *part = load->script.parts; part; part = part->next)
        count += part->section == SECTION_PIPELINE;
    load->bot->pipelines = rp_arena_zalloc(load->arena, (count + 1) * sizeof *load->bot->pipelines);
    for (const struct part *part = load->script.parts; part; part = part->next)
        if (part->section == SECTION_PIPELINE) load_pipeline(load, part);
}

/* ---- transports -------------------------------------------------------------------------------------------------- */

static void no_pipeline(struct load *load, struct item *item, const char *wanted) {
    const struct bot *bot = load->bot;
    if (load->script.failed || bot->pipeline_count == 0) return; /* reported already, or not known */
    const char **names = rp_arena_alloc(load->arena, bot->pipeline_count * sizeof *names);
    for (size_t i = 0; i < bot->pipeline_count; i++) names[i] = bot->pipelines[i]->name;
    if (item->pipeline)
        script_mistake(&load->script, item->declared->place, "%s: option 'pipeline': no pipeline called '%s'%s",
                       item->path, wanted, bind_hint(load->arena, wanted, names, bot->pipeline_count));
    else
        script_mistake(&load->script, item->declared->place,
                       "%s: every pipeline has a name, so it must say which one it takes: pipeline = \"%s\"",
                       item->path, names[0]);
    item->broken = true;
}

void load_transport_pipelines(struct load *load) {
    for (struct item *item = load->items; item; item = item->next) {
        if (item->kind != KIND_TRANSPORT) continue;
        const char *wanted = item->pipeline ? item->pipeline : "main";
        struct rp_pipeline *pipeline = find_pipeline(load->bot, wanted);
        if (!pipeline) no_pipeline(load, item, wanted);
        else if (item->element) ((struct rp_transport *)item->element)->pipeline = pipeline;
    }
}
