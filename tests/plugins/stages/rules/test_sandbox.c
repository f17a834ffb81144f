/* What rules cannot do: reach beyond their sandbox, keep anything from turn to turn, or use more than their budgets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <repartee/metrics.h>

#include "bot.h"

#define CALM "rule \"calm\" { match = \"calm\", reply = function(t) return \"calm\" end }\n"
#define RULE(body) CALM "rule \"x\" { match = \"^x$\", reply = function(t) " body " end }\n"

static void dangerous_names_are_absent(void **state) {
    (void)state;
    bot_rules(RULE(
        "local found = {} for name in (\"io os debug load loadstring loadfile dofile package coroutine\"\n"
        " .. \" collectgarbage rawset rawget print _G warn\"):gmatch(\"%S+\") do\n"
        "  if _ENV[name] ~= nil then found[#found + 1] = name end end\n"
        "if string.dump or math.randomseed then found[1] = \"dump\" end return table.concat(found, \" \") .. \".\""));
    bot_expect("x", ".", NULL);
}

static void allowed_names_are_present(void **state) {
    (void)state;
    bot_rules(
        RULE("local missing = {} for name in (\"assert error ipairs next pairs select tonumber tostring type pcall\"\n"
             " .. \" xpcall setmetatable getmetatable string table math utf8 json time date log include json_file "
             "config\"):gmatch(\"%S+\") do\n"
             "  if _ENV[name] == nil then missing[#missing + 1] = name end end return table.concat(missing, \" \") .. "
             "\".\""));
    bot_expect("x", ".", NULL);
}

static void library_functions_work_as_ever(void **state) {
    (void)state;
    bot_rules(
        RULE("assert(select(\"#\", pcall(error)) == 2 and select(2, pcall(error, \"e\", 0)) == \"e\")\n"
             "assert(pcall(function(...) return ... end, 1, 2) == true and select(3, pcall(function(...) return ... "
             "end, 1, 2)) == 2)\n"
             "local ok, why = xpcall(function(a) error(a, 0) end, function(m) return m .. \"!\" end, \"e\") assert(not "
             "ok and why == \"e!\")\n"
             "assert((\"ab\"):rep(3, \"-\") == \"ab-ab-ab\" and (\"\"):rep(1e15) == \"\" and (\"x\"):rep(-1) == \"\")\n"
             "local s = { 3, 1, 2 } table.sort(s) assert(table.concat(s, \",\") == \"1,2,3\") table.insert(s, 1, 0) "
             "table.insert(s, 4)\n"
             "assert(table.remove(s) == 4 and table.remove(s, 1) == 0 and #table.move(s, 1, 3, 2, {}) == 4 or true)\n"
             "assert(select(\"#\", table.unpack({ 1, nil, 3 }, 1, 3)) == 3 and table.pack(1, 2).n == 2)\n"
             "assert(tonumber(\"0x10\") == 16 and tonumber(\"z\", 36) == 35 and utf8.len(\"你好\") == 2 and "
             "utf8.char(20320) == \"你\")\n"
             "assert(setmetatable({}, { __index = { a = 1 } }).a == 1 and rawlen({ 1 }) == 1)\n"
             "assert(string.format(\"%5.1f|%q|%s\", 1.25, \"a\", nil) == \"  1.2|\\\"a\\\"|nil\")\n"
             "local keys = {} for k in pairs({ a = 1, b = 2 }) do keys[#keys + 1] = k end table.sort(keys) "
             "assert(table.concat(keys) == \"ab\")\n"
             "assert(date(\"!%Y-%m-%d %H:%M\", 0) == \"1970-01-01 00:00\" and date(\"!*t\", 86400).day == 2 and not "
             "pcall(date, \"%Q\"))\n"
             "assert(json.encode({ 1, \"a\", { b = true } }) == '[1,\"a\",{\"b\":true}]' and json.decode(\"[1\") == "
             "nil and json.decode(\"3\") == 3)\n"
             "local c <const> = 1 do local d <close> = setmetatable({}, { __close = function() s.closed = true end }) "
             "end assert(s.closed)\n"
             "return \"fine\""));
    bot_expect("x", "fine", NULL);
}

static void shared_tables_are_read_only(void **state) {
    (void)state;
    bot_rules(
        "local list, cache, nums = { 1, 2, { 3 } }, {}, { 2, 1 }\nnames = { a = 1 }\n"
        "local Class = {} Class.__index = Class function Class.new() return setmetatable({ n = 1 }, Class) end\n"
        "function Class:get() return self.n end\nlocal one = Class.new()\n" //
        RULE("local function refused(f) local ok, why = pcall(f) assert(not ok, \"was allowed\") "
             "assert(why:find(\"read%-only\") or why:find(\"globals\") or why:find(\"protected\"), why) end\n"
             "refused(function() list[1] = 2 end) refused(function() list[3][1] = 2 end) refused(function() cache.x = "
             "1 end)\n"
             "refused(function() names.b = 1 end) refused(function() names = 1 end) refused(function() new = 1 end)\n"
             "refused(function() string.x = 1 end) refused(function() string.find = 1 end) refused(function() config.x "
             "= 1 end)\n"
             "refused(function() _ENV.x = 1 end) refused(function() table.insert(list, 4) end) refused(function() "
             "table.sort(nums) end)\n"
             "refused(function() table.remove(list) end) refused(function() one.n = 2 end) refused(function() Class.x "
             "= 1 end)\n"
             "refused(function() setmetatable(list, {}) end) refused(function() setmetatable(string, {}) end)\n"
             "assert(type(getmetatable(\"\")) == \"string\" and type(getmetatable(list)) == \"string\" and "
             "type(getmetatable(t)) == \"string\")\n"
             "assert(#list == 3 and list[3][1] == 3 and one:get() == 1 and Class.new():get() == 1 and next(cache) == "
             "nil)\n"
             "local n = 0 for k, v in pairs(list) do n = n + k end assert(n == 6) for k in next, names do assert(k == "
             "\"a\") end\n"
             "local raw = pairs({}) for k, v in raw, list do assert(math.type(k) == \"integer\") end\n"
             "local mine = Class.new() mine.n = 5 assert(mine:get() == 5) return \"safe\""));
    bot_expect("x", "safe", NULL);
    bot_expect("x", "safe", NULL);
}

/* What Lua looks for in metatables is read-only like everything else. */
static void metamethods_of_shared_tables_are_read_only(void **state) {
    (void)state;
    bot_rules(
        "local data = { __secret = \"none\" }\nlocal Class = { __name = \"Class\" } Class.__index = Class\n"
        "Class.__add = function(a, b) return a.n + b.n end Class.__tostring = function(o) return \"<\" .. o.n .. \">\" end\n"
        "Class.__call = function(o, x) return o.n * x end Class.__eq = function(a, b) return a.n == b.n end\n"
        "function Class.new(n) return setmetatable({ n = n }, Class) end\nlocal two = Class.new(2)\n"
        "local Sub = setmetatable({}, { __index = Class }) Sub.__index = Sub function Sub:hi() return \"hi\" end\n" //
        RULE("local function refused(f) local ok, why = pcall(f) assert(not ok, \"was allowed\") "
             "assert(why:find(\"read%-only\") or why:find(\"protected\"), why) end\n"
             "refused(function() data.__secret = t.text end) refused(function() Class.__index = {} end)\n"
             "refused(function() Class.__add = nil end) refused(function() Class.__gc = print end)\n"
             "assert(data.__secret == \"none\") local keys = 0 for k in pairs(Class) do keys = keys + 1 end assert(keys == 7)\n"
             "local three = Class.new(3) assert(getmetatable(three) == Class and three + two == 5 and two + three == 5)\n"
             "assert(tostring(three) == \"<3>\" and tostring(two) == \"<2>\" and three(2) == 6 and two(2) == 4)\n"
             "assert(three == Class.new(3) and three ~= two and three.new == Class.new)\n"
             "local s = setmetatable({ n = 1 }, Sub) assert(s:hi() == \"hi\" and s.new == Class.new)\n"
             "setmetatable(three, { __index = { other = 1 } }) assert(three.other == 1 and getmetatable(three) ~= Class)\n"
             "setmetatable(three, nil) assert(getmetatable(three) == nil) return \"safe\""));
    bot_expect("x", "safe", NULL);
    bot_expect("x", "safe", NULL);
}

