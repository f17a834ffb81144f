/* The journal by itself: entries in order, what does not fit, room, reads; and values that must come back as they were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <lauxlib.h>
#include <lualib.h>
#include <math.h>

#include "core/base/clock.h"
#include "plugins/stages/rules/freeze.h"
#include "plugins/stages/rules/journal.h"
#include "plugins/stages/rules/packed.h"
#include "plugins/stages/rules/vm.h"

#define BEGUN INT64_C(1700000000000)

static struct journal open_journal(json_t *entries, size_t max) {
    struct journal journal;
    journal_init(&journal, entries, RP_STR("an id"), BEGUN, max);
    return journal;
}

/* The same journal, in another process. */
static struct journal again(struct journal *journal) {
    char *text = json_dumps(journal->entries, JSON_COMPACT);
    json_t *entries = json_loads(text, 0, NULL);
    struct journal copy = open_journal(entries, journal->max);
    assert_true(journal_valid(entries));
    assert_int_equal(copy.bytes, strlen(text) - 1 + (json_array_size(entries) == 0)); /* two brackets, a comma each but one */
    json_decref(entries);
    journal_finish(journal);
    free(text);
    return copy;
}

static void expect_text(struct journal *journal, const char *kind, uint32_t hash, const char *text) {
    const json_t *value = NULL;
    assert_int_equal(journal_next(journal, kind, hash, &value), JOURNAL_HAS);
    if (text)
        assert_string_equal(json_string_value(value), text);
    else
        assert_null(value);
}

static void entries_come_back_in_order(void **state) {
    const json_t *value;
    (void)state;
    clock_freeze(BEGUN + 500);
    struct journal journal = open_journal(NULL, 1000);
    assert_true(journal_live(&journal));
    assert_int_equal(journal.now_ms, BEGUN);
    assert_int_equal(journal_next(&journal, JOURNAL_ASK, 1, &value), JOURNAL_LIVE);
    assert_int_equal(journal_add(&journal, JOURNAL_ASK, 1, json_string("one")), 0);
    assert_int_equal(journal.now_ms, BEGUN + 500);
    journal_trace(&journal, 77);
    assert_int_equal(journal_add(&journal, JOURNAL_CALL, 2, json_string("two")), 0);
    assert_int_equal(journal_append(&journal, JOURNAL_ASK, journal_hash(&journal, JOURNAL_ASK, 3), json_string("three")), 0);
    assert_false(journal_live(&journal));
    journal = again(&journal);
    expect_text(&journal, JOURNAL_ASK, 1, "one");
    assert_int_equal(journal.now_ms, BEGUN + 500);
    journal_trace(&journal, 77);
    expect_text(&journal, JOURNAL_CALL, 2, "two");
    expect_text(&journal, JOURNAL_ASK, 3, "three");
    assert_true(journal_live(&journal));
    journal_finish(&journal);
}

static struct journal two_entries(void) {
    struct journal journal = open_journal(NULL, 1000);
    assert_int_equal(journal_add(&journal, JOURNAL_ASK, 1, json_string("one")), 0);
    assert_int_equal(journal_add(&journal, JOURNAL_CALL, 2, json_string("two")), 0);
    return again(&journal);
}

static void what_does_not_fit_differs(void **state) {
    const json_t *value;
    (void)state;
    struct journal journal = two_entries();
    assert_int_equal(journal_next(&journal, JOURNAL_CALL, 1, &value), JOURNAL_DIFFERS);
    assert_string_equal(journal.differs, "entry 1 of 2 is an 'ask', the function wants a 'call'");
    assert_int_equal(journal_next(&journal, JOURNAL_ASK, 2, &value), JOURNAL_DIFFERS);
    assert_string_equal(journal.differs, "entry 1 of 2 is an 'ask', the function asks or tells something else");
    assert_int_equal(journal_read(&journal, "x", NULL, &value), JOURNAL_DIFFERS);
    journal_trace(&journal, 5); /* it tells something that it did not tell */
    assert_int_equal(journal_next(&journal, JOURNAL_ASK, 1, &value), JOURNAL_DIFFERS);
    journal_finish(&journal);
    journal = two_entries();
    expect_text(&journal, JOURNAL_ASK, 1, "one");
    journal_trace(&journal, 5);
    journal_trace(&journal, 6);
    uint32_t one_way = journal.trace;
    journal.trace = 0;
    journal_trace(&journal, 6);
    journal_trace(&journal, 5);
    assert_int_not_equal(journal.trace, one_way); /* order counts */
    journal_finish(&journal);
}

