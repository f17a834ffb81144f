/* Binding one option of each type: what each value gives, and what is said about those that give nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/config/bind.h"
#include "core/config/option_table.h"

/* One field of every type, at offset 0 each: a test binds one option at a time. */
union field {
    const char *text;
    bool truth;
    int64_t integer;
    double number;
    int choice;
    struct rp_option_list list;
    struct rp_pattern_list patterns;
    json_t *map;
};

static const char *const choices[] = {"user", "session", NULL};

/* Values are written as JSON, as node_from_json makes of it what the bot file would have. */
struct good {
    enum rp_option_type type;
    const char *json;
    const char *result; /* printed by `show` */
    double min, max;
};
static const struct good goods[] = {
    {RP_OPTION_STRING, "\"text\"", "text", 0, 0},
    {RP_OPTION_STRING, "\"\"", "", 0, 0},
    {RP_OPTION_STRING, "\"abc\"", "abc", 1, 3},
    {RP_OPTION_BOOL, "true", "true", 0, 0},
    {RP_OPTION_BOOL, "false", "false", 0, 0},
    {RP_OPTION_INT, "20", "20", 1, 20},
    {RP_OPTION_INT, "1", "1", 1, 20},
    {RP_OPTION_INT, "1e6", "1000000", 0, 0},
    {RP_OPTION_INT, "-3", "-3", -3, 3},
    {RP_OPTION_INT, "9223372036854775807", "9223372036854775807", 0, 0},
    {RP_OPTION_INT, "7", "7", 5, 0},
    {RP_OPTION_NUMBER, "0.2", "0.2", 0, 2},
    {RP_OPTION_NUMBER, "2", "2", 0, 2},
    {RP_OPTION_SIZE, "\"32KiB\"", "32768", 0, 0},
    {RP_OPTION_SIZE, "4096", "4096", 1024, 4096},
    {RP_OPTION_SIZE, "0", "0", 0, 0},
    {RP_OPTION_DURATION, "\"250ms\"", "250", 0, 0},
    {RP_OPTION_DURATION, "\"10m\"", "600000", 1000, 600000},
    {RP_OPTION_DURATION, "5", "5000", 0, 0},
    {RP_OPTION_DURATION, "0.25", "250", 0, 0},
    {RP_OPTION_RATE, "\"5/s\"", "5", 0, 0},
    {RP_OPTION_RATE, "\"90/m\"", "1.5", 1, 2},
    {RP_OPTION_CHOICE, "\"session\"", "1", 0, 0},
    {RP_OPTION_LIST, "[\"a\", \"b\"]", "a|b", 0, 0},
    {RP_OPTION_LIST, "\"alone\"", "alone", 0, 0},
    {RP_OPTION_LIST, "[\"a\", false, \"b\"]", "a|b", 2, 2},
    {RP_OPTION_LIST, "[]", "", 0, 0},
    {RP_OPTION_SECRET, "\"hush\"", "hush", 0, 0},
    {RP_OPTION_SECRETS, "\"hush\"", "hush", 0, 0},
    {RP_OPTION_SECRETS, "[\"hush\", \"hide\"]", "hush|hide", 0, 2},
    {RP_OPTION_FILE, "\"rules\"", "/bot/rules", 0, 0},
    {RP_OPTION_FILE, "\"./rules\"", "/bot/rules", 0, 0},
    {RP_OPTION_FILE, "\"../rules\"", "/bot/../rules", 0, 0},
    {RP_OPTION_FILE, "\"/etc/rules\"", "/etc/rules", 0, 0},
    {RP_OPTION_MAP, "{\"a\": 1, \"b\": {\"c\": [true, \"x\"]}}", "{\"a\":1,\"b\":{\"c\":[true,\"x\"]}}", 0, 0},
    {RP_OPTION_MAP, "{}", "{}", 0, 0},
    {RP_OPTION_PATTERNS, "[\"email\", {\"match\": \"x+\"}, {\"name\": \"n\", \"match\": \"y\", \"mask\": \"*\"}]",
     "email=-/-|pattern 2=x+/-|n=y/*", 0, 0},
    {RP_OPTION_PATTERNS, "[{\"name\": \"email\", \"mask\": \"#\"}]", "email=-/#", 0, 0},
    {RP_OPTION_PATTERNS, "\"email\"", "email=-/-", 0, 0},
    {RP_OPTION_ADDRESS, "\"127.0.0.1:8080\"", "127.0.0.1:8080", 0, 0},
    {RP_OPTION_ADDRESS, "\"[::1]:0\"", "[::1]:0", 0, 0},
    {RP_OPTION_ADDRESS, "\"0.0.0.0:65535\"", "0.0.0.0:65535", 0, 0},
};

