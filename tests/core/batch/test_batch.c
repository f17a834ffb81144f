/* Which item runs when: concurrency, sessions, pauses, tries, the end. A stage keeps each turn until the test lets it go;
 * time is moved by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <repartee/batch.h>

#include "core/base/clock.h"
#include "support/rig.h"

#define TURNS 64

/* ---- the stage: refuses as often as it is told, answers "now …" at once, and keeps anything else ------------------------ */

static struct {
    struct rp_turn *kept[TURNS];
    size_t kept_count, most;
    unsigned begun, cancelled;
    unsigned refusals; /* still to come */
    int refusal, retry_after;
    char order[4096]; /* messages as they were begun */
} stage;

static void note(const struct rp_turn *turn) {
    size_t len = strlen(stage.order);
    snprintf(stage.order + len, sizeof(stage.order) - len, "%s%.*s", len ? " " : "", RP_STR_ARG(turn->message));
}

static enum rp_outcome on_turn(struct rp_stage *self, struct rp_turn *turn) {
    (void)self;
    stage.begun++;
    note(turn);
    if (stage.refusals > 0) {
        const struct rp_fault fault = {.code = stage.refusal, .retry_after = stage.retry_after};
        stage.refusals--;
        rp_turn_fail(turn, &fault);
        return RP_KEEP;
    }
    if (turn->message.len >= 3 && memcmp(turn->message.data, "now", 3) == 0) {
        rp_turn_reply(turn, rp_source_text(turn, RP_STR("ok")));
        return RP_KEEP;
    }
    stage.kept[stage.kept_count++] = turn;
    if (stage.kept_count > stage.most) stage.most = stage.kept_count;
    return RP_KEEP;
}

static void forget(size_t at) {
    memmove(&stage.kept[at], &stage.kept[at + 1], (--stage.kept_count - at) * sizeof(stage.kept[0]));
}

static void on_cancel(struct rp_stage *self, struct rp_turn *turn) {
    (void)self;
    stage.cancelled++;
    for (size_t i = 0; i < stage.kept_count; i++)
        if (stage.kept[i] == turn) forget(i--);
}

static const struct rp_stage_type stage_type = {
    .type = {.name = "gate", .remembers_nothing = true}, .on_turn = on_turn, .cancel = on_cancel};

/* Answers the turn with this message. */
static void let_go(const char *message) {
    for (size_t i = 0; i < stage.kept_count; i++) {
        struct rp_turn *turn = stage.kept[i];
        if (!rp_str_is(turn->message, message)) continue;
        forget(i);
        rp_turn_reply(turn, rp_source_text(turn, RP_STR("ok")));
        return;
    }
    fail_msg("nothing waits with '%s'", message);
}

/* ---- the owner ------------------------------------------------------------------------------------------------------- */

struct owner {
    struct rig rig;
    struct rp_batch *batch;
    const char *const *texts; /* NULL-terminated; "…" is a pause of the source */
    size_t given;
    bool endless; /* the last text comes again and again */
    unsigned read, results, failed, dones;
    bool pause_at_result, cancel_at_result;
    char lines[8192];
};

static enum rp_batch_next next(void *arg, struct rp_batch_item *item) {
    struct owner *owner = arg;
    const char *text = owner->texts[owner->given];
    if (!text) return RP_BATCH_END;
    if (!owner->endless || owner->texts[owner->given + 1]) owner->given++;
    if (strcmp(text, "…") == 0) return RP_BATCH_WAIT;
    item->text = rp_str(text);
    item->number = owner->read++;
    snprintf(item->head, sizeof(item->head), "\"n\":%lld", (long long)item->number);
    return RP_BATCH_ITEM;
}

static void result(void *arg, const struct rp_batch_result *given) {
    struct owner *owner = arg;
    size_t len = strlen(owner->lines);
    owner->results++;
    owner->failed += given->code != 0;
    if (len + given->line.len < sizeof(owner->lines)) memcpy(owner->lines + len, given->line.data, given->line.len);
    if (owner->pause_at_result) rp_batch_pause(owner->batch);
    if (owner->cancel_at_result) rp_batch_cancel(owner->batch);
}

static void done(void *arg) {
    struct owner *owner = arg;
    owner->dones++;
    rp_batch_destroy(owner->batch); /* allowed here */
    owner->batch = NULL;
}