static void a_send_is_announced_and_gets_its_outcome(void **state) {
    const json_t *value = (const json_t *)1;
    (void)state;
    struct journal journal = open_journal(NULL, 2000);
    assert_int_equal(journal_add(&journal, JOURNAL_SEND, 9, NULL), 0);
    struct journal dead = again(&(struct journal){.entries = json_deep_copy(journal.entries), .view = json_object(), .max = 2000});
    expect_text(&dead, JOURNAL_SEND, 9, NULL);
    clock_freeze(BEGUN + 9000);
    assert_int_equal(journal_outcome(&journal, json_string("done")), 0);
    assert_int_equal(journal_outcome(&dead, json_string("not known")), 0);
    journal = again(&journal);
    dead = again(&dead);
    expect_text(&journal, JOURNAL_SEND, 9, "done");
    assert_int_equal(journal.now_ms, BEGUN + 9000);
    assert_int_equal(journal_next(&dead, JOURNAL_SEND, 9, &value), JOURNAL_HAS);
    assert_string_equal(json_string_value(value), "not known");
    journal_finish(&journal);
    journal_finish(&dead);
}

static void its_room_is_bounded(void **state) {
    const json_t *value;
    (void)state;
    struct journal journal = open_journal(NULL, 1000);
    int count = 0;
    while (journal_add(&journal, JOURNAL_ASK, 1, json_string("some text or other")) == 0) count++;
    assert_in_range(count, 15, 25);
    assert_in_range(journal.bytes, 950, 1000);
    assert_int_equal(journal_read(&journal, "a name that is longer than what is left of it", NULL, &value), JOURNAL_FULL);
    assert_int_equal(json_array_size(journal.entries), count);
    journal_finish(&journal);
    journal = open_journal(NULL, 1000); /* an announcement keeps room for its outcome */
    while (json_array_size(journal.entries) < 14) assert_int_equal(journal_add(&journal, JOURNAL_ASK, 1, json_string("some text or other")), 0);
    assert_int_equal(journal_add(&journal, JOURNAL_SEND, 1, NULL), -RP_ETOOLARGE);
    journal_finish(&journal);
    journal = open_journal(NULL, 1000);
    assert_int_equal(journal_add(&journal, JOURNAL_SEND, 1, NULL), 0);
    json_t *large = json_sprintf("%0900d", 1), *small = json_sprintf("%0500d", 1);
    assert_true(journal_fits(&journal, small));
    large = json_pack("[o, o]", large, json_sprintf("%0900d", 1));
    assert_false(journal_fits(&journal, large));
    assert_int_equal(journal_outcome(&journal, large), -RP_ETOOLARGE);
    assert_int_equal(journal_outcome(&journal, small), 0);
    assert_string_equal(json_string_value(journal_last(&journal)), json_string_value(small));
    journal_finish(&journal);
}

static void expect_read(struct journal *journal, const char *name, json_t *actual, int expected, size_t entries) {
    const json_t *value;
    assert_int_equal(journal_read(journal, name, actual, &value), JOURNAL_HAS);
    if (expected < 0)
        assert_true(json_is_null(value));
    else
        assert_int_equal(json_integer_value(value), expected);
    assert_int_equal(json_array_size(journal->entries), entries);
    json_decref(actual);
}

static void wrote(struct journal *journal, const char *name, int number) {
    json_t *value = json_integer(number);
    journal_wrote(journal, name, value);
    json_decref(value);
}

static void what_was_read_is_read_again(void **state) {
    (void)state;
    struct journal journal = open_journal(NULL, 1000);
    expect_read(&journal, "a", NULL, -1, 1);
    expect_read(&journal, "a", NULL, -1, 1); /* known */
    wrote(&journal, "a", 5);
    expect_read(&journal, "a", json_integer(5), 5, 1);
    expect_read(&journal, "b", json_integer(6), 6, 2);
    assert_int_equal(journal_add(&journal, JOURNAL_ASK, 1, json_string("x")), 0);
    expect_read(&journal, "b", json_integer(6), 6, 3); /* as before */
    expect_read(&journal, "a", json_integer(7), 7, 4); /* somebody else has set it */
    journal = again(&journal);
    json_t *other = json_integer(99);
    expect_read(&journal, "a", json_incref(other), -1, 4);
    expect_read(&journal, "a", json_incref(other), -1, 4);
    wrote(&journal, "a", 5);
    expect_read(&journal, "a", json_incref(other), 5, 4);
    expect_read(&journal, "b", json_incref(other), 6, 4);
    expect_text(&journal, JOURNAL_ASK, 1, "x");
    expect_read(&journal, "b", json_incref(other), 6, 4);
    expect_read(&journal, "a", other, 7, 4);
    assert_true(journal_live(&journal));
    journal_finish(&journal);
}

