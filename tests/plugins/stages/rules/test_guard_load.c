/* Guards as they are declared: every mistake is found when the rules are loaded, with its file and line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "folder.h"
#include "plugins/stages/rules/guard.h"
#include "plugins/stages/rules/program.h"

static int setup(void **state) {
    (void)state;
    folder_make();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    folder_remove();
    return 0;
}

static int load(const char *text, struct program **out, struct rp_error *error) {
    struct program_options options = {.vm = {.memory = 32 << 20}, .folder = folder_path(), .dir = folder_rules()};
    folder_write("rules/a.lua", text);
    *error = (struct rp_error){0};
    return program_create(&options, out, error);
}

static void mistake_at(const char *text, int line, const char *part) {
    struct program *program;
    struct rp_error error;
    if (load(text, &program, &error) != -RP_ECONFIG) fail_msg("'%s' is taken", text);
    if (!strstr(error.text, part)) fail_msg("'%s' is not in '%s'", part, error.text);
    assert_string_equal(error.file, "rules/a.lua");
    assert_int_equal(error.line, line);
}

/* The fields of one guard. */
static void mistake(const char *fields, const char *part) {
    char text[512];
    snprintf(text, sizeof(text), "\nguard \"g\" { %s }", fields);
    mistake_at(text, 2, part);
}

static void fine(const char *text) {
    struct program *program;
    struct rp_error error;
    if (load(text, &program, &error) != 0) fail_msg("%s: %s", text, error.text);
    program_destroy(program);
}

static void fields_that_are_wrong_are_named(void **state) {
    (void)state;
    mistake("on = \"message\", match = \"a\", action = \"block\", wiht = \"b\"", "no field 'wiht' (did you mean 'with'?)");
    mistake("match = \"a\", action = \"block\"", "guard 'g': 'on' is missing");
    mistake("on = \"repyl\", match = \"a\", action = \"block\"", "'on' cannot be 'repyl' (did you mean 'reply'?)");
    mistake("on = \"message\", match = \"a\"", "'action' is missing");
    mistake("on = \"message\", match = \"a\", action = \"blok\"", "'action' cannot be 'blok' (did you mean 'block'?)");
    mistake("on = \"message\", match = \"a\", action = 1", "'action' must be a text");
    mistake("on = \"message\", action = \"block\"", "'match' or 'check' must say what it looks for");
    mistake("on = \"message\", match = 1, action = \"block\"", "'match' must be a pattern");
    mistake("on = \"message\", match = \"\", action = \"block\"", "an empty pattern");
    mistake("on = \"message\", match = \"a\\0b\", action = \"block\"", "a NUL byte");
    mistake("on = \"message\", match = \"(a\", action = \"block\"", "match: missing closing parenthesis");
    mistake("on = \"reply\", match = \"(a\", action = \"block\"", "match: missing closing parenthesis");
    mistake("on = \"message\", match = \"a\", action = \"block\", with = 1", "'with' must be a text");
    mistake("on = \"message\", match = \"a\", action = \"block\", with = \"\\xFF\"", "'with' is not valid UTF-8");
    mistake("on = \"message\", match = \"a\", action = \"block\", check = 1", "'check' must be a function");
    mistake("on = \"reply\", match = \"a\", whole = true, action = \"retry\", tries = 6", "'tries' must be a whole number");
}

static void actions_have_what_they_need(void **state) {
    (void)state;
    mistake("on = \"message\", match = \"a\", action = \"replace\"", "the action 'replace' needs a text in 'with'");
    mistake("on = \"message\", match = \"a\", action = \"reply\"", "the action 'reply' needs a text in 'with'");
    mistake("on = \"message\", match = \"a\", action = \"flag\", with = \"b\"", "'with' is too much");
    mistake("on = \"message\", match = \"a\", action = \"block\", note = \"b\"", "'note' is for the action 'retry'");
    mistake("on = \"message\", match = \"a\", action = \"block\", tries = 2", "'tries' is for the action 'retry'");
    mistake("on = \"message\", match = \"a\", action = \"retry\"", "'retry' is for guards on replies");
    mistake("on = \"message\", match = \"a\", action = \"block\", whole = true", "a message is always whole");
    mistake("on = \"message\", match = \"a\", action = \"block\", always = false", "no rule has been chosen yet");
    mistake("on = \"message\", match = \"a(?<id>b)\", action = \"reply\", with = \"{idd}\"", "no capture (?<idd>");
    mistake("on = \"message\", check = function() end, action = \"block\", with = \"{1}\"", "no capture (?<1>");
}

