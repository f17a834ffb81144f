/* URLs of servers: what is read out of them, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugins/stores/redis/redis.h"

static void same(const char *is, const char *wanted) {
    if (wanted)
        assert_string_equal(is, wanted);
    else
        assert_null(is);
}

static void good_urls_are_taken_apart(void **state) {
    (void)state;
    static const struct {
        const char *text;
        struct {
            const char *host, *socket, *user, *password;
            int port, database;
        } url;
    } cases[] = {
        {"redis://localhost", {.host = "localhost", .port = 6379}},
        {"redis://10.0.0.7:7000/", {.host = "10.0.0.7", .port = 7000}},
        {"redis://cache.example:7000/12", {.host = "cache.example", .port = 7000, .database = 12}},
        {"redis://:pass@h", {.host = "h", .port = 6379, .password = "pass"}},
        {"redis://ann:p%40ss:%2f@h:1/2", {.host = "h", .port = 1, .database = 2, .user = "ann", .password = "p@ss:/"}},
        {"redis://:a@b@h", {.host = "h", .port = 6379, .password = "a@b"}},
        {"redis://[::1]:7000/3", {.host = "::1", .port = 7000, .database = 3}},
        {"redis://[fe80::1]", {.host = "fe80::1", .port = 6379}},
        {"redis+unix:///run/redis.sock", {.socket = "/run/redis.sock"}},
        {"unix:///run/my%20redis.sock?db=4", {.socket = "/run/my redis.sock", .database = 4}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct url url;
        struct rp_error error = {0};
        if (url_parse(cases[i].text, &url, &error) != 0) fail_msg("%s: %s", cases[i].text, error.text);
        same(url.host, cases[i].url.host);
        same(url.socket, cases[i].url.socket);
        same(url.user, cases[i].url.user);
        same(url.password, cases[i].url.password);
        assert_int_equal(url.port, cases[i].url.port);
        assert_int_equal(url.database, cases[i].url.database);
        url_finish(&url);
    }
}

static void bad_urls_are_refused_without_telling_the_password(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", "does not begin"},
        {"localhost:6379", "does not begin"},
        {"http://secret@h", "does not begin"},
        {"rediss://:secret@h", "TLS"},
        {"redis://", "no valid host"},
        {"redis://:secret@", "no valid host"},
        {"redis://secret@h", "user without a password"},
        {"redis://:secret%4@h", "two digits"},
        {"redis://:secret%zz@h", "two digits"},
        {"redis://:secret%00@h", "two digits"},
        {"redis://h:0", "no valid port"},
        {"redis://h:65536", "no valid port"},
        {"redis://h:", "no valid port"},
        {"redis://h:12x", "no valid port"},
        {"redis://::1", "no valid host"},
        {"redis://[::1", "[ without a ]"},
        {"redis://[::1]x", "between ] and the port"},
        {"redis://h/x", "no valid database"},
        {"redis://h/-1", "no valid database"},
        {"redis://h/9999999", "no valid database"},
        {"redis://h?db=1", "? behind a host"},
        {"redis+unix://run/redis.sock", "no absolute path"},
        {"redis+unix:///", "no absolute path"},
        {"redis+unix:///r.sock?database=1", "nothing else"},
        {"redis+unix:///r.sock?db=", "nothing else"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct url url;
        struct rp_error error = {0};
        assert_int_equal(url_parse(cases[i][0], &url, &error), -RP_ECONFIG);
        if (!strstr(error.text, cases[i][1])) fail_msg("%s: %s", cases[i][0], error.text);
        assert_null(strstr(error.text, "secret"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_urls_are_taken_apart),
        cmocka_unit_test(bad_urls_are_refused_without_telling_the_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
