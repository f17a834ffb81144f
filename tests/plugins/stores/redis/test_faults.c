/* A Redis server that is away, comes back, is killed in the middle, hangs, or says no. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/log_sink.h"
#include "server.h"

static char log_path[200];

static void open_log(void) {
    snprintf(log_path, sizeof log_path, "%s", server_path("log"));
    assert_int_equal(log_open(RP_LOG_INFO, log_path, NULL), 0);
}

static unsigned lines_with(const char *text) {
    char line[4096];
    unsigned count = 0;
    FILE *file = fopen(log_path, "rb");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) count += strstr(line, text) != NULL;
    fclose(file);
    return count;
}

static void spin(int64_t ms) {
    int64_t end = rp_now_ns() + ms * 1000000;
    while (rp_now_ns() < end) {
        worker_turn_loop(server_rig.worker);
        usleep(1000);
    }
}

static void a_server_that_is_away_fails_calls_quickly_and_is_told_once(void **state) {
    (void)state;
    server_signal(SIGKILL);
    unlink(server_path("redis.sock"));
    open_log();
    server_open_only();
    int64_t before = rp_now_ns();
    for (int i = 0; i < 100; i++) {
        assert_int_equal(store_rig_put(&server_rig, "a", "1", 0), -RP_EIO);
        assert_int_equal(store_rig_code(&server_rig, "a"), -RP_EIO);
    }
    assert_true(rp_now_ns() - before < INT64_C(4000000000)); /* two hundred calls with a time limit of 5 s each */
    spin(400);                                               /* several more tries */
    server_start_again();
    assert_true(server_connects(20000));
    assert_int_equal(store_rig_put(&server_rig, "a", "1", 0), 0);
    server_close();
    log_close();
    assert_int_equal(lines_with("cannot be reached: No such file or directory"), 1);
    assert_int_equal(lines_with("can be reached again"), 1);
}

static void calls_wait_while_it_is_connecting(void **state) {
    (void)state;
    struct store_answer answer = {0};
    server_open_only();
    store_rig_begin_put(&server_rig, RP_STR("a"), RP_STR("1"), 0, &answer);
    assert_int_equal(answer.calls, 0);
    store_rig_wait(&server_rig, &answer);
    assert_int_equal(answer.code, 0);
    rp_buf_finish(&answer.value);
    server_close();
}

static void killed_in_the_middle_every_call_is_answered_once(void **state) {
    (void)state;
    enum { CALLS = 2000 };
    static struct store_answer answers[CALLS];
    static char value[4096];
    int good = 0;
    server_options.timeout = 500;
    for (int round = 0; round < 3; round++) {
        memset(answers, 0, sizeof answers);
        server_open();
        for (int i = 0; i < CALLS; i++) {
            store_rig_begin_put(&server_rig, RP_STR("k"), rp_str_n(value, sizeof value), 0, &answers[i]);
            if (i % 500 == 499) worker_turn_loop(server_rig.worker);
        }
        server_signal(SIGKILL);
        for (int i = 0; i < CALLS; i++) {
            store_rig_wait(&server_rig, &answers[i]);
            assert_true(answers[i].code == 0 || answers[i].code == -RP_EIO);
            good += answers[i].code == 0;
            rp_buf_finish(&answers[i].value);
        }
        server_start_again();
        assert_true(server_connects(20000));
        server_close();
    }
    assert_true(good < 3 * CALLS);
}

/* Redis closes connections that were idle for `timeout`, or an operator does: nobody should notice. */
static void a_lost_connection_costs_no_call(void **state) {
    (void)state;
    enum { CALLS = 200 };
    static struct store_answer answers[CALLS];
    open_log();
    server_open();
    assert_int_equal(store_rig_put(&server_rig, "a", "1", 0), 0);
    spin(1100); /* so that it counts as a good connection */
    memset(answers, 0, sizeof answers);
    struct client *client = server_rig.locals[0];
    redisAsyncCommand(client->context, NULL, NULL, "CLIENT KILL TYPE normal SKIPME no");
    for (int i = 0; i < CALLS; i++) store_rig_begin_get(&server_rig, RP_STR("a"), &answers[i]);
    for (int i = 0; i < CALLS; i++) {
        store_rig_wait(&server_rig, &answers[i]);
        assert_int_equal(answers[i].code, 0);
        assert_string_equal(answers[i].value.data, "1");
        rp_buf_finish(&answers[i].value);
    }
    server_close();
    log_close();
    assert_int_equal(lines_with("cannot be reached"), 0);
}

