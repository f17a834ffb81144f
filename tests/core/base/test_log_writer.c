/* Where log lines go: threads, a reader that has stopped, changing the file, a fork. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/log_sink.h"

#define THREADS 4
#define EACH 1500 /* what all threads write fits the buffer, however slow the disk is */

static char folder[] = "/tmp/repartee-log-XXXXXX";

static char *in_folder(const char *name) {
    static char path[2][256];
    static int next;
    next = !next;
    snprintf(path[next], sizeof path[next], "%s/%s", folder, name);
    return path[next];
}

static char *read_all(const char *path) {
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    size_t len = (size_t)ftell(file);
    char *text = rp_calloc(1, len + 1);
    rewind(file);
    assert_int_equal(fread(text, 1, len, file), len);
    fclose(file);
    return text;
}

/* Without strstr, of which AddressSanitizer's measures all of the text each time. */
static size_t count(const char *text, const char *word) {
    size_t found = 0, len = strlen(word);
    for (const char *at = text; *at; at++) found += *at == *word && strncmp(at, word, len) == 0;
    return found;
}

static void *log_lines(void *arg) {
    for (int i = 0; i < EACH; i++) rp_log(i % 100 ? RP_LOG_INFO : RP_LOG_ERROR, arg, "line %d.", i);
    return NULL;
}

static void every_line_of_every_thread_arrives_in_its_order(void **state) {
    (void)state;
    const char *names[THREADS] = {"t0", "t1", "t2", "t3"};
    pthread_t threads[THREADS];
    assert_int_equal(log_open(RP_LOG_INFO, in_folder("threads"), NULL), 0);
    for (size_t i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, log_lines, (void *)(uintptr_t)names[i]);
    for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    log_close();
    char *text = read_all(in_folder("threads"));
    int next[THREADS] = {0};
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        const char *name = strstr(line, "\"component\": \"t");
        const char *number = strstr(line, "line ");
        assert_true(name && number && line[strlen(line) - 1] == '}');
        size_t thread = (size_t)(name[15] - '0');
        assert_in_range(thread, 0, THREADS - 1);
        assert_int_equal(atoi(number + 5), next[thread]++);
    }
    for (size_t i = 0; i < THREADS; i++) assert_int_equal(next[i], EACH);
    free(text);
}

static void the_file_is_not_for_everybody(void **state) {
    (void)state;
    struct stat about;
    mode_t before = umask(0);
    assert_int_equal(log_open(RP_LOG_INFO, in_folder("mode"), NULL), 0);
    log_close();
    umask(before);
    assert_int_equal(stat(in_folder("mode"), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0640);
}

static void a_file_that_cannot_be_opened_changes_nothing(void **state) {
    (void)state;
    struct rp_error error;
    assert_int_equal(log_open(RP_LOG_INFO, in_folder("stays"), NULL), 0);
    assert_int_equal(log_open(RP_LOG_OFF, in_folder("no/such/folder"), &error), -RP_EIO);
    assert_non_null(strstr(error.text, "no/such/folder"));
    assert_true(rp_log_enabled(RP_LOG_INFO));
    rp_log(RP_LOG_INFO, NULL, "still here");
    log_close();
    char *text = read_all(in_folder("stays"));
    assert_int_equal(count(text, "still here"), 1);
    free(text);
}

static void the_file_can_be_changed_while_lines_come(void **state) {
    (void)state;
    char name[32];
    assert_int_equal(log_open(RP_LOG_INFO, in_folder("change0"), NULL), 0);
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "change%d", i % 3);
        assert_int_equal(log_open(RP_LOG_INFO, in_folder(name), NULL), 0);
        rp_log(i % 2 ? RP_LOG_WARN : RP_LOG_INFO, NULL, "change");
    }
    log_close();
    size_t lines = 0;
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "change%d", i);
        char *text = read_all(in_folder(name));
        lines += count(text, "\"change\"}\n");
        free(text);
    }
    assert_int_equal(lines, 20);
}

/* stderr becomes a pipe; gives its reading end, and the old stderr to be put back. */
static int pipe_stderr(int *out_before) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    *out_before = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    return ends[0];
}

static void restore_stderr(int before) {
    dup2(before, STDERR_FILENO);
    close(before);
}

static char *drain(int fd) {
    struct rp_buf buf;
    char piece[4096];
    ssize_t len;
    rp_buf_init(&buf, 1 << 26);
    while ((len = read(fd, piece, sizeof piece)) > 0) rp_buf_append(&buf, piece, (size_t)len);
    close(fd);
    return buf.data;
}