struct bad {
    enum rp_option_type type;
    const char *json, *message;
    double min, max;
};
static const struct bad bads[] = {
    {RP_OPTION_STRING, "5", "expected a string, got the number 5", 0, 0},
    {RP_OPTION_STRING, "[\"a\"]", "expected a string, got a table", 0, 0},
    {RP_OPTION_STRING, "\"abcd\"", "must be 1 to 3 bytes long, got 4", 1, 3},
    {RP_OPTION_STRING, "\"\"", "must be 1 to 3 bytes long, got 0", 1, 3},
    {RP_OPTION_BOOL, "\"true\"", "expected true or false, got the string \"true\"", 0, 0},
    {RP_OPTION_BOOL, "1", "expected true or false, got the number 1", 0, 0},
    {RP_OPTION_INT, "\"20\"", "expected a whole number, got the string \"20\"", 0, 0},
    {RP_OPTION_INT, "1.5", "expected a whole number, got the number 1.5", 0, 0},
    {RP_OPTION_INT, "1e300", "expected a whole number, got the number 1e+300", 0, 0},
    {RP_OPTION_INT, "true", "expected a whole number, got true", 0, 0},
    {RP_OPTION_INT, "0", "must be 1 to 20, got the number 0", 1, 20},
    {RP_OPTION_INT, "21", "must be 1 to 20, got the number 21", 1, 20},
    {RP_OPTION_INT, "4", "must be at least 5, got the number 4", 5, 0},
    {RP_OPTION_NUMBER, "\"0.2\"", "expected a number, got the string \"0.2\"", 0, 0},
    {RP_OPTION_NUMBER, "2.5", "must be 0 to 2, got the number 2.5", 0, 2},
    {RP_OPTION_SIZE, "\"32 K\"", "expected a size such as \"32KiB\", got the string \"32 K\"", 0, 0},
    {RP_OPTION_SIZE, "-1", "expected a size such as \"32KiB\", got the number -1", 0, 0},
    {RP_OPTION_SIZE, "\"2MiB\"", "must be 1KiB to 1MiB, got the string \"2MiB\"", 1024, 1 << 20},
    {RP_OPTION_DURATION, "\"fast\"", "expected a duration such as \"5s\", got the string \"fast\"", 0, 0},
    {RP_OPTION_DURATION, "-1", "expected a duration such as \"5s\", got the number -1", 0, 0},
    {RP_OPTION_DURATION, "\"2h\"", "must be 1500ms to 1h, got the string \"2h\"", 1500, 3600e3},
    {RP_OPTION_RATE, "5", "expected a rate such as \"5/s\", got the number 5", 0, 0},
    {RP_OPTION_RATE, "\"5/x\"", "expected a rate such as \"5/s\", got the string \"5/x\"", 0, 0},
    {RP_OPTION_RATE, "\"1/d\"", "must be 3/h to 90/m, got the string \"1/d\"", 3.0 / 3600, 1.5},
    {RP_OPTION_CHOICE, "\"usr\"",
     "expected one of \"user\", \"session\", got the string \"usr\" (did you mean 'user'?)", 0, 0},
    {RP_OPTION_CHOICE, "0", "expected one of \"user\", \"session\", got the number 0", 0, 0},
    {RP_OPTION_LIST, "5", "expected a list of strings, got the number 5", 0, 0},
    {RP_OPTION_LIST, "[\"a\", 5]", "value 2: expected a string, got the number 5", 0, 0},
    {RP_OPTION_LIST, "{\"a\": \"b\"}", "expected a list of strings, got a table", 0, 0},
    {RP_OPTION_LIST, "[\"a\"]", "must have 2 to 3 values, got 1", 2, 3},
    {RP_OPTION_SECRETS, "12345", "expected secret \"NAME\", or a list of them, got a number", 0, 0},
    {RP_OPTION_SECRETS, "[\"a\", 12345]", "expected secret \"NAME\" or a string, got a number", 0, 0},
    {RP_OPTION_SECRETS, "[\"a\", \"b\", \"c\"]", "must have 0 to 2 values, got 3", 0, 2},
    {RP_OPTION_SECRET, "12345", "expected secret \"NAME\" or a string, got a number", 0, 0},
    {RP_OPTION_FILE, "\"\"", "expected a path, got the string \"\"", 0, 0},
    {RP_OPTION_FILE, "true", "expected a path, got true", 0, 0},
    {RP_OPTION_MAP, "[1]", "expected a table such as { key = \"value\" }, got a table", 0, 0},
    {RP_OPTION_MAP, "\"x\"", "expected a table such as { key = \"value\" }, got the string \"x\"", 0, 0},
    {RP_OPTION_PATTERNS, "[5]", "value 1: expected the name of a pattern or { match = [[…]] }, got the number 5", 0, 0},
    {RP_OPTION_PATTERNS, "[{\"mtch\": \"x\"}]",
     "value 1: a pattern has name, match and mask, no 'mtch' (did you mean 'match'?)", 0, 0},
    {RP_OPTION_PATTERNS, "[{\"match\": 5}]", "value 1: expected a string as match, got the number 5", 0, 0},
    {RP_OPTION_PATTERNS, "[[\"x\"]]", "value 1: a pattern is written { match = [[…]] }", 0, 0},
    {RP_OPTION_PATTERNS, "[\"a\", {\"mask\": \"*\"}]", "value 2: a pattern needs match", 0, 0},
    {RP_OPTION_MODEL, "5", "expected the name of a model, got the number 5", 0, 0},
    {RP_OPTION_MODELS, "[5]", "value 1: expected the name of a model, got the number 5", 0, 0},
    {RP_OPTION_STORE, "true", "expected the name of a store, got true", 0, 0},
    {RP_OPTION_LISTENER, "{}", "expected the name of a listener, got a table", 0, 0},
    {RP_OPTION_ADDRESS, "\"localhost:80\"",
     "expected an address such as \"127.0.0.1:8080\" or \"[::1]:8080\", got the string \"localhost:80\"", 0, 0},
    {RP_OPTION_ADDRESS, "\"127.0.0.1\"",
     "expected an address such as \"127.0.0.1:8080\" or \"[::1]:8080\", got the string \"127.0.0.1\"", 0, 0},
    {RP_OPTION_ADDRESS, "\"127.0.0.1:65536\"",
     "expected an address such as \"127.0.0.1:8080\" or \"[::1]:8080\", got the string \"127.0.0.1:65536\"", 0, 0},
    {RP_OPTION_ADDRESS, "\"::1:80\"",
     "expected an address such as \"127.0.0.1:8080\" or \"[::1]:8080\", got the string \"::1:80\"", 0, 0},
};

