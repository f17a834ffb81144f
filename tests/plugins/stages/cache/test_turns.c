/* Turns through the cache: which questions are the same, which answers are kept, and for whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "scene.h"

#define HELLO "Hello, world"

static void a_question_is_answered_again(void **state) {
    (void)state;
    scene_open();
    scene_expect("When do you open?", HELLO, "model:main");
    scene_expect("When do you open?", HELLO, "cache");
    scene_expect("  when do YOU\topen?\n", HELLO, "cache");
    scene_expect("Ｗｈｅｎ ｄｏ ｙｏｕ o\xe2\x80\x8bpen?", HELLO, "cache");
    assert_int_equal(scene.upstream.calls, 1);
    scene_expect("When do you close?", HELLO, "model:main");
    scene_expect("你们几点开门？", HELLO, "model:main");
    scene_expect("你们几点开门?", HELLO, "cache");
    assert_int_equal(scene.upstream.calls, 3);
    assert_int_equal(scene_count("misses"), 3);
    assert_int_equal(scene_count("hits"), 4);
    assert_int_equal(scene_count("stored"), 3);
    scene_close();
}

static void exactly_means_byte_by_byte(void **state) {
    (void)state;
    scene.options.exact = true;
    scene_open();
    scene_expect("When?", HELLO, "model:main");
    scene_expect("when?", HELLO, "model:main");
    scene_expect("When?", HELLO, "cache");
    scene_close();
}

static void it_is_played_back_as_a_stream_or_whole(void **state) {
    (void)state;
    static char piece[3002];
    static const char *const pieces[] = {"\xe4\xbd\xa0", piece, NULL};
    memset(piece, 'a', 3001);
    scene.upstream.pieces = pieces;
    scene_open();
    struct rig_client client = {0};
    scene_say(&client, "long");
    for (int stream = 0; stream < 2; stream++) {
        struct rp_turn_start start = {.message = RP_STR("long"), .stream = stream};
        rig_client_clear(&client);
        assert_int_equal(rig_start(&scene.rig, &client, &start), 0);
        rig_finish(&scene.rig, &client);
        assert_string_equal(client.by, "cache");
        assert_int_equal(client.text.len, 3004);
        assert_int_equal(client.writes, stream ? 3 : 1);
        assert_int_equal(client.finish, RP_FINISH_STOP);
    }
    rig_client_clear(&client);
    scene_close();
}

static void usage_is_paid_once(void **state) {
    (void)state;
    struct rig_client client = {0};
    scene.upstream.usage = (struct rp_usage){.input_tokens = 100, .output_tokens = 20};
    scene_open();
    scene_say(&client, "hi");
    assert_int_equal(client.usage.input_tokens, 100);
    assert_int_equal(client.usage.output_tokens, 20);
    scene_say(&client, "hi");
    assert_int_equal(client.usage.input_tokens, 0);
    rig_client_clear(&client);
    scene_close();
}

/* ---- what is not kept ------------------------------------------------------------------------------------------------ */

static void only_what_is_complete_is_kept(void **state) {
    (void)state;
    static const char *const broken[] = {"Hel", "!", NULL}, *const broken_at_once[] = {"!", NULL},
                             *const with_tool[] = {"Let me look", "?", NULL}, *const empty[] = {"", NULL};
    const struct {
        const char *const *pieces;
        enum rp_finish finish;
    } cases[] = {{broken, 0}, {broken_at_once, 0}, {with_tool, 0}, {empty, 0},
                 {NULL, RP_FINISH_LENGTH}, {NULL, RP_FINISH_FILTER}, {NULL, RP_FINISH_TOOLS}};
    for (int share = 0; share < 2; share++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            struct rig_client client = {0};
            scene_reset();
            scene.options.share = share;
            if (cases[i].pieces) scene.upstream.pieces = cases[i].pieces;
            scene.upstream.finish = cases[i].finish;
            scene_open();
            scene_say(&client, "hi");
            scene_say(&client, "hi");
            assert_int_equal(scene.upstream.calls, 2);
            assert_int_equal(scene_count("stored"), 0);
            if (cases[i].pieces == broken) assert_int_equal(client.code, RP_EUPSTREAM);
            if (!cases[i].pieces) assert_int_equal(client.finish, cases[i].finish);
            rig_client_clear(&client);
            scene_close();
        }
    }
}

