/* Fills a struct from a table of the bot file, as an option table says. */
#ifndef CORE_CONFIG_BIND_H
#define CORE_CONFIG_BIND_H

#include <repartee/option.h>

#include "core/config/report.h"
#include "core/config/script.h"

/* A name that stands for another element. The element may not exist yet, so all of them are looked up at the end. */
struct reference {
    enum rp_option_type type; /* RP_OPTION_MODEL, _STORE or _LISTENER */
    const char *name, *option;
    void **field; /* gets the element */
    int line;
    struct reference *next;
};

struct binding {
    struct rp_arena *arena; /* everything that options point to */
    struct report *report;
    const char *folder;     /* paths are relative to it */
    const char *path;       /* "pipeline stage 2 (ratelimit)", in front of each message */
    struct place place;     /* of the call, and the word that was called there: to find an option's own line */
    const char *word;
    bool defaults_only;     /* only the table is looked at: nothing is required */
    bool offline;           /* a secret that is not set stands for itself: nobody outside is asked */
    struct reference *references, **last_reference; /* set both up with bind_init, or leave them zero to collect none */
};

/* Every mistake goes to the report; the count of them is returned. `values` is a table of the bot file or NULL,
 * `overrides` one from the program itself, whose options count more and may be hidden ones. `out` is zeroed. */
size_t bind_options(struct binding *binding, const struct rp_option *table, const struct node *values,
                    const struct node *overrides, void *out);

/* For bind_*.c: reports a mistake at an option; key NULL: at the element. */
void bind_mistake(struct binding *binding, const char *key, const char *format, ...) RP_PRINTF(3, 4);
/* "expected …, got …" for this option. Returns -RP_ECONFIG. */
int bind_wrong(struct binding *binding, const struct rp_option *option, const struct node *value);
/* One value into its field. 0, or -RP_ECONFIG after reporting. */
int bind_value(struct binding *binding, const struct rp_option *option, const struct node *value, void *field);
int bind_secret(struct binding *binding, const struct rp_option *option, const struct node *value, void *field);
int bind_secrets(struct binding *binding, const struct rp_option *option, const struct node *value, void *field);
int bind_map(struct binding *binding, const struct rp_option *option, const struct node *value, void *field);
int bind_list(struct binding *binding, const struct rp_option *option, const struct node *value, void *field);
int bind_patterns(struct binding *binding, const struct rp_option *option, const struct node *value, void *field);
int bind_models(struct binding *binding, const struct rp_option *option, const struct node *value, void *field);
int bind_reference(struct binding *binding, const struct rp_option *option, const struct node *value, void *field);
/* " (did you mean 'x'?)", or "": in the arena. */
const char *bind_hint(struct rp_arena *arena, const char *wanted, const char *const *names, size_t count);

#endif