static void open_owner(struct owner *owner, const char *const *texts, size_t concurrency, int64_t wait_ms) {
    static const struct rp_batch_ops ops = {.next = next, .result = result, .done = done};
    memset(owner, 0, sizeof(*owner));
    memset(&stage, 0, sizeof(stage));
    rig_open(&owner->rig);
    rig_add(&owner->rig, &stage_type, NULL);
    owner->texts = texts;
    const struct rp_batch_options options = {.ops = &ops,
                                             .arg = owner,
                                             .transport = &owner->rig.transport,
                                             .worker = owner->rig.worker,
                                             .concurrency = concurrency,
                                             .wait_ms = wait_ms,
                                             .id = "req",
                                             .address = RP_STR("192.0.2.7")};
    owner->batch = rp_batch_create(&options);
    rp_batch_go(owner->batch);
}

static void spin(struct owner *owner) {
    rig_spin(&owner->rig, 50);
}

static void advance(struct owner *owner, int64_t ms) {
    clock_advance(ms);
    timer_heap_poke(owner->rig.worker);
    spin(owner);
}

static void close_owner(struct owner *owner) {
    spin(owner);
    assert_int_equal(owner->dones, 1);
    assert_null(owner->batch);
    assert_int_equal(owner->rig.worker->holds, 0);
    rig_close(&owner->rig);
}

/* ---- concurrency and sessions ------------------------------------------------------------------------------------------ */

static void as_many_run_as_may(void **state) {
    static const char *const texts[] = {"\"a\"", "\"b\"", "\"c\"", "\"d\"", NULL};
    struct owner owner;
    (void)state;
    open_owner(&owner, texts, 2, 0);
    spin(&owner);
    assert_int_equal(stage.kept_count, 2);
    assert_int_equal(owner.read, 2); /* nothing is read that cannot run */
    let_go("b");
    spin(&owner);
    assert_string_equal(stage.order, "a b c");
    let_go("a");
    let_go("c");
    spin(&owner);
    let_go("d");
    close_owner(&owner);
    assert_int_equal(stage.most, 2);
    assert_int_equal(owner.results, 4);
    assert_int_equal(owner.failed, 0);
    assert_non_null(strstr(owner.lines, "{\"n\":1,\"status\":200,\"request_id\":\"req.1\",\"session\":\""));
}

static void a_session_is_one_row_that_takes_one_place(void **state) {
    static const char *const texts[] = {"{\"message\":\"a1\",\"session\":\"a\"}",
                                        "{\"message\":\"a2\",\"session\":\"a\"}",
                                        "{\"message\":\"a3\",\"session\":\"\\u0061\"}",
                                        "\"x\"",
                                        "{\"message\":\"b1\",\"session\":\"b\"}",
                                        "\"y\"",
                                        NULL};
    struct owner owner;
    (void)state;
    open_owner(&owner, texts, 3, 0);
    spin(&owner);
    assert_string_equal(stage.order, "x a1 b1");
    let_go("a1");
    spin(&owner);
    assert_string_equal(stage.order, "x a1 b1 a2"); /* before what came later */
    let_go("b1");
    let_go("a2");
    spin(&owner);
    assert_string_equal(stage.order, "x a1 b1 a2 y a3");
    let_go("y");
    let_go("a3");
    let_go("x");
    close_owner(&owner);
    assert_int_equal(owner.results, 6);
    assert_int_equal(owner.failed, 0);
}

static void what_is_read_ahead_is_bounded(void **state) {
    static const char *const texts[] = {"{\"message\":\"a\",\"session\":\"a\"}", NULL};
    struct owner owner;
    (void)state;
    open_owner(&owner, texts, 4, 0);
    owner.endless = true;
    for (int i = 0; i < 100; i++) spin(&owner);
    assert_int_equal(stage.kept_count, 1);
    assert_int_equal(owner.read, 257);
    rp_batch_cancel(owner.batch);
    close_owner(&owner);
    assert_int_equal(owner.results, 0);
    assert_int_equal(stage.cancelled, 1);
}

static void an_endless_row_of_mistakes_lets_others_work(void **state) {
    static const char *const texts[] = {"nonsense", NULL};
    struct owner owner;
    (void)state;
    open_owner(&owner, texts, 4, 0);
    owner.endless = true;
    rig_spin(&owner.rig, 1);
    assert_true(owner.results >= 64);
    rp_batch_stop(owner.batch);
    close_owner(&owner);
    assert_int_equal(owner.failed, owner.results);
}