static void iterators_made_while_loading_are_not_shared(void **state) {
    (void)state;
    bot_rules("local words = (\"one two three\"):gmatch(\"%a+\")\nlocal first = words()\n" //
              RULE("local own = {} for w in (\"a b\"):gmatch(\"%a\") do own[#own + 1] = w end\n"
                   "local ok, why = pcall(words) return first .. #own .. why"));
    assert_non_null(strstr(bot_say("x"), "one2"));
    assert_non_null(strstr(bot_say("x"), "made while the rules were loaded"));
}

static void finalizers_and_declarations_are_refused_in_turns(void **state) {
    (void)state;
    bot_rules(RULE("local function why(f, ...) local ok, e = pcall(f, ...) return tostring(e) end\n"
                   "return why(setmetatable, {}, { __gc = function() end }) .. why(include, \"a.lua\") .. "
                   "why(json_file, \"a\") ..\n"
                   " why(function() rule \"z\" { match = \"z\", reply = \"z\" } end)"));
    const char *reply = bot_say("x");
    assert_non_null(strstr(reply, "finalizers"));
    assert_non_null(strstr(reply, "include works only while"));
    assert_non_null(strstr(reply, "json_file works only while"));
    assert_non_null(strstr(reply, "rule works only while"));
}

/* ---- budgets ----------------------------------------------------------------------------------------------------- */

