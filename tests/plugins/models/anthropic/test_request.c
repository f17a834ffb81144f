/* The request: what is sent is the JSON that was meant, in the order of roles that the API wants. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugins/models/anthropic/anthropic.h"

static const struct anthropic_options plain = {.remote = {.model = "m", .temperature = -1, .top_p = -1},
                                               .version = "2023-06-01"};
static const struct rp_prompt unset = {.temperature = NAN, .top_p = NAN};

static json_t *request(const struct anthropic_options *options, const struct rp_prompt *prompt,
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
           "{\"model\":\"m\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
           "\"hi \\\"you\\\"\"}]}]}");
}

static void roles_alternate_and_the_system_has_its_own_place(void **state) {
    (void)state;
    struct rp_message messages[] = {
        {.role = RP_ROLE_SYSTEM, .text = RP_STR("be kind")},    {.role = RP_ROLE_USER, .text = RP_STR("a")},
        {.role = RP_ROLE_USER, .text = RP_STR("b")},            {.role = RP_ROLE_ASSISTANT, .text = RP_STR("")},
        {.role = RP_ROLE_ASSISTANT, .text = RP_STR("c")},       {.role = RP_ROLE_USER, .text = RP_STR("d")},
        {.role = RP_ROLE_SYSTEM, .text = RP_STR("and \"brief\"")},
    };
    struct anthropic_options options = plain;
    options.remote.system = "not used, there is one";
    expect(request(&options, &unset, messages, 7, true),
           "{\"model\":\"m\",\"max_tokens\":4096,\"system\":\"be kind\\n\\nand \\\"brief\\\"\",\"messages\":["
           "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]},"
           "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"c\"}]},"
           "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"d\"}]}],\"stream\":true}");
}

static void settings_are_sent(void **state) {
    (void)state;
    struct rp_message messages[] = {{.role = RP_ROLE_USER, .text = RP_STR("a")}};
    struct anthropic_options options = plain;
    options.remote.max_tokens = 100;
    options.remote.top_p = 0.5;
    options.remote.system = "s";
    struct rp_prompt prompt = {.temperature = 1.3, .top_p = NAN, .stop = (const char *const[]){"x", "\n", NULL}};
    prompt.tools = json_pack("[{s:s,s:s,s:{s:s}},{s:s}]", "name", "f", "description", "does", "parameters", "type", "object",
                             "name", "g");
    prompt.schema = json_pack("{s:s}", "type", "object");
    expect(request(&options, &prompt, messages, 1, false),
           "{\"model\":\"m\",\"max_tokens\":100,\"system\":\"s\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
           "\"text\":\"a\"}]}],\"temperature\":1.0,\"stop_sequences\":[\"x\",\"\\n\"],\"tools\":[{\"name\":\"f\",\"description\":"
           "\"does\",\"input_schema\":{\"type\":\"object\"}},{\"name\":\"g\",\"input_schema\":{\"type\":\"object\"}}],"
           "\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\"}}}}");
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
           "{\"model\":\"m\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]},"
           "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"wait\"},{\"type\":\"tool_use\",\"id\":\"1\",\"name\":"
           "\"f\",\"input\":{\"x\":1}},{\"type\":\"tool_use\",\"id\":\"2\",\"name\":\"g\",\"input\":{}}]},{\"role\":\"user\","
           "\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"1\",\"content\":\"one\"},{\"type\":\"tool_result\","
           "\"tool_use_id\":\"2\",\"content\":\"\"}]}]}");
}

static void images_go_in_front_of_their_text(void **state) {
    (void)state;
    struct rp_str images[] = {RP_STR("https://a.example/b.png"), RP_STR("data:image/png;base64,AAAA")};
    struct rp_message messages[] = {{.role = RP_ROLE_USER, .text = RP_STR("a"), .images = images, .image_count = 2}};
    expect(request(&plain, &unset, messages, 1, false),
           "{\"model\":\"m\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{"
           "\"type\":\"url\",\"url\":\"https://a.example/b.png\"}},{\"type\":\"image\",\"source\":{\"type\":\"base64\","
           "\"media_type\":\"image/png\",\"data\":\"AAAA\"}},{\"type\":\"text\",\"text\":\"a\"}]}]}");
}

static void versions_that_refuse_sampling_are_not_sent_any(void **state) {
    (void)state;
    static const struct {
        const char *version;
        bool sent;
    } rows[] = {{"2023-06-01", true}, {"2026-10-20", true}, {"2026-10-21", false}, {"2027-01-01", false}};
    struct rp_message messages[] = {{.role = RP_ROLE_USER, .text = RP_STR("a")}};
    struct rp_prompt prompt = {.temperature = 0, .top_p = 1};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct anthropic_options options = plain;
        options.version = rows[i].version;
        json_t *json = request(&options, &prompt, messages, 1, false);
        assert_int_equal(json_object_get(json, "temperature") != NULL, rows[i].sent);
        assert_null(json_object_get(json, "top_p")); /* never both */
        json_decref(json);
    }
}

static void the_header_names_version_and_key(void **state) {
    (void)state;
    static const char bearer[] = "anthropic-version: 2023-06-01\0Authorization: Bearer k",
                      field[] = "anthropic-version: 2023-06-01\0x-api-key: k";
    struct anthropic_options options = plain;
    struct rp_buf out;
    rp_buf_init(&out, 1000);
    options.auth = AUTH_API_KEY;
    assert_int_equal(request_head(&options, "k", &out), 0);
    assert_int_equal(out.len, sizeof(field));
    assert_memory_equal(out.data, field, sizeof(field));
    rp_buf_clear(&out);
    options.auth = AUTH_BEARER;
    assert_int_equal(request_head(&options, "k", &out), 0);
    assert_memory_equal(out.data, bearer, sizeof(bearer));
    rp_buf_clear(&out);
    assert_int_equal(request_head(&options, NULL, &out), 0);
    assert_int_equal(out.len, 30);
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
        cmocka_unit_test(roles_alternate_and_the_system_has_its_own_place),
        cmocka_unit_test(settings_are_sent),
        cmocka_unit_test(tools_go_both_ways),
        cmocka_unit_test(images_go_in_front_of_their_text),
        cmocka_unit_test(versions_that_refuse_sampling_are_not_sent_any),
        cmocka_unit_test(the_header_names_version_and_key),
        cmocka_unit_test(a_request_beyond_its_ceiling_fails_wherever_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
