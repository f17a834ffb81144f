/* The bot file as it was written: runs it in a sandbox and records what it declares, without asking what that means.
 *
 * Mistakes of the script itself (syntax, run-time errors, wrong use of a section) go to the report with the file they
 * stand in. Everything recorded lives in the arena. */
#ifndef CORE_CONFIG_SCRIPT_H
#define CORE_CONFIG_SCRIPT_H

#include <repartee/base.h>

#include "core/config/node.h"
#include "core/config/report.h"

#define SCRIPT_FILE_MAX (1024 * 1024) /* bytes of a bot file or an included one */

struct source { /* one file */
    const char *name; /* as the user knows it: "bot.lua", "parts/models.lua" */
    const char *path; /* resolved */
    struct rp_str text;
    bool running; /* it is being included: a cycle ends here */
    unsigned number;
    struct source *next;
};

struct place {
    const struct source *source;
    int line;
};

struct declared { /* redact { … } */
    const char *type;
    struct place place;
    struct node options; /* a table */
    struct node again;   /* what a second call was given, as in pipelin "staff" { … }; always a mistake */
    bool placed;
    struct declared *next; /* in the order of the calls */
    unsigned order;
};

enum section {
    SECTION_BOT,
    SECTION_LOG,
    SECTION_LIMITS,
    SECTION_PLUGINS,
    SECTION_LISTENERS,
    SECTION_STORES,
    SECTION_MODELS,
    SECTION_TRANSPORTS,
    SECTION_PIPELINE,
    SECTION_TRACE,
    SECTION_EVENTS,
    SECTION_PRICES,
    SECTION_BUDGETS,
    SECTION_COUNT,
};

struct part { /* models { … }: what one call of a section gives */
    enum section section;
    const char *name; /* of a pipeline, "main" without one */
    struct place place;
    struct node table;
    struct part *next;
};

struct script {
    struct rp_arena *arena;
    struct report *report;
    const char *folder; /* absolute, resolved: nothing outside is included */
    struct source *sources, **last_source;
    struct declared *elements, **last_element;
    struct part *parts, **last_part;
    unsigned source_count, element_count;
    size_t node_count, depth;
    unsigned include_depth;
    bool failed; /* the script ended early: what it would have declared later is not known */
};

extern const char *const section_names[SECTION_COUNT + 1]; /* NULL-terminated */
/* True for names that the bot file itself gives a meaning, so that no type can have them. */
bool script_reserved(const char *name);

/* Runs `file` (as given by the user). `path` is where it really is, `folder` the one around it. */
void script_run(struct script *script, const char *file, const char *path, const char *folder, struct rp_arena *arena,
                struct report *report);
void script_mistake(struct script *script, struct place place, const char *format, ...) RP_PRINTF(3, 4);

#endif
