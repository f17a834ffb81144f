/* The laws of a turn, one by one: what is paid once, what is closed once, and what happens to those who break them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/core/turn/script.h"

static const char *const hello[] = {"Hel", "lo, ", "world", NULL};
static const char *const broken[] = {"Hel", "!", NULL};

/* Runs one turn through up to three stages and checks what must hold for every turn. */
static void run(struct rig *rig, struct rig_client *client, struct script *scripts, size_t count) {
    rig_open(rig);
    for (size_t i = 0; i < count; i++) rig_add(rig, &script_stage, &scripts[i]);
    assert_int_equal(rig_say(rig, client, "hi"), 0);
    rig_finish(rig, client);
    rig_spin(rig, 3);
    assert_int_equal(client->dones, 1);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(scripts[i].sources, scripts[i].source_closes);
        if (scripts[i].tap) assert_int_equal(scripts[i].tap_closes, scripts[i].turns);
    }
    rig_close(rig);
}

static void expect_text(struct rig_client *client, const char *text) {
    assert_int_equal(client->ends, 1);
    assert_int_equal(client->errors, 0);
    assert_string_equal(client->text.data ? client->text.data : "", text);
    rig_client_clear(client);
}

static void expect_error(struct rig_client *client, int code) {
    assert_int_equal(client->errors, 1);
    assert_int_equal(client->ends, 0);
    assert_int_equal(client->code, code);
    rig_client_clear(client);
}

static void a_reply_passes_every_stage(void **state) {
    (void)state;
    struct rig rig;
    struct rig_client client = {0};
    struct script scripts[] = {{.act = ACT_PASS}, {.act = ACT_PASS}, {.act = ACT_REPLY, .pieces = hello}};
    run(&rig, &client, scripts, 3);
    assert_int_equal(client.writes, 3);
    assert_string_equal(client.by, "script");
    expect_text(&client, "Hello, world");
}

static void a_kept_turn_goes_on_when_it_is_resumed(void **state) {
    (void)state;
    const enum script_act acts[] = {ACT_RESUME_NOW, ACT_RESUME_LATER};
    for (size_t i = 0; i < 2; i++) {
        struct rig rig;
        struct rig_client client = {0};
        struct script scripts[] = {{.act = acts[i]}, {.act = ACT_REPLY_LATER, .pieces = hello, .source_later = true}};
        run(&rig, &client, scripts, 2);
        assert_int_equal(scripts[0].cancels, 0);
        expect_text(&client, "Hello, world");
    }
}

static void a_second_resume_is_refused(void **state) {
    (void)state;
    struct rig rig;
    struct rig_client client = {0};
    struct script scripts[] = {{.act = ACT_RESUME_TWICE}, {.act = ACT_REPLY, .pieces = hello}};
    run(&rig, &client, scripts, 2);
    assert_int_equal(scripts[0].refused, 1);
    assert_int_equal(scripts[1].turns, 1);
    expect_text(&client, "Hello, world");
}

static void a_second_reply_is_refused_and_closed(void **state) {
    (void)state;
    struct rig rig;
    struct rig_client client = {0};
    struct script scripts[] = {{.act = ACT_REPLY_TWICE, .pieces = hello}};
    run(&rig, &client, scripts, 1);
    assert_int_equal(scripts[0].refused, 1);
    assert_int_equal(scripts[0].sources, 2);
    assert_int_equal(scripts[0].source_closes, 2);
    expect_text(&client, "Hello, world");
}

static void a_reply_counts_though_the_stage_says_pass(void **state) {
    (void)state;
    struct rig rig;
    struct rig_client client = {0};
    struct script scripts[] = {{.act = ACT_REPLY_AND_PASS, .pieces = hello}, {.act = ACT_FAIL}};
    run(&rig, &client, scripts, 2);
    assert_int_equal(scripts[1].turns, 0);
    expect_text(&client, "Hello, world");
}

static void a_failure_reaches_the_client_through_the_taps(void **state) {
    (void)state;
    struct rig rig;
    struct rig_client client = {0};
    struct script scripts[] = {{.act = ACT_PASS, .tap = TAP_HOLD}, {.act = ACT_FAIL}};
    run(&rig, &client, scripts, 2);
    assert_int_equal(client.retry_after, 3);
    expect_error(&client, RP_ERATE);
}

