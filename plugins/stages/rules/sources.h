/* The files of a bot's rules, read once when the bot is opened: every worker loads the very same bytes. */
#ifndef RULES_SOURCES_H
#define RULES_SOURCES_H

#include <repartee/base.h>

struct sources;

struct source {
    const char *name; /* relative to the bot's folder: "rules/orders.lua", as messages show it */
    struct rp_str text;
};

/* `bot` is the bot file's folder, `rules` the one with the rule files or NULL for the same. 0, or -RP_ECONFIG. */
int sources_create(const char *bot, const char *rules, struct sources **out, struct rp_error *error);
void sources_destroy(struct sources *sources); /* takes NULL */
/* Every *.lua of the rules folder, in the order of their names. */
int sources_list(struct sources *sources, struct rp_error *error);
/* One more file, by its name in the bot's folder. */
int sources_list_file(struct sources *sources, const char *name, struct rp_error *error);
size_t sources_count(const struct sources *sources);
const char *sources_at(const struct sources *sources, size_t index); /* a name to give to sources_rule */

/* A rule file, by its path in the rules folder; any file, by its path in the bot's. NULL with *out_why: not there, too
 * large, or outside the folder. After sources_seal only what was read before is found. Not locked until sealed. */
const struct source *sources_rule(struct sources *sources, const char *path, const char **out_why);
/* What require("a.b") means: a.b of the library that ships with repartee when it begins with "repartee.", else a/b.lua
 * of the rules folder. */
const struct source *sources_module(struct sources *sources, const char *name, const char **out_why);
const struct source *sources_data(struct sources *sources, const char *path, const char **out_why);
/* Everything that has been read so far, in the order of reading. */
void sources_tell(const struct sources *sources, void (*tell)(void *arg, struct rp_str text), void *arg);
void sources_seal(struct sources *sources);

#endif
