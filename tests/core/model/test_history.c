/* What of the history goes to the model: by tokens, by texts, by the model's context; whole exchanges, with their tools or
 * without. The model of these tests has a token for each byte, and a message's form costs six. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include <repartee/talk.h>

#define USER(what) {.role = RP_ROLE_USER, .text = {(what), sizeof(what) - 1}}
#define BOT(what) {.role = RP_ROLE_ASSISTANT, .text = {(what), sizeof(what) - 1}}
#define CALLS(what, n) {.role = RP_ROLE_ASSISTANT, .text = {"", 0}, .calls = (what), .call_count = (n)}
#define RESULT(what, call) {.role = RP_ROLE_TOOL, .text = {(what), sizeof(what) - 1}, .calls = (call), .call_count = 1}
#define TEXT(what) {(what), sizeof(what) - 1}

enum { FORM = 6 };

/* ---- the model ----------------------------------------------------------------------------------------------------- */

static int64_t context, reply;
static unsigned taken = RP_TAKES_TOOLS;
static size_t counted; /* bytes that were put through the tokenizer */

static int64_t tokens_of(const struct rp_model *model, struct rp_str text) {
    (void)model;
    counted += text.len;
    return (int64_t)text.len;
}
static int64_t context_of(const struct rp_model *model) {
    (void)model;
    return context;
}
static int64_t reply_of(const struct rp_model *model) {
    (void)model;
    return reply;
}
static unsigned takes(const struct rp_model *model) {
    (void)model;
    return taken;
}
static const struct rp_model_type type = {.type = {.name = "bytes"}, .tokens = tokens_of, .context = context_of,
                                          .reply = reply_of, .takes = takes};
static const struct rp_model model = {.element = {.type = &type.type, .name = "main"}};

/* ---- conversations ------------------------------------------------------------------------------------------------- */

/* Exchanges of 18 (= 6 + 3 + 6 + 3) and 21 tokens. */
static const struct rp_message plain[] = {USER("one"), BOT("two"), USER("three"), BOT("four")};

static const struct rp_tool_call look[] = {{.id = TEXT("1"), .name = TEXT("look"), .arguments = TEXT("{}")},
                                           {.id = TEXT("2"), .name = TEXT("look"), .arguments = TEXT("{}")}};
static const struct rp_tool_call buy[] = {{.id = TEXT("3"), .name = TEXT("buy"), .arguments = TEXT("{}")}};
/* The first exchange: 18 of texts, 45 (= 6 + 2 * (6 + 4 + 2) + 2 * (6 + 1) + 1) of tools; the second 21 and 24. */
static const struct rp_message tools[] = {USER("one"),           CALLS(look, 2), RESULT("a", &look[0]),
                                          RESULT("bc", &look[1]), BOT("two"),     USER("three"),
                                          CALLS(buy, 1),          RESULT("d", buy), BOT("four")};

static struct rp_prompt prompt;
static struct rp_history chosen;

static void set_up(size_t texts, int64_t tokens, const struct rp_message *history, size_t count,
                   struct rp_call_parts *parts) {
    *parts = (struct rp_call_parts){.model = &model, .history = history, .history_count = count, .history_texts = texts,
                                    .history_tokens = tokens, .message = RP_STR("hi")};
}

/* What goes along, as "u:…|a:…(name)|t:…", without the message. */
static void expect_parts(const struct rp_call_parts *parts, const char *expected) {
    struct rp_arena *arena = rp_arena_create();
    struct rp_call call = {.prompt = &prompt};
    struct rp_buf text;
    rp_buf_init(&text, 4096);
    rp_history_choose(arena, &call, parts, false, &chosen);
    rp_call_build(&call, arena, parts, &chosen);
    for (size_t i = 0; i + 1 < call.message_count; i++) {
        const struct rp_message *message = &call.messages[i];
        rp_buf_printf(&text, "%s%c:%.*s", i ? "|" : "", "suat"[message->role], RP_STR_ARG(message->text));
        for (size_t k = 0; message->role == RP_ROLE_ASSISTANT && k < message->call_count; k++)
            rp_buf_printf(&text, "(%.*s)", RP_STR_ARG(message->calls[k].name));
    }
    assert_string_equal(text.data ? text.data : "", expected);
    rp_buf_finish(&text);
    rp_arena_destroy(arena);
}

static void expect(size_t texts, int64_t tokens, const struct rp_message *history, size_t count, const char *expected) {
    struct rp_call_parts parts;
    set_up(texts, tokens, history, count, &parts);
    expect_parts(&parts, expected);
}

static int begin(void **state) {
    (void)state;
    context = reply = 0;
    counted = 0;
    taken = RP_TAKES_TOOLS;
    prompt = (struct rp_prompt){.temperature = NAN, .top_p = NAN};
    return 0;
}

static int end(void **state) {
    (void)state;
    json_decref((json_t *)(uintptr_t)prompt.tools);
    prompt.tools = NULL;
    return 0;
}

