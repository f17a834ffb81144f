/* Cutting a pipe's bytes into lines: line ends, blank lines, long lines, and every cut of the input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <repartee/line_cutter.h>

#define MAX 8

/* Feeds one piece and writes down what came: texts as "<…>", lines that were too long as "!". */
static void feed(struct rp_cutter *lines, struct rp_str piece, struct rp_buf *out) {
    struct rp_str line;
    for (;;) {
        enum rp_line_kind kind = rp_cutter_next(lines, &piece, &line);
        if (kind == RP_LINE_NONE) break;
        if (kind == RP_LINE_LONG) rp_buf_append_str(out, RP_STR("!"));
        else rp_buf_printf(out, "<%.*s>", RP_STR_ARG(line));
    }
    assert_int_equal(piece.len, 0);
}

static void feed_rest(struct rp_cutter *lines, struct rp_buf *out) {
    struct rp_str line;
    enum rp_line_kind kind = rp_cutter_rest(lines, &line);
    if (kind == RP_LINE_LONG) rp_buf_append_str(out, RP_STR("!"));
    if (kind == RP_LINE_TEXT) rp_buf_printf(out, "<%.*s>", RP_STR_ARG(line));
}

static void check(struct rp_str input, const char *expected) {
    for (size_t cut = 0; cut <= input.len; cut++) {
        struct rp_cutter lines;
        struct rp_buf out;
        rp_cutter_init(&lines, MAX);
        rp_buf_init(&out, 4096);
        feed(&lines, rp_str_n(input.data, cut), &out);
        feed(&lines, rp_str_n(input.data + cut, input.len - cut), &out);
        feed_rest(&lines, &out);
        assert_string_equal(out.data ? out.data : "", expected);
        rp_buf_finish(&out);
        rp_cutter_finish(&lines);
    }
}

static void lines_end_with_lf_or_crlf_or_the_input(void **state) {
    (void)state;
    check(RP_STR("one\ntwo\r\nthree"), "<one><two><three>");
    check(RP_STR("one\n"), "<one>");
    check(RP_STR("one\r"), "<one>");
    check(RP_STR("a\rb\n"), "<a\rb>");
    check(RP_STR(""), "");
}

static void blank_lines_are_no_messages(void **state) {
    (void)state;
    check(RP_STR("\n\r\n  \n\t\r\na\n \n"), "<a>");
    check(RP_STR("   "), "");
    check(RP_STR(" a \n"), "< a >");
}

static void a_long_line_costs_only_itself(void **state) {
    (void)state;
    check(RP_STR("12345678\n123456789\nok\n"), "<12345678>!<ok>");
    check(RP_STR("12345678\r\n123456789\r\nok\n"), "<12345678>!<ok>");
    check(RP_STR("a line that is far too long\n\nok\nand another that is"), "!<ok>!");
    check(RP_STR("         \n          \nok\n"), "!!<ok>");
}

static void the_buffer_does_not_grow_with_a_long_line(void **state) {
    (void)state;
    struct rp_cutter lines;
    struct rp_buf out;
    char piece[1000];
    memset(piece, 'x', sizeof piece);
    rp_cutter_init(&lines, MAX);
    rp_buf_init(&out, 64);
    for (int i = 0; i < 1000; i++) feed(&lines, rp_str_n(piece, sizeof piece), &out);
    assert_true(lines.buf.cap <= 64);
    feed(&lines, RP_STR("\nok\n"), &out);
    assert_string_equal(out.data, "!<ok>");
    rp_buf_finish(&out);
    rp_cutter_finish(&lines);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_end_with_lf_or_crlf_or_the_input),
        cmocka_unit_test(blank_lines_are_no_messages),
        cmocka_unit_test(a_long_line_costs_only_itself),
        cmocka_unit_test(the_buffer_does_not_grow_with_a_long_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
