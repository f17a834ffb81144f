/* Tasks, timers and draining of one worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/rig.h"

static struct rig rig;

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

/* ---- tasks ------------------------------------------------------------------------------------------------------------ */

static struct rp_task tasks[3];
static unsigned ran[3], total;

static void on_task(struct rp_task *task) {
    ran[task - tasks]++;
    total++;
}

static void on_task_again(struct rp_task *task) {
    on_task(task);
    rp_task_schedule(rig.worker, task);
}

static void reset_tasks(void (*run)(struct rp_task *task)) {
    for (int i = 0; i < 3; i++) tasks[i] = (struct rp_task){.run = run};
    memset(ran, 0, sizeof(ran));
    total = 0;
}

static void a_task_runs_once_however_often_it_is_scheduled(void **state) {
    (void)state;
    reset_tasks(on_task);
    rp_task_schedule(rig.worker, &tasks[0]);
    rp_task_schedule(rig.worker, &tasks[0]);
    rp_task_schedule(rig.worker, &tasks[1]);
    rp_task_schedule(rig.worker, &tasks[2]);
    rp_task_cancel(rig.worker, &tasks[1]);
    rp_task_cancel(rig.worker, &tasks[1]);
    rig_spin(&rig, 3);
    assert_int_equal(ran[0], 1);
    assert_int_equal(ran[1], 0);
    assert_int_equal(ran[2], 1);
}

static void a_task_that_schedules_itself_lets_the_loop_go_on(void **state) {
    (void)state;
    reset_tasks(on_task_again);
    rp_task_schedule(rig.worker, &tasks[0]);
    rig_spin(&rig, 2);
    assert_true(total > 1);
    unsigned before = total;
    rig_spin(&rig, 1); /* the left-over task runs although nothing else happens */
    assert_true(total > before);
    rp_task_cancel(rig.worker, &tasks[0]);
    rig_spin(&rig, 2);
    before = total;
    rig_spin(&rig, 2);
    assert_int_equal(total, before);
}

/* ---- timers ----------------------------------------------------------------------------------------------------------- */

#define TIMERS 500
static struct rp_timer timers[TIMERS];
static int64_t last_due;
static unsigned fired, out_of_order;

static void on_timer(struct rp_timer *timer) {
    fired++;
    if (timer->due < last_due) out_of_order++;
    last_due = timer->due;
    assert_false(rp_timer_started(timer));
}

static void wait_for(unsigned count) {
    int64_t give_up = rp_now_ns() + 5000000000;
    while (fired < count && rp_now_ns() < give_up) rig_spin(&rig, 1);
    assert_int_equal(fired, count);
}

static void timers_fire_in_order_and_stopped_ones_do_not(void **state) {
    (void)state;
    fired = out_of_order = 0;
    last_due = 0;
    srand(1);
    for (int i = 0; i < TIMERS; i++) {
        timers[i] = (struct rp_timer){.run = on_timer};
        rp_timer_start(rig.worker, &timers[i], rand() % 40);
    }
    for (int i = 0; i < TIMERS; i += 5) rp_timer_stop(rig.worker, &timers[i]);
    for (int i = 1; i < TIMERS; i += 5) rp_timer_start(rig.worker, &timers[i], rand() % 20);
    rp_timer_stop(rig.worker, &timers[0]); /* twice */
    wait_for(TIMERS - TIMERS / 5);
    assert_int_equal(out_of_order, 0);
    assert_int_equal(rig.worker->timers.count, 0);
}

static void on_timer_restart(struct rp_timer *timer) {
    fired++;
    if (fired < 5) rp_timer_start(rig.worker, timer, 0);
}

static void a_timer_may_start_itself_again(void **state) {
    (void)state;
    fired = 0;
    timers[0] = (struct rp_timer){.run = on_timer_restart};
    rp_timer_start(rig.worker, &timers[0], 0);
    rig_spin(&rig, 1);
    assert_true(fired <= 1); /* not all of them in one pass */
    wait_for(5);
}

static void an_earlier_timer_is_not_kept_waiting_by_a_later_one(void **state) {
    (void)state;
    fired = 0;
    timers[0] = timers[1] = (struct rp_timer){.run = on_timer};
    last_due = 0;
    rp_timer_start(rig.worker, &timers[0], 60000);
    rp_timer_start(rig.worker, &timers[1], 1);
    wait_for(1);
    assert_true(rp_timer_started(&timers[0]));
    rp_timer_stop(rig.worker, &timers[0]);
}

/* ---- draining --------------------------------------------------------------------------------------------------------- */

static unsigned drains;

static void on_drained(struct rp_worker *worker) {
    (void)worker;
    drains++;
}

static void draining_waits_for_what_holds_the_worker(void **state) {
    (void)state;
    drains = 0;
    rp_worker_hold(rig.worker);
    rp_worker_hold(rig.worker);
    worker_drain(rig.worker, 60000, on_drained);
    worker_drain(rig.worker, 60000, on_drained);
    assert_true(rp_worker_draining(rig.worker));
    rig_spin(&rig, 3);
    assert_int_equal(drains, 0);
    rp_worker_release(rig.worker);
    rig_spin(&rig, 3);
    assert_int_equal(drains, 0);
    rp_worker_release(rig.worker);
    rig_spin(&rig, 3);
    assert_int_equal(drains, 1);
}

static void draining_ends_at_its_deadline(void **state) {
    (void)state;
    drains = 0;
    rp_worker_hold(rig.worker);
    worker_drain(rig.worker, 2, on_drained);
    int64_t give_up = rp_now_ns() + 5000000000;
    while (drains == 0 && rp_now_ns() < give_up) rig_spin(&rig, 1);
    rp_worker_release(rig.worker);
    rig_spin(&rig, 3);
    assert_int_equal(drains, 1);
}

static void a_draining_worker_takes_no_turns(void **state) {
    (void)state;
    struct rig_client client = {0};
    worker_drain(rig.worker, 60000, on_drained);
    assert_int_equal(rig_say(&rig, &client, "hi"), -RP_EDRAINING);
    rig_client_clear(&client);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_task_runs_once_however_often_it_is_scheduled, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_task_that_schedules_itself_lets_the_loop_go_on, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(timers_fire_in_order_and_stopped_ones_do_not, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_timer_may_start_itself_again, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(an_earlier_timer_is_not_kept_waiting_by_a_later_one, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(draining_waits_for_what_holds_the_worker, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(draining_ends_at_its_deadline, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_draining_worker_takes_no_turns, open_rig, close_rig),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
