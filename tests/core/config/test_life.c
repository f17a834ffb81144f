/* Opening, attaching and closing: the order, and that what fails in the middle leaves nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bot_file.h"
#include "core/loop/worker.h"

#define REST "transports { stdin {} }\nstores { s = memory {} }\n"

static void assert_trace(const char *expected) {
    char trace[4096];
    bot_file_trace(trace, sizeof trace);
    assert_string_equal(trace, expected);
}

static void load(struct bot_file *file, const char *text) {
    bot_file_load(file, text, NULL);
    if (!file->bot) fail_msg("%s", bot_file_report(file));
}

static void assert_report(const struct bot_file *file, const char *expected) {
    char *report = bot_file_report(file);
    assert_string_equal(report, expected);
    free(report);
}

static void elements_live_in_order_and_end_in_reverse(void **state) {
    struct bot_file *file = *state;
    struct rp_worker worker = {.index = 1};
    load(file, "pipeline { redact {}, ask { \"r\" } }\nlisteners { web = httpd {} }\n"
               "models { r = route { use = \"o\" }, o = openai { model = \"x\" } }\n" REST);
    assert_trace("");
    assert_int_equal(bot_open(file->bot, 2, &file->report), 0);
    assert_trace("open s, open o, open r, open web, open redact, open ask, open stdin");
    assert_int_equal(bot_attach(file->bot, &worker, &file->report), 0);
    assert_trace("attach s, attach o, attach r, attach web, attach redact, attach ask, attach stdin");
    assert_null(file->bot->stores[0]->element.local[0]);
    assert_ptr_equal(rp_local(&file->bot->stores[0]->element, &worker), file->bot->stores[0]);
    bot_detach(file->bot, &worker);
    assert_trace("detach stdin, detach ask, detach redact, detach web, detach r, detach o, detach s");
    bot_close(file->bot);
    assert_trace("close stdin, close ask, close redact, close web, close r, close o, close s");
}

static void all_that_fail_to_open_are_told_and_the_rest_is_closed(void **state) {
    struct bot_file *file = *state;
    load(file, "pipeline {\n  redact {},\n  faulty \"open\",\n  ask { model = \"o\" },\n  faulty \"file\",\n}\n"
               "models { o = openai { model = \"x\" } }\n" REST);
    assert_int_equal(bot_open(file->bot, 1, &file->report), -RP_ECONFIG);
    assert_report(file, "bot.lua:3: pipeline stage 2 (faulty): told to fail in open\n"
                        "/elsewhere/rules.lua:7: told to fail in file\n");
    assert_trace(
        "open s, open o, open redact, open ask, open stdin, close stdin, close ask, close redact, close o, close s");
    bot_close(file->bot);
    assert_trace("");
}

static void an_attach_that_fails_undoes_what_was_attached(void **state) {
    struct bot_file *file = *state;
    struct rp_worker worker = {.index = 0};
    load(file, "pipeline { redact {},\n  faulty { where = \"attach\" },\n  ask { model = \"o\" } }\n"
               "models { o = openai { model = \"x\" } }\n" REST);
    assert_int_equal(bot_open(file->bot, 1, &file->report), 0);
    assert_trace("open s, open o, open redact, open faulty, open ask, open stdin");
    assert_int_equal(bot_attach(file->bot, &worker, &file->report), -RP_ECONFIG);
    assert_trace("attach s, attach o, attach redact, detach redact, detach o, detach s");
    assert_report(file, "bot.lua:2: pipeline stage 2 (faulty): told to fail in attach\n");
    bot_close(file->bot);
    assert_trace("close stdin, close ask, close faulty, close redact, close o, close s");
}

static void a_bot_can_be_opened_again_and_freed_unopened(void **state) {
    struct bot_file *file = *state;
    load(file, "pipeline { redact {} }\n" REST);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(bot_open(file->bot, 1, &file->report), 0);
        bot_close(file->bot);
        assert_trace("open s, open redact, open stdin, close stdin, close redact, close s");
    }
    load(file, "pipeline { redact {} }\n" REST);
    bot_free(NULL);
    assert_trace("");
}

static int setup(void **state) {
    static struct bot_file file;
    bot_file_init(&file);
    *state = &file;
    return 0;
}

static int teardown(void **state) {
    bot_file_finish(*state);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(elements_live_in_order_and_end_in_reverse, setup, teardown),
        cmocka_unit_test_setup_teardown(all_that_fail_to_open_are_told_and_the_rest_is_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(an_attach_that_fails_undoes_what_was_attached, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bot_can_be_opened_again_and_freed_unopened, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
