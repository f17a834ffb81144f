/* Option tables: how a plugin says which settings it takes.
 *
 * The core parses the bot file, checks and converts every value, and fills the plugin's struct before open() sees it.
 * Unknown and wrong options are reported with file, line and the nearest name; a plugin adds at most check().
 * Everything that an option points to is owned by the core and lives until close().
 *
 *     struct options { char *dir; int64_t budget; };
 *     static const struct rp_option table[] = {
 *         {.name = "dir", .type = RP_OPTION_FILE, .offset = offsetof(struct options, dir), .flags = RP_OPTION_REQUIRED,
 *          .help = "folder with the rule files"},
 *         {.name = "budget", .type = RP_OPTION_INT, .offset = offsetof(struct options, budget), .text = "1000000",
 *          .min = 1000, .max = 1e12, .help = "Lua instructions that one rule may use"},
 *         {0},
 *     };
 */
#ifndef REPARTEE_OPTION_H
#define REPARTEE_OPTION_H

#include <repartee/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rp_model;
struct rp_store;
struct rp_listener;

/*   type                  field in the struct          in the bot file                                             */
enum rp_option_type {
    RP_OPTION_STRING = 1, /* const char *                 "text"                                                     */
    RP_OPTION_BOOL,       /* bool                         true                                                       */
    RP_OPTION_INT,        /* int64_t                      20; min and max are inclusive                              */
    RP_OPTION_NUMBER,     /* double                       0.2                                                        */
    RP_OPTION_SIZE,       /* int64_t, bytes               "32KiB", "1MiB", 4096                                      */
    RP_OPTION_DURATION,   /* int64_t, milliseconds        "250ms", "5s", "10m", "1h", "2d"; a number is seconds      */
    RP_OPTION_RATE,       /* double, events a second      "5/s", "100/m", "1000/h", "1/d"                            */
    RP_OPTION_CHOICE,     /* int, index into .choices     "user"                                                     */
    RP_OPTION_LIST,       /* struct rp_option_list        { "a", "b" }, or "a" for one                               */
    RP_OPTION_SECRET,     /* const char *                 secret "NAME", or "text"; never printed                    */
    RP_OPTION_FILE,       /* const char *, absolute       "rules"; relative to the bot file's folder                 */
    RP_OPTION_MAP,        /* json_t *, an object          { key = value, … }: strings, numbers, booleans, tables     */
    RP_OPTION_PATTERNS,   /* struct rp_pattern_list       { "email", { name = "order", match = [[…]], mask = "*" } } */
    RP_OPTION_MODEL,      /* struct rp_model *            "main": a name in models { }                               */
    RP_OPTION_MODELS,     /* struct rp_model_list         { "cloud", "here" }                                        */
    RP_OPTION_STORE,      /* struct rp_store *            a name in stores { }                                       */
    RP_OPTION_LISTENER,   /* struct rp_listener *         a name in listeners { }                                    */
    RP_OPTION_ADDRESS,    /* const char *                 "127.0.0.1:8080", "[::1]:80"; checked, kept as text         */
    RP_OPTION_SECRETS,    /* struct rp_option_list        { secret "A", secret "B" }, or one; never printed           */
};

struct rp_option_list {
    const char *const *items;
    size_t count;
};
struct rp_model_list {
    struct rp_model *const *items;
    size_t count;
};
struct rp_pattern {
    const char *name;  /* never NULL; "pattern 3" where the file gives none */
    const char *match; /* NULL for the name of a built-in pattern */
    const char *mask;  /* NULL for the default */
};
struct rp_pattern_list {
    const struct rp_pattern *items;
    size_t count;
};

enum rp_option_flags {
    RP_OPTION_REQUIRED = 1 << 0,
    RP_OPTION_POSITIONAL = 1 << 1, /* also takes the values without a key: redact { "email" }. One such option a table */
    RP_OPTION_RELOADABLE = 1 << 2, /* a reload can change it without a new element */
    RP_OPTION_HIDDEN = 1 << 3,     /* not listed: set by the program itself, not by the bot file */
};

struct rp_option {
    const char *name; /* NULL ends the table */
    enum rp_option_type type;
    size_t offset;
    const char *text;           /* the default, as in the bot file without quotes, a list with commas, a map as JSON;
                                   NULL: zero, or NULL, or empty */
    double min, max;            /* in the field's unit, or bytes of a text, or entries of a list; both inclusive; both 0:
                                   no bounds; max below min: no upper bound */
    const char *const *choices; /* NULL-terminated */
    const char *help;           /* one line */
    unsigned flags;
};

/* A duration as in the bot file, for plugins that read one elsewhere: 0, or -RP_EINVALID with the result untouched. */
RP_EXPORT int rp_duration(const char *text, int64_t *out_ms);

#ifdef __cplusplus
}
#endif
#endif
