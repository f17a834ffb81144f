/* The arena: alignment, growth, what is deferred. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <repartee/base.h>

static void every_allocation_is_aligned_and_apart(void **state) {
    (void)state;
    struct rp_arena *arena = rp_arena_create();
    unsigned char *pieces[600];
    for (size_t i = 0; i < 600; i++) {
        pieces[i] = rp_arena_alloc(arena, i);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        memset(pieces[i], (int)(i & 0xff), i);
    }
    for (size_t i = 0; i < 600; i++) {
        for (size_t j = 0; j < i; j++) assert_int_equal(pieces[i][j], i & 0xff);
    }
    rp_arena_destroy(arena);
}

static void a_large_allocation_leaves_the_block_in_use_alone(void **state) {
    (void)state;
    struct rp_arena *arena = rp_arena_create();
    char *before = rp_arena_alloc(arena, 16);
    char *large = rp_arena_alloc(arena, 3 * 1024 * 1024);
    memset(large, 1, 3 * 1024 * 1024);
    char *behind = rp_arena_alloc(arena, 16);
    assert_true(behind > before && behind - before < 4096);
    rp_arena_destroy(arena);
}

static void a_reset_arena_starts_from_the_same_memory(void **state) {
    (void)state;
    struct rp_arena *arena = rp_arena_create();
    void *first = rp_arena_alloc(arena, 100);
    for (int i = 0; i < 100; i++) rp_arena_alloc(arena, 1000);
    rp_arena_reset(arena);
    assert_ptr_equal(rp_arena_alloc(arena, 100), first);
    rp_arena_destroy(arena);
}

static void zeroed_memory_is_zero_after_a_reset(void **state) {
    (void)state;
    struct rp_arena *arena = rp_arena_create();
    memset(rp_arena_alloc(arena, 2000), 0xff, 2000);
    rp_arena_reset(arena);
    const char *data = rp_arena_zalloc(arena, 2000);
    for (size_t i = 0; i < 2000; i++) assert_int_equal(data[i], 0);
    rp_arena_destroy(arena);
}

static void copies_end_in_nul(void **state) {
    (void)state;
    struct rp_arena *arena = rp_arena_create();
    assert_string_equal(rp_arena_copy(arena, "abcdef", 3), "abc");
    assert_string_equal(rp_arena_copy(arena, NULL, 0), "");
    struct rp_str copy = rp_arena_str(arena, RP_STR("a\0b"));
    assert_int_equal(copy.len, 3);
    assert_memory_equal(copy.data, "a\0b", 4);
    rp_arena_destroy(arena);
}

static void joining_takes_any_bytes(void **state) {
    struct rp_arena *arena = rp_arena_create();
    (void)state;
    struct rp_str text = rp_arena_join(arena, RP_STR("a\0b"), RP_STR("\0c"));
    assert_int_equal(text.len, 5);
    assert_memory_equal(text.data, "a\0b\0c", 6);
    text = rp_arena_join(arena, rp_str_n(NULL, 0), rp_str_n(NULL, 0));
    assert_int_equal(text.len, 0);
    assert_string_equal(text.data, "");
    rp_arena_destroy(arena);
}

static void printing_takes_any_length(void **state) {
    (void)state;
    struct rp_arena *arena = rp_arena_create();
    assert_string_equal(rp_arena_printf(arena, "%d-%s", 7, "x"), "7-x");
    for (int width = 505; width < 520; width++) {
        const char *text = rp_arena_printf(arena, "%*d", width, 1);
        assert_int_equal(strlen(text), width);
    }
    assert_int_equal(strlen(rp_arena_printf(arena, "%9000d", 1)), 9000);
    rp_arena_destroy(arena);
}

static char order[16];
static char a[] = "a", c[] = "c", d[] = "d", x[] = "x";

static void note(void *arg) {
    strcat(order, arg);
}

struct more {
    struct rp_arena *arena;
    char *text;
};

static void defer_more(void *arg) {
    struct more *more = arg;
    strcat(order, "+");
    rp_arena_defer(more->arena, note, rp_arena_copy(more->arena, more->text, strlen(more->text)));
}

static void deferred_calls_run_last_first_and_once(void **state) {
    (void)state;
    struct rp_arena *arena = rp_arena_create();
    order[0] = '\0';
    rp_arena_defer(arena, note, a);
    rp_arena_defer(arena, note, rp_arena_copy(arena, "b", 1));
    rp_arena_defer(arena, note, c);
    rp_arena_reset(arena);
    assert_string_equal(order, "cba");
    rp_arena_defer(arena, note, d);
    rp_arena_destroy(arena);
    assert_string_equal(order, "cbad");
}

static void a_deferred_call_may_defer(void **state) {
    (void)state;
    struct rp_arena *arena = rp_arena_create();
    struct more more = {arena, x};
    order[0] = '\0';
    rp_arena_defer(arena, note, a);
    rp_arena_defer(arena, defer_more, &more);
    rp_arena_destroy(arena);
    assert_string_equal(order, "+xa");
}

static void destroying_nothing_is_fine(void **state) {
    (void)state;
    rp_arena_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_is_aligned_and_apart),
        cmocka_unit_test(a_large_allocation_leaves_the_block_in_use_alone),
        cmocka_unit_test(a_reset_arena_starts_from_the_same_memory),
        cmocka_unit_test(zeroed_memory_is_zero_after_a_reset),
        cmocka_unit_test(copies_end_in_nul),
        cmocka_unit_test(joining_takes_any_bytes),
        cmocka_unit_test(printing_takes_any_length),
        cmocka_unit_test(deferred_calls_run_last_first_and_once),
        cmocka_unit_test(a_deferred_call_may_defer),
        cmocka_unit_test(destroying_nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
