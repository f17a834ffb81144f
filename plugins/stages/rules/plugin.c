/* The stage `rules`: answers by the bot's Lua rules, or shapes what a model is asked. Here: its options, its type. */
#include <repartee/repartee.h>

#include "options.h"
#include "stage.h"

#define OPTION(field) .offset = offsetof(struct rules_options, field)

static const char *const on_error_choices[] = {"fail", "next", NULL};

static const struct rp_option options[] = {
    {.name = "dir", .type = RP_OPTION_FILE, OPTION(dir), .help = "folder with the rule files: every *.lua in it"},
    {.name = "files", .type = RP_OPTION_LIST, OPTION(files), .flags = RP_OPTION_POSITIONAL,
     .help = "single rule files instead of a folder, relative to the bot file"},
    {.name = "config", .type = RP_OPTION_MAP, OPTION(config), .help = "values that rules read as config and t.config"},
    {.name = "language", .type = RP_OPTION_STRING, OPTION(language), .text = "en",
     .help = "t.lang of messages whose language is not seen from their script"},
    {.name = "handoff", .type = RP_OPTION_STRING, OPTION(handoff), .text = "I am passing you on to a person.",
     .help = "what t:handoff() answers"},
    {.name = "apology", .type = RP_OPTION_STRING, OPTION(apology),
     .help = "answered instead of an error when a rule fails"},
    {.name = "on_error", .type = RP_OPTION_CHOICE, OPTION(on_error), .text = "fail", .choices = on_error_choices,
     .help = "when a rule fails: fail the turn, or go on with the next rule"},
    {.name = "instructions", .type = RP_OPTION_INT, OPTION(instructions), .text = "10000000", .min = 1000, .max = 1e12,
     .help = "Lua instructions that a rule may use"},
    {.name = "memory", .type = RP_OPTION_SIZE, OPTION(memory), .text = "32MiB", .min = 1 << 20, .max = 1e11,
     .help = "memory of all rules and their data, for each worker"},
    {.name = "turn_memory", .type = RP_OPTION_SIZE, OPTION(turn_memory), .text = "8MiB", .min = 1 << 16, .max = 1e11,
     .help = "memory that a rule may take in one turn"},
    {.name = "time", .type = RP_OPTION_DURATION, OPTION(time_ms), .text = "10s", .min = 1, .max = 3600000,
     .help = "time that a rule may take, waits included"},
    {.name = "cpu", .type = RP_OPTION_DURATION, OPTION(cpu_ms), .text = "1s", .min = 1, .max = 60000,
     .help = "processor time that a rule may take"},
    {.name = "waits", .type = RP_OPTION_INT, OPTION(waits), .text = "16", .min = 0, .max = 10000,
     .help = "HTTP calls and sleeps that a rule may make"},
    {0},
};

const struct rp_stage_type rules_stage = {
    .type = {.name = "rules",
             .summary = "Answers by Lua rules; shapes what a model is asked",
             .options_size = sizeof(struct rules_options),
             .options = options,
             .check = stage_check,
             .open = stage_open,
             .attach = stage_attach,
             .detach = stage_detach,
             .close = stage_close},
    .on_turn = stage_on_turn,
    .cancel = stage_cancel,
};

RP_PLUGIN(.name = "rules", .version = "1.0.0", .summary = "Rules in Lua, with budgets and a sandbox",
          .stages = RP_LIST(&rules_stage));
