/* The form of log lines: what is in them, what cannot be, where they are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/base/log_sink.h"

static char path[] = "/tmp/repartee-log-XXXXXX";
static long seen; /* bytes of the file that earlier tests have looked at */

static int open_log(enum rp_log_level level) {
    return log_open(level, path, NULL);
}

/* What was logged since the last call. */
static char *logged(void) {
    log_close();
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    size_t len = (size_t)(ftell(file) - seen);
    char *text = rp_calloc(1, len + 1);
    fseek(file, seen, SEEK_SET);
    assert_int_equal(fread(text, 1, len, file), len);
    seen += (long)len;
    fclose(file);
    return text;
}

/* The one line that was logged, parsed. */
static json_t *line_logged(void) {
    char *text = logged();
    struct rp_error error;
    json_t *line = NULL;
    size_t len = strlen(text);
    assert_true(len > 0 && text[len - 1] == '\n');
    assert_ptr_equal(strchr(text, '\n'), text + len - 1);
    if (rp_json_parse(text, len, &line, &error)) fail_msg("%s in %s", error.text, text);
    free(text);
    return line;
}

static const char *text_of(json_t *line, const char *key) {
    const char *text = json_string_value(json_object_get(line, key));
    if (!text) fail_msg("no text '%s'", key);
    return text;
}

static void a_line_has_time_level_component_and_message(void **state) {
    (void)state;
    open_log(RP_LOG_INFO);
    rp_log(RP_LOG_WARN, "httpd", "%d of %s", 3, "them");
    json_t *line = line_logged();
    assert_int_equal(json_object_size(line), 4);
    assert_string_equal(text_of(line, "level"), "WARN");
    assert_string_equal(text_of(line, "component"), "httpd");
    assert_string_equal(text_of(line, "message"), "3 of them");
    int year, month, day, hour, minute, second, ms, end = 0;
    const char *time = text_of(line, "timestamp");
    assert_int_equal(strlen(time), 24);
    assert_int_equal(
        sscanf(time, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &year, &month, &day, &hour, &minute, &second, &ms, &end), 7);
    assert_int_equal(end, 24);
    json_decref(line);
}

static void the_time_is_now(void **state) {
    (void)state;
    open_log(RP_LOG_INFO);
    time_t before = time(NULL);
    rp_log(RP_LOG_INFO, NULL, "x");
    time_t after = time(NULL);
    json_t *line = line_logged();
    char first[32], last[32];
    strftime(first, sizeof first, "%Y-%m-%dT%H:%M:%S.000Z", gmtime(&before));
    strftime(last, sizeof last, "%Y-%m-%dT%H:%M:%S.999Z", gmtime(&after));
    assert_true(strcmp(text_of(line, "timestamp"), first) >= 0);
    assert_true(strcmp(text_of(line, "timestamp"), last) <= 0);
    assert_null(json_object_get(line, "component"));
    json_decref(line);
}

static void fields_keep_their_order_and_form(void **state) {
    (void)state;
    struct rp_log_line line;
    open_log(RP_LOG_INFO);
    rp_log_open(&line, RP_LOG_INFO, NULL);
    rp_log_str(&line, "prompt", RP_STR("a\"b"));
    rp_log_str(&line, "none", rp_str_n(NULL, 0));
    rp_log_int(&line, "most", INT64_MAX);
    rp_log_int(&line, "least", INT64_MIN);
    rp_log_int(&line, "zero", 0);
    rp_log_ms(&line, "response_time", 3.2);
    rp_log_ms(&line, "short", 0.0004);
    rp_log_ms(&line, "round", 1.9996);
    rp_log_ms(&line, "back", -1234.5);
    rp_log_ms(&line, "nan", NAN);
    rp_log_ms(&line, "inf", INFINITY);
    rp_log_close(&line);
    char *text = logged();
    const char *fields = strstr(text, "\"INFO\"");
    assert_non_null(fields);
    assert_string_equal(fields,
                        "\"INFO\", \"prompt\": \"a\\\"b\", \"none\": \"\", \"most\": 9223372036854775807, "
                        "\"least\": -9223372036854775808, \"zero\": 0, \"response_time\": 3.200, \"short\": 0.000, "
                        "\"round\": 2.000, \"back\": -1234.500, \"nan\": null, \"inf\": null}\n");
    free(text);
}