/* What had been sent may have been done: said again it would be twice. So it fails, and no sum is ever too large. */
static void an_addition_is_never_done_twice(void **state) {
    enum { CALLS = 200 };
    static struct store_answer answers[CALLS];
    int64_t good = 0, sum;
    (void)state;
    server_open();
    spin(1100); /* so that it counts as a good connection */
    memset(answers, 0, sizeof answers);
    struct client *client = server_rig.locals[0];
    for (int i = 0; i < CALLS; i++) {
        store_rig_begin_add(&server_rig, RP_STR("n"), 1, 3600000, &answers[i]);
        if (i == CALLS / 2) redisAsyncCommand(client->context, NULL, NULL, "CLIENT KILL TYPE normal SKIPME no");
    }
    for (int i = 0; i < CALLS; i++) {
        store_rig_wait(&server_rig, &answers[i]);
        assert_true(answers[i].code == 0 || answers[i].code == -RP_EIO);
        good += answers[i].code == 0;
        rp_buf_finish(&answers[i].value);
    }
    assert_true(good > 0 && good < CALLS);
    assert_true(server_connects(20000));
    assert_int_equal(store_rig_add(&server_rig, "n", 0, 0, &sum), 0);
    assert_true(sum >= good && sum <= CALLS);
    server_close();
}

static void a_server_that_hangs_is_given_up_and_found_again(void **state) {
    (void)state;
    server_options.timeout = server_options.connect_timeout = 200;
    open_log();
    server_open();
    server_signal(SIGSTOP);
    int64_t before = rp_now_ns();
    assert_int_equal(store_rig_code(&server_rig, "a"), -RP_EIO);
    assert_true(rp_now_ns() - before < INT64_C(3000000000));
    spin(600);
    server_signal(SIGCONT);
    assert_true(server_connects(20000));
    server_close();
    log_close();
    assert_int_equal(lines_with("cannot be reached: no answer in time"), 1);
    assert_int_equal(lines_with("can be reached again"), 1);
}

/* ---- over TCP ---------------------------------------------------------------------------------------------------------- */

static char url[200];

static void start_tcp(const char *const *more, const char *login, const char *host, const char *behind) {
    static char port[16];
    const char *words[16] = {"--port", port, "--bind", "127.0.0.1"};
    int count = 4;
    server_signal(SIGKILL);
    snprintf(port, sizeof port, "%d", server_free_port());
    for (int i = 0; more[i]; i++) words[count++] = more[i];
    server_start(words);
    snprintf(url, sizeof url, "redis://%s%s:%s%s", login, host, port, behind);
    server_options.url = url;
}

/* "localhost" may be ::1 first, where nobody listens. */
static void a_name_a_password_and_a_database_are_used(void **state) {
    (void)state;
    const char *more[] = {"--requirepass", "p@ss:word", NULL};
    start_tcp(more, ":p%40ss%3Aword@", "localhost", "/3");
    server_open();
    assert_int_equal(store_rig_put(&server_rig, "a", "1", 0), 0);
    server_close();
    url[strlen(url) - 1] = '4';
    server_open();
    assert_int_equal(store_rig_code(&server_rig, "a"), -RP_ENOTFOUND);
    server_close();
}

static void a_wrong_password_is_told(void **state) {
    (void)state;
    const char *more[] = {"--requirepass", "right", NULL};
    start_tcp(more, ":wrong@", "127.0.0.1", "");
    open_log();
    server_open_only();
    assert_false(server_connects(700));
    server_close();
    log_close();
    assert_int_equal(lines_with("it says: WRONGPASS"), 1);
    assert_int_equal(lines_with(":wrong"), 0);
}

static void a_missing_database_is_told(void **state) {
    (void)state;
    const char *more[] = {NULL};
    start_tcp(more, "", "127.0.0.1", "/999");
    open_log();
    server_open_only();
    assert_false(server_connects(700));
    server_close();
    log_close();
    assert_int_equal(lines_with("it says: ERR DB index is out of range"), 1);
}

