/* Turns that ask the same at the same time: one call for all, whoever comes late or leaves early. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scene.h"

#define HELLO "Hello, world"
#define CROWD 20

static struct rig_client clients[CROWD];

static void begin_as(size_t number, const char *message, const char *user) {
    struct rp_turn_start start = {.message = rp_str(message), .user = rp_str(user), .stream = true};
    assert_int_equal(rig_start(&scene.rig, &clients[number], &start), 0);
    rig_spin(&scene.rig, 5);
}

static void begin(size_t number) {
    begin_as(number, "hi", "");
}

static void expect(size_t number, const char *text, const char *by) {
    rig_finish(&scene.rig, &clients[number]);
    assert_int_equal(clients[number].ends, 1);
    assert_string_equal(clients[number].text.data, text);
    assert_string_equal(clients[number].by, by);
}

static void expect_error(size_t number, int code) {
    rig_finish(&scene.rig, &clients[number]);
    assert_int_equal(clients[number].errors, 1);
    assert_int_equal(clients[number].code, code);
}

static const char *text_of(size_t number) {
    return clients[number].text.data ? clients[number].text.data : "";
}

static void a_crowd_makes_one_call(void **state) {
    (void)state;
    scene.upstream.usage = (struct rp_usage){.input_tokens = 100, .output_tokens = 20};
    for (size_t i = 0; i < CROWD; i++) begin(i);
    assert_int_equal(scene.upstream.calls, 1);
    scene_allow(UINT_MAX);
    expect(0, HELLO, "model:main");
    assert_int_equal(clients[0].usage.input_tokens, 100);
    for (size_t i = 1; i < CROWD; i++) {
        expect(i, HELLO, "cache");
        assert_int_equal(clients[i].usage.input_tokens, 0);
    }
    assert_int_equal(scene.upstream.calls, 1);
    assert_int_equal(scene_count("joined"), CROWD - 1);
    assert_int_equal(scene_count("misses"), 1);
    assert_int_equal(scene_count("stored"), 1);
}

static void whoever_comes_late_gets_the_text_so_far_and_then_the_stream(void **state) {
    (void)state;
    begin(0);
    scene_allow(1);
    assert_string_equal(text_of(0), "Hello");
    begin(1);
    assert_string_equal(text_of(1), "Hello");
    scene_allow(1);
    assert_string_equal(text_of(0), "Hello, ");
    assert_string_equal(text_of(1), "Hello, ");
    begin(2);
    assert_string_equal(text_of(2), "Hello, ");
    scene_allow(1);
    for (size_t i = 0; i < 3; i++) expect(i, HELLO, i ? "cache" : "model:main");
    assert_int_equal(scene.upstream.calls, 1);
}

static void the_first_may_leave(void **state) {
    (void)state;
    begin(0);
    begin(1);
    scene_allow(1);
    rp_turn_cancel(clients[0].turn);
    rig_spin(&scene.rig, 5);
    assert_int_equal(clients[0].dones, 1);
    assert_int_equal(scene.upstream.closes, 0);
    begin(2);
    scene_allow(UINT_MAX);
    expect(1, HELLO, "cache");
    expect(2, HELLO, "cache");
    assert_int_equal(scene.upstream.calls, 1);
}

static void the_last_who_leaves_ends_the_call(void **state) {
    (void)state;
    begin(0);
    begin(1);
    scene_allow(1);
    rp_turn_cancel(clients[0].turn);
    rig_spin(&scene.rig, 5);
    assert_int_equal(scene.upstream.closes, 0);
    rp_turn_cancel(clients[1].turn);
    rig_spin(&scene.rig, 5);
    assert_int_equal(scene.upstream.closes, 1);
    scene_allow(UINT_MAX);
    begin(2); /* begins anew */
    expect(2, HELLO, "model:main");
    assert_int_equal(scene.upstream.calls, 2);
}

static void a_slow_reader_holds_up_nobody(void **state) {
    (void)state;
    clients[0].manual = true;
    begin(0);
    begin(1);
    scene_allow(UINT_MAX);
    expect(1, HELLO, "cache");
    assert_string_equal(text_of(0), "Hello");
    assert_int_equal(clients[0].dones, 0);
    clients[0].manual = false;
    rp_turn_more(clients[0].turn);
    expect(0, HELLO, "model:main");
}

/* ---- errors -------------------------------------------------------------------------------------------------------- */

static void an_error_in_the_middle_is_everybodys(void **state) {
    (void)state;
    static const char *const broken[] = {"Hel", "!", NULL};
    scene.upstream.pieces = broken;
    begin(0);
    begin(1);
    scene_allow(UINT_MAX);
    expect_error(0, RP_EUPSTREAM);
    expect_error(1, RP_EUPSTREAM);
    assert_string_equal(text_of(1), "Hel");
    assert_int_equal(scene.upstream.calls, 1);
}

