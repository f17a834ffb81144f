/* Lines out of a stream: any cut, both line ends, the ceiling, the last one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <repartee/http_client.h>

static int on_line(void *arg, struct rp_str line) {
    rp_buf_append_str(arg, line);
    return rp_buf_append(arg, ";", 1);
}

static int stop_at_two(void *arg, struct rp_str line) {
    on_line(arg, line);
    return rp_str_is(line, "two") ? -RP_EJSON : 0;
}

/* In two parts, each of just its size for the sanitizer. */
static int feed_cut(struct rp_lines *lines, struct rp_buf *out, const char *text, size_t cut) {
    size_t len = strlen(text);
    char *first = malloc(cut ? cut : 1), *second = malloc(len - cut ? len - cut : 1);
    memcpy(first, text, cut);
    memcpy(second, text + cut, len - cut);
    int rc = rp_lines_feed(lines, first, cut, on_line, out);
    if (rc == 0) rc = rp_lines_feed(lines, second, len - cut, on_line, out);
    free(first);
    free(second);
    return rc;
}

static void every_cut_gives_the_same_lines(void **state) {
    (void)state;
    static const char text[] = "{\"a\":1}\n\r\n\n{\"b\":\"\xF0\x9F\x98\x80\"}\r\nsome\rthing\nthe last";
    for (size_t cut = 0; cut <= strlen(text); cut++) {
        struct rp_lines lines;
        struct rp_buf out;
        rp_lines_init(&lines, 100);
        rp_buf_init(&out, 1000);
        assert_int_equal(feed_cut(&lines, &out, text, cut), 0);
        assert_string_equal(out.data, "{\"a\":1};{\"b\":\"\xF0\x9F\x98\x80\"};some\rthing;");
        assert_int_equal(rp_lines_end(&lines, on_line, &out), 0);
        assert_string_equal(out.data, "{\"a\":1};{\"b\":\"\xF0\x9F\x98\x80\"};some\rthing;the last;");
        assert_int_equal(rp_lines_end(&lines, on_line, &out), 0); /* nothing is left */
        rp_lines_finish(&lines);
        rp_buf_finish(&out);
    }
}

static void a_line_beyond_the_ceiling_is_refused_whole_and_cut(void **state) {
    (void)state;
    for (size_t cut = 0; cut <= 7; cut++) {
        struct rp_lines lines;
        struct rp_buf out;
        rp_lines_init(&lines, 5);
        rp_buf_init(&out, 1000);
        assert_int_equal(feed_cut(&lines, &out, "12345\n", cut < 6 ? cut : 6), 0);
        assert_int_equal(feed_cut(&lines, &out, "123456\n", cut), -RP_ETOOLARGE);
        assert_string_equal(out.data, "12345;");
        rp_lines_finish(&lines);
        rp_buf_finish(&out);
    }
}

static void who_takes_the_lines_can_stop_it(void **state) {
    (void)state;
    struct rp_lines lines;
    struct rp_buf out;
    rp_lines_init(&lines, 100);
    rp_buf_init(&out, 1000);
    assert_int_equal(rp_lines_feed(&lines, "one\ntwo\nthree\n", 14, stop_at_two, &out), -RP_EJSON);
    assert_string_equal(out.data, "one;two;");
    rp_lines_finish(&lines);
    rp_buf_finish(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_gives_the_same_lines),
        cmocka_unit_test(a_line_beyond_the_ceiling_is_refused_whole_and_cut),
        cmocka_unit_test(who_takes_the_lines_can_stop_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