/* ---- helpers ----------------------------------------------------------------------------------------------------- */

struct bench {
    struct rp_arena *arena;
    struct report report;
    struct binding binding;
};

static void bench_init(struct bench *bench) {
    memset(bench, 0, sizeof *bench);
    bench->arena = rp_arena_create();
    bench->binding =
        (struct binding){.arena = bench->arena, .report = &bench->report, .folder = "/bot", .path = "stage 2"};
}

static void bench_finish(struct bench *bench) {
    rp_arena_destroy(bench->arena);
    report_finish(&bench->report);
}

static struct node node_of(struct bench *bench, const char *text) {
    json_error_t error;
    json_t *json = json_loads(text, JSON_DECODE_ANY, &error);
    if (!json) fail_msg("%s: %s", text, error.text);
    struct node node = node_from_json(bench->arena, json);
    json_decref(json);
    return node;
}

static void show_patterns(const struct rp_pattern_list *list, char *out, size_t size) {
    out[0] = '\0';
    for (size_t i = 0; i < list->count; i++) {
        const struct rp_pattern *item = &list->items[i];
        size_t len = strlen(out);
        snprintf(out + len, size - len, "%s%s=%s/%s", i ? "|" : "", item->name, item->match ? item->match : "-",
                 item->mask ? item->mask : "-");
    }
}