static void over_budget(const char *text) {
    bot_rules(text);
    int64_t start = rp_now_ns();
    bot_expect("x", "!rule_budget", "rule:x");
    assert_true(rp_now_ns() - start < 20000000000);
    bot_expect("calm", "calm", NULL);
    bot_expect("x", "!rule_budget", NULL);
    bot_expect("calm", "calm", NULL);
}

#define BUDGET(name, body)                                                                                             \
    static void name(void **state) {                                                                                   \
        (void)state;                                                                                                   \
        over_budget(RULE(body));                                                                                       \
    }

BUDGET(an_endless_loop_ends, "while true do end")
BUDGET(an_endless_loop_in_pcall_ends, "while true do pcall(function() while true do end end) end")
BUDGET(an_endless_loop_in_xpcall_ends,
       "while true do xpcall(function() while true do end end, function() while true do end end) end")
BUDGET(an_endless_loop_in_a_close_handler_ends,
       "local c <close> = setmetatable({}, { __close = function() while true do end end }) while true do end")
BUDGET(memory_without_end_ends, "local m = {} for i = 1, 1e9 do m[i] = { i } end")
BUDGET(memory_in_pcall_ends,
       "local m = {} while true do pcall(function() while true do m[#m + 1] = { #m } end end) end")
BUDGET(a_growing_string_ends, "local s = \"x\" while true do s = s .. s end")
BUDGET(a_long_repetition_ends, "local s = (\"x\"):rep(1e9) return s")
BUDGET(copying_large_strings_ends, "local s = (\"x\"):rep(1 << 20) for i = 1, 1e9 do local u = s:upper() end")
BUDGET(converting_large_strings_ends, "local s = (\" \"):rep(1 << 20) for i = 1, 1e9 do local u = tonumber(s) end")
BUDGET(a_pathological_find_ends, "return tostring(((\"a\"):rep(120)):find((\".-\"):rep(4) .. \"b\"))")
BUDGET(a_pathological_gsub_in_pcall_ends,
       "while true do pcall(string.gsub, (\"a\"):rep(2000), (\"a-\"):rep(8) .. \"b\", \"\") end")
BUDGET(moving_a_huge_range_ends, "table.move({}, 1, math.maxinteger - 1, 2) return \"moved\"")
BUDGET(joining_a_huge_range_ends, "return table.concat(setmetatable({}, { __index = table.concat }), \"\", 1, 1 << 50)")
BUDGET(inserting_in_front_for_ever_ends, "local m = {} for i = 1, 1e9 do table.insert(m, 1, i) end")
BUDGET(sorting_for_ever_ends, "local m = {} for i = 1, 1e4 do m[i] = i end while true do table.sort(m) end")
BUDGET(sorting_with_a_lying_comparator_ends,
       "local m = {} for i = 1, 1e5 do m[i] = i end pcall(table.sort, m, function() return true end) while true do end")
BUDGET(counting_characters_for_ever_ends, "local s = (\"你\"):rep(1 << 18) while true do utf8.len(s) end")
BUDGET(deep_recursion_ends, "local function f() return 1 + f() end while true do pcall(f) end")
BUDGET(encoding_for_ever_ends, "local m = {} for i = 1, 1000 do m[i] = i end while true do json.encode(m) end")
BUDGET(comparing_long_texts_ends,
       "local a = (\"\\0\"):rep(1 << 19) local b = a .. \"x\" local n = 0 while true do n = a < b and n + 1 or n end")
BUDGET(sorting_long_texts_ends,
       "local a, b, m = (\"\\0\"):rep(1 << 19), (\"\\0\"):rep(1 << 19) .. \"x\", {}\n"
       "for i = 1, 10000 do m[i] = i % 2 == 0 and a or b end while true do table.sort(m) end")
BUDGET(reading_numbers_from_long_texts_ends, "local a = (\"1\"):rep(1 << 20) while true do local n = a + 0 end")
BUDGET(logging_for_ever_ends, "while true do log(\"again\") end")
BUDGET(waiting_too_often_ends, "for i = 1, 100 do t:sleep(0) end")
BUDGET(waiting_too_often_in_pcall_ends, "while true do pcall(t.sleep, t, 0) end")

