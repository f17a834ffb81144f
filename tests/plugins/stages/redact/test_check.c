/* Check digits: real numbers pass, every single wrong digit and every impossible date is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugins/stages/redact/check.h"

static void id_cards_with_a_right_check_digit_are_taken_whole(void **state) {
    static const char *const good[] = {"11010519491231002X", "11010519491231002x", "440524188001010014",
                                       "440308199901101512", "110105 19491231 002X"};
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        size_t expected = i == 2 ? 0 : strlen(good[i]); /* born in 1880: nobody lives */
        assert_int_equal(check_id_card(rp_str(good[i])), expected);
    }
    assert_int_equal(check_id_card(RP_STR("１１０１０５１９４９１２３１００２Ｘ")),
                     strlen("１１０１０５１９４９１２３１００２Ｘ"));
}

static void one_wrong_digit_in_an_id_card_is_always_found(void **state) {
    (void)state;
    const char *good = "440308199901101512";
    for (size_t at = 0; at < 18; at++) {
        for (char digit = '0'; digit <= '9'; digit++) {
            char text[19];
            memcpy(text, good, 19);
            if (text[at] == digit) continue;
            text[at] = digit;
            assert_int_equal(check_id_card(rp_str(text)), 0);
        }
    }
}

/* The check digit is computed here, so that only the date can be what is wrong. */
static void set_check_digit(char text[19]) {
    static const int weights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    for (size_t i = 0; i < 17; i++) sum += weights[i] * (text[i] - '0');
    text[17] = "10X98765432"[sum % 11];
}

static void dates_that_do_not_exist_are_refused(void **state) {
    static const struct {
        const char *date;
        bool exists;
    } cases[] = {{"20000229", true},  {"19000229", false}, {"20010229", false}, {"20040229", true},
                 {"19991301", false}, {"19990001", false}, {"19990431", false}, {"19990430", true},
                 {"19990400", false}, {"18991231", false}, {"21000101", false}, {"20991231", true}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[19] = "440308________151_";
        memcpy(text + 6, cases[i].date, 8);
        set_check_digit(text);
        assert_int_equal(check_id_card(rp_str(text)) != 0, cases[i].exists);
    }
}

static void cards_pass_luhn_or_not(void **state) {
    static const char *const good[] = {"4111111111111111",    "378282246310005", "6011000990139424",
                                       "6222021234567890128", "4222222222222",   "4111 1111-1111 1111"};
    static const char *const bad[] = {"4111111111111112", "378282246310004", "6222021234567890123", "411111111111"};
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(check_bank_card(rp_str(good[i])), strlen(good[i]));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) assert_int_equal(check_bank_card(rp_str(bad[i])), 0);
}

static void one_wrong_digit_in_a_card_is_always_found(void **state) {
    (void)state;
    const char *good = "4111111111111111";
    for (size_t at = 0; at < 16; at++) {
        for (char digit = '0'; digit <= '9'; digit++) {
            char text[17];
            memcpy(text, good, 17);
            if (text[at] == digit) continue;
            text[at] = digit;
            assert_int_equal(check_bank_card(rp_str(text)), 0);
        }
    }
}

static void a_number_behind_a_card_is_not_part_of_it(void **state) {
    (void)state;
    assert_int_equal(check_bank_card(RP_STR("4111 1111 1111 1111 100")), strlen("4111 1111 1111 1111"));
    assert_int_equal(check_bank_card(RP_STR("4111111111111111-25")), strlen("4111111111111111"));
    /* but a card does not end inside a row of digits */
    assert_int_equal(check_bank_card(RP_STR("411111111111111125")), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(id_cards_with_a_right_check_digit_are_taken_whole),
        cmocka_unit_test(one_wrong_digit_in_an_id_card_is_always_found),
        cmocka_unit_test(dates_that_do_not_exist_are_refused),
        cmocka_unit_test(cards_pass_luhn_or_not),
        cmocka_unit_test(one_wrong_digit_in_a_card_is_always_found),
        cmocka_unit_test(a_number_behind_a_card_is_not_part_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
