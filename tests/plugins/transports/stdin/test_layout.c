/* A reply on the terminal looks the same however it is cut into chunks, and cannot drive the terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugins/transports/stdin/layout.h"

/* Chunks end between characters. */
static bool inside_character(struct rp_str text, size_t at) {
    return at < text.len && ((unsigned char)text.data[at] & 0xc0) == 0x80;
}

static void check(struct rp_str text, const char *error, const char *expected) {
    for (size_t cut = 0; cut <= text.len; cut++) {
        if (inside_character(text, cut)) continue;
        struct layout layout = {0};
        struct rp_buf out;
        rp_buf_init(&out, 4096);
        assert_int_equal(layout_text(&layout, rp_str_n(text.data, cut), &out), 0);
        assert_int_equal(layout_text(&layout, rp_str_n(text.data + cut, text.len - cut), &out), 0);
        assert_int_equal(layout_end(&layout, error, &out), 0);
        assert_string_equal(out.data, expected);
        assert_false(layout.begun);
        rp_buf_finish(&out);
    }
}

static void further_lines_are_indented(void **state) {
    (void)state;
    check(RP_STR("Hello."), NULL, "bot> Hello.\n");
    check(RP_STR("one\ntwo\r\nthree"), NULL, "bot> one\n     two\n     three\n");
    check(RP_STR("你好\n世界"), NULL, "bot> 你好\n     世界\n");
    check(RP_STR(""), NULL, "bot> \n");
}

static void empty_lines_stay_inside_and_vanish_at_the_end(void **state) {
    (void)state;
    check(RP_STR("one\n\n\ntwo\n\n"), NULL, "bot> one\n\n\n     two\n");
    check(RP_STR("\n"), NULL, "bot> \n");
}

static void an_error_stands_on_its_own_line(void **state) {
    (void)state;
    check(RP_STR("half"), "it broke (internal_error)", "bot> half\nbot! it broke (internal_error)\n");
    check(RP_STR(""), "it broke (internal_error)", "bot! it broke (internal_error)\n");
}

static void control_characters_are_shown(void **state) {
    (void)state;
    check(RP_STR("a\x1b[2Jb"), NULL, "bot> a\xef\xbf\xbd[2Jb\n");
    check(RP_STR("\x07\x08\x7f"), NULL, "bot> \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\n");
    check(RP_STR("\xc2\x9b"
                 "31m \xc2\xa0\tx"),
          NULL, "bot> \xef\xbf\xbd"
                "31m \xc2\xa0\tx\n");
}

static void a_full_buffer_is_reported(void **state) {
    (void)state;
    for (size_t max = 0; max < 12; max++) {
        struct layout layout = {0};
        struct rp_buf out;
        rp_buf_init(&out, max);
        assert_int_equal(layout_text(&layout, RP_STR("0123456789\nabc"), &out), -RP_ETOOLARGE);
        rp_buf_finish(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(further_lines_are_indented),
        cmocka_unit_test(empty_lines_stay_inside_and_vanish_at_the_end),
        cmocka_unit_test(an_error_stands_on_its_own_line),
        cmocka_unit_test(control_characters_are_shown),
        cmocka_unit_test(a_full_buffer_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