static void a_full_server_refuses_and_is_told_once(void **state) {
    (void)state;
    static char value[64 << 10];
    const char *more[] = {"--maxmemory", "2mb", "--maxmemory-policy", "noeviction", NULL};
    int refused = 0;
    char key[32];
    start_tcp(more, "", "127.0.0.1", "");
    open_log();
    server_open();
    for (int i = 0; i < 50; i++) {
        snprintf(key, sizeof key, "k%d", i);
        int code = store_rig_put_bytes(&server_rig, rp_str(key), rp_str_n(value, sizeof value));
        assert_true(code == 0 || code == -RP_EIO);
        refused += code != 0;
    }
    assert_true(refused > 1);
    assert_int_equal(store_rig_code(&server_rig, "none"), -RP_ENOTFOUND);
    server_close();
    log_close();
    assert_int_equal(lines_with("Redis refuses a command: OOM"), 1);
}

/* ---- what is no Redis -------------------------------------------------------------------------------------------------- */

static int listener;

/* Takes connections, or lets the system take them; says `words` to each. */
static void talk(const char *words, int64_t ms) {
    int64_t end = rp_now_ns() + ms * 1000000;
    while (rp_now_ns() < end) {
        struct timeval none = {0, 1000};
        fd_set set;
        FD_ZERO(&set);
        FD_SET(listener, &set);
        if (words && select(listener + 1, &set, NULL, NULL, &none) == 1) {
            int fd = accept(listener, NULL, NULL);
            assert_int_equal(write(fd, words, strlen(words)), (ssize_t)strlen(words));
            spin(20);
            close(fd);
        }
        worker_turn_loop(server_rig.worker);
        usleep(1000);
    }
}

static void open_listener(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 16), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", ntohs(address.sin_port));
    server_options.url = url;
    server_options.connect_timeout = 200;
}

static void a_port_that_says_nothing_or_nonsense_is_no_server(void **state) {
    (void)state;
    static const char *const all[][2] = {
        {NULL, "no answer in time"}, {"HTTP/1.1 400 Bad Request\r\n\r\n", "Protocol error"}, {"", "Connection reset by peer"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct store_answer answer = {0};
        open_log();
        open_listener();
        server_open_only();
        store_rig_begin_get(&server_rig, RP_STR("a"), &answer);
        talk(all[i][0], 700);
        assert_int_equal(answer.calls, 1);
        assert_int_equal(answer.code, -RP_EIO);
        server_close();
        close(listener);
        log_close();
        if (lines_with(all[i][1]) != 1) fail_msg("'%s' is not in %s", all[i][1], log_path);
        assert_int_equal(lines_with("cannot be reached"), 1);
        unlink(log_path);
        rp_buf_finish(&answer.value);
    }
}

static void closing_answers_what_is_under_way(void **state) {
    (void)state;
    static struct store_answer answers[50];
    memset(answers, 0, sizeof answers);
    server_open();
    for (int i = 0; i < 50; i++) store_rig_begin_get(&server_rig, RP_STR("a"), &answers[i]);
    server_close();
    for (int i = 0; i < 50; i++) {
        assert_int_equal(answers[i].calls, 1);
        assert_int_equal(answers[i].code, -RP_EDRAINING);
        rp_buf_finish(&answers[i].value);
    }
    server_options.url = "redis://no-such-host.invalid";
    server_open_only(); /* while a name is being resolved */
    server_close();
}

int main(void) {
#define FAULT_TEST(test) cmocka_unit_test_setup_teardown(test, server_make, server_remove)
    const struct CMUnitTest tests[] = {
        FAULT_TEST(a_server_that_is_away_fails_calls_quickly_and_is_told_once),
        FAULT_TEST(calls_wait_while_it_is_connecting),
        FAULT_TEST(killed_in_the_middle_every_call_is_answered_once),
        FAULT_TEST(a_lost_connection_costs_no_call),
        FAULT_TEST(an_addition_is_never_done_twice),
        FAULT_TEST(a_server_that_hangs_is_given_up_and_found_again),
        FAULT_TEST(a_name_a_password_and_a_database_are_used),
        FAULT_TEST(a_wrong_password_is_told),
        FAULT_TEST(a_missing_database_is_told),
        FAULT_TEST(a_full_server_refuses_and_is_told_once),
        FAULT_TEST(a_port_that_says_nothing_or_nonsense_is_no_server),
        FAULT_TEST(closing_answers_what_is_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