static void a_reply_longer_than_allowed_is_given_but_not_kept(void **state) {
    (void)state;
    for (int share = 0; share < 2; share++) {
        scene_reset();
        scene.options.share = share;
        scene.options.max_reply = 11;
        scene_open();
        scene_expect("hi", HELLO, "model:main");
        scene_expect("hi", HELLO, "model:main");
        scene_close();
    }
}

static void a_long_question_is_passed_on(void **state) {
    (void)state;
    static char message[2100];
    memset(message, 'a', sizeof message - 1);
    scene_open();
    scene_expect(message, HELLO, "model:main");
    scene_expect(message, HELLO, "model:main");
    assert_int_equal(scene_count("passed"), 2);
    scene_close();
}

static void an_answer_grows_old(void **state) {
    (void)state;
    scene_open();
    scene_expect("hi", HELLO, "model:main");
    clock_advance(599999);
    scene_expect("hi", HELLO, "cache");
    clock_advance(1);
    scene_expect("hi", HELLO, "model:main");
    scene_expect("hi", HELLO, "cache");
    scene_close();
}

static void a_stale_answer_is_given_while_a_new_one_is_asked_for(void **state) {
    (void)state;
    static const char *const other[] = {"Good", " day", NULL};
    scene.options.stale = 60000;
    scene_open();
    scene_expect("hi", HELLO, "model:main");
    scene.upstream.pieces = other;
    clock_advance(600000);
    scene_expect("hi", HELLO, "cache");
    rig_spin(&scene.rig, 20);
    assert_int_equal(scene.upstream.calls, 2);
    assert_int_equal(scene_count("stale"), 1);
    scene_expect("hi", "Good day", "cache");
    assert_int_equal(scene.upstream.calls, 2);
    clock_advance(660000);
    scene_expect("hi", "Good day", "model:main");
    scene_close();
}

static void a_renewal_that_fails_leaves_the_old_one_and_is_not_tried_all_the_time(void **state) {
    (void)state;
    static const char *const broken[] = {"!", NULL};
    scene.options.stale = 60000;
    scene_open();
    scene_expect("hi", HELLO, "model:main");
    scene.upstream.pieces = broken;
    clock_advance(600000);
    for (int i = 0; i < 10; i++) {
        scene_expect("hi", HELLO, "cache");
        rig_spin(&scene.rig, 10);
    }
    assert_int_equal(scene.upstream.calls, 2);
    clock_advance(5000);
    scene_expect("hi", HELLO, "cache");
    rig_spin(&scene.rig, 10);
    assert_int_equal(scene.upstream.calls, 3);
    scene_close();
}

/* ---- what makes another question ---------------------------------------------------------------------------------------- */

static unsigned variant;

static void vary_prompt(struct rp_turn *turn) {
    static const char *const stop[] = {"END", NULL};
    static const struct rp_message example[] = {{.role = RP_ROLE_USER, .text = {"a", 1}},
                                                {.role = RP_ROLE_ASSISTANT, .text = {"b", 1}}};
    static struct rp_model model = {.element = {.name = "other"}};
    struct rp_prompt *prompt = rp_turn_prompt(turn);
    switch (variant) {
    case 1: prompt->system = RP_STR("be kind"); break;
    case 2: prompt->temperature = 0.5; break;
    case 3: prompt->top_p = 0.5; break;
    case 4: prompt->max_tokens = 10; break;
    case 5: prompt->stop = stop; break;
    case 6: prompt->grammar = "root ::= \"a\""; break;
    case 7: prompt->note = RP_STR("be kind"); break;
    case 8: prompt->model = &model; break;
    case 9: prompt->examples = example; prompt->example_count = 2; break;
    case 10: prompt->examples = example; prompt->example_count = 1; break;
    case 11: prompt->schema = json_pack("{s:s}", "type", "object"); break;
    case 12: prompt->tools = json_pack("[{s:s}]", "name", "look"); break;
    case 13: rp_turn_set_message(turn, RP_STR("ho")); break;
    default: break;
    }
    if (prompt->schema) rp_arena_defer(turn->arena, (void (*)(void *))json_delete, (void *)(uintptr_t)prompt->schema);
    if (prompt->tools) rp_arena_defer(turn->arena, (void (*)(void *))json_delete, (void *)(uintptr_t)prompt->tools);
}

