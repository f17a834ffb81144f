/* What an output says of earlier runs: its lines, and the table that is made from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/batch/ledger.h"

static void a_line_of_ours_is_read(void **state) {
    (void)state;
    char text[256], head[96];
    struct ledger_entry entry;
    ledger_head(head, sizeof(head), 17, 0x00ab34cd);
    snprintf(text, sizeof(text), "{%s,\"status\":200,\"reply\":\"\\\"error\\\":1\",\"usage\":{\"error\":1}}", head);
    assert_true(ledger_read(rp_str(text), &entry));
    assert_int_equal(entry.line, 17);
    assert_int_equal(entry.hash, 0x00ab34cd);
    assert_false(entry.failed);
    snprintf(text, sizeof(text), "{%s,\"status\":500,\"error\":{}}", head);
    assert_true(ledger_read(rp_str(text), &entry));
    assert_true(entry.failed);
    assert_true(ledger_read(RP_STR("{\"error\":{},\"hash\":\"00000000\",\"line\":268435456}"), &entry));
}

static void other_lines_are_not(void **state) {
    static const char *const texts[] = {
        "",
        "x",
        "[]",
        "{}",
        "{\"line\":1}",
        "{\"hash\":\"12345678\"}",
        "{\"line\":0,\"hash\":\"12345678\"}",
        "{\"line\":-1,\"hash\":\"12345678\"}",
        "{\"line\":268435457,\"hash\":\"12345678\"}",
        "{\"line\":99999999999999999999,\"hash\":\"12345678\"}",
        "{\"line\":\"1\",\"hash\":\"12345678\"}",
        "{\"line\":1,\"hash\":\"1234567\"}",
        "{\"line\":1,\"hash\":\"1234567g\"}",
        "{\"line\":1,\"hash\":\"1234567G\"}",
        "{\"line\":1,\"hash\":12345678}",
        "{\"line\":1,\"hash\":\"00000000\"}", /* a reply to nothing */
        "{\"line\":1,\"hash\":\"12345678\"",
        "{\"line\":1,\"hash\":\"12345678\"}x",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct ledger_entry entry = {.line = 77};
        if (ledger_read(rp_str(texts[i]), &entry)) fail_msg("taken: %s", texts[i]);
        assert_int_equal(entry.line, 77);
    }
}

static void the_beginning_of_a_line_is_known(void **state) {
    static const char whole[] = "{\"line\":12,\"hash\":\"12345678\",\"status\":200}";
    (void)state;
    for (size_t len = 0; len < sizeof(whole); len++) assert_true(ledger_is_torn(rp_str_n(whole, len)));
    assert_true(ledger_is_torn(rp_str_n("{\"line\0\0\0", 9)));
    assert_true(ledger_is_torn(rp_str_n("\0\0\0", 3)));
    assert_false(ledger_is_torn(RP_STR("{\"name\":1")));
    assert_false(ledger_is_torn(RP_STR("hello")));
    assert_false(ledger_is_torn(rp_str_n("\0\0h", 3)));
}

static void the_table_holds_what_was_added(void **state) {
    (void)state;
    struct ledger ledger = {0};
    assert_int_equal(ledger_find(&ledger, 1), 0);
    for (int64_t line = 3; line < 100000; line += 3) ledger_add(&ledger, line, (uint32_t)line * 7919);
    for (int64_t line = 1; line < 100010; line++)
        assert_int_equal(ledger_find(&ledger, line), line % 3 || line >= 100000 ? 0 : (uint32_t)line * 7919);
    assert_int_equal(ledger.count, 33333);
    assert_int_equal(ledger.last, 99999);
    ledger_add(&ledger, 3, 5); /* a second time */
    assert_int_equal(ledger.count, 33333);
    ledger_finish(&ledger);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_of_ours_is_read),
        cmocka_unit_test(other_lines_are_not),
        cmocka_unit_test(the_beginning_of_a_line_is_known),
        cmocka_unit_test(the_table_holds_what_was_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
