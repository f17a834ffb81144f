/* A process is killed with SIGKILL in the middle of many puts: every acknowledged one is there afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "place.h"

#define ROUNDS 5
#define IN_FLIGHT 64
#define ACKNOWLEDGED 1500 /* of a round, before the kill */

struct put {
    struct rp_store_op op;
    int number;
};

static int next_number, out_pipe;

static void begin(struct put *put);

/* Tells the other process what it may rely on, and goes on with the next. */
static void on_put(struct rp_store_op *op, int code, struct rp_str value) {
    struct put *put = (struct put *)op;
    (void)value;
    if (code != 0 || write(out_pipe, &put->number, sizeof put->number) != sizeof put->number) _exit(1);
    begin(put);
}

static void begin(struct put *put) {
    char key[32], value[600];
    put->op.done = on_put;
    put->number = next_number++;
    snprintf(key, sizeof key, "key-%d", put->number);
    memset(value, 'v', sizeof value);
    snprintf(value, sizeof value, "value-%d", put->number);
    place_type()->put(&place_rig.store, place_rig.worker, rp_str(key), rp_str_n(value, sizeof value), 0, &put->op);
}

static void write_for_ever(int first, int pipe_end) {
    static struct put puts[IN_FLIGHT];
    next_number = first;
    out_pipe = pipe_end;
    place_open();
    for (int i = 0; i < IN_FLIGHT; i++) begin(&puts[i]);
    for (;;) worker_turn_loop(place_rig.worker);
}

/* What a process acknowledged before it was killed; the highest number, and all below it but those in flight. */
static int run_and_kill(int first, char *acknowledged) {
    int ends[2], number, count = 0, highest = first;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) write_for_ever(first, ends[1]);
    close(ends[1]);
    while (read(ends[0], &number, sizeof number) == sizeof number) {
        acknowledged[number] = 1;
        if (number > highest) highest = number;
        if (++count == ACKNOWLEDGED) kill(child, SIGKILL);
    }
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_true(count >= ACKNOWLEDGED);
    return highest + 1;
}

static void what_was_acknowledged_survives_being_killed(void **state) {
    (void)state;
    static char acknowledged[1 << 20];
    int numbers = 0, missing = 0;
    char key[32], start[40];
    for (int round = 0; round < ROUNDS; round++) {
        numbers = run_and_kill(numbers, acknowledged);
        place_open();
        for (int i = 0; i < numbers; i++) {
            struct store_answer answer = {0};
            if (!acknowledged[i]) continue;
            snprintf(key, sizeof key, "key-%d", i);
            snprintf(start, sizeof start, "value-%d", i);
            store_rig_get(&place_rig, key, &answer);
            missing += answer.code != 0 || strcmp(answer.value.data, start) != 0;
            rp_buf_finish(&answer.value);
        }
        assert_int_equal(missing, 0);
        place_close();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_acknowledged_survives_being_killed, place_make, place_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
