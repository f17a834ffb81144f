/* What coverage is told of the rules: every declaration, and which lines of functions ran. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bot.h"
#include "plugins/stages/rules/lines.h"
#include "plugins/stages/rules/stage.h"

static json_t *inventory(void) {
    return stage_inventory(&bot.rig.stages[0], bot.rig.worker);
}

/* The item of this kind and name as JSON text without its file; "": there is none. */
static const char *item(const char *kind, const char *name) {
    static char text[1024];
    json_t *items = inventory(), *entry;
    size_t index;
    text[0] = '\0';
    json_array_foreach(items, index, entry) {
        if (strcmp(json_string_value(json_object_get(entry, "kind")), kind) != 0) continue;
        if (strcmp(json_string_value(json_object_get(entry, "name")), name) != 0) continue;
        char *lines = json_dumps(json_object_get(entry, "lines"), JSON_COMPACT);
        snprintf(text, sizeof(text), "%s:%d %d %s", json_string_value(json_object_get(entry, "file")),
                 (int)json_integer_value(json_object_get(entry, "line")),
                 (int)json_integer_value(json_object_get(entry, "reached")), lines);
        free(lines);
        break;
    }
    json_decref(items);
    return text;
}

static void declarations_are_counted_when_they_are_reached(void **state) {
    (void)state;
    bot_rules("rule \"a\" { match = \"^a\", reply = \"A\" }\n"
              "rule \"b\" { match = \"^b\", when = function(t) return t.text == \"b\" end, reply = \"B\" }\n"
              "rule \"c\" {\n  match = \"^c\",\n  reply = function(t)\n    error(\"no\")\n  end,\n}\n"
              "generate \"g\" { system = \"s\" }\n");
    bot_say("a"); /* before anybody asks nothing is counted */
    assert_string_equal(item("rule", "a"), "rules/a.lua:1 0 []");
    bot_say("a");
    bot_say("a");
    assert_string_equal(item("rule", "a"), "rules/a.lua:1 2 []");
    bot_say("bb"); /* `when` says no, and the model is asked */
    assert_string_equal(item("generate", "g"), "rules/a.lua:9 1 []");
    bot_say("c");
    assert_string_equal(item("rule", "c"), "rules/a.lua:3 1 [[6,1]]");
    assert_string_equal(item("rule", "nonsense"), "");
}

static void lines_tell_which_branch_ran(void **state) {
    (void)state;
    bot_rules("local function helper(t)\n"      /* 1 */
              "  if t.text == \"x\" then\n"     /* 2 */
              "    return \"X\"\n"              /* 3 */
              "  end\n"                         /* 4 */
              "  return \"other\"\n"            /* 5 */
              "end\n"                           /* 6 */
              "local unused = { 1,\n"           /* 7 */
              "  2 }\n"                         /* 8 */
              "rule \"r\" {\n"                  /* 9 */
              "  match = \".\",\n"              /* 10 */
              "  reply = function(t)\n"         /* 11 */
              "    local f = function()\n"      /* 12 */
              "      return \"inner\"\n"        /* 13 */
              "    end\n"                       /* 14 */
              "    if t.text == \"inner\" then\n" /* 15 */
              "      return f()\n"              /* 16 */
              "    end\n"                       /* 17 */
              "    return helper(t)\n"          /* 18 */
              "  end,\n"                        /* 19 */
              "}\n");
    json_decref(inventory());
    bot_expect("y", "other", "rule:r");
    assert_string_equal(item("rule", "r"), "rules/a.lua:9 1 [[13,0],[14,1],[15,1],[16,0],[18,1]]");
    assert_string_equal(item("function", ""), "rules/a.lua:1 0 [[2,1],[3,0],[5,1]]");
    bot_expect("inner", "inner", "rule:r");
    bot_expect("x", "X", "rule:r");
    assert_string_equal(item("rule", "r"), "rules/a.lua:9 3 [[13,1],[14,3],[15,3],[16,1],[18,2]]");
    assert_string_equal(item("function", ""), "rules/a.lua:1 0 [[2,2],[3,1],[5,1]]");
}

static void included_files_count_and_the_library_does_not(void **state) {
    (void)state;
    folder_write("rules/lib/more.lua", "return function() return 'more' end\n");
    bot_rules("local more = include \"lib/more.lua\"\nlocal talk = require \"repartee.smalltalk\"\n"
              "rule \"m\" { match = \"m\", reply = function() return more() end }\n");
    json_t *items = inventory(), *entry;
    size_t index, found = 0;
    json_array_foreach(items, index, entry) {
        const char *file = json_string_value(json_object_get(entry, "file"));
        assert_true(strncmp(file, "rules/", 6) == 0);
        found += strcmp(file, "rules/lib/more.lua") == 0;
    }
    assert_int_equal(found, 1);
    json_decref(items);
}

/* ---- lines by themselves ----------------------------------------------------------------------------------------- */

static unsigned functions;
static char seen[300];

static void on_function(void *arg, int first, int last) {
    (void)arg;
    assert_in_range(last, first, 1000000);
    functions++;
}

static void on_line(void *arg, int line) {
    (void)arg;
    if (line > 0 && (size_t)line < sizeof(seen)) seen[line] = 1;
}

/* Lines far apart, and more of them than the short form of a step holds. */
static void far_lines_are_found(void **state) {
    (void)state;
    struct lines_visitor visitor = {.function = on_function, .line = on_line};
    struct rp_buf text;
    lua_State *L = luaL_newstate();
    rp_buf_init(&text, 1 << 20);
    rp_buf_append_str(&text, RP_STR("local f = function(...)\n")); /* 1 */
    for (int i = 0; i < 200; i++) rp_buf_append_str(&text, RP_STR("\n"));
    rp_buf_append_str(&text, RP_STR("local a = ...\n")); /* 202 */
    for (int i = 0; i < 40; i++) rp_buf_append_str(&text, RP_STR("\n"));
    rp_buf_append_str(&text, RP_STR("return a + 1\nend\n")); /* 243 */
    assert_true(lines_find(L, rp_buf_str(&text), &visitor));
    assert_int_equal(functions, 1);
    for (size_t line = 0; line < sizeof(seen); line++) assert_int_equal(seen[line], line == 202 || line == 243);
    assert_int_equal(lua_gettop(L), 0);
    assert_false(lines_find(L, RP_STR("this is not Lua"), &visitor));
    lua_close(L);
    rp_buf_finish(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(declarations_are_counted_when_they_are_reached, bot_setup, bot_teardown),
        cmocka_unit_test_setup_teardown(lines_tell_which_branch_ran, bot_setup, bot_teardown),
        cmocka_unit_test_setup_teardown(included_files_count_and_the_library_does_not, bot_setup, bot_teardown),
        cmocka_unit_test(far_lines_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