static void whatever_shapes_the_answer_makes_another_question(void **state) {
    (void)state;
    struct rig_client client = {0};
    scene.prepare = vary_prompt;
    scene_open();
    for (variant = 0; variant < 14; variant++) {
        scene_say_as(&client, "hi", "ann", "");
        assert_string_equal(client.by, "model:main");
        scene_say_as(&client, "hi", "ann", "");
        assert_string_equal(client.by, "cache");
    }
    assert_int_equal(scene.upstream.calls, 14);
    rig_client_clear(&client);
    scene_close();
}

static void say_with(struct rig_client *client, const char *metadata) {
    json_t *json = json_loads(metadata, 0, NULL);
    struct rp_turn_start start = {.message = RP_STR("hi"), .metadata = json};
    rig_client_clear(client);
    assert_int_equal(rig_start(&scene.rig, client, &start), 0);
    json_decref(json);
    rig_finish(&scene.rig, client);
}

static void metadata_counts_where_it_is_told_to(void **state) {
    (void)state;
    static const char *const vary[] = {"tenant"};
    struct rig_client client = {0};
    scene.options.vary = (struct rp_option_list){vary, 1};
    scene_open();
    say_with(&client, "{\"tenant\": \"a\"}");
    say_with(&client, "{\"tenant\": \"b\"}");
    assert_string_equal(client.by, "model:main");
    say_with(&client, "{\"tenant\": \"a\", \"page\": 7}");
    assert_string_equal(client.by, "cache");
    say_with(&client, "{\"tenant\": \"a\", \"images\": [\"https://a\"]}");
    assert_string_equal(client.by, "model:main");
    rig_client_clear(&client);
    scene_close();
}

/* ---- whose answer it is -------------------------------------------------------------------------------------------------- */

static void expect_by(const char *user, const char *session, const char *by) {
    struct rig_client client = {0};
    scene_say_as(&client, "hi", user, session);
    assert_string_equal(client.by, by);
    rig_client_clear(&client);
}

static void everybody_shares_unless_told_otherwise(void **state) {
    (void)state;
    scene_open();
    expect_by("ann", "", "model:main");
    expect_by("bob", "", "cache");
    expect_by("", "", "cache");
    scene_close();
    scene_reset();
    scene.options.per = PER_USER;
    scene_open();
    expect_by("ann", "", "model:main");
    expect_by("ann", "", "cache");
    expect_by("bob", "", "model:main");
    expect_by("", "s1", "model:main");
    expect_by("", "s2", "model:main"); /* nobody in particular is not somebody else */
    expect_by("", "s1", "cache");
    scene_close();
}

static void give_tools(struct rp_turn *turn) {
    json_t *tools = json_pack("[{s:s}]", "name", "my_orders");
    rp_turn_prompt(turn)->tools = tools;
    rp_arena_defer(turn->arena, (void (*)(void *))json_delete, tools);
}

static void with_tools_an_answer_is_personal(void **state) {
    (void)state;
    scene.prepare = give_tools;
    scene_open();
    expect_by("ann", "", "model:main");
    expect_by("ann", "", "cache");
    expect_by("bob", "", "model:main");
    scene_close();
}