static void nobody_answers(void **state) {
    (void)state;
    struct rig rig;
    struct rig_client client = {0};
    struct script scripts[] = {{.act = ACT_PASS}, {.act = ACT_RESUME_LATER}};
    run(&rig, &client, scripts, 2);
    expect_error(&client, RP_ENOREPLY);
    struct rig_client other = {0};
    run(&rig, &other, NULL, 0);
    expect_error(&other, RP_ENOREPLY);
}

static void a_broken_reply_ends_as_an_error(void **state) {
    (void)state;
    const enum script_tap taps[] = {TAP_FORWARD, TAP_HOLD, TAP_SPLIT, TAP_LATER};
    for (size_t i = 0; i < 4; i++) {
        struct rig rig;
        struct rig_client client = {0};
        struct script scripts[] = {{.act = ACT_PASS, .tap = taps[i]}, {.act = ACT_REPLY, .pieces = broken}};
        run(&rig, &client, scripts, 2);
        assert_int_equal(client.retry_after, 7);
        expect_error(&client, RP_EUPSTREAM);
    }
}

static void taps_may_hold_split_and_delay(void **state) {
    (void)state;
    const enum script_tap taps[] = {TAP_NONE, TAP_FORWARD, TAP_HOLD, TAP_SPLIT, TAP_LATER};
    for (size_t outer = 0; outer < 5; outer++) {
        for (size_t inner = 0; inner < 5; inner++) {
            for (int later = 0; later < 2; later++) {
                struct rig rig;
                struct rig_client client = {0};
                struct script scripts[] = {{.act = ACT_PASS, .tap = taps[outer]},
                                           {.act = ACT_RESUME_LATER, .tap = taps[inner]},
                                           {.act = ACT_REPLY, .pieces = hello, .source_later = later}};
                run(&rig, &client, scripts, 3);
                if (taps[outer] == TAP_SPLIT) assert_int_equal(client.writes, strlen("Hello, world"));
                if (taps[outer] == TAP_HOLD) assert_int_equal(client.writes, 1);
                expect_text(&client, "Hello, world");
            }
        }
    }
}

static void a_chunk_forwarded_twice_is_refused(void **state) {
    (void)state;
    struct rig rig;
    struct rig_client client = {0};
    struct script scripts[] = {{.act = ACT_PASS, .tap = TAP_TWICE}, {.act = ACT_REPLY, .pieces = hello}};
    run(&rig, &client, scripts, 2);
    assert_int_equal(scripts[0].refused, 3);
    expect_text(&client, "Hello, world");
}

static void a_source_that_writes_twice_is_refused(void **state) {
    (void)state;
    struct rig rig;
    struct rig_client client = {0};
    const char *const one[] = {"a", NULL};
    struct script scripts[] = {{.act = ACT_REPLY, .pieces = one, .source_double = true}};
    run(&rig, &client, scripts, 1);
    assert_int_equal(scripts[0].refused, 1);
    expect_text(&client, "a");
}

static void a_tap_may_end_a_reply_early(void **state) {
    (void)state;
    struct rig rig;
    struct rig_client client = {0};
    struct script scripts[] = {{.act = ACT_PASS, .tap = TAP_CUT}, {.act = ACT_REPLY, .pieces = hello}};
    run(&rig, &client, scripts, 2);
    expect_text(&client, "Hel");
}

static void a_tap_that_loses_the_end_breaks_the_reply(void **state) {
    (void)state;
    struct rig rig;
    struct rig_client client = {0};
    struct script scripts[] = {{.act = ACT_PASS, .tap = TAP_LOSE_END}, {.act = ACT_REPLY, .pieces = hello}};
    run(&rig, &client, scripts, 2);
    expect_error(&client, RP_EINTERNAL);
}

static void a_tap_restarts_the_inner_stages_before_text_has_passed(void **state) {
    (void)state;
    struct rig rig;
    struct rig_client client = {0};
    struct script scripts[] = {{.act = ACT_PASS, .tap = TAP_RETRY},
                               {.act = ACT_PASS, .tap = TAP_HOLD},
                               {.act = ACT_REPLY, .pieces = hello}};
    run(&rig, &client, scripts, 3);
    assert_int_equal(scripts[0].turns, 1);
    assert_int_equal(scripts[0].refused, 1); /* a restart after the text */
    assert_int_equal(scripts[1].turns, 2);
    assert_int_equal(scripts[1].tap_closes, 2);
    assert_int_equal(scripts[2].sources, 2);
    expect_text(&client, "Hello, world");
}

