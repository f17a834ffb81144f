/* The ready list: work that continues from the top of the stack. It is drained right before the loop waits and right
 * after it has waited, which costs no system call. */
#include "core/loop/worker.h"

/* Tasks run in one go; more wait for the next pass, so that a busy turn cannot keep the sockets waiting. */
#define TASKS_A_PASS 1024

void rp_task_schedule(struct rp_worker *worker, struct rp_task *task) {
    if (task->next) return;
    struct rp_task *head = &worker->ready;
    task->next = head;
    task->prev = head->prev;
    head->prev->next = task;
    head->prev = task;
}

void rp_task_cancel(struct rp_worker *worker, struct rp_task *task) {
    (void)worker;
    if (!task->next) return;
    task->prev->next = task->next;
    task->next->prev = task->prev;
    task->next = task->prev = NULL;
}

bool task_list_run(struct rp_worker *worker) {
    struct rp_task *head = &worker->ready;
    for (int i = 0; i < TASKS_A_PASS && head->next != head; i++) {
        struct rp_task *task = head->next;
        rp_task_cancel(worker, task);
        task->run(task);
    }
    return head->next != head;
}

static void on_idle(uv_idle_t *idle) {
    (void)idle; /* its presence keeps the loop from waiting; prepare and check do the work */
}

static void drain(struct rp_worker *worker) {
    if (worker->ready.next == &worker->ready && !uv_is_active((uv_handle_t *)&worker->idle)) return;
    if (task_list_run(worker))
        uv_idle_start(&worker->idle, on_idle);
    else
        uv_idle_stop(&worker->idle);
}

static void on_prepare(uv_prepare_t *prepare) {
    drain(prepare->data);
}

static void on_check(uv_check_t *check) {
    drain(check->data);
}

void task_list_init(struct rp_worker *worker) {
    worker->ready.next = worker->ready.prev = &worker->ready;
    uv_prepare_init(&worker->loop, &worker->prepare);
    uv_check_init(&worker->loop, &worker->check);
    uv_idle_init(&worker->loop, &worker->idle);
    worker->prepare.data = worker->check.data = worker;
    uv_prepare_start(&worker->prepare, on_prepare);
    uv_check_start(&worker->check, on_check);
    uv_unref((uv_handle_t *)&worker->prepare);
    uv_unref((uv_handle_t *)&worker->check);
}

void task_list_close(struct rp_worker *worker) {
    uv_close((uv_handle_t *)&worker->prepare, NULL);
    uv_close((uv_handle_t *)&worker->check, NULL);
    uv_close((uv_handle_t *)&worker->idle, NULL);
}
