/* The record as a tree: every part is there, and nothing in it commands the terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/explain/tree.h"

static const char *write_tree(const char *json, const char *reply, bool colour) {
    static char *text;
    size_t len;
    free(text);
    FILE *out = open_memstream(&text, &len);
    json_error_t error;
    json_t *record = json_loads(json, 0, &error);
    if (!record) fail_msg("%s", error.text);
    struct rp_str text_of_reply = rp_str(reply);
    tree_write(record, &text_of_reply, colour, out);
    json_decref(record);
    fclose(out);
    return text;
}

static void stages_and_notes_form_a_tree(void **state) {
    (void)state;
    const char *text = write_tree(
        "{\"id\": \"r1\", \"session\": \"s1\", \"message\": \"hi\", \"text\": \"hi there\", \"stages\": ["
        " {\"place\": 1, \"stage\": \"redact\", \"us\": 12.4, \"outcome\": \"passed\","
        "  \"notes\": [{\"what\": \"masked\", \"in\": \"message\", \"kinds\": {\"email\": 2}}]},"
        " {\"place\": 2, \"stage\": \"rules\", \"us\": 2400, \"outcome\": \"answered\","
        "  \"notes\": [{\"what\": \"rule\", \"rule\": \"a\", \"outcome\": \"no pattern matches\", \"at\": \"r.lua:3\"},"
        "              {\"what\": \"rule\", \"rule\": \"b\", \"outcome\": \"answered\", \"at\": \"r.lua:9\"}]}],"
        " \"reply\": {\"by\": \"rule:b\", \"finish\": \"stop\", \"bytes\": 2, \"us_to_first\": 2500.0},"
        " \"usage\": {\"input_tokens\": 7, \"output_tokens\": 3, \"estimated\": true, \"cost\": \"0.0012 USD\"},"
        " \"us\": 3100000}",
        "one\ntwo", false);
    assert_string_equal(text, "message    hi\n"
                              "became     hi there\n"
                              "session    s1\n"
                              "request    r1\n"
                              "├─ redact     passed    12 µs\n"
                              "│  └ masked: in message, kinds {\"email\":2}\n"
                              "└─ rules      answered  2.4 ms\n"
                              "   ├ rule a (r.lua:3): no pattern matches\n"
                              "   └ rule b (r.lua:9): answered\n"
                              "reply      one\n"
                              "           two\n"
                              "by         rule:b\n"
                              "finish     stop\n"
                              "tokens     7 in, 3 out, estimated\n"
                              "cost       0.0012 USD\n"
                              "time       3.10 s, the first text after 2.5 ms\n");
}

static void what_is_said_does_not_command_the_terminal(void **state) {
    (void)state;
    const char *text = write_tree("{\"message\": \"\\u001b[2J\\u009b31m\\r\\n\", \"text\": \"x\", \"stages\": [{\"stage\": "
                                  "\"a\", \"us\": 1, \"notes\": [{\"what\": \"n\", \"why\": \"\\u0007\"}]}], \"us\": 1}",
                                  "\033]0;title\007", false);
    for (const char *at = text; *at; at++) assert_true((unsigned char)*at >= 0x20 || *at == '\n');
    assert_null(strstr(text, "\xC2\x9B"));
    assert_non_null(strstr(text, "\\x1b[2J\\x9b31m\\x0d\\n"));
    assert_non_null(strstr(text, "\\x1b]0;title\\x07"));
}

static void long_values_are_cut_between_characters(void **state) {
    (void)state;
    struct rp_buf json;
    rp_buf_init(&json, 10000);
    rp_buf_append_str(&json, RP_STR("{\"message\": \"a"));
    for (int i = 0; i < 100; i++) rp_buf_append_str(&json, RP_STR("订"));
    rp_buf_append_str(&json, RP_STR("\", \"us\": 1}"));
    const char *text = write_tree(json.data, "", false);
    assert_true(rp_utf8_valid(text, strlen(text)));
    assert_non_null(strstr(text, "订…\n"));
    rp_buf_finish(&json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_and_notes_form_a_tree),
        cmocka_unit_test(what_is_said_does_not_command_the_terminal),
        cmocka_unit_test(long_values_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
