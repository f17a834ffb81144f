/* Looks whether a model's server is there: a small request that costs nothing, whose answer only counts as one. Also what
 * keeps connections warm. */
#include <stdlib.h>

#include "core/remote/internal.h"

#define PROBE_MS (5 * 1000)
#define PROBE_BODY_MAX (4 * 1024 * 1024) /* lists of models can be long */
#define WARM_MS (45 * 1000)              /* less than servers and curl keep an idle connection */

/* ---- one look ---------------------------------------------------------------------------------------------------- */

/* Any answer shows that somebody is there. A key that may not list models may well ask them, and limits of lists are not
 * those of replies; a key that is no good shows at the first call. */
static int code_of_status(int status) {
    return status >= 500 ? RP_EUPSTREAM : 0;
}

static void on_done(struct rp_fetch *fetch, int code, const char *detail) {
    struct rp_probe *probe = rp_fetch_arg(fetch);
    int status = rp_fetch_status(fetch);
    (void)detail;
    probe->state = NULL;
    bool telling = code == -RP_EUPTIMEOUT || code == -RP_EUPCERT;
    probe->done(probe, status ? code_of_status(status) : telling ? -code : RP_EUPSTREAM);
}

static enum rp_fetch_take on_data(struct rp_fetch *fetch, const char *data, size_t len) {
    (void)fetch, (void)data, (void)len;
    return RP_FETCH_TAKEN;
}

static const struct rp_fetch_ops ops = {.on_data = on_data, .on_done = on_done};

void rp_remote_probe(struct rp_model *model, struct rp_worker *worker, struct rp_probe *probe) {
    struct remote *remote = model->element.state;
    size_t key = keys_pick(remote, rp_worker_now_ms(worker));
    struct rp_fetch_request request = {
        .method = "GET",
        .url = remote->probe_url,
        .fields = remote->keys[key].fields,
        .connect_ms = remote->options->timeout_connect,
        .total_ms = PROBE_MS,
        .max_body = PROBE_BODY_MAX,
        .proxy = element_proxy(remote),
        .ca_file = element_ca_file(remote),
        .ops = &ops,
        .arg = probe,
    };
    struct rp_fetch *fetch = NULL;
    rp_fetch_start(worker, &request, &fetch); /* the URL is that of each request: if it cannot be sent, no reply comes */
    probe->state = fetch;
}

void rp_remote_probe_cancel(struct rp_model *model, struct rp_probe *probe) {
    (void)model;
    rp_fetch_cancel(probe->state);
    probe->state = NULL;
}

/* ---- warm connections -------------------------------------------------------------------------------------------- */

struct warm_probe {
    struct rp_probe probe; /* first */
    bool open;
};
/* Of one worker. */
struct warm {
    struct rp_model *model;
    struct rp_worker *worker;
    struct rp_timer timer;
    size_t count;
    struct warm_probe probes[];
};

static void on_warm(struct rp_probe *probe, int code) {
    (void)code; /* a server that is not there will be missed when it is asked */
    ((struct warm_probe *)probe)->open = false;
}

/* All at once, so that each has a connection to itself. */
static void on_timer(struct rp_timer *timer) {
    struct warm *warm = (struct warm *)((char *)timer - offsetof(struct warm, timer));
    for (size_t i = 0; i < warm->count; i++) {
        struct warm_probe *each = &warm->probes[i];
        if (each->open) continue;
        each->open = true;
        rp_remote_probe(warm->model, warm->worker, &each->probe);
    }
    rp_timer_start(warm->worker, &warm->timer, WARM_MS);
}

struct warm *warm_open(struct rp_element *element, struct rp_worker *worker) {
    const struct remote *remote = element->state;
    size_t count = (size_t)remote->options->warm;
    if (count == 0 || !rp_worker_serves(worker)) return NULL;
    struct warm *warm = rp_calloc(1, sizeof(*warm) + count * sizeof(warm->probes[0]));
    warm->model = (struct rp_model *)element;
    warm->worker = worker;
    warm->count = count;
    warm->timer.run = on_timer;
    for (size_t i = 0; i < count; i++) warm->probes[i].probe.done = on_warm;
    rp_timer_start(worker, &warm->timer, 0);
    return warm;
}

void warm_close(struct warm *warm) {
    if (!warm) return;
    rp_timer_stop(warm->worker, &warm->timer);
    for (size_t i = 0; i < warm->count; i++) {
        if (warm->probes[i].open) rp_remote_probe_cancel(warm->model, &warm->probes[i].probe);
    }
    free(warm);
}
