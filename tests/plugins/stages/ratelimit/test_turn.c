/* The stage in real turns: who counts for whom, and what is told to those who are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugins/stages/ratelimit/ratelimit.h"
#include "support/rig.h"

static enum rp_outcome on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    (void)stage;
    rp_turn_reply(turn, rp_source_text(turn, RP_STR("ok")));
    return RP_KEEP;
}
static const struct rp_stage_type answer_stage = {.type = {.name = "answer"}, .on_turn = on_turn};

static void open_rig(struct rig *rig, const struct ratelimit_options *options) {
    rig_open(rig);
    rig_add(rig, &ratelimit_stage, options);
    rig_add(rig, &answer_stage, NULL);
}

/* 0, or the seconds after which to come again. */
static int say(struct rig *rig, const char *user, const char *session, const char *address) {
    struct rig_client client = {0};
    struct rp_turn_start start = {
        .message = RP_STR("hi"), .user = rp_str(user), .session = rp_str(session), .address = rp_str(address)};
    assert_int_equal(rig_start(rig, &client, &start), 0);
    rig_finish(rig, &client);
    int retry_after = client.retry_after;
    if (client.errors) assert_int_equal(client.code, RP_ERATE);
    assert_int_equal(client.errors != 0, retry_after != 0);
    rig_client_clear(&client);
    return retry_after;
}

static void a_refusal_tells_when_to_come_again(void **state) {
    (void)state;
    struct ratelimit_options options = {.rate = 1.0 / 3600, .burst = 2, .per = RATELIMIT_USER, .entries = 256};
    struct rig rig;
    open_rig(&rig, &options);
    assert_int_equal(say(&rig, "u", "s", "a"), 0);
    assert_int_equal(say(&rig, "u", "s", "a"), 0);
    assert_in_range(say(&rig, "u", "s", "a"), 3500, 3600);
    rig_close(&rig);
}

static void a_wait_of_less_than_a_second_is_told_as_one(void **state) {
    (void)state;
    struct ratelimit_options options = {.rate = 1.25, .per = RATELIMIT_USER, .entries = 256}; /* 0: a burst of one */
    struct rig rig;
    open_rig(&rig, &options);
    assert_int_equal(say(&rig, "u", "s", "a"), 0);
    assert_int_equal(say(&rig, "u", "s", "a"), 1);
    rig_close(&rig);
}

static void each_setting_counts_by_what_it_says(void **state) {
    static const struct {
        enum ratelimit_per per;
        const char *user, *session, *address; /* of a second turn, after one of "u", "s", "a" */
        bool refused;
    } cases[] = {
        {RATELIMIT_USER, "u", "t", "b", true},    {RATELIMIT_USER, "v", "t", "a", false},
        {RATELIMIT_SESSION, "u", "s", "b", true}, {RATELIMIT_SESSION, "u", "t", "a", false},
        {RATELIMIT_ADDRESS, "v", "t", "a", true}, {RATELIMIT_ADDRESS, "u", "t", "b", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ratelimit_options options = {.rate = 0.001, .burst = 1, .per = (int)cases[i].per, .entries = 256};
        struct rig rig;
        open_rig(&rig, &options);
        assert_int_equal(say(&rig, "u", "s", "a"), 0);
        assert_int_equal(say(&rig, cases[i].user, cases[i].session, cases[i].address) != 0, cases[i].refused);
        rig_close(&rig);
    }
}

static void nobody_in_particular_counts_for_the_address(void **state) {
    (void)state;
    struct ratelimit_options options = {.rate = 0.001, .burst = 1, .per = RATELIMIT_USER, .entries = 256};
    struct rig rig;
    open_rig(&rig, &options);
    assert_int_equal(say(&rig, "", "s", "192.0.2.7"), 0);
    assert_true(say(&rig, "", "t", "192.0.2.7") > 0);
    assert_int_equal(say(&rig, "", "t", "192.0.2.8"), 0);
    assert_int_equal(say(&rig, "192.0.2.7", "v", "192.0.2.7"), 0); /* a user of that name is somebody else */
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_tells_when_to_come_again),
        cmocka_unit_test(a_wait_of_less_than_a_second_is_told_as_one),
        cmocka_unit_test(each_setting_counts_by_what_it_says),
        cmocka_unit_test(nobody_in_particular_counts_for_the_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
