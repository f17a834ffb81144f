/* A model that is several others: which of them replies to a turn, and who steps in when one does not. */
#include <stddef.h>

#include "route.h"

static const char *const strategies[] = {"fallback", "weighted", "least_latency", "hash", NULL};
static const char *const hashes[] = {"session", "user", NULL};

#define ROW(field, kind) .name = #field, .type = kind, .offset = offsetof(struct route_options, field)

static const struct rp_option options[] = {
    {ROW(use, RP_OPTION_MODELS), .min = 1, .max = TARGETS_MAX, .flags = RP_OPTION_REQUIRED | RP_OPTION_POSITIONAL,
     .help = "the models, by name"},
    {ROW(strategy, RP_OPTION_CHOICE), .text = "fallback", .choices = strategies,
     .help = "who is tried first: the first; by weight; the quickest to its first token; always the same for a session"},
    {ROW(hash_by, RP_OPTION_CHOICE), .text = "session", .choices = hashes, .help = "what hash goes by"},
    {ROW(targets, RP_OPTION_MAP),
     .help = "more of single models: { cloud = { weight = 3, connect = \"2s\", first = \"5s\", stall = \"5s\" } }"},
    {ROW(connect, RP_OPTION_DURATION), .text = "0", .min = 0, .max = 36e5,
     .help = "until a connection stands, if that is less than the model's own limit; 0: that one"},
    {ROW(first, RP_OPTION_DURATION), .text = "0", .min = 0, .max = 36e5,
     .help = "until the first token, if that is less than the model's own limit; 0: that one"},
    {ROW(stall, RP_OPTION_DURATION), .text = "0", .min = 0, .max = 36e5,
     .help = "between two tokens, if that is less than the model's own limit; 0: that one"},
    {ROW(retries, RP_OPTION_INT), .text = "2", .min = 0, .max = 10,
     .help = "tries after each model has been tried once, of all of them together; the models' own retries do not count"},
    {ROW(retry_base, RP_OPTION_DURATION), .text = "500ms", .min = 1, .max = 6e4,
     .help = "the wait before the second round; it doubles with each"},
    {ROW(retry_max, RP_OPTION_DURATION), .text = "8s", .min = 1, .max = 6e5, .help = "the longest such wait"},
    {ROW(breaker_failures, RP_OPTION_INT), .text = "5", .min = 0, .max = BREAKER_WINDOW_MAX,
     .help = "so many failures among the last calls, and a model is left alone; 0: never"},
    {ROW(breaker_window, RP_OPTION_INT), .text = "10", .min = 1, .max = BREAKER_WINDOW_MAX,
     .help = "how many calls the last ones are"},
    {ROW(breaker_rest, RP_OPTION_DURATION), .text = "10s", .min = 1, .max = 864e5,
     .help = "for how long; then one turn looks whether it replies again, and the rest doubles if it does not"},
    {ROW(hedge, RP_OPTION_NUMBER), .text = "0", .min = 0, .max = 1,
     .help = "share of extra calls for asking a second model when the first is later than 19 of 20; 0: none"},
    {ROW(check_every, RP_OPTION_DURATION), .text = "0", .min = 0, .max = 864e5,
     .help = "about how often it looks whether the models' servers are there, 100ms at least; 0: never"},
    {ROW(resume, RP_OPTION_BOOL), .text = "false",
     .help = "let another model go on with a reply that was cut off, where it can"},
    {0},
};

static const struct rp_model_type route = {
    .type = {.name = "route",
             .summary = "several models as one: fallback, weights, least latency, sessions that stick",
             .options_size = sizeof(struct route_options),
             .options = options,
             .check = route_check,
             .open = route_open,
             .attach = health_attach,
             .detach = health_detach,
             .close = route_close},
    .ask = route_ask,
    .takes = route_takes,
    .tokens = route_tokens,
    .context = route_context,
    .reply = route_reply,
    .probe = route_probe,
    .probe_cancel = route_probe_cancel,
    .forwards = true,
};

RP_PLUGIN(.name = "route", .version = "0.1.0", .summary = "Several models as one", .models = RP_LIST(&route));