static void no_text_forges_a_line(void **state) {
    (void)state;
    const char evil[] = "x\n{\"level\": \"ERROR\"}\r\n\x1b[2J\xe2\x80\xa8\xc2\x85\"}\xff\0y";
    struct rp_log_line line;
    open_log(RP_LOG_INFO);
    rp_log_open(&line, RP_LOG_INFO, NULL);
    rp_log_str(&line, "prompt", rp_str_n(evil, sizeof evil - 1));
    rp_log_close(&line);
    char *text = logged();
    for (size_t i = 0; text[i + 1]; i++) assert_true((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
    assert_null(strstr(text, "\xe2\x80\xa8"));
    assert_null(strstr(text, "\xc2\x85"));
    assert_true(rp_utf8_valid(text, strlen(text)));
    assert_non_null(strstr(text, "\\u0000y\"}\n"));
    free(text);
}

static void lines_below_the_level_leave_no_trace(void **state) {
    (void)state;
    struct rp_log_line line;
    open_log(RP_LOG_WARN);
    assert_false(rp_log_enabled(RP_LOG_INFO));
    assert_true(rp_log_enabled(RP_LOG_WARN));
    rp_log(RP_LOG_INFO, NULL, "x");
    rp_log_open(&line, RP_LOG_DEBUG, NULL);
    rp_log_str(&line, "key", RP_STR("value"));
    rp_log_int(&line, "key", 1);
    rp_log_ms(&line, "key", 1);
    rp_log_close(&line);
    char *text = logged();
    assert_string_equal(text, "");
    free(text);
    open_log(RP_LOG_OFF);
    assert_false(rp_log_enabled(RP_LOG_ERROR));
    assert_false(rp_log_enabled(RP_LOG_OFF));
    open_log(RP_LOG_INFO);
    log_close();
}

/* Around the ends of the line's own space and of the longest line. */
static void values_of_every_length_survive(void **state) {
    (void)state;
    static char value[17000];
    memset(value, 'v', sizeof value);
    for (size_t len = 0; len < 17000; len += len < 1100 || len > 16100 ? 1 : 500) {
        struct rp_log_line line;
        open_log(RP_LOG_INFO);
        rp_log_open(&line, RP_LOG_INFO, NULL);
        rp_log_str(&line, "a", rp_str_n(value, len));
        rp_log_int(&line, "n", 7);
        rp_log_close(&line);
        char *text = logged();
        size_t line_len = strlen(text);
        assert_true(line_len <= 16 * 1024);
        assert_string_equal(text + line_len - 2, "}\n");
        struct rp_error error;
        json_t *parsed = NULL;
        if (rp_json_parse(text, line_len, &parsed, &error)) fail_msg("length %zu: %s", len, error.text);
        size_t kept = json_string_length(json_object_get(parsed, "a"));
        if (len < 16000) assert_int_equal(kept, len);
        if (len > 16384) assert_in_range(kept, 16200, 16384);
        json_decref(parsed);
        free(text);
    }
}

static void a_cut_value_ends_in_an_ellipsis_between_characters(void **state) {
    (void)state;
    static char value[30000];
    for (size_t i = 0; i < sizeof value; i += 3) memcpy(value + i, "\xe4\xbd\xa0", 3);
    for (size_t shift = 0; shift < 3; shift++) {
        struct rp_log_line line;
        open_log(RP_LOG_INFO);
        rp_log_open(&line, RP_LOG_INFO, NULL);
        rp_log_str(&line, "pad", rp_str_n("xx", shift));
        rp_log_str(&line, "a", rp_str_n(value, sizeof value));
        rp_log_close(&line);
        json_t *parsed = line_logged();
        const char *kept = text_of(parsed, "a");
        assert_string_equal(kept + strlen(kept) - 6, "\xe4\xbd\xa0\xe2\x80\xa6");
        json_decref(parsed);
    }
}

static void fields_without_room_are_left_out(void **state) {
    (void)state;
    struct rp_log_line line;
    open_log(RP_LOG_INFO);
    rp_log_open(&line, RP_LOG_INFO, NULL);
    for (int i = 0; i < 5000; i++) rp_log_str(&line, "key", RP_STR("value"));
    rp_log_close(&line);
    char *text = logged();
    size_t len = strlen(text);
    assert_in_range(len, 16 * 1024 - 40, 16 * 1024);
    assert_string_equal(text + len - 2, "}\n");
    free(text);
}

static void long_messages_are_formatted_whole(void **state) {
    (void)state;
    for (int width = 1000; width < 1050; width++) {
        open_log(RP_LOG_INFO);
        rp_log(RP_LOG_INFO, NULL, "%*d", width, 5);
        json_t *line = line_logged();
        assert_int_equal(strlen(text_of(line, "message")), width);
        json_decref(line);
    }
}

static int make_file(void **state) {
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state) {
    (void)state;
    return unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_level_component_and_message),
        cmocka_unit_test(the_time_is_now),
        cmocka_unit_test(fields_keep_their_order_and_form),
        cmocka_unit_test(no_text_forges_a_line),
        cmocka_unit_test(lines_below_the_level_leave_no_trace),
        cmocka_unit_test(values_of_every_length_survive),
        cmocka_unit_test(a_cut_value_ends_in_an_ellipsis_between_characters),
        cmocka_unit_test(fields_without_room_are_left_out),
        cmocka_unit_test(long_messages_are_formatted_whole),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