static void a_reply_in_pieces_takes_only_what_can_be_decided(void **state) {
    (void)state;
    mistake("on = \"reply\", match = \"a\", action = \"reply\", with = \"b\"", "'reply' needs the whole reply: write whole");
    mistake("on = \"reply\", match = \"a\", action = \"retry\"", "'retry' needs the whole reply: write whole = true");
    mistake("on = \"reply\", match = \"a\", action = \"handoff\"", "'handoff' needs the whole reply: write whole = true");
    mistake("on = \"reply\", check = function() end, action = \"block\"", "'check' needs the whole reply");
    mistake("on = \"reply\", match = \".*a\", action = \"block\"", "every reply would be held back");
    mistake("on = \"reply\", match = { \"b\", \"[^\\n]*a\" }, action = \"flag\"", "or write whole = true");
    mistake("on = \"reply\", match = \"a\\\\Kb\", action = \"block\"", "'\\K' cannot be used where text comes in pieces");
    mistake("on = \"reply\", match = \"(?<=a+)b\", action = \"block\"", "lookbehind assertion is not fixed length");
    fine("guard \"g\" { on = \"reply\", match = [[.*a\\Kb]], action = \"block\", whole = true }");
    fine("guard \"g\" { on = \"message\", match = [[.*a\\Kb]], action = \"block\" }");
    fine("guard \"g\" { on = \"reply\", check = function() return true end, action = \"retry\", whole = true, tries = 5 }");
}

static void names_are_found_or_reported(void **state) {
    (void)state;
    static const char guards[] = "guard \"prices\" { on = \"reply\", match = \"a\", action = \"flag\", always = false }\n"
                                 "guard \"legal\" { on = \"message\", match = \"a\", action = \"flag\" }\n";
    char text[1024];
    snprintf(text, sizeof(text), "%srule \"r\" { match = \"x\", reply = \"y\", guards = { \"price\" } }", guards);
    mistake_at(text, 3, "rule 'r': there is no guard 'price' (did you mean 'prices'?)");
    snprintf(text, sizeof(text), "%sgenerate \"m\" { guards = { \"prices\", \"zzz\" } }", guards);
    mistake_at(text, 3, "generate 'm': there is no guard 'zzz'");
    snprintf(text, sizeof(text), "%sgenerate \"m\" { guards = \"legal\" }", guards);
    mistake_at(text, 3, "'legal' looks at messages, before any rule: only guards on replies can be named");
    snprintf(text, sizeof(text), "%sgenerate \"m\" { guards = 1 }", guards);
    mistake_at(text, 3, "'guards' must be a list of names");
    snprintf(text, sizeof(text), "%sguard \"legal\" { on = \"reply\", match = \"a\", action = \"flag\" }", guards);
    mistake_at(text, 3, "guard 'legal': the name is taken already, by rules/a.lua:2");
    snprintf(text, sizeof(text), "%srule \"r\" { match = \"x\", reply = \"y\", guards = { \"prices\" } }", guards);
    fine(text);
}

static void the_order_is_by_priority_then_line(void **state) {
    struct program *program;
    struct rp_error error;
    struct vm *vm;
    static const char text[] = "guard \"c\" { on = \"reply\", match = \"a\", action = \"flag\" }\n"
                               "guard \"b\" { on = \"reply\", match = \"a\", action = \"flag\" }\n"
                               "guard \"a\" { on = \"message\", match = \"a\", action = \"flag\", priority = 1 }\n";
    (void)state;
    assert_int_equal(load(text, &program, &error), 0);
    assert_int_equal(program_attach(program, &vm, &error), 0);
    assert_string_equal(vm->set->guards[0]->origin.name, "a");
    assert_string_equal(vm->set->guards[1]->origin.name, "c");
    assert_string_equal(vm->set->guards[2]->origin.name, "b");
    assert_int_equal(vm->set->guards[2]->number, 2);
    vm_destroy(vm);
    program_destroy(program);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(fields_that_are_wrong_are_named),
        TEST(actions_have_what_they_need),
        TEST(a_reply_in_pieces_takes_only_what_can_be_decided),
        TEST(names_are_found_or_reported),
        TEST(the_order_is_by_priority_then_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
