/* Dialogs: asked, answered, refused, confirmed, cancelled, interrupted, and found again by another state of the rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dialogs.h"

#define REFUND                                                                                                         \
    "dialog \"refund\" { match = { [[(?i)\\brefund\\b]], \"退款\" }, run = function(t)\n"                              \
    "  local id = t:ask(\"Which order?\", { match = [[\\d{6,}]], again = \"Six digits or more.\" })\n"                 \
    "  if not id then return \"Please look it up first.\" end\n"                                                       \
    "  local why = t:ask \"What went wrong?\"\n"                                                                       \
    "  if not t:confirm(\"Refund order \" .. id .. \"?\") then return \"Nothing was changed.\" end\n"                  \
    "  return \"Done: {id}, because of '{why}'.\", { id = id, why = why }\n"                                           \
    "end }\n"

#define TALK                                                                                                           \
    "> I want a refund\n< Which order?\n= dialog:refund\n"                                                             \
    "> abc\n< Six digits or more.\n"                                                                                   \
    "> it is 123456, thanks\n< What went wrong?\n"                                                                     \
    "> it is broken\n< Refund order 123456?\n"                                                                         \
    "> perhaps\n< Refund order 123456?\n"                                                                              \
    "> Yes, please\n< Done: 123456, because of 'it is broken'.\n= dialog:refund\n"                                     \
    "> hello\n< I am the model.\n"

static void a_dialog_goes_straight_on(void **state) {
    (void)state;
    bot_rules(REFUND);
    dialogs_talk(TALK);
    assert_null(dialogs_kept("s1"));
}

static void another_process_goes_on_as_well(void **state) {
    (void)state;
    bot_rules(REFUND);
    dialogs_talk_forgetting(TALK);
}

static void a_no_and_too_many_tries(void **state) {
    (void)state;
    bot_rules(REFUND);
    dialogs_talk("> refund\n< Which order?\n> 123456\n< What went wrong?\n> x\n< Refund order 123456?\n> no\n"
                 "< Nothing was changed.\n"
                 "> 退款\n< Which order?\n> a\n< Six digits or more.\n> b\n< Six digits or more.\n> c\n"
                 "< Please look it up first.\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, dialogs_setup, dialogs_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_dialog_goes_straight_on),
        TEST(another_process_goes_on_as_well),
        TEST(a_no_and_too_many_tries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