/* Who joined a call that then failed before its first word asks once more, together with the others. */
static void an_error_at_the_start_is_only_the_firsts(void **state) {
    (void)state;
    static const char *const broken[] = {"!", NULL};
    const char *const *good = scene.upstream.pieces;
    scene.upstream.pieces = broken;
    for (size_t i = 0; i < 5; i++) begin(i);
    scene_allow(1);
    expect_error(0, RP_EUPSTREAM);
    assert_int_equal(scene.upstream.calls, 2);
    scene.upstream.pieces = good;
    scene_allow(UINT_MAX);
    unsigned makers = 0;
    for (size_t i = 1; i < 5; i++) {
        rig_finish(&scene.rig, &clients[i]);
        assert_string_equal(text_of(i), HELLO);
        makers += strcmp(clients[i].by, "model:main") == 0;
    }
    assert_int_equal(makers, 1);
    assert_int_equal(scene.upstream.calls, 2);
}

static void a_second_error_is_final(void **state) {
    (void)state;
    static const char *const broken[] = {"!", NULL};
    scene.upstream.pieces = broken;
    for (size_t i = 0; i < 5; i++) begin(i);
    scene_allow(UINT_MAX);
    for (size_t i = 0; i < 5; i++) expect_error(i, RP_EUPSTREAM);
    assert_int_equal(scene.upstream.calls, 2);
}

/* ---- who must not share -------------------------------------------------------------------------------------------- */

static void give_tools(struct rp_turn *turn) {
    json_t *tools = json_pack("[{s:s}]", "name", "my_orders");
    rp_turn_prompt(turn)->tools = tools;
    rp_arena_defer(turn->arena, (void (*)(void *))json_delete, tools);
}

static void personal_calls_are_shared_with_nobody_else(void **state) {
    (void)state;
    scene.prepare = give_tools;
    begin_as(0, "hi", "ann");
    begin_as(1, "hi", "bob");
    begin_as(2, "hi", "ann");
    assert_int_equal(scene.upstream.calls, 2);
    scene_allow(UINT_MAX);
    expect(0, HELLO, "model:main");
    expect(1, HELLO, "model:main");
    expect(2, HELLO, "cache");
}

static void give_a_runner(struct rp_turn *turn) {
    rp_turn_prompt(turn)->runner = (const void *)"somebody";
}

static void tools_that_run_in_the_turn_are_its_own(void **state) {
    (void)state;
    scene.prepare = give_a_runner;
    begin_as(0, "hi", "ann");
    begin_as(1, "hi", "ann");
    assert_int_equal(scene.upstream.calls, 2);
    scene_allow(UINT_MAX);
    expect(0, HELLO, "model:main");
    expect(1, HELLO, "model:main");
    begin_as(2, "hi", "ann");
    expect(2, HELLO, "cache");
}

static void they_may_be_told_not_to(void **state) {
    (void)state;
    scene.options.share = false;
    begin(0);
    begin(1);
    assert_int_equal(scene.upstream.calls, 2);
    scene_allow(UINT_MAX);
    expect(0, HELLO, "model:main");
    expect(1, HELLO, "model:main");
}

/* ---- ends ---------------------------------------------------------------------------------------------------------- */

static void at_the_end_of_the_worker_everybody_is_told(void **state) {
    (void)state;
    begin(0);
    begin(1);
    scene_allow(1);
    turn_table_break_all(scene.rig.worker, RP_EDRAINING);
    expect_error(0, RP_EDRAINING);
    expect_error(1, RP_EDRAINING);
}

static void a_deadline_that_passes_is_an_error(void **state) {
    (void)state;
    scene.rig.runtime.limits.turn_ms = 30;
    begin(0);
    begin(1);
    expect_error(0, RP_EDEADLINE);
    expect_error(1, RP_EDEADLINE);
}

static int setup(void **state) {
    (void)state;
    scene_reset();
    scene.upstream.allowed = 0;
    memset(clients, 0, sizeof clients);
    scene_open();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    scene_close();
    for (size_t i = 0; i < CROWD; i++) rig_client_clear(&clients[i]);
    return 0;
}

int main(void) {
#define FLIGHT_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        FLIGHT_TEST(a_crowd_makes_one_call),
        FLIGHT_TEST(whoever_comes_late_gets_the_text_so_far_and_then_the_stream),
        FLIGHT_TEST(the_first_may_leave),
        FLIGHT_TEST(the_last_who_leaves_ends_the_call),
        FLIGHT_TEST(a_slow_reader_holds_up_nobody),
        FLIGHT_TEST(an_error_in_the_middle_is_everybodys),
        FLIGHT_TEST(an_error_at_the_start_is_only_the_firsts),
        FLIGHT_TEST(a_second_error_is_final),
        FLIGHT_TEST(personal_calls_are_shared_with_nobody_else),
        FLIGHT_TEST(tools_that_run_in_the_turn_are_its_own),
        FLIGHT_TEST(they_may_be_told_not_to),
        FLIGHT_TEST(at_the_end_of_the_worker_everybody_is_told),
        FLIGHT_TEST(a_deadline_that_passes_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
