/* Requests by their id: found, found in order, and named in a way that is read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/remote/bulk.h"

static struct bulk_node node_of(const char *text) {
    struct bulk_node node = {0};
    bulk_hash(rp_str(text), node.id);
    return node;
}

static void the_same_body_has_the_same_id_and_another_has_another(void **state) {
    (void)state;
    struct bulk_node one = node_of("{\"a\":1}"), same = node_of("{\"a\":1}"), other = node_of("{\"a\":2}");
    assert_memory_equal(one.id, same.id, BULK_HASH);
    assert_memory_not_equal(one.id, other.id, BULK_HASH);
}

static void an_id_survives_its_name(void **state) {
    char name[BULK_NAME_SIZE];
    unsigned char id[BULK_HASH] = {7};
    (void)state;
    struct bulk_node one = node_of("x");
    bulk_name(one.id, name);
    assert_int_equal(strlen(name), 64); /* the most that Anthropic takes */
    assert_true(bulk_unname(rp_str(name), id));
    assert_memory_equal(id, one.id, BULK_HASH);
    static const char *const bad[] = {"", "00", "request-1"};
    for (size_t i = 0; i < 3; i++) assert_false(bulk_unname(rp_str(bad[i]), id));
    name[63] = 'G';
    assert_false(bulk_unname(rp_str(name), id));
    assert_memory_equal(id, one.id, BULK_HASH);
}

static void many_are_found_and_removed(void **state) {
    enum { MANY = 5000 };
    static struct bulk_node nodes[MANY];
    struct bulk_table table = {0};
    (void)state;
    for (int i = 0; i < MANY; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%d", i);
        nodes[i] = node_of(text);
        assert_null(bulk_table_find(&table, nodes[i].id));
        bulk_table_add(&table, &nodes[i]);
    }
    for (int i = 0; i < MANY; i += 2) bulk_table_remove(&table, &nodes[i]);
    for (int i = 0; i < MANY; i++) assert_ptr_equal(bulk_table_find(&table, nodes[i].id), i % 2 ? &nodes[i] : NULL);
    assert_int_equal(table.count, MANY / 2);
    bulk_table_finish(&table);
}

static void those_with_one_id_come_in_the_order_they_came(void **state) {
    struct bulk_table table = {0};
    struct bulk_node nodes[4], others[200];
    (void)state;
    for (int i = 0; i < 4; i++) nodes[i] = node_of("same");
    for (int i = 0; i < 200; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%d", i);
        others[i] = node_of(text);
        if (i % 50 == 0) bulk_table_add(&table, &nodes[i / 50]);
        bulk_table_add(&table, &others[i]); /* the table grows in between */
    }
    for (int i = 0; i < 4; i++) {
        assert_ptr_equal(bulk_table_find(&table, nodes[0].id), &nodes[i]);
        bulk_table_remove(&table, &nodes[i]);
    }
    assert_null(bulk_table_find(&table, nodes[0].id));
    bulk_table_finish(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_body_has_the_same_id_and_another_has_another),
        cmocka_unit_test(an_id_survives_its_name),
        cmocka_unit_test(many_are_found_and_removed),
        cmocka_unit_test(those_with_one_id_come_in_the_order_they_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