static void without_a_thread_lines_are_written_at_once(void **state) {
    (void)state;
    char line[512];
    int before, reader = pipe_stderr(&before);
    rp_log(RP_LOG_INFO, "x", "at once");
    restore_stderr(before);
    ssize_t len = read(reader, line, sizeof line - 1);
    close(reader);
    assert_true(len > 0);
    line[len] = '\0';
    assert_non_null(strstr(line, "\"at once\"}\n"));
}

/* Appends what comes until the line with `word` is over. */
static void read_until(int fd, struct rp_buf *text, const char *word) {
    char piece[65536];
    const char *found;
    do {
        ssize_t len = read(fd, piece, sizeof piece);
        assert_true(len > 0);
        rp_buf_append(text, piece, (size_t)len);
        found = strstr(text->data, word);
    } while (!found || !strchr(found, '\n'));
}

static void a_reader_that_stops_costs_lines_and_they_are_counted(void **state) {
    (void)state;
    const size_t lines = 40000; /* some 4 MB: more than the pipe and both buffers */
    struct rp_buf text;
    int before, reader = pipe_stderr(&before);
    assert_int_equal(log_open(RP_LOG_INFO, NULL, NULL), 0);
    for (size_t i = 0; i < lines; i++) rp_log(RP_LOG_INFO, NULL, "line %zu, blocking nobody", i);
    rp_buf_init(&text, 1 << 26);
    read_until(reader, &text, "\"dropped\": "); /* closing would wait only so long for a slow one */
    rp_log(RP_LOG_INFO, NULL, "read again");
    log_close();
    restore_stderr(before);
    char *rest = drain(reader);
    size_t written = count(text.data, "blocking nobody\"}\n");
    const char *report = strstr(text.data, "\"dropped\": ");
    assert_true(written < lines);
    assert_int_equal(written + strtoul(report + 11, NULL, 10), lines);
    assert_int_equal(count(rest, "\"read again\"}\n"), 1);
    assert_int_equal(count(rest, "\n"), 1);
    free(rest);
    rp_buf_finish(&text);
}

static void closing_gives_up_on_a_reader_that_never_reads(void **state) {
    (void)state;
    int before, reader = pipe_stderr(&before);
    assert_int_equal(log_open(RP_LOG_INFO, NULL, NULL), 0);
    for (size_t i = 0; i < 5000; i++) rp_log(RP_LOG_INFO, NULL, "line %zu, blocking nobody", i);
    log_close(); /* a hang is this test's failure */
    restore_stderr(before);
    close(reader);
}

static void a_reader_that_left_is_no_reason_to_die(void **state) {
    (void)state;
    int before, reader = pipe_stderr(&before);
    assert_int_equal(log_open(RP_LOG_INFO, NULL, NULL), 0);
    close(reader);
    for (int i = 0; i < 10; i++) rp_log(RP_LOG_ERROR, NULL, "nobody reads this");
    log_close();
    restore_stderr(before);
}

static void a_forked_child_logs_by_itself(void **state) {
    (void)state;
    int before, reader = pipe_stderr(&before);
    assert_int_equal(log_open(RP_LOG_INFO, NULL, NULL), 0);
    rp_log(RP_LOG_INFO, NULL, "parent");
    pid_t child = fork();
    if (child == 0) {
        rp_log(RP_LOG_INFO, NULL, "child");
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    log_close();
    restore_stderr(before);
    char *text = drain(reader);
    assert_int_equal(status, 0);
    assert_int_equal(count(text, "\"parent\""), 1);
    assert_int_equal(count(text, "\"child\""), 1);
    free(text);
}

static void closing_twice_is_fine(void **state) {
    (void)state;
    log_close();
    assert_int_equal(log_open(RP_LOG_INFO, in_folder("twice"), NULL), 0);
    log_close();
    log_close();
}

static int make_folder(void **state) {
    (void)state;
    signal(SIGPIPE, SIG_DFL);
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    const char *names[] = {"threads", "mode", "stays", "change0", "change1", "change2", "twice"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) unlink(in_folder(names[i]));
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_thread_lines_are_written_at_once),
        cmocka_unit_test(every_line_of_every_thread_arrives_in_its_order),
        cmocka_unit_test(the_file_is_not_for_everybody),
        cmocka_unit_test(a_file_that_cannot_be_opened_changes_nothing),
        cmocka_unit_test(the_file_can_be_changed_while_lines_come),
        cmocka_unit_test(a_reader_that_stops_costs_lines_and_they_are_counted),
        cmocka_unit_test(closing_gives_up_on_a_reader_that_never_reads),
        cmocka_unit_test(a_reader_that_left_is_no_reason_to_die),
        cmocka_unit_test(a_forked_child_logs_by_itself),
        cmocka_unit_test(closing_twice_is_fine),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
