/* Finding an option's own line in the source. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/config/place.h"

static const struct {
    const char *what, *text;
    int line;        /* of the call of `x` */
    int expected;    /* line of the option `key` */
} places[] = {
    {"on the element's line", "x { key = 1 }", 1, 1},
    {"some lines below", "x {\n a = 1,\n key = 1 }", 1, 3},
    {"behind a string that holds the same", "x { a = \"key = 1\",\n b = 'it\\'s key =',\n key = 1 }", 1, 3},
    {"behind long strings and comments", "x { a = [==[\nkey = 1 ]] ]==], --[[ key\n= ]] --key =\n key = 1 }", 1, 4},
    {"not inside an inner table", "x {\n a = { key = 1 },\n b = f(function() key = 2 end),\n key = 3 }", 1, 4},
    {"not where it is compared or used", "x {\n a = key == 1,\n b = t.key,\n key = 3 }", 1, 4},
    {"written with brackets", "x {\n [\"key\"] = 1 }", 1, 2},
    {"called with parentheses", "x({\n key = 1 })", 1, 2},
    {"called with a name", "x \"staff\" {\n key = 1 }", 1, 2},
    {"in the second of two elements on a line", "x { a = 1 }, x { b = 1,\n key = 2 }", 1, 2},
    {"not in another element of the type further down", "x { a = 1 }\nx {\n key = 1 }", 1, 1},
    {"from the middle of the file", "y {}\n\nz { x {\n\n key = 1 } }", 3, 5},
    {"nowhere: the element's line", "x {\n a = 1 }", 1, 1},
    {"a source that ends in the middle", "x { [[ key = ", 1, 1},
    {"a source that ends in a string", "x { \"key", 1, 1},
    {"a source that ends in a comment", "x { --[==[ key =", 1, 1},
    {"a line behind the end", "x { key = 1 }", 9, 9},
    {"a name that ends like the word", "ax { key = 1 }\n x {\n key = 1 }", 2, 3},
};

static void an_option_has_its_own_line(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const struct source source = {.name = "bot.lua", .text = rp_str(places[i].text)};
        int line = place_of_option((struct place){&source, places[i].line}, "x", "key");
        if (line != places[i].expected) fail_msg("%s: line %d, expected %d", places[i].what, line, places[i].expected);
    }
}

static void a_nul_in_the_source_is_not_its_end(void **state) {
    static const char text[] = "\0 x { a = \0,\n key = 1 }";
    const struct source source = {.name = "bot.lua", .text = {text, sizeof text - 1}};
    (void)state;
    assert_int_equal(place_of_option((struct place){&source, 1}, "x", "key"), 2);
    assert_int_equal(place_of_option((struct place){&source, 1}, "x", "other"), 1);
}

/* Every prefix of every source: reads nothing behind its end. */
static void a_source_may_end_anywhere(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        for (size_t len = 0; len <= strlen(places[i].text); len++) {
            char *text = rp_alloc(len + 1);
            memcpy(text, places[i].text, len);
            struct source source = {.name = "bot.lua", .text = rp_str_n(text, len)};
            source.text.data = rp_realloc(text, len ? len : 1); /* no byte behind it */
            assert_in_range(place_of_option((struct place){&source, 1}, "x", "key"), 1, 9);
            free((char *)source.text.data);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_option_has_its_own_line),
        cmocka_unit_test(a_nul_in_the_source_is_not_its_end),
        cmocka_unit_test(a_source_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