static void offer(const char *one, const char *other) {
    json_t *list = json_array();
    json_array_append_new(list, json_pack("{s:s}", "name", one));
    if (other) json_array_append_new(list, json_pack("{s:s}", "name", other));
    json_decref((json_t *)(uintptr_t)prompt.tools);
    prompt.tools = list;
}

/* ---- texts --------------------------------------------------------------------------------------------------------- */

static void the_oldest_exchanges_are_left_out(void **state) {
    (void)state;
    expect(10, 39, plain, 4, "u:one|a:two|u:three|a:four"); /* exactly all */
    assert_int_equal(chosen.dropped, 0);
    expect(10, 38, plain, 4, "u:three|a:four");
    assert_int_equal(chosen.texts, 2);
    assert_int_equal(chosen.dropped, 2);
    expect(10, 21, plain, 4, "u:three|a:four");
    expect(10, 20, plain, 4, "");
    assert_int_equal(chosen.dropped, 4);
    expect(10, 0, plain, 4, "");
}

static void so_many_texts_and_no_half_exchange(void **state) {
    (void)state;
    expect(4, 1000, plain, 4, "u:one|a:two|u:three|a:four");
    expect(3, 1000, plain, 4, "u:three|a:four");
    expect(1, 1000, plain, 4, "");
    expect(0, 1000, plain, 4, "");
}

static void it_begins_with_the_user(void **state) {
    (void)state;
    expect(10, 1000, plain + 1, 3, "u:three|a:four");
    assert_int_equal(chosen.dropped, 0); /* nobody asked what "two" answers */
}

/* What a person at the desk has said stands with the exchange in front of it. */
static void texts_of_events_go_with_their_exchange(void **state) {
    static const struct rp_message history[] = {USER("one"), BOT("two"), BOT("and"), USER("three"), BOT("four")};
    (void)state;
    expect(5, 1000, history, 5, "u:one|a:two|a:and|u:three|a:four");
    expect(4, 1000, history, 5, "u:three|a:four");
}

static void without_a_model_tokens_are_estimated(void **state) {
    struct rp_call_parts parts;
    (void)state;
    set_up(10, 16, plain, 4, &parts);
    parts.model = NULL;
    expect_parts(&parts, "u:three|a:four"); /* 2 * 6 + 2 + 1 */
    parts.history_tokens = 14;
    expect_parts(&parts, "");
}

/* ---- counting costs ------------------------------------------------------------------------------------------------ */

static void nothing_is_counted_where_bytes_show_that_it_fits(void **state) {
    (void)state;
    expect(10, 1000, plain, 4, "u:one|a:two|u:three|a:four");
    assert_int_equal(counted, 0);
    assert_int_equal(chosen.tokens, -1);
    context = 2000;
    expect(10, 1000, plain, 4, "u:one|a:two|u:three|a:four");
    assert_int_equal(counted, 0);
}

static void counting_ends_where_the_room_does(void **state) {
    static struct rp_message history[400];
    for (size_t i = 0; i < 400; i += 2) {
        history[i] = (struct rp_message)USER("twenty bytes of text");
        history[i + 1] = (struct rp_message)BOT("twenty bytes of text");
    }
    (void)state;
    struct rp_call_parts parts;
    struct rp_arena *arena = rp_arena_create();
    set_up(1000, 200, history, 400, &parts);
    rp_history_choose(arena, &(struct rp_call){.prompt = &prompt}, &parts, false, &chosen);
    assert_int_equal(chosen.texts, 6); /* 3 * 52 */
    assert_int_equal(chosen.dropped, 394);
    assert_in_range(counted, 120, 160);
    rp_arena_destroy(arena);
}

static void tokens_are_told_to_those_who_ask(void **state) {
    struct rp_arena *arena = rp_arena_create();
    struct rp_call_parts parts;
    (void)state;
    set_up(10, 1000, plain, 4, &parts);
    rp_history_choose(arena, &(struct rp_call){.prompt = &prompt}, &parts, true, &chosen);
    assert_int_equal(chosen.tokens, 39);
    assert_int_equal(chosen.budget, 1000);
    rp_arena_destroy(arena);
}

/* ---- the context --------------------------------------------------------------------------------------------------- */

/* The rest has 26 tokens: "hi" with its form, and the form of system, note and reply. */
static void the_context_leaves_room_for_the_rest_and_the_reply(void **state) {
    (void)state;
    prompt.max_tokens = 100;
    context = 26 + 100 + 39;
    expect(10, 1000, plain, 4, "u:one|a:two|u:three|a:four");
    assert_int_equal(chosen.budget, 39);
    context--;
    expect(10, 1000, plain, 4, "u:three|a:four");
    prompt.max_tokens = 0;
    reply = 101; /* the model's own */
    context = 26 + 101 + 39;
    expect(10, 1000, plain, 4, "u:one|a:two|u:three|a:four");
    reply = 0; /* a quarter */
    context = 100;
    expect(10, 1000, plain, 4, "u:one|a:two|u:three|a:four");
    offer("look", NULL); /* [{"name":"look"}] and its form: 17 + 24 */
    expect(10, 1000, plain, 4, "");
    assert_int_equal(chosen.budget, 8);
    assert_null(chosen.too_large);
}

