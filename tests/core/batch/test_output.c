/* An output that an earlier run has left: read, tidied, refused, locked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/batch/output.h"

#define GOOD(line) "{\"line\":" #line ",\"hash\":\"0000000" #line "\",\"status\":200,\"reply\":\"r\"}\n"
#define BAD(line) "{\"line\":" #line ",\"hash\":\"0000000" #line "\",\"status\":500,\"error\":{\"code\":\"x\"}}\n"

static char folder[] = "/tmp/repartee-output-XXXXXX";

static void write_file(const char *text) {
    FILE *file = fopen("out", "wb");
    assert_non_null(file);
    fwrite(text, 1, strlen(text), file);
    fclose(file);
}

static void expect_file(const char *text) {
    char found[4096];
    FILE *file = fopen("out", "rb");
    size_t len = fread(found, 1, sizeof(found) - 1, file);
    found[len] = '\0';
    fclose(file);
    assert_string_equal(found, text);
}

static void earlier_results_are_found_and_the_rest_taken_out(void **state) {
    static const struct {
        const char *before, *after;
        int64_t count, failed;
    } rows[] = {
        {"", "", 0, 0},
        {GOOD(1) GOOD(3), GOOD(1) GOOD(3), 2, 0},
        {GOOD(1) BAD(2) GOOD(3), GOOD(1) GOOD(3), 2, 1},
        {BAD(2), "", 0, 1},
        {GOOD(1) "{\"line\":2,\"ha", GOOD(1), 1, 0},
        {BAD(1) GOOD(2) "{\"li", GOOD(2), 1, 1},
        {"{", "", 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct output output;
        struct rp_error error = {0};
        write_file(rows[i].before);
        if (output_open(&output, "out", &error) != 0) fail_msg("%s", error.text);
        assert_int_equal(output.ledger.count, rows[i].count);
        assert_int_equal(output.failed, rows[i].failed);
        expect_file(rows[i].before);
        assert_int_equal(output_tidy(&output, &error), 0);
        expect_file(rows[i].after);
        assert_int_equal(write(output.fd, GOOD(9), strlen(GOOD(9))), strlen(GOOD(9))); /* goes to its end */
        output_close(&output);
        char wanted[1024];
        snprintf(wanted, sizeof(wanted), "%s%s", rows[i].after, GOOD(9));
        expect_file(wanted);
    }
}

static void lines_that_cross_blocks_are_read(void **state) {
    (void)state;
    struct output output;
    FILE *file = fopen("out", "wb");
    for (int i = 1; i <= 5000; i++)
        fprintf(file, "{\"line\":%d,\"hash\":\"%08x\",\"reply\":\"%0*d\"%s}\n", i, i, i % 97 + 1, 0,
                i % 5 == 0 ? ",\"error\":{}" : "");
    fclose(file);
    assert_int_equal(output_open(&output, "out", NULL), 0);
    assert_int_equal(output.ledger.count, 4000);
    assert_int_equal(output_tidy(&output, NULL), 0);
    output_close(&output);
    assert_int_equal(output_open(&output, "out", NULL), 0);
    assert_int_equal(output.ledger.count, 4000);
    assert_int_equal(output.failed, 0);
    assert_int_equal(ledger_find(&output.ledger, 4999), 4999);
    output_close(&output);
}

static void what_is_not_ours_is_refused(void **state) {
    static const char *const texts[] = {"hello\n", "hello", GOOD(1) "hello\n" GOOD(2), GOOD(1) "{\"a\":1}\n",
                                        GOOD(1) "x"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct output output;
        struct rp_error error = {0};
        write_file(texts[i]);
        assert_int_equal(output_open(&output, "out", &error), -RP_EINVALID);
        assert_string_equal(error.file, "out");
        assert_int_equal(error.line, texts[i][0] == '{' ? 2 : 1);
        expect_file(texts[i]);
    }
}

static void two_do_not_write_to_one_file(void **state) {
    struct output first, second;
    struct rp_error error = {0};
    (void)state;
    write_file(BAD(1));
    assert_int_equal(output_open(&first, "out", NULL), 0);
    assert_int_equal(output_open(&second, "out", &error), -RP_ECONFLICT);
    assert_int_equal(output_tidy(&first, NULL), 0); /* another file by now */
    assert_int_equal(output_open(&second, "out", &error), -RP_ECONFLICT);
    output_close(&first);
    assert_int_equal(output_open(&second, "out", NULL), 0);
    output_close(&second);
}

static void what_a_killed_run_left_beside_it_goes(void **state) {
    struct output output;
    (void)state;
    write_file("half of a copy");
    assert_int_equal(rename("out", "out.tidy"), 0);
    write_file(BAD(1) GOOD(2));
    assert_int_equal(output_open(&output, "out", NULL), 0);
    assert_int_equal(output_tidy(&output, NULL), 0);
    output_close(&output);
    expect_file(GOOD(2));
    assert_int_not_equal(access("out.tidy", F_OK), 0);
}

static void a_device_is_only_written_to(void **state) {
    struct output output;
    (void)state;
    assert_int_equal(output_open(&output, "/dev/null", NULL), 0);
    assert_null(output.path);
    assert_int_equal(output_tidy(&output, NULL), 0);
    output_close(&output);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(earlier_results_are_found_and_the_rest_taken_out),
        cmocka_unit_test(lines_that_cross_blocks_are_read),
        cmocka_unit_test(what_is_not_ours_is_refused),
        cmocka_unit_test(two_do_not_write_to_one_file),
        cmocka_unit_test(what_a_killed_run_left_beside_it_goes),
        cmocka_unit_test(a_device_is_only_written_to),
    };
    if (!mkdtemp(folder) || chdir(folder) != 0) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink("out");
    if (chdir("/") == 0) rmdir(folder);
    return failed;
}