static void the_history_decides(void **state) {
    (void)state;
    const struct {
        int history;
        const char *first, *second, *other;
    } cases[] = {
        {HISTORY_SKIP, "model:main", "model:main", "model:main"},
        {HISTORY_KEY, "model:main", "cache", "model:main"}, /* the same user's same conversation only */
        {HISTORY_IGNORE, "cache", "cache", "cache"},
    };
    for (size_t i = 0; i < 3; i++) {
        struct test_store store;
        scene_reset();
        test_store_init(&store);
        scene.options.history = cases[i].history;
        scene_open();
        scene.rig.runtime.store = &store.store;
        expect_by("ann", "a1", "model:main");
        expect_by("ann", "a1", cases[i].first);
        expect_by("ann", "a2", "cache"); /* a first question */
        expect_by("ann", "a2", cases[i].second);
        expect_by("bob", "b1", "cache");
        expect_by("bob", "b1", cases[i].other);
        test_store_finish(&store);
        scene_close();
    }
}

/* ---- who does not like it ------------------------------------------------------------------------------------------------ */

static unsigned restarts;

static void judge(struct rp_tap *tap, struct rp_turn *turn, const struct rp_chunk *chunk, enum rp_flow flow) {
    if (restarts > 0) {
        restarts--;
        rp_tap_restart(tap);
        return;
    }
    (void)turn;
    rp_tap_next(tap, chunk, flow);
}

static void an_answer_that_is_sent_back_is_forgotten(void **state) {
    (void)state;
    scene.judge.write = judge;
    scene_open();
    scene_expect("hi", HELLO, "model:main");
    restarts = 1;
    scene_expect("hi", HELLO, "model:main");
    assert_int_equal(scene.upstream.calls, 2);
    scene_expect("hi", HELLO, "model:main");
    scene_expect("hi", HELLO, "cache");
    assert_int_equal(scene.upstream.calls, 3);
    restarts = 1; /* while it is being asked for */
    scene_expect("ho", HELLO, "model:main");
    assert_int_equal(scene.upstream.calls, 5);
    scene_close();
}

static char *explanation;

static void take_explanation(struct rig_client *client) {
    free(explanation);
    explanation = json_dumps(rp_turn_record(client->turn), 0);
}

static void an_explained_turn_tells_what_happened(void **state) {
    (void)state;
    static const char *const wanted[] = {"\"what\": \"miss\"",
                                         "\"what\": \"hit\", \"from\": \"memory\", \"age_ms\": 0, \"by\": \"model:main\""};
    scene_open();
    for (int i = 0; i < 2; i++) {
        struct rig_client client = {.on_text = take_explanation};
        struct rp_turn_start start = {.message = RP_STR("hi"), .explain = true};
        assert_int_equal(rig_start(&scene.rig, &client, &start), 0);
        rig_finish(&scene.rig, &client);
        if (!strstr(explanation, wanted[i])) fail_msg("%s is not in %s", wanted[i], explanation);
        rig_client_clear(&client);
    }
    free(explanation);
    assert_int_equal(scene.upstream.calls, 1);
    scene_close();
}

static int setup(void **state) {
    (void)state;
    scene_reset();
    return 0;
}

int main(void) {
#define TURN_TEST(test) cmocka_unit_test_setup(test, setup)
    const struct CMUnitTest tests[] = {
        TURN_TEST(a_question_is_answered_again),
        TURN_TEST(exactly_means_byte_by_byte),
        TURN_TEST(it_is_played_back_as_a_stream_or_whole),
        TURN_TEST(usage_is_paid_once),
        TURN_TEST(only_what_is_complete_is_kept),
        TURN_TEST(a_reply_longer_than_allowed_is_given_but_not_kept),
        TURN_TEST(a_long_question_is_passed_on),
        TURN_TEST(an_answer_grows_old),
        TURN_TEST(a_stale_answer_is_given_while_a_new_one_is_asked_for),
        TURN_TEST(a_renewal_that_fails_leaves_the_old_one_and_is_not_tried_all_the_time),
        TURN_TEST(whatever_shapes_the_answer_makes_another_question),
        TURN_TEST(metadata_counts_where_it_is_told_to),
        TURN_TEST(everybody_shares_unless_told_otherwise),
        TURN_TEST(with_tools_an_answer_is_personal),
        TURN_TEST(the_history_decides),
        TURN_TEST(an_answer_that_is_sent_back_is_forgotten),
        TURN_TEST(an_explained_turn_tells_what_happened),
    };
    clock_freeze(INT64_C(1790000000000));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
