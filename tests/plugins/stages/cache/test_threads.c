/* Workers on threads of their own: a crowd that is spread over all of them makes one call, and in a storm of turns that
 * come, join and leave nobody ever gets the answer to another question. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "scene.h"

#define WORKERS 4
#define CROWD 1000
#define VISITORS 64 /* of the storm */
#define ROUNDS 60   /* of each */
#define QUESTIONS 12

static struct crew {
    struct worker_group group;
    struct turn_runtime runtime;
    struct rp_pipeline pipeline;
    struct rp_stage stages[2], *stage_pointers[2];
    struct options options;
    struct rp_transport transport;
    void *locals[WORKERS];
    atomic_uint calls, closes, done, answered, wrong;
    int piece_ms; /* between two pieces of a reply */
} crew;

/* ---- an upstream: echoes the question in pieces, slowly ------------------------------------------------------------------ */

struct echo {
    struct rp_source source;
    struct rp_timer timer;
    size_t at;
};

static void on_time(struct rp_timer *timer) {
    struct echo *echo = (struct echo *)((char *)timer - offsetof(struct echo, timer));
    struct rp_str message = echo->source.turn->message;
    struct rp_chunk chunk = {.type = RP_CHUNK_TEXT, .text = rp_str_n(message.data + echo->at, 1)};
    echo->at++;
    rp_source_write(&echo->source, &chunk, echo->at < message.len ? RP_MORE : RP_END);
}

static void more(struct rp_source *source) {
    rp_timer_start(source->turn->worker, &((struct echo *)source)->timer, crew.piece_ms);
}

static void close(struct rp_source *source) {
    rp_timer_stop(source->turn->worker, &((struct echo *)source)->timer);
    atomic_fetch_add(&crew.closes, 1);
}

static const struct rp_source_ops echo_ops = {.more = more, .close = close};

static enum rp_outcome on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    (void)stage;
    struct echo *echo = rp_arena_zalloc(turn->arena, sizeof *echo);
    rp_source_init(&echo->source, &echo_ops, turn);
    echo->timer.run = on_time;
    atomic_fetch_add(&crew.calls, 1);
    rp_turn_set_by(turn, "model:echo");
    rp_turn_reply(turn, &echo->source);
    return RP_KEEP;
}

static const struct rp_stage_type echo_stage = {.type = {.name = "echo"}, .on_turn = on_turn};

/* ---- visitors ------------------------------------------------------------------------------------------------------------ */

struct visitor {
    struct rp_sink sink;
    struct rp_task next;
    struct rp_timer leave;
    struct rp_turn *turn;
    char question[16], text[64];
    size_t len;
    unsigned left, random;
    bool one_question, stays;
};

static void on_write(struct rp_sink *sink, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct visitor *visitor = (struct visitor *)sink;
    if (chunk->type == RP_CHUNK_TEXT && visitor->len + chunk->text.len < sizeof visitor->text) {
        memcpy(visitor->text + visitor->len, chunk->text.data, chunk->text.len);
        visitor->len += chunk->text.len;
    }
    if (flow == RP_ERROR) atomic_fetch_add(&crew.wrong, 1);
    if (flow == RP_MORE) rp_turn_more(visitor->turn);
    if (flow != RP_END) return;
    atomic_fetch_add(&crew.answered, 1);
    if (!rp_str_equal(rp_str_n(visitor->text, visitor->len), rp_str(visitor->question)))
        atomic_fetch_add(&crew.wrong, 1);
}

static void on_done(struct rp_sink *sink) {
    struct visitor *visitor = (struct visitor *)sink;
    struct rp_worker *worker = rp_worker_current();
    visitor->turn = NULL;
    rp_timer_stop(worker, &visitor->leave);
    if (visitor->left > 0)
        rp_task_schedule(worker, &visitor->next);
    else
        atomic_fetch_add(&crew.done, 1);
}

static const struct rp_sink_ops sink_ops = {.write = on_write, .done = on_done};

static void on_leave(struct rp_timer *timer) {
    struct visitor *visitor = (struct visitor *)((char *)timer - offsetof(struct visitor, leave));
    if (visitor->turn) rp_turn_cancel(visitor->turn);
}

static unsigned draw(struct visitor *visitor) {
    visitor->random = visitor->random * 1103515245 + 12345;
    return visitor->random >> 16;
}

static void begin(struct rp_task *task) {
    struct visitor *visitor = (struct visitor *)((char *)task - offsetof(struct visitor, next));
    struct rp_worker *worker = rp_worker_current();
    visitor->left--;
    visitor->len = 0;
    unsigned number = visitor->one_question ? 0 : draw(visitor) % QUESTIONS;
    snprintf(visitor->question, sizeof visitor->question, "question %u", number);
    struct rp_turn_start start = {.message = rp_str(visitor->question), .stream = true};
    if (rp_turn_start(&crew.transport, worker, &start, &visitor->sink, &visitor->turn) != 0) abort();
    if (!visitor->stays && draw(visitor) % 3 == 0) rp_timer_start(worker, &visitor->leave, draw(visitor) % 12);
}