/* ---- the source and pauses ---------------------------------------------------------------------------------------------- */

static void a_source_may_have_nothing_for_a_while(void **state) {
    static const char *const texts[] = {"\"now 1\"", "…", "\"now 2\"", "…", NULL};
    struct owner owner;
    (void)state;
    open_owner(&owner, texts, 2, 0);
    spin(&owner);
    assert_int_equal(owner.results, 1);
    rp_batch_go(owner.batch);
    spin(&owner);
    assert_int_equal(owner.results, 2);
    assert_int_equal(owner.dones, 0);
    rp_batch_go(owner.batch);
    close_owner(&owner);
}

static void a_pause_begins_nothing(void **state) {
    static const char *const texts[] = {"\"now 1\"", "\"now 2\"", "nonsense", "\"now 3\"", NULL};
    struct owner owner;
    (void)state;
    open_owner(&owner, texts, 1, 0);
    owner.pause_at_result = true;
    for (unsigned i = 1; i <= 4; i++) {
        spin(&owner);
        assert_int_equal(owner.results, i);
        if (owner.batch) rp_batch_go(owner.batch);
    }
    close_owner(&owner);
    assert_int_equal(owner.failed, 1);
}

/* ---- trying again ------------------------------------------------------------------------------------------------------- */

static void what_is_refused_for_now_is_tried_again_as_told(void **state) {
    static const char *const texts[] = {"{\"message\":\"a\",\"session\":\"s\"}",
                                        "{\"message\":\"now\",\"session\":\"s\"}", NULL};
    struct owner owner;
    (void)state;
    open_owner(&owner, texts, 2, 60000);
    stage.refusals = 2;
    stage.refusal = RP_ERATE;
    stage.retry_after = 5;
    spin(&owner);
    assert_int_equal(stage.begun, 1);
    advance(&owner, 4900);
    assert_int_equal(stage.begun, 1); /* the next of its session waits as well */
    advance(&owner, 400);
    assert_int_equal(stage.begun, 2);
    advance(&owner, 5300);
    assert_int_equal(stage.begun, 3);
    let_go("a");
    close_owner(&owner);
    assert_string_equal(stage.order, "a a a now");
    assert_int_equal(owner.failed, 0);
}

static void not_longer_than_is_waited_for(void **state) {
    static const char *const texts[] = {"\"a\"", NULL};
    struct owner owner;
    (void)state;
    open_owner(&owner, texts, 2, 3000);
    stage.refusals = 100;
    stage.refusal = RP_EUPRATE;
    for (int i = 0; i < 40; i++) advance(&owner, 250);
    close_owner(&owner);
    assert_int_equal(owner.failed, 1);
    assert_in_range(stage.begun, 3, 5); /* after 0.25, 0.5, 1 s and a bit */
    assert_non_null(strstr(owner.lines, "upstream_rate_limited"));
}

static void other_errors_are_results(void **state) {
    static const char *const texts[] = {"\"a\"", "\"  \"", NULL};
    struct owner owner;
    (void)state;
    open_owner(&owner, texts, 1, 60000);
    stage.refusals = 1;
    stage.refusal = RP_EUPSTREAM;
    close_owner(&owner);
    assert_int_equal(owner.failed, 2);
    assert_non_null(strstr(owner.lines, "\"status\":502,\"error\":{\"code\":\"upstream_error\""));
    assert_non_null(strstr(owner.lines, "the message is empty"));
}

static void the_limit_of_turns_is_waited_for(void **state) {
    static const char *const texts[] = {"\"a\"", "\"b\"", NULL};
    struct owner owner;
    (void)state;
    open_owner(&owner, texts, 2, 60000);
    owner.rig.runtime.limits.turns = 1;
    spin(&owner);
    assert_int_equal(stage.kept_count, 1);
    let_go("a");
    spin(&owner);
    advance(&owner, 1300);
    let_go("b");
    close_owner(&owner);
    assert_int_equal(owner.failed, 0);
}

/* ---- the end ------------------------------------------------------------------------------------------------------------ */

