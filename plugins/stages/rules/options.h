/* The options of the stage, as the bot file gives them. */
#ifndef RULES_OPTIONS_H
#define RULES_OPTIONS_H

#include <repartee/option.h>

#include "program.h"

enum on_error { ON_ERROR_FAIL, ON_ERROR_NEXT };

struct rules_options {
    const char *dir;
    struct rp_option_list files;
    json_t *config;
    const char *handoff, *handoff_waiting, *apology, *blocked;
    int on_error;
    int64_t instructions, memory, turn_memory, time_ms, cpu_ms, waits, regex_steps, regex_ms, handoff_for_ms, journal;
    int64_t dialog_failures;
    int64_t tool_rounds, tool_calls, tool_time_ms, tool_result;
};

struct rules { /* the stage's state */
    const struct rules_options *options;
    struct program *program;
    char *home; /* where its files are, seen from the bot's folder: whose a dialog in progress is */
};

extern const struct rp_stage_type rules_stage;

#endif