static void post_begin(struct rp_worker *worker, void *arg) {
    if (worker) begin(&((struct visitor *)arg)->next);
}

static void visit(struct visitor *visitor, unsigned number, unsigned rounds) {
    *visitor = (struct visitor){.sink = {&sink_ops}, .next = {.run = begin}, .leave = {.run = on_leave},
                                .left = rounds, .random = number * 7919 + 1};
}

/* ---- the crew ------------------------------------------------------------------------------------------------------------ */

static void open_crew(int64_t ttl_ms, int piece_ms) {
    const struct rp_stage_type *types[] = {scene_cache_type(), &echo_stage};
    memset(&crew, 0, sizeof crew);
    crew.piece_ms = piece_ms;
    crew.options = (struct options){.ttl = ttl_ms, .max = 1 << 20, .max_reply = 4096, .share = true};
    crew.runtime.limits = (struct bot_limits){
        .turns = 4096, .turn_ms = 60000, .message = 1000, .reply = 1000, .history = 4, .session = 1000};
    crew.runtime.hub = session_hub_create(100);
    for (size_t i = 0; i < 2; i++) {
        crew.stages[i].element =
            (struct rp_element){.type = &types[i]->type, .name = types[i]->type.name, .options = &crew.options,
                                .local = crew.locals};
        crew.stage_pointers[i] = &crew.stages[i];
    }
    crew.pipeline = (struct rp_pipeline){.name = "main", .stages = crew.stage_pointers, .count = 2};
    crew.transport.pipeline = &crew.pipeline;
    assert_int_equal(types[0]->type.open(&crew.stages[0].element, NULL), 0);
    worker_group_init(&crew.group, WORKERS);
    for (int i = 0; i < WORKERS; i++) {
        crew.group.workers[i]->turns = turn_table_create();
        crew.group.workers[i]->runtime = &crew.runtime;
        types[0]->type.attach(&crew.stages[0].element, crew.group.workers[i], &crew.locals[i], NULL);
    }
}

static void end_worker(struct rp_worker *worker, void *arg) {
    (void)arg;
    if (worker) worker_end(worker);
}

/* Until `count` visitors have gone, and the calls that nobody waits for have ended. */
static void wait_for(unsigned count) {
    int64_t give_up = rp_now_ns() + INT64_C(100000000000);
    while (atomic_load(&crew.done) < count && rp_now_ns() < give_up) uv_sleep(2);
    while (atomic_load(&crew.closes) < atomic_load(&crew.calls) && rp_now_ns() < give_up) uv_sleep(2);
    for (int i = 0; i < WORKERS; i++) rp_worker_post(crew.group.workers[i], end_worker, NULL);
    for (int i = 0; i < WORKERS; i++) worker_join(crew.group.workers[i]);
    assert_int_equal(atomic_load(&crew.done), count);
    assert_int_equal(atomic_load(&crew.wrong), 0);
    assert_int_equal(atomic_load(&crew.closes), atomic_load(&crew.calls));
    for (int i = 0; i < WORKERS; i++) {
        scene_cache_type()->type.detach(&crew.stages[0].element, crew.group.workers[i], crew.locals[i]);
        turn_table_destroy(crew.group.workers[i]->turns);
    }
    scene_cache_type()->type.close(&crew.stages[0].element);
    worker_group_finish(&crew.group);
    session_hub_destroy(crew.runtime.hub);
}

static void a_crowd_on_all_workers_makes_one_call(void **state) {
    (void)state;
    static struct visitor visitors[CROWD];
    open_crew(600000, 5);
    for (unsigned i = 0; i < CROWD; i++) {
        visit(&visitors[i], i, 1);
        visitors[i].one_question = visitors[i].stays = true;
        rp_worker_post(crew.group.workers[i % WORKERS], post_begin, &visitors[i]);
    }
    for (int i = 0; i < WORKERS; i++) worker_start(crew.group.workers[i]);
    wait_for(CROWD);
    assert_int_equal(atomic_load(&crew.calls), 1);
    assert_int_equal(atomic_load(&crew.answered), CROWD);
}

/* Nothing is kept for long, so that flights begin all the time. */
static void in_a_storm_everybody_gets_the_answer_to_his_question(void **state) {
    (void)state;
    static struct visitor visitors[VISITORS];
    open_crew(1, 1);
    for (int i = 0; i < WORKERS; i++) worker_start(crew.group.workers[i]);
    for (unsigned i = 0; i < VISITORS; i++) {
        visit(&visitors[i], i, ROUNDS);
        rp_worker_post(crew.group.workers[i % WORKERS], post_begin, &visitors[i]);
    }
    wait_for(VISITORS);
    unsigned answered = atomic_load(&crew.answered);
    assert_true(answered > VISITORS * ROUNDS / 2 && answered < VISITORS * ROUNDS);
    assert_true(atomic_load(&crew.calls) < answered);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crowd_on_all_workers_makes_one_call),
        cmocka_unit_test(in_a_storm_everybody_gets_the_answer_to_his_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