static void what_was_told_in_turns_that_ended_is_settled(void **state) {
    (void)state;
    struct journal journal = open_journal(NULL, 1000);
    assert_false(journal_settled(&journal));
    journal_settle(&journal); /* the turn ends in front of entry 0 */
    size_t settled = journal.settled;
    assert_int_equal(journal_append(&journal, JOURNAL_ASK, 1, json_string("x")), 0);
    assert_int_equal(journal_append(&journal, JOURNAL_SEND, 1, NULL), 0);
    journal = again(&journal);
    journal.settled = settled;
    assert_true(journal_settled(&journal));
    journal.at = 1;
    assert_false(journal_settled(&journal)); /* that turn broke off */
    journal.at = 2;
    assert_false(journal_settled(&journal));
    journal_finish(&journal);
}

static void chance_begins_with_the_id(void **state) {
    struct journal a = open_journal(NULL, 10), b = open_journal(NULL, 10), c;
    (void)state;
    journal_init(&c, NULL, RP_STR("another id"), BEGUN, 10);
    uint64_t first = journal_random(&a);
    assert_true(first == journal_random(&b));
    assert_true(first != journal_random(&c));
    assert_true(journal_random(&a) != first);
    assert_int_not_equal(a.trace, 0);
    journal_finish(&a);
    journal_finish(&b);
    journal_finish(&c);
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static lua_State *L;
static struct vm vm; /* the meter of the state */

static int open_state(void **state) {
    (void)state;
    vm = (struct vm){.meter.cap = 64 << 20};
    L = meter_state(&vm.meter);
    luaL_openlibs(L);
    freeze_open(L);
    lua_settop(L, 0);
    return 0;
}

static int close_state(void **state) {
    (void)state;
    lua_close(L);
    return 0;
}

static int protected_push(lua_State *state) {
    packed_push(state, lua_touserdata(state, 1));
    return 1;
}

/* `same(a, b)` of the script must agree. */
static void survives(const char *expression) {
    static const char same[] =
        "local function same(a, b) if math.type(a) ~= math.type(b) then return false end\n"
        "  if type(a) ~= 'table' then return a == b or (a ~= a and b ~= b) end\n"
        "  for k, v in pairs(a) do if not same(v, b[k]) then return false end end\n"
        "  for k in pairs(b) do if a[k] == nil then return false end end return true end return same";
    char script[512];
    const char *why = "";
    json_t *packed = NULL;
    snprintf(script, sizeof(script), "return %s", expression);
    assert_int_equal(luaL_dostring(L, same), LUA_OK);
    assert_int_equal(luaL_dostring(L, script), LUA_OK);
    if (packed_read(L, -1, 100000, &packed, &why) != 0) fail_msg("%s: %s", expression, why);
    char *text = json_dumps(packed, JSON_COMPACT | JSON_ENCODE_ANY);
    assert_null(strstr(text, "\\u0000"));
    json_decref(packed);
    packed = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(packed);
    lua_pushcfunction(L, protected_push);
    lua_pushlightuserdata(L, packed);
    assert_int_equal(lua_pcall(L, 1, 1, 0), LUA_OK);
    if (packed_hash(L, -1, 1) != packed_hash(L, -2, 1)) fail_msg("%s: the hash differs", expression);
    assert_int_equal(lua_pcall(L, 2, 1, 0), LUA_OK);
    if (!lua_toboolean(L, -1)) fail_msg("%s became %s", expression, text);
    free(text);
    json_decref(packed);
    lua_settop(L, 0);
}

static void values_survive(void **state) {
    (void)state;
    static const char *const values[] = {
        "nil", "true", "false", "0", "-1", "math.maxinteger", "math.mininteger", "1.0", "-0.0", "0.1", "1e308", "5e-324",
        "1/0", "-1/0", "0/0", "''", "'text'", "'\\u{4E2D}\\u{1F600}'", "'a\\0b'", "'\\xFF\\x80\\0\\xC3'", "{}", "{ 1, 2, 3 }",
        "{ 1, nil, 3 }", "{ a = 1, b = { c = {} } }", "{ 1, a = 2 }", "{ [1.5] = 1, [true] = 2, [-1] = 3 }",
        "{ ['a\\0'] = 1, ['\\xFF'] = 2 }", "{ 's', 'n', { 'l' }, { 'm' }, { '0' } }", "{ { {}, { {} } } }",
        "{ ['1'] = 'text', [1] = 'number' }", "('x'):rep(1000)", "{ ('\\xFF'):rep(300) }"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) survives(values[i]);
}

static void bytes_of_all_kinds_survive(void **state) {
    (void)state;
    survives("(function() local s = {} for i = 0, 255 do s[#s + 1] = string.char(i) end return table.concat(s) end)()");
    for (int seed = 0; seed < 300; seed++) {
        char script[256];
        snprintf(script, sizeof(script),
                 "(function() math.randomseed(%d) local s = {} for i = 1, math.random(40) do s[i] = string.char(math.random(0, 255)) end "
                 "return table.concat(s) end)()", seed);
        survives(script);
    }
}

static void what_cannot_be_kept_is_told(void **state) {
    static const struct {
        const char *expression;
        int code;
    } cases[] = {{"print", -RP_EJSON}, {"{ { f = print } }", -RP_EJSON}, {"coroutine.create(print)", -RP_EJSON},
                 {"(function() local t = {} t.t = t return t end)()", -RP_EJSON}, {"{ [{}] = print }", -RP_EJSON},
                 {"('x'):rep(2000)", -RP_ETOOLARGE}, {"(function() local t = {} for i = 1, 600 do t[i] = i end return t end)()", -RP_ETOOLARGE},
                 {"(function() local t = {} for i = 1, 40 do t = { t, t } end return t end)()", -RP_ETOOLARGE}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char script[256];
        const char *why = NULL;
        json_t *packed = NULL;
        snprintf(script, sizeof(script), "return %s", cases[i].expression);
        assert_int_equal(luaL_dostring(L, script), LUA_OK);
        assert_int_equal(packed_read(L, -1, 2000, &packed, &why), cases[i].code);
        assert_non_null(why);
        lua_settop(L, 0);
    }
}

static void hashes_know_values_and_no_order(void **state) {
    static const char *const different[] = {"nil", "false", "true", "0", "1", "1.0", "'1'", "''", "{}", "{ 1 }", "{ 1, 2 }", "{ 2, 1 }",
                                            "{ a = 1 }", "{ a = 2 }", "{ b = 1 }", "{ { 1 }, 2 }", "{ 1, { 2 } }", "print", "{ a = {} }"};
    uint32_t hashes[sizeof(different) / sizeof(different[0])];
    (void)state;
    for (size_t i = 0; i < sizeof(different) / sizeof(different[0]); i++) {
        char script[64];
        snprintf(script, sizeof(script), "return %s", different[i]);
        assert_int_equal(luaL_dostring(L, script), LUA_OK);
        hashes[i] = packed_hash(L, -1, PACKED_HASH_START);
        lua_settop(L, 0);
        for (size_t k = 0; k < i; k++)
            if (hashes[k] == hashes[i]) fail_msg("%s and %s", different[k], different[i]);
    }
    assert_int_equal(luaL_dostring(L, "local a, b = {}, {} for i = 1, 100 do a['k' .. i] = i b['k' .. 101 - i] = 101 - i end return a, b"), LUA_OK);
    assert_int_equal(packed_hash(L, 1, 7), packed_hash(L, 2, 7));
}

#define STATE(name) cmocka_unit_test_setup_teardown(name, open_state, close_state)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_come_back_in_order),
        cmocka_unit_test(what_does_not_fit_differs),
        cmocka_unit_test(a_send_is_announced_and_gets_its_outcome),
        cmocka_unit_test(its_room_is_bounded),
        cmocka_unit_test(what_was_read_is_read_again),
        cmocka_unit_test(what_was_told_in_turns_that_ended_is_settled),
        cmocka_unit_test(chance_begins_with_the_id),
        STATE(values_survive),
        STATE(bytes_of_all_kinds_survive),
        STATE(what_cannot_be_kept_is_told),
        STATE(hashes_know_values_and_no_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
