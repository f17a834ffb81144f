/* myplugin: ends every reply of the bot with a line of its own.
 *
 * This file is what the host reads: the options a bot file may set, the type `myplugin`, and the plugin. What the
 * stage does is in stage.c. Change the names and the table, then stage.c; nothing has to be registered elsewhere. */
#include "stage.h"

/* The host checks and converts what the bot file says and fills `struct options` before open() sees it. It reports
 * unknown and wrong options with file and line, and prints this table: `repartee plugins myplugin`. */
static const struct rp_option table[] = {
    {.name = "line",
     .type = RP_OPTION_STRING,
     .offset = offsetof(struct options, line),
     .text = "Is there anything else I can do for you?",
     .help = "what every reply ends with"},
    {.name = "about",
     .type = RP_OPTION_STRING,
     .offset = offsetof(struct options, about),
     .help = "what the bot answers to /about; without it, /about is a message like any other"},
    {0},
};

/* The host cannot know that an empty line makes no sense; such things are told here. It adds where in the file. */
static int check(const void *options, struct rp_error *error) {
    const struct options *set = options;
    if (set->line[0] == '\0') return rp_error_set(error, RP_ECONFIG, "line must not be empty");
    return 0;
}

static const struct rp_stage_type stage = {
    .type = {.name = "myplugin",
             .summary = "Ends every reply with a line",
             .options_size = sizeof(struct options),
             .options = table,
             .check = check},
    .on_turn = myplugin_on_turn,
};

RP_PLUGIN(.name = "myplugin", .version = "1.0.0", .summary = "Ends every reply with a line", .stages = RP_LIST(&stage));
