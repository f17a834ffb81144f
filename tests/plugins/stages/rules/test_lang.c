/* Languages are guessed by script and by common words, and not where nothing tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugins/stages/rules/lang.h"

static void guess(const char *text, const char *expected) {
    const char *lang = lang_guess(rp_str(text));
    if (!expected) {
        if (lang) fail_msg("'%s' was taken for %s", text, lang);
        return;
    }
    if (!lang) fail_msg("'%s' was not taken for %s", text, expected);
    assert_string_equal(lang, expected);
}

static void scripts_tell(void **state) {
    (void)state;
    guess("我要退款", "zh");
    guess("order 订单 12", "zh");
    guess("注文はどこですか", "ja");
    guess("주문이 어디에 있나요", "ko");
    guess("Где мой заказ?", "ru");
    guess("أين طلبي", "ar");
    guess("Πού είναι", "el");
    guess("สวัสดี", "th");
    guess("נמל", "he");
    guess("नमस्ते", "hi");
}

static void common_words_tell(void **state) {
    (void)state;
    guess("Where is my order?", "en");
    guess("HELLO", "en");
    guess("Wo ist meine Bestellung, bitte?", "de");
    guess("Où est ma commande ?", "fr");
    guess("¿Dónde está mi pedido? Gracias", "es");
    guess("Dove è il mio ordine, grazie", "it");
    guess("Onde é que está? Obrigado", "pt");
    guess("Waar is mijn pakket, dank", "nl");
}

static void what_tells_nothing_is_left_open(void **state) {
    (void)state;
    guess("", NULL);
    guess("123456", NULL);
    guess("!?… 😀", NULL);
    guess("xylophone", NULL);
    guess("une the", NULL); /* a word of each */
    guess("supercalifragilisticexpialidocious", NULL);
}

static void tags_are_checked(void **state) {
    (void)state;
    assert_true(lang_valid(RP_STR("en")));
    assert_true(lang_valid(RP_STR("pt-BR")));
    assert_true(lang_valid(RP_STR("zh-Hant")));
    assert_false(lang_valid(RP_STR("")));
    assert_false(lang_valid(RP_STR("e")));
    assert_false(lang_valid(RP_STR("1n")));
    assert_false(lang_valid(RP_STR("en us")));
    assert_false(lang_valid(RP_STR("中文")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scripts_tell),
        cmocka_unit_test(common_words_tell),
        cmocka_unit_test(what_tells_nothing_is_left_open),
        cmocka_unit_test(tags_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
