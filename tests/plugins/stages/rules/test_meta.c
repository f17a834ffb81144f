/* The stubs that editors read (scripts/lua/meta) name what the engine has, no more and no less. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/stages/rules/declare.h"
#include "plugins/stages/rules/object.h"

#define STUBS_MAX 128

static char stubs[STUBS_MAX][64];
static size_t stub_count;

static void add_stub(const char *name, size_t len) {
    assert_true(stub_count < STUBS_MAX && len < sizeof(stubs[0]));
    snprintf(stubs[stub_count++], sizeof(stubs[0]), "%.*s", (int)len, name);
}

/* The first word behind `prefix`, where the line begins so. */
static void read_line(const char *line, const char *prefix) {
    size_t len = strlen(prefix);
    if (strncmp(line, prefix, len) == 0) add_stub(line + len, strspn(line + len, "abcdefghijklmnopqrstuvwxyz_"));
}

/* `fields` of the class that is named so, and functions that begin so. */
static void read_stubs(const char *class, const char *function) {
    char line[1024], head[64];
    FILE *file = fopen(META, "r");
    bool inside = false;
    assert_non_null(file);
    snprintf(head, sizeof(head), "---@class %s", class);
    stub_count = 0;
    while (fgets(line, sizeof(line), file)) {
        if (strncmp(line, "---@class", 9) == 0) inside = strncmp(line, head, strlen(head)) == 0 && line[strlen(head)] == '\n';
        if (inside) read_line(line, "---@field ");
        read_line(line, function);
    }
    fclose(file);
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void expect_stubs(const char **names, size_t count) {
    const char *known[STUBS_MAX];
    for (size_t i = 0; i < stub_count; i++) known[i] = stubs[i];
    qsort(known, stub_count, sizeof(*known), by_name);
    qsort(names, count, sizeof(*names), by_name);
    for (size_t i = 0, j = 0; i < count || j < stub_count; i++, j++) {
        int order = i == count ? 1 : j == stub_count ? -1 : strcmp(names[i], known[j]);
        if (order < 0) fail_msg("the stubs lack '%s'", names[i]);
        if (order > 0) fail_msg("the stubs have '%s', the engine has not", known[j]);
    }
}

static void t_has_what_the_stubs_say(void **state) {
    const char *names[OBJECT_NAMES_MAX];
    lua_State *L = luaL_newstate();
    (void)state;
    object_open(L);
    luaL_getmetatable(L, "turn");
    lua_getfield(L, -1, "__index");
    assert_non_null(lua_getupvalue(L, -1, 1)); /* the methods */
    read_stubs("rp.turn", "function turn:");
    expect_stubs(names, object_names(L, -1, names));
    lua_close(L);
}

static void every_kind_of_declaration_has_a_stub(void **state) {
    const char *names[STUBS_MAX];
    size_t count = 0;
    (void)state;
    for (const luaL_Reg *function = declare_functions; function->name; function++) names[count++] = function->name;
    read_stubs("no class", "function ");
    for (size_t i = 0; i < count; i++) {
        bool known = false;
        for (size_t j = 0; j < stub_count; j++) known |= strcmp(stubs[j], names[i]) == 0;
        if (!known) fail_msg("the stubs lack '%s'", names[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t_has_what_the_stubs_say),
        cmocka_unit_test(every_kind_of_declaration_has_a_stub),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
