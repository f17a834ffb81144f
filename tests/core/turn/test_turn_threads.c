/* Turns on several threads: one session at a time across all workers, in order, while turns come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/core/turn/script.h"

#define WORKERS 3
#define SESSIONS 4
#define ROUNDS 300

struct crew {
    struct worker_group group;
    struct turn_runtime runtime;
    struct rp_pipeline pipeline;
    struct rp_stage stage, *stages[1];
    struct rp_transport transport;
    atomic_int inside[SESSIONS]; /* turns in this session's on_turn or kept: never above one */
    atomic_int wrong, done, answered;
};
static struct crew crew;

struct visitor {
    struct rp_sink sink;
    struct rp_task task, next;
    struct rp_turn *turn;
    unsigned left, random;
    int session;
};

/* ---- a stage that keeps the turn for a while and would notice company -------------------------------------------------- */

struct stay {
    struct rp_timer timer;
    struct rp_turn *turn;
};

static atomic_int *room(const struct rp_turn *turn) {
    return &crew.inside[turn->session.data[1] - '0'];
}

static void on_leave(struct rp_timer *timer) {
    struct stay *stay = (struct stay *)timer;
    atomic_fetch_sub(room(stay->turn), 1);
    rp_turn_reply(stay->turn, rp_source_text(stay->turn, RP_STR("ok")));
}

static enum rp_outcome on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    struct stay *stay = rp_arena_zalloc(turn->arena, sizeof(*stay));
    *stay = (struct stay){.timer = {.run = on_leave}, .turn = turn};
    *rp_turn_slot(turn, stage) = stay;
    if (atomic_fetch_add(room(turn), 1) != 0) atomic_fetch_add(&crew.wrong, 1);
    rp_timer_start(turn->worker, &stay->timer, 1);
    return RP_KEEP;
}

static void cancel(struct rp_stage *stage, struct rp_turn *turn) {
    struct stay *stay = *rp_turn_slot(turn, stage);
    rp_timer_stop(turn->worker, &stay->timer);
    atomic_fetch_sub(room(turn), 1);
}

static const struct rp_stage_type staying = {.type = {.name = "staying"}, .on_turn = on_turn, .cancel = cancel};

/* ---- visitors: each starts turns one after the other, and leaves early now and then -------------------------------------- */

static void begin(struct rp_task *task);

static void on_write(struct rp_sink *sink, const struct rp_chunk *chunk, enum rp_flow flow) {
    (void)sink;
    (void)chunk;
    if (flow == RP_END) atomic_fetch_add(&crew.answered, 1);
}

static void on_done(struct rp_sink *sink) {
    struct visitor *visitor = (struct visitor *)sink;
    struct rp_worker *worker = rp_worker_current();
    visitor->turn = NULL;
    rp_task_cancel(worker, &visitor->task);
    atomic_fetch_add(&crew.done, 1);
    if (visitor->left) rp_task_schedule(worker, &visitor->next);
}

static const struct rp_sink_ops ops = {.write = on_write, .done = on_done};

static void leave_early(struct rp_task *task) {
    struct visitor *visitor = (struct visitor *)((char *)task - offsetof(struct visitor, task));
    if (visitor->turn) rp_turn_cancel(visitor->turn);
}

static void begin(struct rp_task *task) {
    struct visitor *visitor = (struct visitor *)((char *)task - offsetof(struct visitor, next));
    struct rp_worker *worker = rp_worker_current();
    char session[3] = {'s', (char)('0' + visitor->session), 0};
    struct rp_turn_start start = {.message = RP_STR("hi"), .session = rp_str(session)};
    visitor->left--;
    visitor->random = visitor->random * 1103515245 + 12345;
    if (rp_turn_start(&crew.transport, worker, &start, &visitor->sink, &visitor->turn) != 0) {
        atomic_fetch_add(&crew.wrong, 1);
        return;
    }
    if ((visitor->random >> 16) % 4 == 0) rp_task_schedule(worker, &visitor->task);
}

static void post_begin(struct rp_worker *worker, void *arg) {
    if (worker) begin(&((struct visitor *)arg)->next);
}

