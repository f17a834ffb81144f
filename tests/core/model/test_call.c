/* What a model is asked: order, and the bounds of the history. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <repartee/talk.h>

#define USER(what) {.role = RP_ROLE_USER, .text = {(what), sizeof(what) - 1}}
#define BOT(what) {.role = RP_ROLE_ASSISTANT, .text = {(what), sizeof(what) - 1}}

static const struct rp_message history[] = {USER("one"), BOT("two"), USER("three"), BOT("four")};

/* The messages, as "s:…|u:…|a:…". */
static void expect(const struct rp_call_parts *parts, const char *expected) {
    struct rp_arena *arena = rp_arena_create();
    struct rp_call call = {0};
    struct rp_buf text;
    rp_buf_init(&text, 4096);
    rp_call_build(&call, arena, parts);
    for (size_t i = 0; i < call.message_count; i++) {
        const struct rp_message *message = &call.messages[i];
        rp_buf_printf(&text, "%s%c:%.*s", i ? "|" : "", "suat"[message->role], RP_STR_ARG(message->text));
    }
    assert_string_equal(text.data, expected);
    rp_buf_finish(&text);
    rp_arena_destroy(arena);
}

static void a_message_alone_is_enough(void **state) {
    (void)state;
    expect(&(struct rp_call_parts){.message = RP_STR("hi")}, "u:hi");
}

static void system_examples_history_and_message_come_in_this_order(void **state) {
    static const struct rp_message examples[] = {USER("q"), BOT("r")};
    (void)state;
    expect(&(struct rp_call_parts){.system = RP_STR("be kind"),
                                .examples = examples,
                                .example_count = 2,
                                .history = history,
                                .history_count = 4,
                                .history_size = 1000,
                                .message = RP_STR("hi")},
           "s:be kind|u:q|a:r|u:one|a:two|u:three|a:four|u:hi");
}

static void the_oldest_history_is_left_out_and_it_begins_with_the_user(void **state) {
    static const struct {
        size_t size;
        const char *expected;
    } cases[] = {{15, "u:one|a:two|u:three|a:four|u:hi"}, /* exactly all */
                 {14, "u:three|a:four|u:hi"},             /* the bot's "two" would fit, but not in front */
                 {9, "u:three|a:four|u:hi"},
                 {8, "u:hi"},
                 {0, "u:hi"}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect(
            &(struct rp_call_parts){
                .history = history, .history_count = 4, .history_size = cases[i].size, .message = RP_STR("hi")},
            cases[i].expected);
    }
}

static void history_in_the_middle_of_an_exchange_begins_with_the_next_one(void **state) {
    (void)state;
    expect(
        &(struct rp_call_parts){.history = history + 1, .history_count = 3, .history_size = 1000, .message = RP_STR("hi")},
        "u:three|a:four|u:hi");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_alone_is_enough),
        cmocka_unit_test(system_examples_history_and_message_come_in_this_order),
        cmocka_unit_test(the_oldest_history_is_left_out_and_it_begins_with_the_user),
        cmocka_unit_test(history_in_the_middle_of_an_exchange_begins_with_the_next_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
