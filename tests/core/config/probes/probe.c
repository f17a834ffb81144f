/* A plugin for the tests of the configuration: types like those of the real plugins, which do nothing but note when
 * they are opened, attached, detached and closed. It is not linked with librepartee: the tests hold the core. */
#include <repartee/plugin.h>
#include <stdio.h>

static char trace[4096];

RP_EXPORT char *probe_trace(void);
char *probe_trace(void) {
    return trace;
}

static void note(const char *what, const struct rp_element *element) {
    size_t len = strlen(trace);
    snprintf(trace + len, sizeof trace - len, "%s%s %s", len ? ", " : "", what, element->name);
}

static int open_noted(struct rp_element *element, struct rp_error *error) {
    (void)error;
    note("open", element);
    return 0;
}
static void close_noted(struct rp_element *element) {
    note("close", element);
}
static int attach_noted(struct rp_element *element, struct rp_worker *worker, void **out_local,
                        struct rp_error *error) {
    (void)worker, (void)error;
    note("attach", element);
    *out_local = element;
    return 0;
}
static void detach_noted(struct rp_element *element, struct rp_worker *worker, void *local) {
    (void)worker;
    note(local == element ? "detach" : "detach wrongly", element);
}
#define NOTED .open = open_noted, .close = close_noted, .attach = attach_noted, .detach = detach_noted

/* ---- stages ------------------------------------------------------------------------------------------------------ */

static enum rp_outcome on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    (void)stage, (void)turn;
    return RP_PASS;
}

static const char *const pers[] = {"user", "session", "address", NULL};
struct ratelimit_options {
    double rate;
    int64_t burst;
    int per;
};
static const struct rp_option ratelimit_table[] = {
    {.name = "rate",
     .type = RP_OPTION_RATE,
     .offset = offsetof(struct ratelimit_options, rate),
     .flags = RP_OPTION_REQUIRED,
     .help = "turns let through"},
    {.name = "burst",
     .type = RP_OPTION_INT,
     .offset = offsetof(struct ratelimit_options, burst),
     .text = "20",
     .min = 1,
     .max = 1000},
    {.name = "per",
     .type = RP_OPTION_CHOICE,
     .offset = offsetof(struct ratelimit_options, per),
     .choices = pers,
     .text = "user"},
    {0},
};
static const struct rp_stage_type ratelimit = {
    .type = {.name = "ratelimit", .options_size = sizeof(struct ratelimit_options), .options = ratelimit_table},
    .on_turn = on_turn,
};

struct redact_options {
    struct rp_pattern_list patterns;
};
static const struct rp_option redact_table[] = {
    {.name = "patterns", .type = RP_OPTION_PATTERNS, .offset = offsetof(struct redact_options, patterns),
     .flags = RP_OPTION_POSITIONAL},
    {0},
};
static const struct rp_stage_type redact = {
    .type = {.name = "redact", .options_size = sizeof(struct redact_options), .options = redact_table, NOTED},
    .on_turn = on_turn,
};

struct ask_options {
    struct rp_model *model;
};
static const struct rp_option ask_table[] = {
    {.name = "model", .type = RP_OPTION_MODEL, .offset = offsetof(struct ask_options, model), .text = "main",
     .flags = RP_OPTION_POSITIONAL},
    {0},
};
static const struct rp_stage_type ask = {
    .type = {.name = "ask", .options_size = sizeof(struct ask_options), .options = ask_table, NOTED},
    .on_turn = on_turn,
};

/* Fails where it is told to. */
static const char *const wheres[] = {"nowhere", "check", "open", "attach", "file", NULL};
struct faulty_options {
    int where;
};
static const struct rp_option faulty_table[] = {
    {.name = "where", .type = RP_OPTION_CHOICE, .offset = offsetof(struct faulty_options, where), .choices = wheres,
     .text = "nowhere", .flags = RP_OPTION_POSITIONAL},
    {0},
};
static int fails_at(const void *options, const char *where, struct rp_error *error) {
    if (strcmp(wheres[((const struct faulty_options *)options)->where], where) != 0) return 0;
    snprintf(error->text, sizeof error->text, "told to fail in %s", where);
    return -RP_ECONFIG;
}
static int check_faulty(const void *options, struct rp_error *error) {
    return fails_at(options, "check", error);
}
static int open_faulty(struct rp_element *element, struct rp_error *error) {
    if (fails_at(element->options, "file", error)) {
        size_t len = strlen(element->file);
        snprintf(error->file, sizeof error->file, "%s", len > 0 ? "/elsewhere/rules.lua" : "");
        error->line = 7;
        return -RP_ECONFIG;
    }
    return fails_at(element->options, "open", error) ? -RP_ECONFIG : open_noted(element, error);
}
static int attach_faulty(struct rp_element *element, struct rp_worker *worker, void **out_local,
                         struct rp_error *error) {
    if (fails_at(element->options, "attach", error)) return -RP_ECONFIG;
    return attach_noted(element, worker, out_local, error);
}
static const struct rp_stage_type faulty = {
    .type = {.name = "faulty",
             .options_size = sizeof(struct faulty_options),
             .options = faulty_table,
             .check = check_faulty,
             .open = open_faulty,
             .close = close_noted,
             .attach = attach_faulty,
             .detach = detach_noted},
    .on_turn = on_turn,
};