static void end_worker(struct rp_worker *worker, void *arg) {
    (void)arg;
    if (worker) worker_end(worker);
}

static void open_crew(void) {
    crew.runtime.limits = (struct bot_limits){
        .turns = 1000, .turn_ms = 20000, .message = 1000, .reply = 1000, .history = 4, .session = 1000};
    crew.runtime.hub = session_hub_create(100);
    crew.stage.element = (struct rp_element){.type = &staying.type, .name = "staying"};
    crew.stages[0] = &crew.stage;
    crew.pipeline = (struct rp_pipeline){.name = "main", .stages = crew.stages, .count = 1};
    crew.transport.pipeline = &crew.pipeline;
    worker_group_init(&crew.group, WORKERS);
    for (int i = 0; i < WORKERS; i++) {
        crew.group.workers[i]->turns = turn_table_create();
        crew.group.workers[i]->runtime = &crew.runtime;
    }
}

static void a_session_is_never_in_two_places(void **state) {
    (void)state;
    static struct visitor visitors[WORKERS * SESSIONS];
    open_crew();
    for (int i = 0; i < WORKERS; i++) worker_start(crew.group.workers[i]);
    for (int i = 0; i < WORKERS * SESSIONS; i++) {
        visitors[i] = (struct visitor){.sink = {&ops}, .task = {.run = leave_early}, .next = {.run = begin},
                                       .left = ROUNDS, .session = i % SESSIONS, .random = (unsigned)i};
        rp_worker_post(crew.group.workers[i / SESSIONS], post_begin, &visitors[i]);
    }
    int64_t give_up = rp_now_ns() + 60000000000;
    while (atomic_load(&crew.done) < WORKERS * SESSIONS * ROUNDS && rp_now_ns() < give_up) uv_sleep(5);
    for (int i = 0; i < WORKERS; i++) rp_worker_post(crew.group.workers[i], end_worker, NULL);
    for (int i = 0; i < WORKERS; i++) worker_join(crew.group.workers[i]);
    assert_int_equal(atomic_load(&crew.done), WORKERS * SESSIONS * ROUNDS);
    assert_int_equal(atomic_load(&crew.wrong), 0);
    assert_int_equal(atomic_load(&crew.group.turns), 0);
    assert_true(atomic_load(&crew.answered) > ROUNDS);
    for (int i = 0; i < WORKERS; i++) turn_table_destroy(crew.group.workers[i]->turns);
    worker_group_finish(&crew.group);
    session_hub_destroy(crew.runtime.hub);
}

struct letter {
    atomic_int *sum;
    int value;
};

static void read_letter(struct rp_worker *worker, void *arg) {
    struct letter *letter = arg;
    atomic_fetch_add(letter->sum, worker ? letter->value : 1000000);
    free(letter);
}

static void write_letters(void *arg) {
    struct rp_worker *worker = ((void **)arg)[0];
    for (int i = 0; i < 1000; i++) {
        struct letter *letter = rp_alloc(sizeof(*letter));
        *letter = (struct letter){((void **)arg)[1], 1};
        rp_worker_post(worker, read_letter, letter);
    }
}

static void every_message_arrives_once_and_none_is_lost_at_the_end(void **state) {
    (void)state;
    struct worker_group group = {0};
    atomic_int sum = 0;
    worker_group_init(&group, 1);
    group.workers[0]->turns = turn_table_create();
    worker_start(group.workers[0]);
    void *arg[] = {group.workers[0], &sum};
    uv_thread_t threads[3];
    for (int i = 0; i < 3; i++) uv_thread_create(&threads[i], write_letters, arg);
    for (int i = 0; i < 3; i++) uv_thread_join(&threads[i]);
    rp_worker_post(group.workers[0], end_worker, NULL);
    worker_join(group.workers[0]);
    assert_int_equal(atomic_load(&sum), 3000);
    write_letters(arg); /* to a worker that has ended: each comes back to be freed */
    assert_int_equal(atomic_load(&sum), 3000 + 1000 * 1000000);
    turn_table_destroy(group.workers[0]->turns);
    worker_group_finish(&group);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_is_never_in_two_places),
        cmocka_unit_test(every_message_arrives_once_and_none_is_lost_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
