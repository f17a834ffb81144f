/* Requests by their id, a hash of what is asked: a table in which several of the same id stand in the order they came. */
#include <sodium.h>
#include <stdlib.h>

#include "core/remote/bulk.h"

#define SIZE_FIRST 64

void bulk_hash(struct rp_str body, unsigned char out_id[BULK_HASH]) {
    crypto_generichash(out_id, BULK_HASH, (const unsigned char *)body.data, body.len, NULL, 0);
}

void bulk_name(const unsigned char id[BULK_HASH], char out_name[BULK_NAME_SIZE]) {
    sodium_bin2hex(out_name, BULK_NAME_SIZE, id, BULK_HASH);
}

static int digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool bulk_unname(struct rp_str name, unsigned char out_id[BULK_HASH]) {
    unsigned char id[BULK_HASH];
    if (name.len != BULK_NAME_SIZE - 1) return false;
    for (size_t i = 0; i < BULK_HASH; i++) {
        int high = digit(name.data[2 * i]), low = digit(name.data[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        id[i] = (unsigned char)(high << 4 | low);
    }
    memcpy(out_id, id, BULK_HASH);
    return true;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static struct bulk_node **slot_of(const struct bulk_table *table, const unsigned char id[BULK_HASH]) {
    uint64_t hash;
    memcpy(&hash, id, sizeof(hash)); /* the id is a hash already */
    return &table->slots[hash & (table->size - 1)];
}

static void append(struct bulk_table *table, struct bulk_node *node) {
    struct bulk_node **link = slot_of(table, node->id);
    while (*link) link = &(*link)->chain;
    node->chain = NULL;
    *link = node;
}

static void grow(struct bulk_table *table) {
    struct bulk_table old = *table;
    table->size = old.size ? old.size * 2 : SIZE_FIRST;
    table->slots = rp_calloc(table->size, sizeof(*table->slots));
    for (size_t i = 0; i < old.size; i++) {
        for (struct bulk_node *node = old.slots[i], *next; node; node = next) {
            next = node->chain;
            append(table, node);
        }
    }
    free(old.slots);
}

void bulk_table_add(struct bulk_table *table, struct bulk_node *node) {
    if (table->count >= table->size) grow(table);
    append(table, node);
    table->count++;
}

struct bulk_node *bulk_table_find(const struct bulk_table *table, const unsigned char id[BULK_HASH]) {
    if (table->count == 0) return NULL;
    struct bulk_node *node = *slot_of(table, id);
    while (node && memcmp(node->id, id, BULK_HASH) != 0) node = node->chain;
    return node;
}

void bulk_table_remove(struct bulk_table *table, struct bulk_node *node) {
    struct bulk_node **link = slot_of(table, node->id);
    while (*link != node) link = &(*link)->chain;
    *link = node->chain;
    table->count--;
}

void bulk_table_finish(struct bulk_table *table) {
    free(table->slots);
    *table = (struct bulk_table){0};
}