static void show(enum rp_option_type type, const union field *field, char *out, size_t size) {
    out[0] = '\0';
    switch (type) {
    case RP_OPTION_BOOL: snprintf(out, size, "%s", field->truth ? "true" : "false"); return;
    case RP_OPTION_INT:
    case RP_OPTION_SIZE:
    case RP_OPTION_DURATION: snprintf(out, size, "%lld", (long long)field->integer); return;
    case RP_OPTION_NUMBER:
    case RP_OPTION_RATE: snprintf(out, size, "%g", field->number); return;
    case RP_OPTION_CHOICE: snprintf(out, size, "%d", field->choice); return;
    case RP_OPTION_PATTERNS: show_patterns(&field->patterns, out, size); return;
    case RP_OPTION_LIST:
    case RP_OPTION_SECRETS:
        for (size_t i = 0; i < field->list.count; i++)
            snprintf(out + strlen(out), size - strlen(out), "%s%s", i ? "|" : "", field->list.items[i]);
        return;
    case RP_OPTION_MAP: {
        char *text = json_dumps(field->map, JSON_COMPACT | JSON_SORT_KEYS);
        snprintf(out, size, "%s", text);
        free(text);
        return;
    }
    default: snprintf(out, size, "%s", field->text);
    }
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static void good_values_of_every_type_are_converted(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof goods / sizeof *goods; i++) {
        struct bench bench;
        char shown[256];
        bench_init(&bench);
        const struct rp_option option = {
            .name = "x", .type = goods[i].type, .choices = choices, .min = goods[i].min, .max = goods[i].max};
        union field field;
        memset(&field, 0, sizeof field);
        struct node value = node_of(&bench, goods[i].json);
        if (bind_value(&bench.binding, &option, &value, &field))
            fail_msg("%s: %s", goods[i].json, bench.report.entries[0].error.text);
        show(goods[i].type, &field, shown, sizeof shown);
        assert_string_equal(shown, goods[i].result);
        bench_finish(&bench);
    }
}

static void bad_values_of_every_type_are_refused_and_told(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
        struct bench bench;
        char expected[256];
        bench_init(&bench);
        const struct rp_option option = {
            .name = "x", .type = bads[i].type, .choices = choices, .min = bads[i].min, .max = bads[i].max};
        union field field, untouched;
        memset(&field, 0x5a, sizeof field);
        memset(&untouched, 0x5a, sizeof untouched);
        struct node value = node_of(&bench, bads[i].json);
        snprintf(expected, sizeof expected, "stage 2: option 'x': %s", bads[i].message);
        assert_int_equal(bind_value(&bench.binding, &option, &value, &field), -RP_ECONFIG);
        assert_int_equal(bench.report.errors, 1);
        assert_string_equal(bench.report.entries[0].error.text, expected);
        assert_memory_equal(&field, &untouched, sizeof field);
        bench_finish(&bench);
    }
}

struct table {
    int64_t size, time, count;
    bool on;
    int per;
    const char *dir, *name;
    struct rp_option_list list;
    json_t *map;
    double share;
};
#define AT(field) .offset = offsetof(struct table, field)
static const struct rp_option defaults[] = {
    {.name = "size", .type = RP_OPTION_SIZE, AT(size), .text = "1MiB"},
    {.name = "time", .type = RP_OPTION_DURATION, AT(time), .text = "10m"},
    {.name = "count", .type = RP_OPTION_INT, AT(count), .text = "-7"},
    {.name = "on", .type = RP_OPTION_BOOL, AT(on), .text = "true"},
    {.name = "per", .type = RP_OPTION_CHOICE, AT(per), .choices = choices, .text = "session"},
    {.name = "dir", .type = RP_OPTION_FILE, AT(dir), .text = "rules"},
    {.name = "name", .type = RP_OPTION_STRING, AT(name)},
    {.name = "list", .type = RP_OPTION_LIST, AT(list), .text = "a, b,c"},
    {.name = "map", .type = RP_OPTION_MAP, AT(map), .text = "{\"k\": 1}"},
    {.name = "share", .type = RP_OPTION_NUMBER, AT(share), .text = "0.5"},
    {0},
};