static void a_stop_finishes_what_is_under_way(void **state) {
    static const char *const texts[] = {"{\"message\":\"a\",\"session\":\"s\"}",
                                        "{\"message\":\"b\",\"session\":\"s\"}", "\"c\"", "\"d\"", NULL};
    struct owner owner;
    (void)state;
    open_owner(&owner, texts, 2, 60000);
    spin(&owner);
    assert_string_equal(stage.order, "c a"); /* a session is looked up first */
    rp_batch_stop(owner.batch);
    spin(&owner);
    assert_int_equal(owner.dones, 0);
    let_go("a");
    let_go("c");
    close_owner(&owner);
    assert_string_equal(stage.order, "c a");
    assert_int_equal(owner.results, 2);
}

static void a_stop_does_not_wait_for_another_try(void **state) {
    static const char *const texts[] = {"\"a\"", "\"b\"", NULL};
    struct owner owner;
    (void)state;
    open_owner(&owner, texts, 2, 60000);
    stage.refusals = 2;
    stage.refusal = RP_EBUSY;
    spin(&owner);
    rp_batch_stop(owner.batch);
    close_owner(&owner);
    assert_int_equal(owner.results, 0);
}

static void a_cancel_tells_nothing_more(void **state) {
    static const char *const texts[] = {"\"a\"", "\"b\"", "\"c\"", NULL};
    struct owner owner;
    (void)state;
    open_owner(&owner, texts, 3, 0);
    owner.cancel_at_result = true;
    spin(&owner);
    let_go("b");
    close_owner(&owner);
    assert_int_equal(owner.results, 1);
    assert_int_equal(stage.cancelled, 2);
}

/* A result of an item that never became a turn, whose owner has enough. */
static void a_cancel_inside_a_refusal(void **state) {
    static const char *const texts[] = {"\"  \"", "\"b\"", NULL};
    struct owner owner;
    (void)state;
    open_owner(&owner, texts, 3, 0);
    owner.cancel_at_result = true;
    close_owner(&owner);
    assert_int_equal(owner.results, 1);
    assert_int_equal(stage.begun, 0);
}

static void a_batch_may_end_before_it_begins(void **state) {
    static const char *const none[] = {NULL}, *const some[] = {"\"a\"", NULL};
    struct owner owner;
    (void)state;
    open_owner(&owner, none, 3, 0);
    close_owner(&owner);
    open_owner(&owner, some, 3, 0);
    rp_batch_cancel(owner.batch);
    close_owner(&owner);
    open_owner(&owner, some, 3, 0);
    rp_batch_destroy(owner.batch);
    assert_int_equal(owner.rig.worker->holds, 0);
    rig_close(&owner.rig);
}

static void on_drained(struct rp_worker *worker) {
    (void)worker;
}

static void what_a_shutdown_breaks_off_has_no_result(void **state) {
    static const char *const texts[] = {"\"a\"", "\"b\"", "\"c\"", NULL};
    struct owner owner;
    (void)state;
    open_owner(&owner, texts, 2, 60000);
    spin(&owner);
    worker_drain(owner.rig.worker, 1000, on_drained);
    turn_table_break_all(owner.rig.worker, RP_EDRAINING);
    close_owner(&owner);
    assert_int_equal(owner.results, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_run_as_may),
        cmocka_unit_test(a_session_is_one_row_that_takes_one_place),
        cmocka_unit_test(what_is_read_ahead_is_bounded),
        cmocka_unit_test(an_endless_row_of_mistakes_lets_others_work),
        cmocka_unit_test(a_source_may_have_nothing_for_a_while),
        cmocka_unit_test(a_pause_begins_nothing),
        cmocka_unit_test(what_is_refused_for_now_is_tried_again_as_told),
        cmocka_unit_test(not_longer_than_is_waited_for),
        cmocka_unit_test(other_errors_are_results),
        cmocka_unit_test(the_limit_of_turns_is_waited_for),
        cmocka_unit_test(a_stop_finishes_what_is_under_way),
        cmocka_unit_test(a_stop_does_not_wait_for_another_try),
        cmocka_unit_test(a_cancel_tells_nothing_more),
        cmocka_unit_test(a_cancel_inside_a_refusal),
        cmocka_unit_test(a_batch_may_end_before_it_begins),
        cmocka_unit_test(what_a_shutdown_breaks_off_has_no_result),
    };
    clock_hold();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
