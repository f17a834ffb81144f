/* Loading: every mistake is found, with its file and line, and all of them at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
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

static int load_with(size_t memory, struct program **out, struct rp_error *error) {
    struct program_options options = {.vm = {.memory = memory}, .folder = folder_path(), .dir = folder_rules()};
    *error = (struct rp_error){0};
    return program_create(&options, out, error);
}

static int load(struct program **out, struct rp_error *error) {
    return load_with(32 << 20, out, error);
}

/* Loads the files as they stand and expects this one mistake. */
static void expect_mistake(const char *file, int line, const char *part) {
    struct program *program;
    struct rp_error error;
    assert_int_equal(load(&program, &error), -RP_ECONFIG);
    if (!strstr(error.text, part)) fail_msg("'%s' is not in '%s'", part, error.text);
    assert_string_equal(error.file, file);
    assert_int_equal(error.line, line);
}

static void mistake_in(const char *text, int line, const char *part) {
    folder_write("rules/a.lua", text);
    expect_mistake("rules/a.lua", line, part);
}

/* Loads and attaches; the caller destroys both. */
static struct vm *attach(struct program **out_program) {
    struct rp_error error;
    struct vm *vm;
    if (load(out_program, &error) != 0) fail_msg("%s:%d: %s", error.file, error.line, error.text);
    assert_int_equal(program_attach(*out_program, &vm, &error), 0);
    return vm;
}

static void drop(struct program *program, struct vm *vm) {
    vm_destroy(vm);
    program_destroy(program);
}

static void a_mistake_has_its_file_and_line(void **state) {
    (void)state;
    mistake_in("rule \"x\" {\n  match = \"a\"\n  reply = 1 }", 3, "'}' expected");
    mistake_in("\nrule \"x\" { match = [[(?<id>\\d+]], reply = \"a\" }", 2,
               "rule 'x': match: missing closing parenthesis");
    mistake_in("rule \"x\" { match = [[a]], reply = \"a\", priorty = 1 }", 1,
               "no field 'priorty' (did you mean 'priority'?)");
    mistake_in("rule \"x\" { reply = \"a\" }", 1, "'match' is missing");
    mistake_in("rule \"x\" { match = \"a\" }", 1, "'reply' is missing");
    mistake_in("rule \"x\" { match = 3, reply = \"a\" }", 1, "'match' must be");
    mistake_in("rule \"x\" { match = {}, reply = \"a\" }", 1, "a list of 1 to");
    mistake_in("rule \"x\" { match = { \"a\", 2 }, reply = \"a\" }", 1, "number 2 must be a text, not a number");
    mistake_in("rule \"x\" { match = \"a\", reply = true }", 1, "'reply' must be");
    mistake_in("rule \"x\" { match = \"a\", reply = \"b\", priority = 1.5 }", 1, "'priority' must be a whole number");
    mistake_in("rule \"x\" { match = \"a\", reply = \"b\", when = \"c\" }", 1,
               "'when' must be a function, not a string");
    mistake_in("rule \"x\" { match = \"a\", reply = \"b\", description = 1 }", 1, "'description' must be a text");
    mistake_in("rule \"x\" { match = \"\", reply = \"b\" }", 1, "an empty pattern matches everything");
    mistake_in("rule \"x\" { \"a\", match = \"a\", reply = \"b\" }", 1, "a value stands here without a name");
    mistake_in("rule \"x\" \"y\"", 1, "a table { … } must follow");
    mistake_in("rule(3)", 1, "rule needs a name");
    mistake_in("rule \"\" {}", 1, "a name has 1 to 64 bytes");
    mistake_in("rule(\"x\", { match = \"a\" })", 1, "without a comma");
    mistake_in("generate \"g\" { temperature = \"hot\" }", 1, "'temperature' must be a number");
    mistake_in("generate \"g\" { examples = { { user = \"a\" } } }", 1, "'examples': number 1");
    mistake_in("generate \"g\" { stop = { 1 } }", 1, "'stop': number 1 must be a text");
    mistake_in("generate \"g\" { sytem = \"a\" }", 1, "did you mean 'system'?");
    mistake_in("local x = nil\nx.y = 1", 2, "attempt to index a nil value");
    mistake_in("\n\nrequire \"os\"", 3, "require 'os': there is no such file");
    mistake_in("\n\nos.exit()", 3, "attempt to index a nil value (global 'os')");
    mistake_in("rule \"x\" { match = \"a\", reply = \"\\xff\" }", 1, "not valid UTF-8");
    mistake_in("\x1bLua", 0, "attempt to load a binary chunk");
}

