/* Looks at the targets from time to time, so that one that has gone is known before a turn meets it, and one that has come
 * back is used again. One worker does it for all. */
#include <stdlib.h>

#include "route.h"

struct check {
    struct rp_probe probe; /* first */
    struct health *health;
    struct target *target;
    bool open;
};
struct health {
    struct route *route;
    struct rp_worker *worker;
    struct rp_timer timer;
    struct check checks[];
};

static const struct rp_model_type *type_of(const struct rp_model *model) {
    return (const struct rp_model_type *)(const void *)model->element.type;
}

static void on_checked(struct rp_probe *probe, int code) {
    struct check *check = (struct check *)probe;
    check->open = false;
    target_checked(check->health->route, check->target, code, rp_worker_now_ms(check->health->worker));
}

/* One that has no answer yet when the next is due has none that is any good. */
static void look(struct check *check) {
    struct rp_model *model = check->target->model;
    if (!type_of(model)->probe) return;
    if (check->open) {
        type_of(model)->probe_cancel(model, &check->probe);
        on_checked(&check->probe, RP_EUPTIMEOUT);
    }
    check->open = true;
    type_of(model)->probe(model, check->health->worker, &check->probe);
}

/* A little more or less each time, so that many servers do not fall into step. */
static int64_t until_next(int64_t every) {
    uint32_t random;
    rp_random(&random, sizeof(random));
    return (int64_t)((double)every * (0.9 + 0.2 * random / UINT32_MAX));
}

static void on_timer(struct rp_timer *timer) {
    struct health *health = (struct health *)((char *)timer - offsetof(struct health, timer));
    for (size_t i = 0; i < health->route->count; i++) look(&health->checks[i]);
    rp_timer_start(health->worker, &health->timer, until_next(health->route->options->check_every));
}

int health_attach(struct rp_element *element, struct rp_worker *worker, void **out_local, struct rp_error *error) {
    struct route *route = element->state;
    (void)error;
    if (route->options->check_every == 0 || rp_worker_index(worker) != 0 || !rp_worker_serves(worker)) return 0;
    struct health *health = rp_calloc(1, sizeof(*health) + route->count * sizeof(health->checks[0]));
    health->route = route;
    health->worker = worker;
    health->timer.run = on_timer;
    for (size_t i = 0; i < route->count; i++)
        health->checks[i] = (struct check){.probe = {.done = on_checked}, .health = health, .target = &route->targets[i]};
    rp_timer_start(worker, &health->timer, 0);
    *out_local = health;
    return 0;
}

void health_detach(struct rp_element *element, struct rp_worker *worker, void *local) {
    struct health *health = local;
    (void)element;
    if (!health) return;
    rp_timer_stop(worker, &health->timer);
    for (size_t i = 0; i < health->route->count; i++) {
        struct check *check = &health->checks[i];
        if (check->open) type_of(check->target->model)->probe_cancel(check->target->model, &check->probe);
    }
    free(health);
}

/* ---- looked at by others ------------------------------------------------------------------------------------------- */

/* For a route over this one: it can be asked as long as one of its targets can. */
struct answer {
    struct rp_task task; /* first */
    struct rp_worker *worker;
    struct rp_probe *probe;
    int code;
};

static void on_answer(struct rp_task *task) {
    struct answer *answer = (struct answer *)task;
    struct rp_probe *probe = answer->probe;
    int code = answer->code;
    free(answer);
    probe->state = NULL;
    probe->done(probe, code);
}

void route_probe(struct rp_model *model, struct rp_worker *worker, struct rp_probe *probe) {
    struct route *route = model->element.state;
    struct answer *answer = rp_calloc(1, sizeof(*answer));
    *answer = (struct answer){.task = {.run = on_answer}, .worker = worker, .probe = probe, .code = RP_EUPSTREAM};
    for (size_t i = 0; i < route->count; i++) {
        if (target_wait_ms(&route->targets[i], false, rp_worker_now_ms(worker)) == 0) answer->code = 0;
    }
    probe->state = answer;
    rp_task_schedule(worker, &answer->task);
}

void route_probe_cancel(struct rp_model *model, struct rp_probe *probe) {
    struct answer *answer = probe->state;
    (void)model;
    if (!answer) return;
    rp_task_cancel(answer->worker, &answer->task);
    free(answer);
    probe->state = NULL;
}
