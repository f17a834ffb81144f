/* A plugin for the tests of generations: a listener that adopts, a transport that does not, a stage that keeps its turns.
 * Each notes what happens to it, with the bot's name in `language`. Not linked with librepartee: the tests hold the core. */
#include <repartee/plugin.h>
#include <stdio.h>

static char trace[8192];

RP_EXPORT char *probe_trace(void);
char *probe_trace(void) {
    return trace;
}

static void note(const char *what, const struct rp_element *element) {
    size_t len = strlen(trace);
    snprintf(trace + len, sizeof trace - len, "%s%s %s.%s", len ? ", " : "", what, element->name, element->language);
}

static int open_noted(struct rp_element *element, struct rp_error *error) {
    (void)error;
    note(element->before ? "follow" : "open", element);
    return 0;
}
static void close_noted(struct rp_element *element) {
    note("close", element);
}
static int attach_noted(struct rp_element *element, struct rp_worker *worker, void **out_local,
                        struct rp_error *error) {
    (void)worker, (void)out_local, (void)error;
    note("attach", element);
    return 0;
}
static void detach_noted(struct rp_element *element, struct rp_worker *worker, void *local) {
    (void)worker, (void)local;
    note("detach", element);
}
static void adopt_noted(struct rp_element *element, struct rp_worker *worker) {
    (void)worker;
    note("adopt", element);
}
#define NOTED .open = open_noted, .close = close_noted, .attach = attach_noted, .detach = detach_noted

static void start_door(struct rp_listener *listener, struct rp_worker *worker) {
    (void)worker;
    note("start", &listener->element);
}
static void drain_door(struct rp_listener *listener, struct rp_worker *worker) {
    (void)worker;
    note("drain", &listener->element);
}
static const struct rp_listener_type door = {
    .type = {.name = "door", NOTED, .adopt = adopt_noted}, .start = start_door, .drain = drain_door};

static void start_line(struct rp_transport *transport, struct rp_worker *worker) {
    (void)worker;
    note("start", &transport->element);
}
static void drain_line(struct rp_transport *transport, struct rp_worker *worker) {
    (void)worker;
    note("drain", &transport->element);
}
static const struct rp_transport_type line = {
    .type = {.name = "line", NOTED}, .start = start_line, .drain = drain_line};

static enum rp_outcome on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    (void)turn;
    note("turn", &stage->element);
    return RP_KEEP;
}
static void cancel(struct rp_stage *stage, struct rp_turn *turn) {
    (void)turn;
    note("cancel", &stage->element);
}
struct keep_options {
    const char *tag;
};
static const struct rp_option keep_table[] = {
    {.name = "tag", .type = RP_OPTION_STRING, .offset = offsetof(struct keep_options, tag), .text = "",
     .flags = RP_OPTION_POSITIONAL},
    {0},
};
static const struct rp_stage_type keep = {
    .type = {.name = "keep", .options_size = sizeof(struct keep_options), .options = keep_table},
    .on_turn = on_turn,
    .cancel = cancel,
};

/* Attaches to so many workers, and refuses the next. */
struct shy_options {
    int64_t after;
};
static const struct rp_option shy_table[] = {
    {.name = "after", .type = RP_OPTION_INT, .offset = offsetof(struct shy_options, after), .text = "1000"},
    {0},
};
static int attach_shy(struct rp_element *element, struct rp_worker *worker, void **out_local, struct rp_error *error) {
    static const char text[] = "it is too shy for more";
    intptr_t attached = (intptr_t)element->state;
    if (attached == ((const struct shy_options *)element->options)->after) {
        memcpy(error->text, text, sizeof text);
        return -RP_ECONFIG;
    }
    element->state = (void *)(attached + 1);
    return attach_noted(element, worker, out_local, error);
}
static const struct rp_stage_type shy = {
    .type = {.name = "shy", .options_size = sizeof(struct shy_options), .options = shy_table, .attach = attach_shy,
             .detach = detach_noted},
    .on_turn = on_turn,
    .cancel = cancel,
};

static void get(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_store_op *op) {
    (void)store, (void)worker, (void)key;
    op->done(op, -RP_ENOTFOUND, (struct rp_str){0});
}
static void put(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_str value,
                int64_t ttl_ms, struct rp_store_op *op) {
    (void)store, (void)worker, (void)key, (void)value, (void)ttl_ms;
    op->done(op, 0, (struct rp_str){0});
}
static const struct rp_store_type memory = {.type = {.name = "memory"}, .get = get, .put = put, .del = get};

RP_PLUGIN(.name = "probe", .version = "1.0.0", .summary = "Takes notes", .stages = RP_LIST(&keep, &shy),
          .stores = RP_LIST(&memory), .listeners = RP_LIST(&door), .transports = RP_LIST(&line));