/* A stage with two taps: the outer one asks for a second reply, the inner one puts a star in front of each. */
struct starring {
    struct rp_tap tap;
    bool starred;
    unsigned agains;
};
static struct starring outer, inner;

static void ask_twice(struct rp_tap *tap, struct rp_turn *turn, const struct rp_chunk *chunk, enum rp_flow flow) {
    (void)turn;
    if (flow == RP_MORE && outer.agains == 0)
        rp_tap_more(tap);
    else if (outer.agains++ == 0)
        rp_tap_restart(tap);
    else
        rp_tap_next(tap, chunk, flow);
}

static void put_star(struct rp_tap *tap, struct rp_turn *turn, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct rp_chunk given = *chunk;
    if (!inner.starred && chunk->type == RP_CHUNK_TEXT)
        given.text = rp_str(rp_arena_printf(turn->arena, "*%.*s", RP_STR_ARG(chunk->text)));
    inner.starred = true;
    rp_tap_next(tap, &given, flow);
}

static void star_again(struct rp_tap *tap, struct rp_turn *turn) {
    (void)tap;
    (void)turn;
    inner.agains++;
    inner.starred = false;
}

static enum rp_outcome push_both(struct rp_stage *stage, struct rp_turn *turn) {
    static const struct rp_tap_ops outer_ops = {.write = ask_twice};
    static const struct rp_tap_ops inner_ops = {.write = put_star, .again = star_again};
    (void)stage;
    rp_tap_push(turn, &outer.tap, &outer_ops);
    rp_tap_push(turn, &inner.tap, &inner_ops);
    return RP_PASS;
}

static void a_tap_of_the_same_stage_begins_again(void **state) {
    static const struct rp_stage_type both = {.type = {.name = "both"}, .on_turn = push_both};
    (void)state;
    struct rig rig;
    struct rig_client client = {0};
    struct script behind[] = {{.act = ACT_PASS, .tap = TAP_FORWARD}, {.act = ACT_REPLY, .pieces = hello}};
    outer = inner = (struct starring){.agains = 0};
    rig_open(&rig);
    rig_add(&rig, &both, NULL);
    rig_add(&rig, &script_stage, &behind[0]);
    rig_add(&rig, &script_stage, &behind[1]);
    assert_int_equal(rig_say(&rig, &client, "hi"), 0);
    rig_finish(&rig, &client);
    expect_text(&client, "*Hello, world");
    assert_int_equal(inner.agains, 1);
    assert_int_equal(behind[0].tap_closes, 2);
    assert_int_equal(behind[1].source_closes, 2);
    rig_client_clear(&client);
    rig_close(&rig);
}

/* ---- ends from outside ------------------------------------------------------------------------------------------------ */

static void the_deadline_collects_unpaid_debts(void **state) {
    (void)state;
    struct script stuck[][2] = {
        {{.act = ACT_KEEP}, {.act = ACT_PASS}},
        {{.act = ACT_PASS, .tap = TAP_NEVER}, {.act = ACT_REPLY, .pieces = hello}},
        {{.act = ACT_PASS, .tap = TAP_HOLD}, {.act = ACT_REPLY, .pieces = hello, .source_silent = true}},
    };
    for (size_t i = 0; i < 3; i++) {
        struct rig rig;
        struct rig_client client = {0};
        rig_open(&rig);
        rig.runtime.limits.turn_ms = 5;
        rig_add(&rig, &script_stage, &stuck[i][0]);
        rig_add(&rig, &script_stage, &stuck[i][1]);
        assert_int_equal(rig_say(&rig, &client, "hi"), 0);
        rig_finish(&rig, &client);
        assert_int_equal(stuck[i][0].cancels, i == 0);
        assert_int_equal(stuck[i][1].sources, stuck[i][1].source_closes);
        assert_int_equal(stuck[i][0].tap_closes, i != 0);
        rig_close(&rig);
        expect_error(&client, RP_EDEADLINE);
    }
}