static void waiting_too_long_ends(void **state) {
    (void)state;
    bot.options.time_ms = 50;
    over_budget(RULE("t:sleep(60)"));
}

static void a_shared_tree_is_not_encoded_for_ever(void **state) {
    (void)state;
    bot_rules(
        RULE("local n = { 1 } for i = 1, 28 do n = { n, n } end local ok, why = pcall(json.encode, n) return why"));
    assert_non_null(strstr(bot_say("x"), "too many values"));
}

static void a_text_in_many_places_is_not_encoded(void **state) {
    (void)state;
    bot_rules(RULE("local big, m = (\"x\"):rep(1 << 20), {} for i = 1, 1000 do m[i] = big end\n"
                   "local ok, why = pcall(json.encode, m) return why"));
    assert_non_null(strstr(bot_say("x"), "too much text"));
}

static void failures_are_counted(void **state) {
    (void)state;
    bot_rules(RULE("error(\"no\")"));
    struct rp_metric *errors =
        rp_metric(RP_COUNTER, "repartee_rule_errors_total", "", "rule", "x", "code", "rule_error", NULL);
    int64_t before = rp_metric_value(errors);
    bot_expect("x", "!rule_error", NULL);
    assert_true(rp_metric_value(errors) == before + 1);
}

static void memory_of_many_turns_does_not_add_up(void **state) {
    (void)state;
    bot_rules(RULE("local m = {} for i = 1, 20000 do m[i] = { i } end return \"\" .. #m"));
    for (int i = 0; i < 60; i++) bot_expect("x", "20000", NULL);
    lua_gc(bot_vm()->L, LUA_GCCOLLECT);
    assert_true(bot_vm()->meter.used < 1 << 20);
}

static void nothing_stays_in_the_registry(void **state) {
    (void)state;
    bot.options.on_error = ON_ERROR_FAIL;
    bot_rules(
        RULE("error(\"x\")") "rule \"wait\" { match = \"wait\", reply = function(t) t:sleep(0) return \"ok\" end }");
    for (int i = 0; i < 8; i++) bot_say(i % 2 ? "x" : "wait");
    lua_State *L = bot_vm()->L;
    size_t before = lua_rawlen(L, LUA_REGISTRYINDEX);
    for (int i = 0; i < 100; i++) bot_say(i % 2 ? "x" : "wait");
    assert_int_equal(lua_rawlen(L, LUA_REGISTRYINDEX), before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bot_setup, bot_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(dangerous_names_are_absent),
        TEST(allowed_names_are_present),
        TEST(library_functions_work_as_ever),
        TEST(shared_tables_are_read_only),
        TEST(metamethods_of_shared_tables_are_read_only),
        TEST(iterators_made_while_loading_are_not_shared),
        TEST(finalizers_and_declarations_are_refused_in_turns),
        TEST(an_endless_loop_ends),
        TEST(an_endless_loop_in_pcall_ends),
        TEST(an_endless_loop_in_xpcall_ends),
        TEST(an_endless_loop_in_a_close_handler_ends),
        TEST(memory_without_end_ends),
        TEST(memory_in_pcall_ends),
        TEST(a_growing_string_ends),
        TEST(a_long_repetition_ends),
        TEST(copying_large_strings_ends),
        TEST(converting_large_strings_ends),
        TEST(a_pathological_find_ends),
        TEST(a_pathological_gsub_in_pcall_ends),
        TEST(moving_a_huge_range_ends),
        TEST(joining_a_huge_range_ends),
        TEST(inserting_in_front_for_ever_ends),
        TEST(sorting_for_ever_ends),
        TEST(sorting_with_a_lying_comparator_ends),
        TEST(counting_characters_for_ever_ends),
        TEST(deep_recursion_ends),
        TEST(encoding_for_ever_ends),
        TEST(comparing_long_texts_ends),
        TEST(sorting_long_texts_ends),
        TEST(reading_numbers_from_long_texts_ends),
        TEST(a_text_in_many_places_is_not_encoded),
        TEST(failures_are_counted),
        TEST(logging_for_ever_ends),
        TEST(waiting_too_often_ends),
        TEST(waiting_too_often_in_pcall_ends),
        TEST(waiting_too_long_ends),
        TEST(a_shared_tree_is_not_encoded_for_ever),
        TEST(memory_of_many_turns_does_not_add_up),
        TEST(nothing_stays_in_the_registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
