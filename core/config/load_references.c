/* References: `model = "main"` becomes a pointer to the element, and the order of opening puts each element behind
 * those that it refers to. */
#include <stdio.h>
#include <stdlib.h>

#include "core/config/load.h"

static enum kind reference_kind(enum rp_option_type type) {
    return type == RP_OPTION_STORE ? KIND_STORE : type == RP_OPTION_LISTENER ? KIND_LISTENER : KIND_MODEL;
}

static const char *reference_hint(struct load *load, enum kind kind, const char *wanted) {
    const char **names = rp_alloc((load->item_count + 1) * sizeof *names);
    size_t count = 0;
    for (const struct item *item = load->items; item; item = item->next)
        if (item->kind == kind) names[count++] = item->name;
    const char *hint = bind_hint(load->arena, wanted, names, count);
    free(names);
    return hint;
}

static struct item *resolve(struct load *load, const struct reference *reference, struct place place,
                            const char *path) {
    enum kind kind = reference_kind(reference->type);
    struct item *target = load_item_named(load, kind, reference->name);
    if (target) {
        *reference->field = target->element;
        return target;
    }
    if (load->script.failed) return NULL; /* it may stand in the part that was not read */
    place.line = reference->line ? reference->line : place.line;
    script_mistake(&load->script, place, "%s: option '%s': no %s called '%s'%s", path, reference->option,
                   kind_name(kind), reference->name, reference_hint(load, kind, reference->name));
    return NULL;
}

static void resolve_item(struct load *load, struct item *item) {
    size_t count = 0, known = 0;
    for (const struct reference *reference = item->references; reference; reference = reference->next) count++;
    item->needs = rp_arena_zalloc(load->arena, (count + 1) * sizeof *item->needs);
    for (const struct reference *reference = item->references; reference; reference = reference->next) {
        struct item *target = resolve(load, reference, item->declared->place, item->path);
        if (target) item->needs[known++] = target;
        else item->broken = true;
    }
}

static void resolve_settings(struct load *load) {
    for (const struct reference *reference = load->settings_references; reference; reference = reference->next)
        resolve(load, reference, load->settings_place, "bot");
    for (const struct reference *reference = load->budgets_references; reference; reference = reference->next)
        resolve(load, reference, load->budgets_place, "budgets");
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

struct order {
    struct load *load;
    struct item *way[ITEMS_MAX]; /* from whom we came */
    size_t depth;
};

/* "model 'a': refers to itself: a, b, a" */
static void report_circle(struct order *order, const struct item *target) {
    struct rp_buf names;
    size_t from = order->depth;
    rp_buf_init(&names, 400);
    while (from > 0 && order->way[from - 1] != target) from--;
    for (size_t i = from ? from - 1 : 0; i < order->depth; i++) rp_buf_printf(&names, "%s → ", order->way[i]->name);
    script_mistake(&order->load->script, target->declared->place, "%s: refers to itself: %s%s", target->path,
                   names.data ? names.data : "", target->name);
    rp_buf_finish(&names);
}

static void visit(struct order *order, struct item *item) {
    struct bot_private *private = order->load->bot->private;
    item->visit = ITEM_VISITING;
    order->way[order->depth++] = item;
    for (struct item **need = item->needs; *need; need++) {
        if ((*need)->visit == ITEM_NEW) visit(order, *need);
        else if ((*need)->visit == ITEM_VISITING) report_circle(order, *need);
    }
    order->depth--;
    item->visit = ITEM_ORDERED;
    private->items[private->count++] = item;
}

static void put_in_order(struct load *load) {
    struct bot_private *private = load->bot->private;
    private->items = rp_arena_zalloc(load->arena, (load->item_count + 1) * sizeof *private->items);
    struct order *order = rp_calloc(1, sizeof *order);
    order->load = load;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        for (struct item *item = load->items; item; item = item->next)
            if (item->kind == kind && item->visit == ITEM_NEW) visit(order, item);
    free(order);
}

void load_references(struct load *load) {
    for (struct item *item = load->items; item; item = item->next) resolve_item(load, item);
    resolve_settings(load);
    put_in_order(load);
}
