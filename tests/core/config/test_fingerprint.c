/* A bot's fingerprint: equal for equal bots, other as soon as something differs that may show in a reply. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bot_file.h"

#define REST "transports { stdin {} }\nstores { s = memory {} }\n"
#define BOT                                                                                                            \
    "bot { name = 'shop', language = 'en' }\n"                                                                         \
    "models { o = openai { model = \"x\", api_key = secret \"KEY\" } }\n" REST                                         \
    "pipeline { redact {}, ask { model = \"o\" } }\n"                                                                  \
    "pipeline \"staff\" { redact {}, ask { model = \"o\" } }\n"

struct print {
    unsigned char bytes[RP_FINGERPRINT_SIZE];
};

/* Of the stage at this place; `shape`: what an element tells while it opens. */
static struct print print_of(struct bot_file *file, const char *text, size_t pipeline, size_t stage, const char *shape) {
    struct print print;
    bot_file_load(file, text, NULL);
    if (!file->bot) fail_msg("%s", bot_file_report(file));
    assert_int_equal(bot_open(file->bot, 1, &file->report), 0);
    const struct rp_element *element = &file->bot->pipelines[pipeline]->stages[stage]->element;
    if (shape) rp_element_shape(element, rp_str(shape));
    rp_element_fingerprint(element, print.bytes);
    bot_close(file->bot);
    return print;
}

static void assert_same(struct print a, struct print b, bool same) {
    assert_int_equal(memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0, same);
}

static void equal_bots_have_the_same_and_comments_do_not_count(void **state) {
    struct bot_file *file = *state;
    struct print print = print_of(file, BOT, 0, 1, NULL);
    assert_same(print, print_of(file, BOT, 0, 1, NULL), true);
    assert_same(print, print_of(file, "-- the shop\n\n" BOT, 0, 1, NULL), true);
    assert_same(print, print_of(file, BOT "log { level = 'warn' }\nlimits { turns = 7 }", 0, 1, NULL), true);
}

static void whatever_may_show_in_a_reply_makes_it_another(void **state) {
    struct bot_file *file = *state;
    struct print print = print_of(file, BOT, 0, 1, NULL);
    static const char *const changes[][2] = {
        {"'shop'", "'bank'"},
        {"'en'", "'zh'"},
        {"model = \"x\"", "model = \"y\""},
        {"redact {}, ask", "redact { 'email' }, ask"},
        {"models { o = openai { model = \"x\", ", "models { p = openai { model = \"z\" }, o = openai { model = \"x\", "},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char text[2000];
        const char *at = strstr(BOT, changes[i][0]);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - BOT), BOT, changes[i][1], at + strlen(changes[i][0]));
        assert_same(print, print_of(file, text, 0, 1, NULL), false);
    }
    assert_same(print, print_of(file, BOT, 0, 1, "rule"), false);
    assert_same(print_of(file, BOT, 0, 1, "rule"), print_of(file, BOT, 0, 1, "rule"), true);
    assert_same(print_of(file, BOT, 0, 1, "rule"), print_of(file, BOT, 0, 1, "Rule"), false);
}

static void the_place_counts(void **state) {
    struct bot_file *file = *state;
    assert_same(print_of(file, BOT, 0, 0, NULL), print_of(file, BOT, 0, 1, NULL), false);
    assert_same(print_of(file, BOT, 0, 1, NULL), print_of(file, BOT, 1, 1, NULL), false);
}

static int make(void **state) {
    struct bot_file *file = rp_calloc(1, sizeof *file);
    setenv("KEY", "secret", 1);
    bot_file_init(file);
    *state = file;
    return 0;
}

static int forget(void **state) {
    bot_file_finish(*state);
    free(*state);
    return 0;
}

int main(void) {
#define FILE_TEST(test) cmocka_unit_test_setup_teardown(test, make, forget)
    const struct CMUnitTest tests[] = {
        FILE_TEST(equal_bots_have_the_same_and_comments_do_not_count),
        FILE_TEST(whatever_may_show_in_a_reply_makes_it_another),
        FILE_TEST(the_place_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
