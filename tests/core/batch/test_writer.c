/* The thread that writes results: all of them, in order, whole; who is told when it cannot keep up, or cannot write. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/batch/writer.h"

static uv_sem_t woken;

static void wake(void *arg) {
    (void)arg;
    uv_sem_post(&woken);
}

static int open_file(char path[32]) {
    snprintf(path, 32, "/tmp/repartee-writer-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_APPEND), 0);
    return fd;
}

static void lines_arrive_whole_and_in_order(void **state) {
    struct writer writer;
    char path[32], line[64];
    int fd = open_file(path);
    int64_t lines = 0;
    (void)state;
    writer_start(&writer, fd, true, wake, NULL);
    for (int i = 0; i < 20000; i++) {
        snprintf(line, sizeof(line), "line %d\n", i);
        assert_false(writer_add(&writer, rp_str(line)));
    }
    assert_int_equal(writer_finish(&writer, &lines), 0);
    assert_int_equal(lines, 20000);
    FILE *file = fopen(path, "r");
    for (int i = 0; i < 20000; i++) {
        char wanted[64];
        snprintf(wanted, sizeof(wanted), "line %d\n", i);
        assert_non_null(fgets(line, sizeof(line), file));
        assert_string_equal(line, wanted);
    }
    assert_null(fgets(line, sizeof(line), file));
    fclose(file);
    close(fd);
    unlink(path);
}

static void read_all(int fd, size_t wanted) {
    static char bytes[1 << 16];
    while (wanted > 0) {
        ssize_t got = read(fd, bytes, sizeof(bytes));
        assert_true(got > 0);
        wanted -= (size_t)got;
    }
}

static void a_reader_that_stops_is_told_of(void **state) {
    static char line[64 << 10];
    struct writer writer;
    int fds[2];
    int64_t lines = 0;
    size_t added = 0;
    (void)state;
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\n';
    assert_int_equal(pipe(fds), 0);
    writer_start(&writer, fds[1], false, wake, NULL);
    while (added < 1000 && !writer_add(&writer, rp_str_n(line, sizeof(line)))) added++;
    added++;
    assert_in_range(added, WRITER_FULL / sizeof(line), WRITER_FULL / sizeof(line) * 3);
    read_all(fds[0], added * sizeof(line));
    uv_sem_wait(&woken); /* there is room again */
    assert_false(writer_add(&writer, RP_STR("the last\n")));
    assert_int_equal(writer_finish(&writer, &lines), 0);
    assert_int_equal(lines, added + 1);
    close(fds[0]);
    close(fds[1]);
}

static void a_line_that_does_not_fit_is_taken_back(void **state) {
    struct writer writer;
    struct rlimit limit, old;
    struct stat stat;
    char path[32];
    int fd = open_file(path);
    int64_t lines = 0;
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    limit = old;
    limit.rlim_cur = 100;
    setrlimit(RLIMIT_FSIZE, &limit);
    writer_start(&writer, fd, true, wake, NULL);
    for (int i = 0; i < 10; i++) writer_add(&writer, RP_STR("twenty-four bytes a line\n"));
    uv_sem_wait(&woken);
    assert_int_equal(writer_error(&writer), EFBIG);
    writer_add(&writer, RP_STR("too late\n"));
    assert_int_equal(writer_finish(&writer, &lines), EFBIG);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(lines, 4);
    assert_int_equal(fstat(fd, &stat), 0);
    assert_int_equal(stat.st_size, 4 * 25);
    close(fd);
    unlink(path);
}

static void nobody_reads_any_more(void **state) {
    struct writer writer;
    int fds[2];
    int64_t lines = 0;
    (void)state;
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    writer_start(&writer, fds[1], false, wake, NULL);
    writer_add(&writer, RP_STR("hello\n"));
    uv_sem_wait(&woken);
    assert_int_equal(writer_finish(&writer, &lines), EPIPE);
    assert_int_equal(lines, 0);
    close(fds[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_arrive_whole_and_in_order),
        cmocka_unit_test(a_reader_that_stops_is_told_of),
        cmocka_unit_test(a_line_that_does_not_fit_is_taken_back),
        cmocka_unit_test(nobody_reads_any_more),
    };
    signal(SIGPIPE, SIG_IGN);
    uv_sem_init(&woken, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
