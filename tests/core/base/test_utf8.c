/* UTF-8 against a slow reading of the definition, over every sequence that can matter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <repartee/base.h>

/* Encodes a code point; its length. */
static size_t encode(unsigned code, char out[4]) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(leads[len] | code);
    return len;
}

static void every_character_is_valid_and_no_surrogate(void **state) {
    (void)state;
    char text[4];
    for (unsigned code = 0; code < 0x120000; code++) {
        size_t len = encode(code, text);
        bool good = code < 0x110000 && (code < 0xd800 || code > 0xdfff);
        if (rp_utf8_valid(text, len) != good) fail_msg("U+%04X", code);
        for (size_t cut = 1; good && cut < len; cut++) {
            if (rp_utf8_valid(text, cut)) fail_msg("U+%04X cut to %zu bytes", code, cut);
            if (rp_utf8_whole(text, cut) != 0) fail_msg("U+%04X cut to %zu bytes is not held back", code, cut);
        }
    }
}

/* Of all two- and three-byte strings exactly the encodings are valid: so no overlong form is. */
static void exactly_the_encodings_are_valid(void **state) {
    (void)state;
    unsigned pairs = 0, triples = 0;
    for (unsigned bytes = 0; bytes < 0x1000000; bytes++) {
        char text[3] = {(char)(bytes >> 16), (char)(bytes >> 8), (char)bytes};
        if ((unsigned char)text[0] < 0xe0) continue;
        triples += rp_utf8_valid(text, 3);
    }
    for (unsigned bytes = 0x8000; bytes < 0x10000; bytes++) {
        char text[2] = {(char)(bytes >> 8), (char)bytes};
        pairs += rp_utf8_valid(text, 2);
    }
    assert_int_equal(pairs, 0x800 - 0x80);
    assert_int_equal(triples, 0x10000 - 0x800 - 0x800);
}

static void broken_forms_are_refused(void **state) {
    (void)state;
    const char *bad[] = {"\x80",
                         "\xc0\x80",
                         "\xc1\xbf",
                         "\xe0\x9f\xbf",
                         "\xed\xa0\x80",
                         "\xf0\x8f\xbf\xbf",
                         "\xf4\x90\x80\x80",
                         "\xf5\x80\x80\x80",
                         "\xff",
                         "\xfe",
                         "\xc3(",
                         "\xe2\x82(",
                         "\xf0\x9f\x98("};
    char text[64];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        for (size_t at = 0; at < 24; at++) { /* in front of, across and behind the steps of eight bytes */
            memset(text, 'a', sizeof text);
            memcpy(text + at, bad[i], strlen(bad[i]));
            if (rp_utf8_valid(text, 40)) fail_msg("case %zu at %zu", i, at);
        }
    }
}

static void nothing_is_valid(void **state) {
    (void)state;
    assert_true(rp_utf8_valid(NULL, 0));
    assert_int_equal(rp_utf8_whole(NULL, 0), 0);
    assert_true(rp_utf8_valid("\0", 1));
}

static void the_whole_part_ends_in_front_of_a_cut_character(void **state) {
    (void)state;
    const char text[] = "a\xc3\xa9\xe4\xbd\xa0\xf0\x9f\x98\x80z";
    const size_t whole[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};
    for (size_t cut = 0; cut < sizeof whole / sizeof whole[0]; cut++) {
        assert_int_equal(rp_utf8_whole(text, cut), whole[cut]);
    }
}

static void bytes_that_can_never_be_valid_are_kept(void **state) {
    (void)state;
    const char *bad[] = {"a\x80",        "a\xff",       "a\xc0",         "a\xe0\x80",
                         "a\xed\xa0",    "a\xf4\x90",   "a\xf0\x80\x80", "a\x80\x80\x80\x80",
                         "\x80\x80\x80", "\xf5\x80\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(rp_utf8_whole(bad[i], strlen(bad[i])), strlen(bad[i]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character_is_valid_and_no_surrogate),
        cmocka_unit_test(exactly_the_encodings_are_valid),
        cmocka_unit_test(broken_forms_are_refused),
        cmocka_unit_test(nothing_is_valid),
        cmocka_unit_test(the_whole_part_ends_in_front_of_a_cut_character),
        cmocka_unit_test(bytes_that_can_never_be_valid_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
