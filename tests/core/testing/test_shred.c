/* Random cuts: the same for the same seed, never inside a character, and small ones among them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/testing/shred.h"

static void the_same_seed_cuts_the_same(void **state) {
    (void)state;
    struct shred a, b, c;
    unsigned differ = 0;
    shred_seed(&a, 42, RP_STR("x.chat"));
    shred_seed(&b, 42, RP_STR("x.chat"));
    shred_seed(&c, 42, RP_STR("y.chat"));
    for (int i = 0; i < 100; i++) {
        uint64_t value = shred_below(&a, 1000);
        assert_int_equal(value, shred_below(&b, 1000));
        differ += value != shred_below(&c, 1000);
    }
    assert_true(differ > 50);
}

static void cuts_keep_characters_whole(void **state) {
    (void)state;
    struct shred shred;
    struct rp_str text = RP_STR("aö订🙂 some more text, and 更多的文字 behind it");
    unsigned smallest = 0;
    shred_seed(&shred, 1, RP_STR(""));
    for (int round = 0; round < 500; round++) {
        for (struct rp_str rest = text; rest.len > 0;) {
            size_t len = shred_cut(&shred, rest);
            assert_in_range(len, 1, rest.len);
            assert_true(rp_utf8_valid(rest.data, len));
            smallest += len == 1;
            rest = rp_str_n(rest.data + len, rest.len - len);
        }
    }
    assert_true(smallest > 500);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_cuts_the_same),
        cmocka_unit_test(cuts_keep_characters_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
