/* One shard: what it finds, forgets, and never exceeds. Time is the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "plugins/stores/memory/memory.h"

#define FAR_MORE ((size_t)1 << 30)

static struct shard shard;

/* FNV-1a: the shard does not care where a hash comes from. */
static uint64_t hash_of(struct rp_str key) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < key.len; i++) hash = (hash ^ (unsigned char)key.data[i]) * UINT64_C(1099511628211);
    return hash;
}

static size_t put(const char *key, const char *value, int64_t expires_ms, int64_t now_ms) {
    struct rp_str name = rp_str(key);
    return shard_put(&shard, entry_create(name, rp_str(value), hash_of(name), expires_ms), now_ms);
}

static bool holds(const char *key, const char *value, int64_t now_ms) {
    struct rp_str name = rp_str(key);
    struct entry *entry = shard_get(&shard, name, hash_of(name), now_ms);
    bool equal = entry && rp_str_equal(entry_value(entry), rp_str(value));
    entry_unref(entry);
    return equal;
}

static bool absent(const char *key, int64_t now_ms) {
    struct rp_str name = rp_str(key);
    struct entry *entry = shard_get(&shard, name, hash_of(name), now_ms);
    entry_unref(entry);
    return !entry;
}

static const char *numbered(int number) {
    static char key[32];
    snprintf(key, sizeof key, "key-%d", number);
    return key;
}

static void what_was_put_is_found_until_it_is_deleted(void **state) {
    (void)state;
    shard_init(&shard, FAR_MORE);
    assert_true(absent("a", 0));
    put("a", "1", 0, 0);
    put("b", "", 0, 0);
    put("", "empty key", 0, 0);
    assert_true(holds("a", "1", INT64_MAX));
    assert_true(holds("b", "", 0));
    assert_true(holds("", "empty key", 0));
    put("a", "2", 0, 0);
    assert_true(holds("a", "2", 0));
    shard_del(&shard, RP_STR("a"), hash_of(RP_STR("a")), 0);
    shard_del(&shard, RP_STR("a"), hash_of(RP_STR("a")), 0);
    assert_true(absent("a", 0));
    assert_int_equal(shard.count, 2);
    shard_finish(&shard);
}

static void keys_with_the_same_hash_are_kept_apart(void **state) {
    (void)state;
    shard_init(&shard, FAR_MORE);
    for (int i = 0; i < 200; i++) {
        struct rp_str key = rp_str(numbered(i));
        shard_put(&shard, entry_create(key, key, 7, 0), 0);
    }
    for (int i = 0; i < 200; i += 2) shard_del(&shard, rp_str(numbered(i)), 7, 0);
    for (int i = 0; i < 200; i++) {
        struct rp_str key = rp_str(numbered(i));
        struct entry *entry = shard_get(&shard, key, 7, 0);
        assert_int_equal(entry != NULL, i % 2);
        if (entry) assert_true(rp_str_equal(entry_value(entry), key));
        entry_unref(entry);
    }
    shard_finish(&shard);
}

static void it_grows_without_losing_anything(void **state) {
    (void)state;
    shard_init(&shard, FAR_MORE);
    for (int i = 0; i < 5000; i++) {
        put(numbered(i), "x", 0, 0);
        if (i % 97) continue;
        for (int j = 0; j <= i; j++) assert_true(holds(numbered(j), "x", 0));
    }
    for (int i = 0; i < 5000; i++) assert_true(holds(numbered(i), "x", 0));
    assert_int_equal(shard.count, 5000);
    assert_true(shard.size >= 5000);
    shard_finish(&shard);
}

static void nothing_is_found_from_its_expiry_on(void **state) {
    (void)state;
    shard_init(&shard, FAR_MORE);
    put("a", "1", 1000, 0);
    assert_true(holds("a", "1", 999));
    assert_true(absent("a", 1000));
    assert_int_equal(shard.count, 0);
    shard_finish(&shard);
}

static void the_expired_goes_although_nobody_asks_for_it(void **state) {
    (void)state;
    shard_init(&shard, FAR_MORE);
    for (int i = 0; i < 3000; i++) put(numbered(i), "x", 1000, 0);
    for (size_t i = 0; i <= shard.size; i++) assert_true(absent("other", 2000)); /* a round of the sweep */
    assert_int_equal(shard.count, 0);
    assert_int_equal(shard.cost, 0);
    shard_finish(&shard);
}

static void the_ceiling_holds_and_the_least_used_goes(void **state) {
    (void)state;
    size_t cost = entry_cost(RP_STR("key-1"), RP_STR("x"));
    shard_init(&shard, 5 * cost);
    for (int i = 0; i < 5; i++) assert_int_equal(put(numbered(i), "x", 0, 0), 0);
    assert_true(holds("key-0", "x", 0)); /* used: key-1 is now the oldest */
    assert_int_equal(put("key-5", "x", 0, 0), 1);
    assert_true(absent("key-1", 0));
    assert_true(holds("key-0", "x", 0));
    assert_int_equal(put("key-5", "y", 0, 0), 0); /* an overwrite takes no more room */
    assert_int_equal(shard.count, 5);
    for (int i = 0; i < 1000; i++) {
        put(numbered(i % 10), "x", 0, 0);
        assert_true(shard.cost <= shard.max);
    }
    shard_finish(&shard);
}

static void what_had_expired_is_no_eviction(void **state) {
    (void)state;
    size_t cost = entry_cost(RP_STR("a"), RP_STR("x"));
    shard_init(&shard, 2 * cost);
    put("a", "x", 10, 0);
    put("b", "x", 10, 0);
    assert_int_equal(put("c", "x", 0, 20), 0);
    assert_true(holds("c", "x", 20));
    shard_finish(&shard);
}

static void a_reader_keeps_what_it_has_got(void **state) {
    (void)state;
    shard_init(&shard, FAR_MORE);
    put("a", "old", 0, 0);
    struct entry *entry = shard_get(&shard, RP_STR("a"), hash_of(RP_STR("a")), 0);
    put("a", "new", 0, 0);
    shard_finish(&shard);
    assert_true(rp_str_equal(entry_value(entry), RP_STR("old")));
    entry_unref(entry);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_found_until_it_is_deleted),
        cmocka_unit_test(keys_with_the_same_hash_are_kept_apart),
        cmocka_unit_test(it_grows_without_losing_anything),
        cmocka_unit_test(nothing_is_found_from_its_expiry_on),
        cmocka_unit_test(the_expired_goes_although_nobody_asks_for_it),
        cmocka_unit_test(the_ceiling_holds_and_the_least_used_goes),
        cmocka_unit_test(what_had_expired_is_no_eviction),
        cmocka_unit_test(a_reader_keeps_what_it_has_got),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