static void who_starts_a_turn_may_give_it_a_time_of_its_own(void **state) {
    (void)state;
    struct rig rig;
    struct rig_client client = {0};
    struct script stuck = {.act = ACT_KEEP};
    struct rp_turn_start start = {.message = RP_STR("hi"), .time_ms = 5, .patient = true};
    rig_open(&rig);
    rig_add(&rig, &script_stage, &stuck);
    assert_int_equal(rig_start(&rig, &client, &start), 0);
    assert_true(client.turn->patient);
    rig_finish(&rig, &client);
    rig_close(&rig);
    expect_error(&client, RP_EDEADLINE);
}

static void the_deadline_does_not_wait_for_a_client_that_asks_no_more(void **state) {
    (void)state;
    struct rig rig;
    struct rig_client client = {.manual = true};
    struct script scripts[] = {{.act = ACT_REPLY, .pieces = hello}};
    rig_open(&rig);
    rig.runtime.limits.turn_ms = 5;
    rig_add(&rig, &script_stage, scripts);
    assert_int_equal(rig_say(&rig, &client, "hi"), 0);
    rig_finish(&rig, &client);
    assert_int_equal(client.writes, 2);
    rig_close(&rig);
    expect_error(&client, RP_EDEADLINE);
}

static void cancel_once(struct script *scripts, size_t count, unsigned passes) {
    struct rig rig;
    struct rig_client client = {0};
    rig_open(&rig);
    for (size_t i = 0; i < count; i++) rig_add(&rig, &script_stage, &scripts[i]);
    assert_int_equal(rig_say(&rig, &client, "hi"), 0);
    rig_spin(&rig, passes);
    if (client.turn) {
        rp_turn_cancel(client.turn);
        rp_turn_cancel(client.turn);
    }
    rig_spin(&rig, 20);
    assert_int_equal(client.dones, 1);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(scripts[i].sources, scripts[i].source_closes);
        if (scripts[i].tap) assert_int_equal(scripts[i].tap_closes, scripts[i].turns);
    }
    rig_close(&rig);
    rig_client_clear(&client);
}

static void a_turn_can_be_cancelled_at_every_step(void **state) {
    (void)state;
    for (unsigned passes = 0; passes < 12; passes++) {
        struct script kept[] = {{.act = ACT_PASS, .tap = TAP_HOLD}, {.act = ACT_KEEP}};
        cancel_once(kept, 2, passes);
        assert_int_equal(kept[1].cancels, kept[1].turns);
        struct script silent[] = {{.act = ACT_PASS, .tap = TAP_LATER},
                                  {.act = ACT_REPLY_LATER, .pieces = hello, .source_silent = true}};
        cancel_once(silent, 2, passes);
        struct script flowing[] = {{.act = ACT_RESUME_LATER, .tap = TAP_SPLIT},
                                   {.act = ACT_PASS, .tap = TAP_LATER},
                                   {.act = ACT_REPLY_LATER, .pieces = hello, .source_later = true}};
        cancel_once(flowing, 3, passes);
    }
}

/* Between the cancel and the turn's end a stage may pay: it is not told to cancel() as well. */
static void a_payment_after_the_client_left_counts(void **state) {
    (void)state;
    for (int replies = 0; replies < 2; replies++) {
        struct rig rig;
        struct rig_client client = {0};
        struct script scripts[] = {{.act = ACT_KEEP}};
        rig_open(&rig);
        rig_add(&rig, &script_stage, scripts);
        assert_int_equal(rig_say(&rig, &client, "hi"), 0);
        rig_spin(&rig, 5);
        assert_int_equal(scripts[0].turns, 1);
        rp_turn_cancel(client.turn);
        struct rp_turn *turn = client.turn;
        assert_int_equal(replies ? rp_turn_reply(turn, rp_source_text(turn, RP_STR("late"))) : rp_turn_resume(turn), 0);
        rig_spin(&rig, 20);
        assert_int_equal(client.dones, 1);
        assert_int_equal(client.writes, 0);
        assert_int_equal(scripts[0].cancels, 0);
        rig_close(&rig);
        rig_client_clear(&client);
    }
}

static void cancel_in_text(struct rig_client *client) {
    rp_turn_cancel(client->turn);
}

