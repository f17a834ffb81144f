/* Riders: the sources that turns read a flight by. */
#include "flight.h"

struct rider {
    struct rp_source source;
    struct flight *flight;
    struct rider *next, **at; /* in its lane */
    struct key key;
    struct block *last; /* given; NULL: none yet */
    bool owes, began, again;
};

static struct lane *lane_of(const struct rider *rider) {
    return &rider->flight->lanes[rp_worker_index(rider->source.turn->worker)];
}

static void sit_down(struct rider *rider, struct flight *flight) {
    rider->flight = flight;
    struct lane *lane = lane_of(rider);
    uv_mutex_lock(&flight->lock);
    lane->count++;
    uv_mutex_unlock(&flight->lock);
    rider->next = lane->first;
    rider->at = &lane->first;
    if (lane->first) lane->first->at = &rider->next;
    lane->first = rider;
}

static void get_up(struct rider *rider) {
    struct flight *flight = rider->flight;
    struct lane *lane = lane_of(rider);
    if (!flight) return;
    *rider->at = rider->next;
    if (rider->next) rider->next->at = rider->at;
    uv_mutex_lock(&flight->lock);
    lane->count--;
    uv_mutex_unlock(&flight->lock);
    rider->flight = NULL;
    flight_leave(flight, rider->source.turn->worker);
}

/* ---- what is given ------------------------------------------------------------------------------------------------- */

/* The call's cost is for the one who began it. */
static struct block *next_block(const struct rider *rider) {
    struct flight *flight = rider->flight;
    uv_mutex_lock(&flight->lock);
    struct block *block = rider->last ? rider->last->next : flight->first;
    while (block && block->chunk.type == RP_CHUNK_USAGE && !rider->began) block = block->next;
    uv_mutex_unlock(&flight->lock);
    return block;
}

static void name_maker(struct rider *rider) {
    struct flight *flight = rider->flight;
    char by[sizeof flight->by];
    uv_mutex_lock(&flight->lock);
    bool shared = flight->from_store || !rider->began || !flight->by[0];
    memcpy(by, flight->by, sizeof by);
    uv_mutex_unlock(&flight->lock);
    rp_turn_set_by(rider->source.turn, "%s", shared ? "cache" : by);
}

/* A call that had begun before this turn came has failed before it said anything: that is no reason for this turn to fail
 * with it, once. */
static bool take_the_next(struct rider *rider, const struct block *block) {
    struct cache *cache = rider->flight->cache;
    struct answer *kept;
    if (block->flow != RP_ERROR || rider->began || rider->again || rider->last) return false;
    rider->again = true;
    get_up(rider);
    struct flight *flight = flight_board(cache, rider->source.turn, &rider->key, &rider->began, &kept);
    if (flight) {
        sit_down(rider, flight);
        return true;
    }
    struct rp_chunk chunk = {.type = RP_CHUNK_TEXT, .text = answer_text(kept)};
    rider->owes = false;
    rp_turn_set_by(rider->source.turn, "cache");
    rp_source_write(&rider->source, &chunk, RP_END);
    answer_unref(kept);
    return true;
}

static void give(struct rider *rider) {
    struct block *block = next_block(rider);
    while (block && take_the_next(rider, block)) block = rider->owes ? next_block(rider) : NULL;
    if (!block) return;
    if (!rider->last && block->flow != RP_ERROR) name_maker(rider);
    rider->owes = false;
    rider->last = block;
    rp_source_write(&rider->source, &block->chunk, block->flow);
}

void lane_run(struct lane *lane) {
    struct flight *flight = lane->flight;
    uv_mutex_lock(&flight->lock);
    lane->woken = false;
    uv_mutex_unlock(&flight->lock);
    struct rider *next;
    for (struct rider *rider = lane->first; rider; rider = next) {
        next = rider->next;
        if (rider->owes) give(rider);
    }
    flight_unref(flight);
}

/* ---- the source ---------------------------------------------------------------------------------------------------- */

static void more(struct rp_source *source) {
    struct rider *rider = (struct rider *)source;
    rider->owes = true;
    give(rider);
}

static void close(struct rp_source *source) {
    get_up((struct rider *)source);
}

static const struct rp_source_ops ops = {.more = more, .close = close};

static void note(const struct cache *cache, struct rp_turn *turn, bool began) {
    if (!began) rp_metric_add(cache->counts.joined, 1);
    if (rp_turn_explained(turn)) rp_turn_note(turn, cache->element, began ? "asks for all" : "joins a call", NULL);
}

struct rp_source *ride(struct cache *cache, struct rp_turn *turn, const struct key *key, struct answer **out_kept) {
    struct rider *rider = rp_arena_zalloc(turn->arena, sizeof *rider);
    struct flight *flight = flight_board(cache, turn, key, &rider->began, out_kept);
    if (!flight) return NULL;
    rider->key = *key;
    rp_source_init(&rider->source, &ops, turn);
    sit_down(rider, flight);
    note(cache, turn, rider->began);
    return &rider->source;
}
