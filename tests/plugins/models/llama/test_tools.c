/* Tools as texts: what the model reads, and which of its replies are calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugins/models/llama/tools.h"

static struct rp_arena *arena;
static json_t *tools;

static int setup(void **state) {
    (void)state;
    arena = rp_arena_create();
    tools = json_pack("[{s:s, s:s, s:{s:s}}]", "name", "order_status", "description", "Where an order is", "parameters",
                      "type", "object");
    return 0;
}

static int teardown(void **state) {
    (void)state;
    json_decref(tools);
    rp_arena_destroy(arena);
    return 0;
}

static void test_the_system_text_tells_of_them(void **state) {
    const struct rp_message messages[] = {{.role = RP_ROLE_USER, .text = RP_STR("hi")}};
    size_t count = 1;
    (void)state;
    struct rp_message *out = tools_conversation(arena, tools, messages, &count);
    assert_int_equal(count, 2);
    assert_int_equal(out[0].role, RP_ROLE_SYSTEM);
    assert_non_null(strstr(out[0].text.data, "\"order_status\""));
    assert_true(rp_str_equal(out[1].text, RP_STR("hi")));
}

static void test_behind_a_system_text(void **state) {
    const struct rp_message messages[] = {{.role = RP_ROLE_SYSTEM, .text = RP_STR("Be brief.")},
                                          {.role = RP_ROLE_USER, .text = RP_STR("hi")}};
    size_t count = 2;
    (void)state;
    struct rp_message *out = tools_conversation(arena, tools, messages, &count);
    assert_int_equal(count, 2);
    assert_memory_equal(out[0].text.data, "Be brief.\n\n", 11);
}

static void test_calls_and_results_become_texts(void **state) {
    const struct rp_tool_call call = {
        .id = RP_STR("c1"), .name = RP_STR("order_status"), .arguments = RP_STR("{\"id\":5}")};
    const struct rp_message messages[] = {
        {.role = RP_ROLE_USER, .text = RP_STR("where is 5?")},
        {.role = RP_ROLE_ASSISTANT, .calls = &call, .call_count = 1},
        {.role = RP_ROLE_TOOL, .text = RP_STR("{\"at\":\"sea\"}"), .calls = &call, .call_count = 1}};
    size_t count = 3;
    (void)state;
    struct rp_message *out = tools_conversation(arena, NULL, messages, &count);
    assert_int_equal(count, 3);
    assert_string_equal(out[1].text.data, "{\"tool\": \"order_status\", \"arguments\": {\"id\":5}}");
    assert_int_equal(out[2].role, RP_ROLE_USER);
    assert_string_equal(out[2].text.data, "Result of order_status:\n{\"at\":\"sea\"}");
}

static bool reads(const char *reply, struct rp_tool_call *out) {
    return tools_read_call(arena, rp_str(reply), tools, out);
}

static void test_which_replies_are_calls(void **state) {
    struct rp_tool_call call;
    (void)state;
    assert_true(reads(" {\"tool\": \"order_status\", \"arguments\": {\"id\": 5}}\n", &call));
    assert_string_equal(call.arguments.data, "{\"id\":5}");
    assert_true(call.id.len > 0);
    assert_false(reads("{\"tool\": \"other\", \"arguments\": {}}", &call));
    assert_false(reads("{\"tool\": \"order_status\"}", &call));
    assert_false(reads("{\"tool\": \"order_status\", \"arguments\": {}} and more", &call));
    assert_false(reads("[]", &call));
    assert_true(tools_may_be_call(RP_STR("\n {")));
    assert_true(tools_may_be_call(RP_STR("")));
    assert_false(tools_may_be_call(RP_STR(" Hello {")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_system_text_tells_of_them, setup, teardown),
        cmocka_unit_test_setup_teardown(test_behind_a_system_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_calls_and_results_become_texts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_which_replies_are_calls, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
