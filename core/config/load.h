/* What the steps of loading a bot share. load.c runs them: the script, the core's sections, elements, references. */
#ifndef CORE_CONFIG_LOAD_H
#define CORE_CONFIG_LOAD_H

#include "core/config/bind.h"
#include "core/config/bot.h"
#include "core/config/script.h"
#include "core/config/settings.h"
#include "core/host/host.h"

#define ITEMS_MAX 4096 /* elements of one bot */

struct item { /* an element and what loading knows about it */
    enum kind kind;
    const char *name;
    const char *path; /* "pipeline stage 3 (redact)": in front of messages */
    struct declared *declared;
    const struct rp_type *type; /* NULL: not found */
    struct rp_element *element; /* the first member of a struct rp_stage and so on; NULL: no type */
    void *options;
    struct reference *references;
    const char *pipeline; /* a stage's; of a transport: the name it gave, or NULL */
    bool broken;          /* a mistake was reported: it will not be made */
    enum { ITEM_NEW, ITEM_VISITING, ITEM_ORDERED } visit;
    bool opened, failed; /* in bot_open */
    struct item **needs; /* whom its references point to, NULL-terminated */
    struct item *next;   /* in the order of the file */
};

struct bot_private {
    struct rp_arena *arena;
    struct host host;
    const char *shown; /* the bot file as the user named it */
    struct item **items; /* in opening order */
    size_t count;
    unsigned workers;
    unsigned char fingerprint[RP_FINGERPRINT_SIZE];
};

struct load {
    struct bot *bot;
    struct rp_arena *arena;
    struct host *host;
    struct report *report;
    struct script script;
    const struct bot_wish *wish;
    bool wish_met;
    bool type_missing; /* somewhere a type was not found */
    struct settings_bot settings;
    struct reference *settings_references;
    struct place settings_place;
    struct settings_budgets budgets;
    struct reference *budgets_references;
    struct place budgets_place;
    struct price_row *prices; /* load_money.c's */
    bool has_prices;
    struct item *items, **last_item;
    size_t item_count;
};

/* load_elements.c: makes items out of the sections, binds their options. */
void load_elements(struct load *load);
/* For what the core itself adds: the memory store, the wished transport. */
struct item *load_extra(struct load *load, enum kind kind, const char *type, const char *path);
struct item *load_item_named(struct load *load, enum kind kind, const char *name);

/* load_pipelines.c */
void load_pipelines(struct load *load); /* the section pipeline */
void load_transport_pipelines(struct load *load); /* which one each transport takes */
struct item *load_add(struct load *load, enum kind kind, const char *name, const char *path, struct declared *declared);
/* "expected redact { … }, got …", for an entry of a section that is no element. */
void load_not_an_element(struct load *load, struct place place, const char *path, const struct node *value);
bool load_is_off(const struct node *value); /* nil or false: a condition switched it off */

/* load_money.c: the price table; and when all elements are known, what models cost and what may be spent. */
void load_price_table(struct load *load);
void load_money(struct load *load);

/* load_references.c: lets references point to their elements and finds the order of opening. */
void load_references(struct load *load);

#endif