static void a_client_may_leave_while_it_is_written_to(void **state) {
    (void)state;
    struct rig rig;
    struct rig_client client = {.on_text = cancel_in_text};
    struct script scripts[] = {{.act = ACT_REPLY, .pieces = hello}};
    run(&rig, &client, scripts, 1);
    assert_int_equal(client.writes, 1);
    assert_string_equal(client.text.data, "Hel");
    rig_client_clear(&client);
}

static void nothing_is_asked_of_a_source_before_the_client_asks(void **state) {
    (void)state;
    struct rig rig;
    struct rig_client client = {.manual = true};
    struct script scripts[] = {{.act = ACT_PASS, .tap = TAP_SPLIT}, {.act = ACT_REPLY, .pieces = hello}};
    rig_open(&rig);
    rig_add(&rig, &script_stage, &scripts[0]);
    rig_add(&rig, &script_stage, &scripts[1]);
    assert_int_equal(rig_say(&rig, &client, "hi"), 0);
    for (unsigned asked = 1; asked < 12; asked++) {
        rig_spin(&rig, 5);
        assert_int_equal(client.writes, asked);
        rp_turn_more(client.turn);
        rp_turn_more(client.turn); /* twice is once */
    }
    rig_finish(&rig, &client);
    rig_close(&rig);
    expect_text(&client, "Hello, world");
}

static void a_reply_beyond_its_limit_is_an_error(void **state) {
    (void)state;
    struct rig rig;
    struct rig_client client = {0};
    struct script scripts[] = {{.act = ACT_REPLY, .pieces = hello}};
    rig_open(&rig);
    rig.runtime.limits.reply = 8;
    rig_add(&rig, &script_stage, scripts);
    assert_int_equal(rig_say(&rig, &client, "hi"), 0);
    rig_finish(&rig, &client);
    assert_string_equal(client.text.data, "Hello, ");
    rig_close(&rig);
    expect_error(&client, RP_EREPLYSIZE);
}

static void what_cannot_be_a_turn_is_refused(void **state) {
    (void)state;
    struct rig rig;
    struct rig_client client = {0};
    struct script scripts[] = {{.act = ACT_REPLY, .pieces = hello}};
    static char large[40000];
    memset(large, 'x', sizeof(large) - 1);
    static char name[140];
    memset(name, 'x', sizeof(name) - 1);
    rig_open(&rig);
    rig_add(&rig, &script_stage, scripts);
    assert_int_equal(rig_say(&rig, &client, ""), -RP_EINVALID);
    assert_int_equal(rig_say(&rig, &client, " \r\n\t"), -RP_EINVALID);
    assert_int_equal(rig_say(&rig, &client, "\xc3("), -RP_EUTF8);
    assert_int_equal(rig_say(&rig, &client, large), -RP_ETOOLARGE);
    struct rp_turn_start nul = {.message = RP_STR("a\0b")};
    assert_int_equal(rig_start(&rig, &client, &nul), -RP_EINVALID);
    struct rp_turn_start session = {.message = RP_STR("a"), .session = rp_str(name)};
    assert_int_equal(rig_start(&rig, &client, &session), -RP_EINVALID);
    struct rp_turn_start user = {.message = RP_STR("a"), .user = RP_STR("a\nb")};
    assert_int_equal(rig_start(&rig, &client, &user), -RP_EINVALID);
    rig.runtime.limits.turns = 0;
    assert_int_equal(rig_say(&rig, &client, "hi"), -RP_EBUSY);
    assert_int_equal(scripts[0].turns, 0);
    assert_int_equal(client.dones, 0);
    rig_close(&rig);
}

static void a_new_session_has_a_name_of_its_own(void **state) {
    (void)state;
    struct rig rig;
    struct rig_client client = {0};
    struct script scripts[] = {{.act = ACT_REPLY, .pieces = hello}};
    rig_open(&rig);
    rig_add(&rig, &script_stage, scripts);
    assert_int_equal(rig_say(&rig, &client, "hi"), 0);
    assert_int_equal(client.turn->session.len, RP_ID_SIZE - 1);
    assert_string_not_equal(client.turn->session.data, client.turn->id);
    rig_finish(&rig, &client);
    rig_close(&rig);
    rig_client_clear(&client);
}

