/* The sections prices and budgets: rows that say what a model costs, limits for what may be spent. A row's name is that
 * of a model in `models { }`, or the one that its provider knows it by: the first counts more. */
#include <math.h>
#include <stdlib.h>

#include "core/config/load.h"
#include "core/config/place.h"
#include "core/model/terms.h"

struct price_row {
    const char *name;
    struct price price;
    int64_t bulk; /* in thousandths */
    int line;
    bool used;
    struct price_row *next;
};

static const char *file_of(struct place place) {
    return place.source ? place.source->name : NULL;
}

/* ---- prices ------------------------------------------------------------------------------------------------------ */

struct row_options {
    double input, output, cached; /* cached: negative for the price of input */
    double bulk;
};

static const struct rp_option row_table[] = {
    {.name = "input",
     .type = RP_OPTION_NUMBER,
     .offset = offsetof(struct row_options, input),
     .flags = RP_OPTION_REQUIRED,
     .max = PRICE_MOST,
     .help = "the price of a million tokens that the model reads"},
    {.name = "output",
     .type = RP_OPTION_NUMBER,
     .offset = offsetof(struct row_options, output),
     .flags = RP_OPTION_REQUIRED,
     .max = PRICE_MOST,
     .help = "the price of a million tokens that it writes"},
    {.name = "cached",
     .type = RP_OPTION_NUMBER,
     .offset = offsetof(struct row_options, cached),
     .text = "-1",
     .min = -1,
     .max = PRICE_MOST,
     .help = "the price of a million tokens that the provider has read before; without it that of input"},
    {.name = "bulk",
     .type = RP_OPTION_NUMBER,
     .offset = offsetof(struct row_options, bulk),
     .text = "0.5",
     .max = 1,
     .help = "what part of these prices is paid for what a batch endpoint answers"},
    {0},
};

static void take_row(struct load *load, const struct part *part, const struct node_entry *entry) {
    struct place place = part->place;
    struct row_options options = {0};
    char got[NODE_TEXT_SIZE];
    place.line = place_of_option(place, "prices", entry->key);
    const char *path = rp_arena_printf(load->arena, "prices: '%s'", entry->key);
    struct binding binding = {
        .arena = load->arena, .report = load->report, .folder = load->bot->folder, .path = path, .place = place};
    if (entry->value.type != NODE_TABLE) {
        script_mistake(&load->script, place, "%s: expected { input = …, output = … }, got %s", path,
                       node_describe(&entry->value, false, got));
        return;
    }
    if (bind_options(&binding, row_table, &entry->value, NULL, &options)) return;
    struct price_row *row = rp_arena_zalloc(load->arena, sizeof *row);
    *row = (struct price_row){.name = entry->key, .line = place.line, .next = load->prices};
    row->price = (struct price){price_from(options.input), price_from(options.output),
                                price_from(options.cached < 0 ? options.input : options.cached)};
    row->bulk = llround(options.bulk * 1000);
    load->prices = row;
}

static void take_currency(struct load *load, const struct part *part, const struct node *value) {
    static const struct rp_option option = {.name = "currency", .type = RP_OPTION_STRING, .min = 1, .max = 16};
    struct binding binding = {
        .arena = load->arena, .report = load->report, .path = "prices", .place = part->place, .word = "prices"};
    bind_value(&binding, &option, value, &load->bot->currency);
}

static void take_price(struct load *load, const struct part *part, const struct node_entry *entry) {
    if (load_is_off(&entry->value)) return;
    if (!entry->key)
        script_mistake(&load->script, part->place,
                       "prices: each row needs the name of a model in front: [\"gpt-…\"] = "
                       "{ input = …, output = … }");
    else if (strcmp(entry->key, "currency") == 0)
        take_currency(load, part, &entry->value);
    else
        take_row(load, part, entry);
}

static void load_prices(struct load *load, const struct part *part) {
    load->bot->currency = "";
    for (size_t i = 0; i < part->table.table.count; i++) take_price(load, part, &part->table.table.entries[i]);
}

/* ---- what a model says of itself ------------------------------------------------------------------------------------ */

/* The value of an option that many types of models have. */
static const void *option_of(const struct item *item, const char *name, enum rp_option_type type) {
    for (const struct rp_option *option = item->type->options; option && option->name; option++)
        if (option->type == type && strcmp(option->name, name) == 0)
            return (const char *)item->options + option->offset;
    return NULL;
}

static const char *text_of(const struct item *item, const char *name) {
    const char *const *text = option_of(item, name, RP_OPTION_STRING);
    return text ? *text : NULL;
}