static void a_placeholder_without_a_capture_is_a_mistake(void **state) {
    (void)state;
    mistake_in("rule \"x\" { match = [[(?<id>\\d+)]], reply = \"Order {di}\" }", 1, "no capture (?<di>");
    folder_write("rules/a.lua",
                 "rule \"x\" { match = { [[(?<id>\\d+)]], \"a(b)?\" }, reply = \"{id} {1} {{di}} { x } {\" }");
    struct program *program;
    struct vm *vm = attach(&program);
    drop(program, vm);
}

static void all_mistakes_are_counted(void **state) {
    (void)state;
    folder_write("rules/a.lua", "rule \"x\" { match = \"(\", reply = 1 }\nrule \"y\" {}");
    folder_write("rules/b.lua", "oops(");
    struct program *program;
    struct rp_error error;
    assert_int_equal(load(&program, &error), -RP_ECONFIG);
    assert_non_null(strstr(error.text, "(and 4 more, see the log)"));
}

static void a_name_is_taken_once_whatever_it_names(void **state) {
    (void)state;
    folder_write("rules/a.lua", "rule \"x\" { match = \"a\", reply = \"1\" }");
    folder_write("rules/b.lua", "\nrule \"x\" { match = \"b\", reply = \"2\" }");
    expect_mistake("rules/b.lua", 2, "rule 'x': the name is taken already, by rules/a.lua:1");
    folder_write("rules/b.lua", "generate \"x\" {}");
    expect_mistake("rules/b.lua", 1, "generate 'x': the name is taken already, by the rule at rules/a.lua:1");
}

#define RULE(name, pattern, more) "rule \"" name "\" { match = [[" pattern "]], reply = \"r\"" more " }\n"

static void rules_that_can_never_answer_are_mistakes(void **state) {
    static const char *const rules[] = {
        RULE("a", "退款", "") RULE("b", "退款", ""),
        RULE("a", ".*", "") RULE("b", "refund", ""),
        RULE("a", "(?s).*", ", interrupt = true, with_person = true") RULE("b", "x", ", interrupt = true"),
        RULE("a", "退款", "") RULE("b", "申请退款.*订单", ""),
        RULE("a", "(?i)refund|money back", "") RULE("b", "\\\\bmy (?:refund|MONEY BACK)\\\\b", ""),
        RULE("a", "order", "") RULE("b", "order", ", when = function() return true end"),
        RULE("a", "１００", "") RULE("b", "100", ""),
        "rule \"a\" { match = { \"x\", \"退\" }, generate = { system = \"s\" } }\n"
        "rule \"b\" { match = { \"退款\", \"x\" }, reply = function() end }",
        RULE("b", "x", "") RULE("a", "x", ", priority = 1"),
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        bool second = strstr(rules[i], "\"a\"") < strstr(rules[i], "\"b\"");
        folder_write("rules/a.lua", rules[i]);
        expect_mistake("rules/a.lua", second ? 2 : 1, "rule 'b' can never answer: rule 'a', at rules/a.lua:");
    }
}

static void rules_that_may_answer_after_all_are_none(void **state) {
    (void)state;
    folder_write("rules/a.lua",
                 RULE("when", "x", ", when = function(t) return false end") RULE("after when", "x", "")
                 "rule \"f\" { match = \"退\", reply = function() end }\n" RULE("after function", "退", "")
                 RULE("plain", "a", "") RULE("while a person has it", "a", ", with_person = true")
                 RULE("in a dialog", "ab", ", interrupt = true")
                 RULE("case", "Refund", "") RULE("other case", "(?i)refund", "") RULE("bounded", "\\bcat\\b", "")
                 RULE("unbounded", "category", "") RULE("line", ".+", "") RULE("lines", "\\s", "")
                 "dialog \"d\" { match = \"plain\", run = function() end }\n"
                 "rule \"one of two\" { match = { \"a\", \"new\" }, reply = \"r\" }\n");
    struct program *program;
    struct vm *vm = attach(&program);
    drop(program, vm);
}

static void rules_stand_by_priority_then_file_then_line(void **state) {
    static const char *const expected[] = {"first", "a1", "a2", "b1", "last"};
    (void)state;
    folder_write(
        "rules/b.lua",
        "rule \"b1\" { match = \"a\", reply = \"1\" }\nrule \"first\" { match = \"f\", reply = \"1\", priority = 5 }");
    folder_write("rules/a.lua",
                 "rule \"last\" { match = \"l\", reply = \"1\", priority = -1 }\n"
                 "rule \"a1\" { match = \"x\", reply = \"1\" } rule \"a2\" { match = \"y\", reply = \"1\" }");
    folder_write("rules/.hidden.lua", "oops(");
    folder_write("rules/notes.txt", "oops(");
    struct program *program;
    struct vm *vm = attach(&program);
    assert_int_equal(vm->set->rule_count, 5);
    for (size_t i = 0; i < 5; i++) assert_string_equal(vm->set->rules[i]->origin.name, expected[i]);
    drop(program, vm);
}

