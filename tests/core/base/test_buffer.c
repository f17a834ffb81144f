/* The bounded buffer: its ceiling is never passed, and what does not fit changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <repartee/base.h>

static void a_new_buffer_holds_nothing(void **state) {
    (void)state;
    struct rp_buf buf;
    rp_buf_init(&buf, 10);
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
    rp_buf_clear(&buf);
    rp_buf_consume(&buf, 5);
    rp_buf_finish(&buf);
}

static void it_takes_exactly_its_ceiling(void **state) {
    (void)state;
    for (size_t max = 0; max < 300; max++) {
        struct rp_buf buf;
        rp_buf_init(&buf, max);
        for (size_t i = 0; i < max; i++) assert_int_equal(rp_buf_append(&buf, "x", 1), 0);
        assert_int_equal(rp_buf_append(&buf, "y", 1), -RP_ETOOLARGE);
        assert_int_equal(buf.len, max);
        assert_int_equal(rp_buf_append(&buf, NULL, 0), 0);
        assert_int_equal(strlen(buf.data), max);
        assert_true(buf.cap <= (max < 64 ? 64 : max) + 1);
        rp_buf_finish(&buf);
    }
}

static void what_does_not_fit_leaves_it_untouched(void **state) {
    (void)state;
    struct rp_buf buf;
    rp_buf_init(&buf, 8);
    rp_buf_append_str(&buf, RP_STR("abcd"));
    assert_int_equal(rp_buf_append(&buf, "12345", 5), -RP_ETOOLARGE);
    assert_int_equal(rp_buf_printf(&buf, "%s", "12345"), -RP_ETOOLARGE);
    assert_int_equal(rp_buf_json(&buf, "123", 3), -RP_ETOOLARGE);
    assert_int_equal(rp_buf_reserve(&buf, 5), -RP_ETOOLARGE);
    assert_int_equal(rp_buf_reserve(&buf, SIZE_MAX), -RP_ETOOLARGE);
    assert_int_equal(buf.len, 4);
    assert_string_equal(buf.data, "abcd");
    rp_buf_finish(&buf);
}

static void a_ceiling_without_bound_still_refuses_the_impossible(void **state) {
    (void)state;
    struct rp_buf buf;
    rp_buf_init(&buf, SIZE_MAX);
    assert_int_equal(rp_buf_append_str(&buf, RP_STR("a")), 0);
    assert_int_equal(rp_buf_reserve(&buf, SIZE_MAX - 1), -RP_ETOOLARGE);
    assert_int_equal(rp_buf_reserve(&buf, SIZE_MAX - 2), -RP_ETOOLARGE);
    assert_string_equal(buf.data, "a");
    rp_buf_finish(&buf);
}

static void printing_grows_at_every_length(void **state) {
    (void)state;
    for (int width = 1; width < 300; width++) {
        struct rp_buf buf;
        rp_buf_init(&buf, (size_t)width + 1);
        assert_int_equal(rp_buf_printf(&buf, "a%*d", width, 7), 0);
        assert_int_equal(buf.len, width + 1);
        assert_int_equal(buf.data[width], '7');
        assert_int_equal(buf.data[width + 1], '\0');
        assert_int_equal(rp_buf_printf(&buf, "b"), -RP_ETOOLARGE);
        rp_buf_finish(&buf);
    }
}

static void reserved_room_is_behind_the_length(void **state) {
    (void)state;
    struct rp_buf buf;
    rp_buf_init(&buf, 1000);
    rp_buf_append_str(&buf, RP_STR("ab"));
    assert_int_equal(rp_buf_reserve(&buf, 998), 0);
    memset(buf.data + buf.len, 'z', 998);
    buf.len += 998;
    buf.data[buf.len] = '\0';
    assert_int_equal(rp_buf_append(&buf, "x", 1), -RP_ETOOLARGE);
    rp_buf_finish(&buf);
}

static void consuming_drops_the_front(void **state) {
    (void)state;
    struct rp_buf buf;
    rp_buf_init(&buf, 100);
    rp_buf_append_str(&buf, RP_STR("hello world"));
    rp_buf_consume(&buf, 6);
    assert_string_equal(buf.data, "world");
    rp_buf_consume(&buf, 0);
    assert_int_equal(buf.len, 5);
    rp_buf_consume(&buf, 99);
    assert_int_equal(buf.len, 0);
    assert_string_equal(buf.data, "");
    rp_buf_finish(&buf);
    assert_int_equal(buf.max, 100);
    assert_int_equal(rp_buf_append(&buf, "again", 5), 0);
    rp_buf_finish(&buf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_buffer_holds_nothing),
        cmocka_unit_test(it_takes_exactly_its_ceiling),
        cmocka_unit_test(what_does_not_fit_leaves_it_untouched),
        cmocka_unit_test(a_ceiling_without_bound_still_refuses_the_impossible),
        cmocka_unit_test(printing_grows_at_every_length),
        cmocka_unit_test(reserved_room_is_behind_the_length),
        cmocka_unit_test(consuming_drops_the_front),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