static bool forwards(const struct item *item) {
    return ((const struct rp_model_type *)(const void *)item->type)->forwards;
}

static struct price_row *find_row(const struct load *load, const char *name) {
    struct price_row *row = load->prices;
    while (row && name && strcmp(row->name, name) != 0) row = row->next;
    return name ? row : NULL;
}

/* Both names count as used: the other row is not a mistake. */
static struct price_row *row_of(const struct load *load, const struct item *item) {
    struct price_row *own = find_row(load, item->name), *provider = find_row(load, text_of(item, "model"));
    if (own) own->used = true;
    if (provider) provider->used = true;
    return own ? own : provider;
}

static const char *row_hint(struct load *load, const char *name, const char *provider) {
    size_t count = 0;
    for (const struct price_row *row = load->prices; row; row = row->next) count++;
    const char **names = rp_alloc((count + 1) * sizeof *names);
    count = 0;
    for (const struct price_row *row = load->prices; row; row = row->next)
        if (!row->used) names[count++] = row->name;
    const char *hint = bind_hint(load->arena, name, names, count);
    if (!*hint && provider) hint = bind_hint(load->arena, provider, names, count);
    free(names);
    return hint;
}

/* ---- budgets ------------------------------------------------------------------------------------------------------ */

struct list {
    const char *option;
    const struct rp_option_list *texts;
    enum budget_scope scope;
    enum budget_unit unit;
};

static int budget_line(const struct load *load, const char *option) {
    return place_of_option(load->budgets_place, "budgets", option);
}

static bool is_twice(const struct budgets *budgets, const struct budget_limit *limit) {
    for (size_t i = 0; i < budgets->count; i++) {
        const struct budget_limit *other = &budgets->limits[i];
        if (other->scope == limit->scope && other->unit == limit->unit && other->period == limit->period) return true;
    }
    return false;
}

static void take_limit(struct load *load, struct budgets *budgets, const struct list *list, const char *text) {
    struct place place = load->budgets_place;
    struct budget_limit limit = {.scope = list->scope, .unit = list->unit};
    place.line = budget_line(load, list->option);
    if (limit_parse(text, &limit) != 0)
        script_mistake(&load->script, place,
                       "budgets: option '%s': '%.60s' is no budget: write %s, with /hour, /day or "
                       "/month",
                       list->option, text, limit.unit == BUDGET_MONEY ? "\"0.50/day\"" : "\"100k/day\"");
    else if (is_twice(budgets, &limit))
        script_mistake(&load->script, place, "budgets: option '%s': there are two for each %s", list->option,
                       period_names[limit.period]);
    else
        budgets->limits[budgets->count++] = limit;
}

static void take_limits(struct load *load, struct budgets *budgets) {
    const struct settings_budgets *settings = &load->budgets;
    const struct list lists[] = {
        {"user", &settings->user, BUDGET_USER, BUDGET_MONEY},
        {"user_tokens", &settings->user_tokens, BUDGET_USER, BUDGET_TOKENS},
        {"bot", &settings->bot, BUDGET_BOT, BUDGET_MONEY},
        {"bot_tokens", &settings->bot_tokens, BUDGET_BOT, BUDGET_TOKENS},
    };
    size_t most = 0;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) most += lists[i].texts->count;
    budgets->limits = rp_arena_zalloc(load->arena, (most + 1) * sizeof *budgets->limits);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        for (size_t k = 0; k < lists[i].texts->count; k++)
            take_limit(load, budgets, &lists[i], lists[i].texts->items[k]);
        if (lists[i].scope == BUDGET_USER) budgets->user_count = budgets->count;
    }
}

static void check_store(struct load *load, struct budgets *budgets) {
    struct place place = load->budgets_place;
    budgets->store = load->budgets.store ? load->budgets.store : load->bot->sessions;
    if (!budgets->store) return; /* that is told already */
    const struct rp_store_type *type = (const void *)budgets->store->element.type;
    if (type->add) return;
    place.line = load->budgets.store ? budget_line(load, "store") : place.line;
    script_mistake(&load->script, place, "budgets: the store '%s' (%s) cannot count: name another one, store = \"…\"",
                   budgets->store->element.name, type->type.name);
}

static void make_budgets(struct load *load) {
    struct budgets *budgets = rp_arena_zalloc(load->arena, sizeof *budgets);
    *budgets = (struct budgets){.bot = load->bot->name,
                                .reply_tokens = load->budgets.reply_tokens,
                                .open = load->budgets.when_store_fails != 0};
    take_limits(load, budgets);
    check_store(load, budgets);
    if (budgets->count)
        load->bot->budgets = budgets;
    else if (!load->script.failed)
        report_warn(load->report, file_of(load->budgets_place), load->budgets_place.line,
                    "budgets: it has no limit, so it does nothing");
}