static void defaults_are_read_like_values(void **state) {
    struct bench bench;
    struct table table = {0};
    (void)state;
    bench_init(&bench);
    assert_int_equal(bind_options(&bench.binding, defaults, NULL, NULL, &table), 0);
    assert_int_equal(table.size, 1 << 20);
    assert_int_equal(table.time, 600000);
    assert_int_equal(table.count, -7);
    assert_true(table.on);
    assert_int_equal(table.per, 1);
    assert_string_equal(table.dir, "/bot/rules");
    assert_null(table.name);
    assert_int_equal(table.list.count, 3);
    assert_string_equal(table.list.items[1], "b");
    assert_int_equal(json_integer_value(json_object_get(table.map, "k")), 1);
    assert_true(table.share == 0.5);
    bench_finish(&bench);
}

static void overrides_count_more_and_may_be_hidden(void **state) {
    static const struct rp_option options[] = {
        {.name = "count", .type = RP_OPTION_INT, AT(count), .flags = RP_OPTION_HIDDEN},
        {.name = "name", .type = RP_OPTION_STRING, AT(name), .flags = RP_OPTION_REQUIRED},
        {0},
    };
    struct bench bench;
    struct table table = {0};
    (void)state;
    bench_init(&bench);
    struct node values = node_of(&bench, "{\"name\": \"file\"}"),
                overrides = node_of(&bench, "{\"name\": \"program\", \"count\": 3}");
    assert_int_equal(bind_options(&bench.binding, options, &values, &overrides, &table), 0);
    assert_string_equal(table.name, "program");
    assert_int_equal(table.count, 3);
    assert_int_equal(bind_options(&bench.binding, options, &overrides, NULL, &table), 1);
    assert_string_equal(bench.report.entries[0].error.text, "stage 2: no option called 'count'");
    bench_finish(&bench);
}

static void every_mistake_of_a_table_is_counted(void **state) {
    struct bench bench;
    struct table table = {0};
    (void)state;
    bench_init(&bench);
    struct node values = node_of(&bench, "{\"sise\": 1, \"time\": true, \"per\": \"x\", \"name\": \"fine\"}");
    assert_int_equal(bind_options(&bench.binding, defaults, &values, NULL, &table), 3);
    assert_int_equal(bench.report.errors, 3);
    assert_string_equal(table.name, "fine");
    bench_finish(&bench);
}

struct broken {
    struct rp_option table[3];
    const char *message;
};
static const struct broken broken[] = {
    {{{.name = "a", .type = 99}}, "option 'a' has the unknown type 99"},
    {{{.name = "a", .type = RP_OPTION_INT, .offset = 4}}, "option 'a' lies outside its struct of 8 bytes"},
    {{{.name = "a", .type = RP_OPTION_INT, .offset = SIZE_MAX - 3}}, "option 'a' lies outside its struct of 8 bytes"},
    {{{.name = "a", .type = RP_OPTION_CHOICE}}, "option 'a' has no choices"},
    {{{.name = "a", .type = RP_OPTION_BOOL}, {.name = "a", .type = RP_OPTION_BOOL}},
     "option 'a' stands twice in the table"},
    {{{.name = "a", .type = RP_OPTION_BOOL, .flags = RP_OPTION_POSITIONAL},
      {.name = "b", .type = RP_OPTION_BOOL, .flags = RP_OPTION_POSITIONAL}},
     "option 'b' is a second positional one"},
    {{{.name = "a", .type = RP_OPTION_INT, .text = "x"}}, "type: option 'a': its default 'x' is not integer"},
    {{{.name = "a", .type = RP_OPTION_DURATION, .text = "x"}},
     "type: option 'a': expected a duration such as \"5s\", got the string \"x\""},
    {{{.name = "a", .type = RP_OPTION_INT, .text = "5", .min = 6, .max = 7}},
     "type: option 'a': must be 6 to 7, got the number 5"},
};

static void tables_that_are_not_in_order_are_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct rp_error error = {0};
        assert_int_equal(option_table_check(broken[i].table, 8, &error), -RP_EPLUGIN);
        assert_string_equal(error.text, broken[i].message);
    }
    assert_int_equal(option_table_check(defaults, sizeof(struct table), NULL), 0);
    assert_int_equal(option_table_check(NULL, 0, NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_values_of_every_type_are_converted),
        cmocka_unit_test(bad_values_of_every_type_are_refused_and_told),
        cmocka_unit_test(defaults_are_read_like_values),
        cmocka_unit_test(overrides_count_more_and_may_be_hidden),
        cmocka_unit_test(every_mistake_of_a_table_is_counted),
        cmocka_unit_test(tables_that_are_not_in_order_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
