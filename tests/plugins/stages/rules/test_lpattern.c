/* The bounded string functions mean the same as Lua's own, on random patterns and subjects, errors included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <lualib.h>
#include <stdio.h>

#include "plugins/stages/rules/lpattern.h"
#include "plugins/stages/rules/meter.h"

static struct meter meter;
static lua_State *L;

static const char script[] =
    "local seed = 42\n"
    "local function pick(n) seed = (seed * 1103515245 + 12345) & 0x7fffffff return (seed >> 12) % n + 1 end\n"
    "local bits = { 'a', 'b', 'c', '.', '%a', '%d', '%s', '%W', '%u', '[abc]', '[^a]', '[a-c]', '[]]', '[%a-]', '(', "
    "')',\n"
    "  '()', '%1', '%2', '%b()', '%bab', '%f[%a]', '%f[^b]', '$', '^', '%', '%%', '[', '-', '+', '*', '?', '1', ' ',\n"
    "  '%0', '%f', '%b', '%bx', '[a', '[^', '\\0', '%z', '[%', 'x', '%.', '(a', 'b)', '[a-]', '\\xe4', '%x', '[%w_]' "
    "}\n"
    "local function pattern() local t = {} for i = 1, pick(6) do t[i] = bits[pick(#bits)] end return table.concat(t) "
    "end\n"
    "local letters = { 'a', 'b', 'c', '(', ')', ' ', '1', 'A', '\\0', '.', '\\xe4', ']' }\n"
    "local function subject() local t = {} for i = 1, pick(12) - 1 do t[i] = letters[pick(#letters)] end return "
    "table.concat(t) end\n"
    "local templates = { 'x', '%0', '%1', '<%2>', '%%', '%', '%9', '', '%a' }\n"
    "local function show(...) local t = table.pack(...)\n"
    "  for i = 1, t.n do t[i] = string.format('%s:%s', type(t[i]), tostring(t[i])) end return table.concat(t, ',') "
    "end\n"
    "local function all(gmatch, s, p, i) local t = {}\n"
    "  for a, b in gmatch(s, p, i) do t[#t + 1] = show(a, b) if #t > 50 then break end end return table.concat(t, ';') "
    "end\n"
    "local function clean(text) return (text:gsub(\"to '[%w.?]+'\", '')) end -- the name that the function goes by\n"
    "local good = 0\n"
    "local function same(name, s, p, ...)\n"
    "  local a, b = clean(show(pcall(theirs[name], s, p, ...))), clean(show(pcall(ours[name], s, p, ...)))\n"
    "  if a ~= b then error(string.format('%s(%q, %q): %q, not %q', name, s, p, b, a)) end\n"
    "  if a:sub(1, 12) == 'boolean:true' then good = good + 1 end\n"
    "end\n"
    "for n = 1, 60000 do\n"
    "  local s, p = subject(), pattern()\n"
    "  local init = pick(3) == 1 and pick(20) - 10 or nil\n"
    "  same('find', s, p, init, pick(8) == 1) same('match', s, p, init)\n"
    "  local a, b = show(pcall(all, theirs.gmatch, s, p, init)), show(pcall(all, ours.gmatch, s, p, init))\n"
    "  if a ~= b then error(string.format('gmatch(%q, %q): %q, not %q', s, p, b, a)) end\n"
    "  same('gsub', s, p, templates[pick(#templates)], pick(3) == 1 and pick(4) - 1 or nil)\n"
    "  same('gsub', s, p, function(x, y) if pick(2) == 1 then return show(x, y) end end and function(x, y) return "
    "show(x, y) end)\n"
    "  same('gsub', s, p, { a = 'z', ab = 1, b = false })\n"
    "end\n"
    "same('gsub', 'abc', 'b', true) same('gsub', 'abc', 'b', { b = {} }) same('gsub', 'abc', 'b') same('find', 'abc')\n"
    "same('find', 'abc', '') same('find', 'abc', '', 4) same('find', 'abc', '', 5) same('find', 'abc', 'c', -1)\n"
    "same('match', ('a'):rep(300), ('a?'):rep(300) .. ('a'):rep(300)) same('match', 'x', ('(x'):rep(40)) same('gsub', "
    "'abc', '', '-')\n"
    "return good\n";

static int setup(void **state) {
    (void)state;
    meter = (struct meter){.cap = 64 << 20};
    L = meter_state(&meter);
    luaL_openlibs(L);
    lua_getglobal(L, "string");
    lua_setglobal(L, "theirs");
    lua_newtable(L);
    luaL_setfuncs(L, lpattern_functions, 0);
    lua_setglobal(L, "ours");
    return 0;
}

static int teardown(void **state) {
    (void)state;
    lua_close(L);
    return 0;
}

static void random_patterns_mean_the_same_as_in_lua(void **state) {
    (void)state;
    if (luaL_dostring(L, script) != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
    assert_true(lua_tointeger(L, -1) > 50000);
}

static void a_pathological_pattern_ends_in_a_budget_error(void **state) {
    static const char *const attacks[] = {
        "return ours.find(('a'):rep(120), ('.-'):rep(4) .. 'b')",
        "return ours.match(('a'):rep(200), ('a*'):rep(20) .. 'b')",
        "return ours.gsub(('a'):rep(5000), '.-b', '')",
        "for w in ours.gmatch(('('):rep(50000), '%b()') do end",
        "return ours.find(('a'):rep(100000), '^' .. ('[^bcdefghijklmnopqrstuvwxyz]-'):rep(3) .. 'b')",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        struct account account = {
            .max_steps = 1000000, .max_growth = 32 << 20, .max_cpu_ns = 60000000000, .wall_end_ns = INT64_MAX};
        meter_begin(&meter, &account);
        int status = luaL_loadstring(L, attacks[i]);
        if (status == LUA_OK) status = lua_pcall(L, 0, LUA_MULTRET, 0);
        meter_end(&meter);
        assert_int_equal(status, LUA_ERRRUN);
        assert_int_equal(account.over, METER_STEPS);
        assert_true(account.steps < 1100000);
        lua_settop(L, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_patterns_mean_the_same_as_in_lua),
        cmocka_unit_test(a_pathological_pattern_ends_in_a_budget_error),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