/* ---- models ------------------------------------------------------------------------------------------------------- */

static void check_price(struct load *load, const struct item *item, bool priced, bool needed) {
    struct place place = item->declared->place;
    if (priced || forwards(item)) return;
    const char *provider = text_of(item, "model"), *hint = row_hint(load, item->name, provider);
    if (needed)
        script_mistake(&load->script, place,
                       "%s: budgets of money need its price: prices { ['%s'] = { input = …, "
                       "output = … } }%s",
                       item->path, provider ? provider : item->name, hint);
    else if (load->has_prices)
        report_warn(load->report, file_of(place), place.line,
                    "%s: it has no price in prices { }, so it counts as free of charge%s", item->path, hint);
}

/* The limit that not even the reply of one call fits into; NULL: none. */
static const struct budget_limit *too_small(const struct budgets *budgets, int64_t reply_tokens, int64_t cost) {
    for (size_t i = 0; i < budgets->count; i++)
        if ((budgets->limits[i].unit == BUDGET_MONEY ? cost : reply_tokens) > budgets->limits[i].amount)
            return &budgets->limits[i];
    return NULL;
}

static void check_bounds(struct load *load, const struct item *item, const struct model_terms *terms) {
    const struct budgets *budgets = load->bot->budgets;
    const struct place place = item->declared->place;
    if (!budgets || forwards(item)) return;
    int64_t tokens = terms->max_tokens > 0 ? terms->max_tokens : budgets->reply_tokens;
    int64_t cost = price_cost(&terms->price, &(struct rp_usage){.output_tokens = tokens});
    const struct budget_limit *limit = too_small(budgets, tokens, cost);
    if (limit)
        report_warn(load->report, file_of(place), place.line,
                    "%s: a reply of %lld tokens, which each call reserves, is more than the whole budget of %s: lower "
                    "max_tokens, or reply_tokens in budgets { }",
                    item->path, (long long)tokens, limit->text);
    else if (terms->max_tokens == 0 && (cost > 0 || budgets_have(budgets, BUDGET_TOKENS)))
        report_note(load->report, file_of(place), place.line,
                    "%s: it has no max_tokens, so where a prompt has none either its replies end at %lld tokens "
                    "(reply_tokens in budgets { })",
                    item->path, (long long)tokens);
}

static void take_terms(struct load *load, struct item *item) {
    const struct price_row *row = row_of(load, item);
    struct model_terms *terms = rp_arena_zalloc(load->arena, sizeof *terms);
    const int64_t *most = option_of(item, "max_tokens", RP_OPTION_INT);
    terms->priced = row != NULL;
    if (row) terms->price = row->price;
    if (row) terms->bulk = row->bulk;
    if (most) terms->max_tokens = *most;
    terms->system = text_of(item, "system");
    ((struct rp_model *)(void *)item->element)->terms = terms;
    check_bounds(load, item, terms);
}

/* ---- all of it ---------------------------------------------------------------------------------------------------- */

static const struct part *part_of(const struct load *load, enum section section) {
    const struct part *part = load->script.parts;
    while (part && part->section != section) part = part->next;
    return part;
}

void load_price_table(struct load *load) {
    const struct part *first = part_of(load, SECTION_PRICES);
    for (const struct part *part = first ? first->next : NULL; part; part = part->next)
        if (part->section == SECTION_PRICES)
            script_mistake(&load->script, part->place, "prices: it stands in line %d already", first->place.line);
    load->has_prices = first != NULL;
    if (first) load_prices(load, first);
}

void load_money(struct load *load) {
    bool has_budgets = part_of(load, SECTION_BUDGETS) != NULL;
    if (has_budgets) make_budgets(load);
    if (!has_budgets && !load->has_prices) return;
    for (struct item *item = load->items; item; item = item->next)
        if (item->kind == KIND_MODEL && item->type && !item->broken) take_terms(load, item);
    bool needed = budgets_have(load->bot->budgets, BUDGET_MONEY);
    for (struct item *item = load->items; item; item = item->next) {
        if (item->kind != KIND_MODEL || !item->element) continue;
        const struct model_terms *terms = ((struct rp_model *)(void *)item->element)->terms;
        if (terms) check_price(load, item, terms->priced, needed);
    }
}
