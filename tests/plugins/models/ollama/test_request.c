/* The request: what is sent is the JSON that was meant. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugins/models/ollama/ollama.h"

static const struct ollama_options plain = {.remote = {.model = "m", .temperature = -1, .top_p = -1}};
static const struct rp_prompt unset = {.temperature = NAN, .top_p = NAN};

static json_t *request(const struct ollama_options *options, const struct rp_prompt *prompt,
                       const struct rp_message *messages, size_t count, bool stream) {
    struct rp_call call = {.messages = messages, .message_count = count, .prompt = prompt};
    struct rp_buf out;
    struct rp_error error = {0};
    json_t *json = NULL;
    rp_buf_init(&out, 1 << 20);
    assert_int_equal(request_write(options, &call, stream, &out), 0);
    if (rp_json_parse(out.data, out.len, &json, &error) != 0) fail_msg("%s: %s", error.text, out.data);
    rp_buf_finish(&out);
    return json;
}

static void expect(json_t *json, const char *wanted) {
    json_t *other = json_loads(wanted, 0, NULL);
    char *text = json_dumps(json, JSON_COMPACT);
    assert_non_null(other);
    if (!json_equal(json, other)) fail_msg("%s\nis not\n%s", text, wanted);
    free(text);
    json_decref(other);
    json_decref(json);
}

static void the_plainest_request(void **state) {
    (void)state;
    struct rp_message messages[] = {{.role = RP_ROLE_USER, .text = RP_STR("hi \"you\"")}};
    expect(request(&plain, &unset, messages, 1, false),
           "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi \\\"you\\\"\"}],\"stream\":false}");
}

static void every_role_has_its_name(void **state) {
    (void)state;
    struct rp_message messages[] = {
        {.role = RP_ROLE_USER, .text = RP_STR("a")},
        {.role = RP_ROLE_ASSISTANT, .text = RP_STR("")},
        {.role = RP_ROLE_SYSTEM, .text = RP_STR("note")},
    };
    struct ollama_options options = plain;
    options.remote.system = "be kind";
    expect(request(&options, &unset, messages, 3, true),
           "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"be kind\"},{\"role\":\"user\",\"content\":\"a\"},"
           "{\"role\":\"assistant\",\"content\":\"\"},{\"role\":\"system\",\"content\":\"note\"}],\"stream\":true}");
}

static void settings_are_sent(void **state) {
    (void)state;
    struct rp_message messages[] = {{.role = RP_ROLE_USER, .text = RP_STR("a")}};
    struct ollama_options options = plain;
    options.remote.max_tokens = 100;
    options.remote.context = 8192;
    options.keep_alive = "30m";
    options.think = 4;
    struct rp_prompt prompt = {.temperature = 0, .top_p = 0.5, .stop = (const char *const[]){"x", "\n", NULL}};
    prompt.tools = json_pack("[{s:s}]", "name", "f");
    prompt.schema = json_pack("{s:s}", "type", "object");
    expect(request(&options, &prompt, messages, 1, false),
           "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"options\":{\"temperature\":0.0,\"top_p\":0.5,"
           "\"num_predict\":100,\"num_ctx\":8192,\"stop\":[\"x\",\"\\n\"]},\"tools\":[{\"type\":\"function\",\"function\":{\"name\":"
           "\"f\"}}],\"format\":{\"type\":\"object\"},\"keep_alive\":\"30m\",\"think\":\"medium\",\"stream\":false}");
    json_decref((json_t *)(uintptr_t)prompt.tools);
    json_decref((json_t *)(uintptr_t)prompt.schema);
}

static void tools_go_both_ways(void **state) {
    (void)state;
    struct rp_tool_call calls[] = {{.id = RP_STR("1"), .name = RP_STR("f"), .arguments = RP_STR("{\"x\": 1}")},
                                   {.id = RP_STR("2"), .name = RP_STR("g"), .arguments = RP_STR("7")}};
    struct rp_message messages[] = {
        {.role = RP_ROLE_USER, .text = RP_STR("a")},
        {.role = RP_ROLE_ASSISTANT, .text = RP_STR("wait"), .calls = calls, .call_count = 2},
        {.role = RP_ROLE_TOOL, .text = RP_STR("one"), .calls = &calls[0], .call_count = 1},
        {.role = RP_ROLE_TOOL, .text = RP_STR(""), .calls = &calls[1], .call_count = 1},
    };
    expect(request(&plain, &unset, messages, 4, false),
           "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"wait\","
           "\"tool_calls\":[{\"id\":\"1\",\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1}}},{\"id\":\"2\",\"function\":{\"name\":"
           "\"g\",\"arguments\":{}}}]},{\"role\":\"tool\",\"content\":\"one\",\"tool_name\":\"f\",\"tool_call_id\":\"1\"},{\"role\":"
           "\"tool\",\"content\":\"\",\"tool_name\":\"g\",\"tool_call_id\":\"2\"}],\"stream\":false}");
}

static void images_are_sent_as_their_bytes_or_not_at_all(void **state) {
    (void)state;
    struct rp_str images[] = {RP_STR("data:image/png;base64,AAAA"), RP_STR("data:image/gif;base64,BBBB"),
                              RP_STR("https://a.example/b.png")};
    struct rp_message messages[] = {{.role = RP_ROLE_USER, .text = RP_STR("a"), .images = images, .image_count = 2}};
    struct rp_call call = {.messages = messages, .message_count = 1, .prompt = &unset};
    struct rp_buf out;
    expect(request(&plain, &unset, messages, 1, false),
           "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\",\"images\":[\"AAAA\",\"BBBB\"]}],\"stream\":false}");
    messages[0].image_count = 3;
    rp_buf_init(&out, 1000);
    assert_int_equal(request_write(&plain, &call, false, &out), -RP_EUNSUPPORTED);
    rp_buf_finish(&out);
}

static void a_number_of_seconds_is_sent_as_one(void **state) {
    (void)state;
    struct rp_message messages[] = {{.role = RP_ROLE_USER, .text = RP_STR("a")}};
    struct ollama_options options = plain;
    options.keep_alive = "-1";
    options.think = 1;
    expect(request(&options, &unset, messages, 1, false),
           "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"keep_alive\":-1,\"think\":false,\"stream\":false}");
}

static void a_key_is_sent_where_there_is_one(void **state) {
    (void)state;
    struct rp_buf out;
    rp_buf_init(&out, 1000);
    assert_int_equal(request_head(&plain, NULL, &out), 0);
    assert_int_equal(out.len, 0);
    assert_int_equal(request_head(&plain, "k", &out), 0);
    assert_string_equal(out.data, "Authorization: Bearer k");
    rp_buf_finish(&out);
}

static void a_request_beyond_its_ceiling_fails_wherever_it_stands(void **state) {
    (void)state;
    struct rp_message messages[] = {{.role = RP_ROLE_SYSTEM, .text = RP_STR("s")}, {.role = RP_ROLE_USER, .text = RP_STR("hi")}};
    struct rp_prompt prompt = {.temperature = 1, .top_p = 1, .max_tokens = 5, .stop = (const char *const[]){"a", NULL}};
    struct rp_call call = {.messages = messages, .message_count = 2, .prompt = &prompt};
    prompt.tools = json_pack("[{s:s}]", "name", "f");
    prompt.schema = json_pack("{s:s}", "type", "object");
    struct rp_buf out;
    rp_buf_init(&out, 1000);
    assert_int_equal(request_write(&plain, &call, true, &out), 0);
    size_t needed = out.len;
    rp_buf_finish(&out);
    for (size_t max = 0; max <= needed; max++) {
        rp_buf_init(&out, max);
        assert_int_equal(request_write(&plain, &call, true, &out), max < needed ? -RP_ETOOLARGE : 0);
        rp_buf_finish(&out);
    }
    json_decref((json_t *)(uintptr_t)prompt.tools);
    json_decref((json_t *)(uintptr_t)prompt.schema);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_plainest_request),
        cmocka_unit_test(every_role_has_its_name),
        cmocka_unit_test(settings_are_sent),
        cmocka_unit_test(tools_go_both_ways),
        cmocka_unit_test(images_are_sent_as_their_bytes_or_not_at_all),
        cmocka_unit_test(a_number_of_seconds_is_sent_as_one),
        cmocka_unit_test(a_key_is_sent_where_there_is_one),
        cmocka_unit_test(a_request_beyond_its_ceiling_fails_wherever_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