static void what_is_too_large_for_the_context_is_told(void **state) {
    struct rp_call_parts parts;
    struct rp_call call = {.prompt = &prompt};
    struct rp_arena *arena = rp_arena_create();
    (void)state;
    set_up(10, 1000, plain, 4, &parts);
    parts.system = RP_STR("be kind");
    context = 33;
    rp_call_build(&call, arena, &parts, NULL);
    assert_null(call.too_large);
    assert_int_equal(call.message_count, 2); /* system and message, whatever there is room for */
    context = 32;
    rp_call_build(&call, arena, &parts, NULL);
    assert_non_null(call.too_large);
    assert_non_null(strstr(call.too_large, "about 33 tokens"));
    struct rp_model_type several_type = type;
    struct rp_model several = {.element = {.type = &several_type.type, .name = "route"}};
    several_type.forwards = true; /* one of its models may have more room */
    parts.model = &several;
    rp_call_build(&call, arena, &parts, NULL);
    assert_null(call.too_large);
    assert_int_equal(call.message_count, 2);
    rp_arena_destroy(arena);
}

/* ---- tools --------------------------------------------------------------------------------------------------------- */

static void calls_and_results_go_along_where_the_tools_are_offered(void **state) {
    (void)state;
    offer("look", "buy");
    expect(10, 1000, tools, 9, "u:one|a:(look)(look)|t:a|t:bc|a:two|u:three|a:(buy)|t:d|a:four");
    offer("buy", NULL);
    expect(10, 1000, tools, 9, "u:one|a:two|u:three|a:(buy)|t:d|a:four");
    offer("sell", NULL);
    expect(10, 1000, tools, 9, "u:one|a:two|u:three|a:four");
}

static void no_tools_go_to_a_call_or_a_model_that_has_none(void **state) {
    (void)state;
    expect(10, 1000, tools, 9, "u:one|a:two|u:three|a:four");
    offer("look", "buy");
    taken = 0;
    expect(10, 1000, tools, 9, "u:one|a:two|u:three|a:four");
}

static void tools_give_way_to_what_was_said(void **state) {
    (void)state;
    offer("look", "buy");
    expect(10, 108, tools, 9, "u:one|a:(look)(look)|t:a|t:bc|a:two|u:three|a:(buy)|t:d|a:four");
    expect(10, 107, tools, 9, "u:one|a:two|u:three|a:(buy)|t:d|a:four");
    expect(10, 63, tools, 9, "u:one|a:two|u:three|a:(buy)|t:d|a:four");
    expect(10, 62, tools, 9, "u:three|a:(buy)|t:d|a:four");
    expect(10, 45, tools, 9, "u:three|a:(buy)|t:d|a:four");
    expect(10, 44, tools, 9, "u:one|a:two|u:three|a:four"); /* 39 */
    expect(10, 38, tools, 9, "u:three|a:four");
    expect(10, 20, tools, 9, "");
}

/* ---- half ---------------------------------------------------------------------------------------------------------- */

static void half_the_room_keeps_the_newest_exchange(void **state) {
    static const struct {
        int64_t tokens;
        size_t texts, first;
    } rows[] = {{78, 10, 0}, {76, 10, 2}, {42, 10, 2}, {30, 10, 2}, {20, 10, 4}, {1000, 4, 2}, {1000, 8, 0}};
    struct rp_call call = {.prompt = &prompt};
    struct rp_arena *arena = rp_arena_create();
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rp_call_parts parts;
        set_up(rows[i].texts, rows[i].tokens, plain, 4, &parts);
        rp_history_choose(arena, &call, &parts, false, &chosen);
        rp_history_halve(&call, &parts, &chosen);
        if (chosen.first != rows[i].first) fail_msg("row %zu: %zu", i, chosen.first);
    }
    rp_arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_oldest_exchanges_are_left_out, begin, end),
        cmocka_unit_test_setup_teardown(so_many_texts_and_no_half_exchange, begin, end),
        cmocka_unit_test_setup_teardown(it_begins_with_the_user, begin, end),
        cmocka_unit_test_setup_teardown(texts_of_events_go_with_their_exchange, begin, end),
        cmocka_unit_test_setup_teardown(without_a_model_tokens_are_estimated, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_counted_where_bytes_show_that_it_fits, begin, end),
        cmocka_unit_test_setup_teardown(counting_ends_where_the_room_does, begin, end),
        cmocka_unit_test_setup_teardown(tokens_are_told_to_those_who_ask, begin, end),
        cmocka_unit_test_setup_teardown(the_context_leaves_room_for_the_rest_and_the_reply, begin, end),
        cmocka_unit_test_setup_teardown(what_is_too_large_for_the_context_is_told, begin, end),
        cmocka_unit_test_setup_teardown(calls_and_results_go_along_where_the_tools_are_offered, begin, end),
        cmocka_unit_test_setup_teardown(no_tools_go_to_a_call_or_a_model_that_has_none, begin, end),
        cmocka_unit_test_setup_teardown(tools_give_way_to_what_was_said, begin, end),
        cmocka_unit_test_setup_teardown(half_the_room_keeps_the_newest_exchange, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