static void a_file_is_included_once_and_gives_its_value(void **state) {
    (void)state;
    folder_write("rules/lib/words.lua", "count = (count or 0) + 1\nreturn { hello = \"Hi\" }");
    folder_write(
        "rules/a.lua",
        "local w = include \"lib/words.lua\"\nassert(w == include \"lib/../lib/words.lua\")\nassert(count == nil)\n"
        "rule \"x\" { match = \"a\", reply = w.hello }\nassert(include \"z.lua\" == true)");
    folder_write("rules/z.lua", "rule \"z\" { match = \"z\", reply = \"z\" }");
    struct program *program;
    struct vm *vm = attach(&program);
    assert_int_equal(vm->set->rule_count, 2);
    assert_string_equal(vm->set->rules[0]->replies[0].data, "Hi");
    drop(program, vm);
}

static void files_stay_inside_their_folders(void **state) {
    (void)state;
    folder_write("secret.lua", "return 1");
    assert_int_equal(symlink("../secret.lua", "rules/link.txt"), 0);
    mistake_in("include \"../secret.lua\"", 1, "outside the bot's folder");
    mistake_in("include \"link.txt\"", 1, "outside the bot's folder");
    mistake_in("include \"/etc/passwd\"", 1, "must be relative");
    mistake_in("include \"none.lua\"", 1, "there is no such file");
    mistake_in("json_file \"../../../../../../../../etc/passwd\"", 1, "outside the bot's folder");
    mistake_in("json_file \"rules\"", 1, "it cannot be read");
    mistake_in("include \"a.lua\"", 1, "is being loaded already");
}

static void a_mistake_in_an_included_file_has_that_files_name(void **state) {
    (void)state;
    folder_write("rules/lib/x.lua", "\n\nlocal a = b.c");
    folder_write("rules/a.lua", "include \"lib/x.lua\"");
    expect_mistake("rules/lib/x.lua", 3, "attempt to index a nil value");
}

#define ANSWERS " rule \"r\" { match = \"x\", reply = f }"

static void assignments_that_outlive_the_turn_are_mistakes(void **state) {
    (void)state;
    mistake_in("local n = 0\nlocal function f() n = n + 1 return n end" ANSWERS, 2, "assigns to 'n'");
    mistake_in("local n\nlocal function f()\n  return (function() n = 1 end)() end" ANSWERS, 2, "assigns to 'n'");
    mistake_in("local function make() local n = 0 return function() n = n + 1 return n end end\nlocal f = make()" ANSWERS,
               1, "assigns to 'n'");
    mistake_in("local last local tools = { f = function(t) last = t.text end }\nlocal f = function(t) tools.f(t) end" ANSWERS,
               1, "assigns to 'last'");
    mistake_in("local function f() _ENV = {} end" ANSWERS, 1, "assigns to '_ENV'");
}

static void assignments_within_a_turn_are_fine(void **state) {
    struct program *program;
    (void)state;
    folder_write("rules/a.lua", "local a, b\nfunction a() return b() end function b() return 1 end\n"
                                "local total = 0 for i = 1, 3 do total = total + i end\n"
                                "local f = function() local n, k = 0.5, 'long' local function up() n = n + 70000 end\n"
                                "  up() for i = 1, 2 do local c = i up = function() c = c + n end end return a() + total end" ANSWERS);
    vm_destroy(attach(&program));
    program_destroy(program);
}

static void modules_come_from_the_rules_and_from_the_library(void **state) {
    struct program *program;
    (void)state;
    folder_write("rules/lib/orders.lua", "return { word = 'order' }");
    folder_write("rules/a.lua", "local o = require 'lib.orders' assert(o == require 'lib.orders' and o == include 'lib/orders.lua')\n"
                                "rule \"r\" { match = o.word, reply = 'x' }");
    vm_destroy(attach(&program));
    program_destroy(program);
    mistake_in("require 'lib.nothing'", 1, "there is no such file");
    mistake_in("require '..etc'", 1, "a module's name is like");
    mistake_in("require 'repartee.nothing'", 1, "repartee.nothing");
}

