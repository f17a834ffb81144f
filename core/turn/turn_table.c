/* A worker's turns: tickets that outlive them, and their memory, which is used again with its arena. */
#include <stdlib.h>

#include "core/turn/turn.h"

#define SPARE_TURNS 64 /* ended turns kept for the next ones */

struct slot {
    struct turn *turn; /* NULL: free */
    uint32_t generation;
    uint32_t next_free; /* index + 1 */
};

struct turn_table {
    struct slot *slots;
    uint32_t count, first_free; /* index + 1; 0: none */
    struct turn *spare[SPARE_TURNS];
    size_t spare_count;
};

struct turn_table *turn_table_create(void) {
    return rp_calloc(1, sizeof(struct turn_table));
}

static void turn_free(struct turn *turn) {
    rp_arena_destroy(turn->pub.arena);
    rp_buf_finish(&turn->reply);
    free(turn);
}

void turn_table_destroy(struct turn_table *table) {
    if (!table) return;
    for (size_t i = 0; i < table->spare_count; i++) turn_free(table->spare[i]);
    free(table->slots);
    free(table);
}

static uint32_t slot_take(struct turn_table *table) {
    if (table->first_free == 0) {
        table->slots = rp_realloc(table->slots, (table->count + 1) * sizeof(*table->slots));
        table->slots[table->count] = (struct slot){.generation = 1};
        return table->count++;
    }
    uint32_t slot = table->first_free - 1;
    table->first_free = table->slots[slot].next_free;
    return slot;
}

struct turn *turn_table_take(struct rp_worker *worker) {
    struct turn_table *table = worker->turns;
    struct turn *turn = table->spare_count ? table->spare[--table->spare_count] : NULL;
    struct rp_arena *arena = turn ? turn->pub.arena : rp_arena_create();
    struct rp_buf reply = turn ? turn->reply : (struct rp_buf){0};
    if (!turn) turn = rp_alloc(sizeof(*turn));
    memset(turn, 0, sizeof(*turn));
    turn->reply = reply;
    turn->pub.arena = arena;
    turn->pub.worker = worker;
    uint32_t slot = slot_take(table);
    table->slots[slot].turn = turn;
    turn->ticket = (struct rp_ticket){worker->index, slot, table->slots[slot].generation};
    return turn;
}

void turn_table_give(struct rp_worker *worker, struct turn *turn) {
    struct turn_table *table = worker->turns;
    struct slot *slot = &table->slots[turn->ticket.slot];
    slot->turn = NULL;
    slot->generation++;
    slot->next_free = table->first_free;
    table->first_free = turn->ticket.slot + 1;
    rp_arena_reset(turn->pub.arena);
    if (turn->reply.cap > 4096) rp_buf_finish(&turn->reply); /* a rare long reply does not stay */
    if (table->spare_count == SPARE_TURNS) {
        turn_free(turn);
        return;
    }
    table->spare[table->spare_count++] = turn;
}

void turn_table_break_all(struct rp_worker *worker, int code) {
    for (uint32_t i = 0; i < worker->turns->count; i++)
        if (worker->turns->slots[i].turn) turn_break(worker->turns->slots[i].turn, code);
}

struct rp_ticket rp_turn_ticket(const struct rp_turn *turn) {
    return ((const struct turn *)turn)->ticket;
}

struct rp_turn *rp_turn_find(struct rp_worker *worker, struct rp_ticket ticket) {
    if (ticket.worker != worker->index || ticket.slot >= worker->turns->count) return NULL;
    const struct slot *slot = &worker->turns->slots[ticket.slot];
    return slot->turn && slot->generation == ticket.generation ? &slot->turn->pub : NULL;
}