/* ---- models ------------------------------------------------------------------------------------------------------ */

static struct rp_source *on_ask(struct rp_model *model, struct rp_turn *turn, const struct rp_call *call) {
    (void)model, (void)turn, (void)call;
    return NULL;
}
struct openai_options {
    const char *base_url, *api_key, *model;
};
static const struct rp_option openai_table[] = {
    {.name = "base_url", .type = RP_OPTION_STRING, .offset = offsetof(struct openai_options, base_url)},
    {.name = "api_key", .type = RP_OPTION_SECRET, .offset = offsetof(struct openai_options, api_key)},
    {.name = "model",
     .type = RP_OPTION_STRING,
     .offset = offsetof(struct openai_options, model),
     .flags = RP_OPTION_REQUIRED,
     .help = "the model's name"},
    {0},
};
static const struct rp_model_type openai = {
    .type = {.name = "openai", .options_size = sizeof(struct openai_options), .options = openai_table, NOTED},
    .ask = on_ask,
};
struct route_options {
    struct rp_model_list use;
};
static const struct rp_option route_table[] = {
    {.name = "use",
     .type = RP_OPTION_MODELS,
     .offset = offsetof(struct route_options, use),
     .flags = RP_OPTION_REQUIRED,
     .min = 1,
     .max = 8,
     .help = "models to use"},
    {0},
};
static const struct rp_model_type route = {
    .type = {.name = "route", .options_size = sizeof(struct route_options), .options = route_table, NOTED},
    .ask = on_ask,
    .forwards = true,
};

/* ---- stores, listeners, transports ------------------------------------------------------------------------------- */

static void get(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_store_op *op) {
    (void)store, (void)worker, (void)key, (void)op;
}
static void put(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_str value,
                int64_t ttl_ms, struct rp_store_op *op) {
    (void)store, (void)worker, (void)key, (void)value, (void)ttl_ms, (void)op;
}
static const struct rp_store_type memory = {.type = {.name = "memory", NOTED}, .get = get, .put = put, .del = get};

static void add(struct rp_store *store, struct rp_worker *worker, struct rp_str key, int64_t delta, int64_t ttl_ms,
                struct rp_store_op *op) {
    (void)store, (void)worker, (void)key, (void)delta, (void)ttl_ms, (void)op;
}
static const struct rp_store_type ledger = {
    .type = {.name = "ledger", NOTED}, .get = get, .put = put, .del = get, .add = add};

struct httpd_options {
    const char *address;
};
static const struct rp_option httpd_table[] = {
    {.name = "address",
     .type = RP_OPTION_ADDRESS,
     .offset = offsetof(struct httpd_options, address),
     .text = "127.0.0.1:8080"},
    {0},
};
static const struct rp_listener_type httpd = {
    .type = {.name = "httpd", .options_size = sizeof(struct httpd_options), .options = httpd_table, NOTED},
};

struct http_options {
    struct rp_listener *on;
};
static const struct rp_option http_table[] = {
    {.name = "on", .type = RP_OPTION_LISTENER, .offset = offsetof(struct http_options, on), .flags = RP_OPTION_REQUIRED,
     .help = "listener"},
    {0},
};
static const struct rp_transport_type http = {
    .type = {.name = "http", .options_size = sizeof(struct http_options), .options = http_table, NOTED},
};

struct stdin_options {
    const char *message;
    bool json;
};
static const struct rp_option stdin_table[] = {
    {.name = "message",
     .type = RP_OPTION_STRING,
     .offset = offsetof(struct stdin_options, message),
     .flags = RP_OPTION_HIDDEN},
    {.name = "json", .type = RP_OPTION_BOOL, .offset = offsetof(struct stdin_options, json)},
    {0},
};
static const struct rp_transport_type in = {
    .type = {.name = "stdin", .options_size = sizeof(struct stdin_options), .options = stdin_table, NOTED},
};

RP_PLUGIN(.name = "probe", .version = "1.0.0", .summary = "Does nothing",
          .stages = RP_LIST(&ratelimit, &redact, &ask, &faulty), .models = RP_LIST(&openai, &route),
          .stores = RP_LIST(&memory, &ledger), .listeners = RP_LIST(&httpd), .transports = RP_LIST(&http, &in));