static void a_stale_ticket_finds_nothing(void **state) {
    (void)state;
    struct rig rig;
    struct rig_client client = {0};
    struct script scripts[] = {{.act = ACT_REPLY, .pieces = hello}};
    rig_open(&rig);
    rig_add(&rig, &script_stage, scripts);
    assert_int_equal(rig_say(&rig, &client, "hi"), 0);
    struct rp_ticket ticket = rp_turn_ticket(client.turn);
    assert_ptr_equal(rp_turn_find(rig.worker, ticket), client.turn);
    rig_finish(&rig, &client);
    assert_null(rp_turn_find(rig.worker, ticket));
    struct rig_client next = {0};
    assert_int_equal(rig_say(&rig, &next, "hi"), 0); /* in the same slot */
    assert_int_equal(rp_turn_ticket(next.turn).slot, ticket.slot);
    assert_null(rp_turn_find(rig.worker, ticket));
    rig_finish(&rig, &next);
    rig_close(&rig);
    rig_client_clear(&client);
    rig_client_clear(&next);
}

static void turns_of_a_session_run_one_after_the_other(void **state) {
    (void)state;
    struct rig rig;
    struct rig_client clients[6] = {{.manual = true}};
    struct script scripts[] = {{.act = ACT_REPLY_LATER, .pieces = hello, .source_later = true}};
    rig_open(&rig);
    rig_add(&rig, &script_stage, scripts);
    struct rp_turn_start start = {.message = RP_STR("hi"), .session = RP_STR("s1")};
    for (int i = 0; i < 6; i++) assert_int_equal(rig_start(&rig, &clients[i], &start), 0);
    rig_spin(&rig, 10);
    assert_int_equal(scripts[0].turns, 1);      /* the first has not asked for its second chunk */
    assert_int_equal(clients[5].code, RP_EBUSY); /* four may wait */
    rp_turn_cancel(clients[2].turn);            /* one leaves the line */
    rig_spin(&rig, 10);
    assert_int_equal(clients[2].dones, 1);
    assert_int_equal(scripts[0].turns, 1);
    rp_turn_cancel(clients[0].turn);
    rig_finish(&rig, &clients[4]);
    assert_int_equal(clients[1].ends + clients[3].ends + clients[4].ends, 3);
    assert_int_equal(scripts[0].turns, 4);
    rig_close(&rig);
    for (int i = 0; i < 6; i++) rig_client_clear(&clients[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_passes_every_stage),
        cmocka_unit_test(a_kept_turn_goes_on_when_it_is_resumed),
        cmocka_unit_test(a_second_resume_is_refused),
        cmocka_unit_test(a_second_reply_is_refused_and_closed),
        cmocka_unit_test(a_reply_counts_though_the_stage_says_pass),
        cmocka_unit_test(a_failure_reaches_the_client_through_the_taps),
        cmocka_unit_test(nobody_answers),
        cmocka_unit_test(a_broken_reply_ends_as_an_error),
        cmocka_unit_test(taps_may_hold_split_and_delay),
        cmocka_unit_test(a_chunk_forwarded_twice_is_refused),
        cmocka_unit_test(a_source_that_writes_twice_is_refused),
        cmocka_unit_test(a_tap_may_end_a_reply_early),
        cmocka_unit_test(a_tap_that_loses_the_end_breaks_the_reply),
        cmocka_unit_test(a_tap_restarts_the_inner_stages_before_text_has_passed),
        cmocka_unit_test(a_tap_of_the_same_stage_begins_again),
        cmocka_unit_test(the_deadline_collects_unpaid_debts),
        cmocka_unit_test(who_starts_a_turn_may_give_it_a_time_of_its_own),
        cmocka_unit_test(the_deadline_does_not_wait_for_a_client_that_asks_no_more),
        cmocka_unit_test(a_turn_can_be_cancelled_at_every_step),
        cmocka_unit_test(a_payment_after_the_client_left_counts),
        cmocka_unit_test(a_client_may_leave_while_it_is_written_to),
        cmocka_unit_test(nothing_is_asked_of_a_source_before_the_client_asks),
        cmocka_unit_test(a_reply_beyond_its_limit_is_an_error),
        cmocka_unit_test(what_cannot_be_a_turn_is_refused),
        cmocka_unit_test(a_new_session_has_a_name_of_its_own),
        cmocka_unit_test(a_stale_ticket_finds_nothing),
        cmocka_unit_test(turns_of_a_session_run_one_after_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