static void json_files_are_read_and_checked(void **state) {
    (void)state;
    folder_write("orders.json", "{\"1\": {\"status\": \"sent\", \"items\": [1, null, 2.5]}}");
    folder_write("rules/a.lua",
                 "local o = json_file \"orders.json\"\nassert(o[\"1\"].status == \"sent\" and #o[\"1\"].items == 3)\n"
                 "assert(o[\"1\"].items[2] == json.null and o[\"1\"].items[3] == 2.5)\n"
                 "assert(not pcall(function() o.x = 1 end)) assert(not pcall(function() o[\"1\"].items[1] = 2 end))\n"
                 "local n = 0 for k, v in pairs(o) do n = n + 1 assert(v.status) end assert(n == 1)\n"
                 "for i, v in ipairs(o[\"1\"].items) do n = n + i end assert(n == 7) assert(next(o) == \"1\")\n"
                 "assert(json.decode(json.encode(o))[\"1\"].status == \"sent\")");
    struct program *program;
    struct vm *vm = attach(&program);
    drop(program, vm);
    folder_write("orders.json", "{\"1\":\n}");
    mistake_in("\njson_file \"orders.json\"", 2, "orders.json:2:");
}

static void workers_load_what_was_read_at_first(void **state) {
    (void)state;
    folder_write("rules/a.lua", "rule \"x\" { match = \"a\", reply = \"old\" }");
    struct program *program;
    struct vm *vm = attach(&program), *later;
    folder_write("rules/a.lua", "rule \"y\" { match = \"b\", reply = \"new\" }");
    folder_write("rules/b.lua", "oops(");
    assert_int_equal(program_attach(program, &later, NULL), 0);
    assert_string_equal(later->set->rules[0]->replies[0].data, "old");
    vm_destroy(later);
    drop(program, vm);
}

static void rules_that_differ_from_load_to_load_are_refused(void **state) {
    (void)state;
    folder_write("rules/a.lua", "rule(\"x\" .. math.random(1 << 60)) { match = \"a\", reply = \"old\" }");
    struct program *program;
    struct vm *vm;
    struct rp_error error;
    assert_int_equal(load(&program, &error), 0);
    assert_int_equal(program_attach(program, &vm, &error), -RP_ECONFIG);
    assert_non_null(strstr(error.text, "something else each time"));
    program_destroy(program);
}

static void loading_has_a_memory_limit(void **state) {
    (void)state;
    folder_write("rules/a.lua", "local t = {} for i = 1, 1e9 do t[i] = { i } end");
    expect_mistake("rules/a.lua", 0, "not enough memory");
    struct program *program;
    struct rp_error error;
    assert_int_equal(load_with(1024, &program, &error), -RP_ECONFIG);
    for (size_t memory = 16 << 10; memory < 256 << 10; memory += 512) { /* dies at another place each time */
        if (load_with(memory, &program, &error) == 0) program_destroy(program);
    }
}

static void an_empty_or_missing_folder_is_a_mistake(void **state) {
    struct program *program;
    struct rp_error error;
    (void)state;
    assert_int_equal(load(&program, &error), -RP_ECONFIG);
    assert_non_null(strstr(error.text, "has no .lua files"));
    assert_int_equal(rmdir("rules"), 0);
    assert_int_equal(load(&program, &error), -RP_ECONFIG);
    assert_non_null(strstr(error.text, "there is no folder"));
}

static void single_files_can_be_named(void **state) {
    static const char *const names[] = {"one.lua", "rules/two.lua"};
    struct program_options options = {.vm = {.memory = 32 << 20}, .folder = folder_path(), .files = {names, 2}};
    struct program *program;
    struct rp_error error;
    (void)state;
    folder_write("one.lua", "rule \"one\" { match = \"a\", reply = \"1\" }");
    assert_int_equal(program_create(&options, &program, &error), -RP_ECONFIG);
    assert_non_null(strstr(error.text, "two.lua"));
    folder_write("rules/two.lua", "rule \"two\" { match = \"b\", reply = \"1\" }");
    assert_int_equal(program_create(&options, &program, &error), 0);
    assert_int_equal(program->rule_count, 2);
    program_destroy(program);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_mistake_has_its_file_and_line),
        TEST(a_placeholder_without_a_capture_is_a_mistake),
        TEST(all_mistakes_are_counted),
        TEST(a_name_is_taken_once_whatever_it_names),
        TEST(rules_that_can_never_answer_are_mistakes),
        TEST(rules_that_may_answer_after_all_are_none),
        TEST(rules_stand_by_priority_then_file_then_line),
        TEST(a_file_is_included_once_and_gives_its_value),
        TEST(files_stay_inside_their_folders),
        TEST(a_mistake_in_an_included_file_has_that_files_name),
        TEST(assignments_that_outlive_the_turn_are_mistakes),
        TEST(assignments_within_a_turn_are_fine),
        TEST(modules_come_from_the_rules_and_from_the_library),
        TEST(json_files_are_read_and_checked),
        TEST(workers_load_what_was_read_at_first),
        TEST(rules_that_differ_from_load_to_load_are_refused),
        TEST(loading_has_a_memory_limit),
        TEST(an_empty_or_missing_folder_is_a_mistake),
        TEST(single_files_can_be_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
