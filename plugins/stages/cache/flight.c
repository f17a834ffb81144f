/* Flights from their beginning to their end: finding one, looking on the shelf first, asking the stages behind, writing
 * down what they say, and keeping it. */
#include "flight.h"

#include <stdio.h>
#include <stdlib.h>

struct registry *registry_create(void) {
    struct registry *registry = rp_calloc(1, sizeof *registry);
    if (uv_mutex_init(&registry->lock) != 0) abort();
    return registry;
}

void registry_destroy(struct registry *registry) {
    uv_mutex_destroy(&registry->lock);
    free(registry);
}

static struct flight **bucket_of(struct registry *registry, const struct key *key) {
    return &registry->buckets[key_hash(key) % (sizeof registry->buckets / sizeof registry->buckets[0])];
}

static struct flight *find(struct registry *registry, const struct key *key) {
    struct flight *flight = *bucket_of(registry, key);
    while (flight && !key_equal(&flight->key, key)) flight = flight->chain;
    return flight;
}

static void unlist(struct registry *registry, struct flight *flight) {
    struct flight **at = bucket_of(registry, &flight->key);
    if (!flight->listed) return;
    while (*at != flight) at = &(*at)->chain;
    *at = flight->chain;
    flight->listed = false;
}

/* ---- its memory ---------------------------------------------------------------------------------------------------- */

void flight_ref(struct flight *flight) {
    atomic_fetch_add(&flight->refs, 1);
}

void flight_unref(struct flight *flight) {
    if (atomic_fetch_sub(&flight->refs, 1) != 1) return;
    while (flight->first) {
        struct block *block = flight->first;
        flight->first = block->next;
        free(block);
    }
    uv_mutex_destroy(&flight->lock);
    free(flight);
}

static void on_lane_task(struct rp_task *task) {
    lane_run((struct lane *)((char *)task - offsetof(struct lane, task)));
}

static struct flight *flight_create(struct cache *cache, struct rp_worker *worker, const struct key *key) {
    unsigned lanes = rp_worker_count(worker);
    struct flight *flight = rp_calloc(1, sizeof *flight + lanes * sizeof flight->lanes[0]);
    atomic_init(&flight->refs, 1);
    flight->cache = cache;
    flight->key = *key;
    flight->worker = worker;
    flight->lane_count = lanes;
    if (uv_mutex_init(&flight->lock) != 0) abort();
    for (unsigned i = 0; i < lanes; i++)
        flight->lanes[i] = (struct lane){.flight = flight, .task = {.run = on_lane_task}};
    return flight;
}

/* ---- writing down -------------------------------------------------------------------------------------------------- */

static struct rp_str put(char **end, struct rp_str text) {
    char *at = *end;
    if (text.len) memcpy(at, text.data, text.len);
    *end += text.len;
    return rp_str_n(at, text.len);
}

static size_t size_of(const struct rp_chunk *chunk) {
    switch (chunk->type) {
    case RP_CHUNK_TEXT: return chunk->text.len;
    case RP_CHUNK_TOOL: return chunk->tool.id.len + chunk->tool.name.len + chunk->tool.arguments.len;
    case RP_CHUNK_ERROR: return chunk->fault.message ? strlen(chunk->fault.message) + 1 : 0;
    default: return 0;
    }
}

static struct block *block_create(const struct rp_chunk *chunk, enum rp_flow flow) {
    struct block *block = rp_alloc(sizeof *block + size_of(chunk));
    char *end = block->bytes;
    *block = (struct block){.flow = flow, .chunk = *chunk};
    if (chunk->type == RP_CHUNK_TEXT) block->chunk.text = put(&end, chunk->text);
    if (chunk->type == RP_CHUNK_TOOL) {
        block->chunk.tool.id = put(&end, chunk->tool.id);
        block->chunk.tool.name = put(&end, chunk->tool.name);
        block->chunk.tool.arguments = put(&end, chunk->tool.arguments);
    }
    if (chunk->type == RP_CHUNK_ERROR && chunk->fault.message)
        block->chunk.fault.message = put(&end, rp_str_n(chunk->fault.message, strlen(chunk->fault.message) + 1)).data;
    return block;
}

static void on_wake(struct rp_worker *worker, void *arg) {
    struct lane *lane = arg;
    if (worker)
        lane_run(lane);
    else
        flight_unref(lane->flight);
}

/* Under the lock: then nobody who is to be woken can have left meanwhile, and with him the worker. */
static void wake(struct flight *flight, struct lane *lane) {
    unsigned index = (unsigned)(lane - flight->lanes);
    if (lane->count == 0 || lane->woken) return;
    lane->woken = true;
    flight_ref(flight);
    if (index == rp_worker_index(flight->worker))
        rp_task_schedule(flight->worker, &lane->task);
    else
        rp_worker_post(rp_worker_at(flight->worker, index), on_wake, lane);
}

static void write_down(struct flight *flight, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct block *block = block_create(chunk, flow);
    uv_mutex_lock(&flight->lock);
    if (flight->branch && flight->branch->by) snprintf(flight->by, sizeof flight->by, "%.127s", flight->branch->by);
    *(flight->last ? &flight->last->next : &flight->first) = block;
    flight->last = block;
    for (unsigned i = 0; i < flight->lane_count; i++) wake(flight, &flight->lanes[i]);
    uv_mutex_unlock(&flight->lock);
}

/* From here on whoever asks begins anew, or finds what was kept. */
static void close_doors(struct flight *flight) {
    struct registry *registry = flight->cache->registry;
    uv_mutex_lock(&registry->lock);
    unlist(registry, flight);
    uv_mutex_unlock(&registry->lock);
}

/* ---- the branch's sink --------------------------------------------------------------------------------------------- */

static void keep(struct flight *flight, const struct rp_chunk *last) {
    struct rp_str text = rp_turn_reply_text(flight->branch);
    if (last->finish != RP_FINISH_STOP || flight->tools || text.len == 0) return;
    struct rp_str by = rp_str(flight->branch->by);
    struct answer *answer =
        answer_create(&flight->key, rp_wall_ms(), rp_turn_usage(flight->branch), by, text);
    if (answer) cache_keep(flight->cache, flight->worker, answer);
    answer_unref(answer);
}

/* Whoever began it pays for it. */
static void tell_usage(struct flight *flight) {
    struct rp_chunk usage = {.type = RP_CHUNK_USAGE, .usage = rp_turn_usage(flight->branch)};
    if (usage.usage.input_tokens || usage.usage.output_tokens) write_down(flight, &usage, RP_MORE);
}

static void on_write(struct rp_sink *sink, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct flight *flight = (struct flight *)((char *)sink - offsetof(struct flight, sink));
    if (chunk->type == RP_CHUNK_TOOL) flight->tools = true;
    if (flow == RP_END) keep(flight, chunk);
    if (flow != RP_MORE) {
        look_forget(&flight->look);
        close_doors(flight);
        tell_usage(flight);
    }
    write_down(flight, chunk, flow);
    if (flow == RP_MORE) rp_turn_more(flight->branch);
}

static void on_done(struct rp_sink *sink) {
    struct flight *flight = (struct flight *)((char *)sink - offsetof(struct flight, sink));
    flight->branch = NULL;
    look_forget(&flight->look);
    flight_unref(flight);
}

static const struct rp_sink_ops sink_ops = {.write = on_write, .done = on_done};

/* ---- the beginning ------------------------------------------------------------------------------------------------- */

/* The shelf has it: the branch has done nothing yet, and will not. */
static void give_found(struct flight *flight, const struct answer *answer) {
    struct rp_chunk chunk = {.type = RP_CHUNK_TEXT, .text = answer_text(answer)};
    uv_mutex_lock(&flight->lock);
    flight->from_store = true;
    uv_mutex_unlock(&flight->lock);
    rp_metric_add(flight->cache->counts.hits_store, 1);
    close_doors(flight);
    write_down(flight, &chunk, RP_END);
    rp_turn_cancel(flight->branch);
}

static void on_found(void *arg, struct answer *answer) {
    struct flight *flight = arg;
    if (answer) {
        give_found(flight, answer);
        return;
    }
    rp_metric_add(flight->cache->counts.misses, 1);
    rp_turn_more(flight->branch);
}

/* Under the registry's lock. The reference is the branch's. */
static struct flight *begin(struct cache *cache, struct rp_turn *turn, const struct key *key) {
    struct flight *flight = flight_create(cache, turn->worker, key), **bucket = bucket_of(cache->registry, key);
    flight->sink.ops = &sink_ops;
    flight->branch = rp_turn_branch(turn, &flight->sink);
    flight->chain = *bucket;
    *bucket = flight;
    flight->listed = true;
    return flight;
}

struct flight *flight_board(struct cache *cache, struct rp_turn *turn, const struct key *key, bool *out_began,
                            struct answer **out_kept) {
    struct registry *registry = cache->registry;
    uv_mutex_lock(&registry->lock);
    struct flight *flight = find(registry, key);
    bool began = !flight;
    struct answer *kept = began ? front_peek(cache->front, key) : NULL; /* the last one may have landed just now */
    if (kept && !answer_alive(cache, kept)) {
        answer_unref(kept);
        kept = NULL;
    }
    if (began && !kept) flight = begin(cache, turn, key);
    if (flight) {
        flight->riders++;
        flight_ref(flight);
    }
    uv_mutex_unlock(&registry->lock);
    if (flight && began) look_start(cache, turn->worker, key, &flight->look, on_found, flight);
    *out_began = flight && began;
    *out_kept = kept;
    return flight;
}

void renew(struct cache *cache, struct rp_turn *turn, const struct key *key) {
    struct registry *registry = cache->registry;
    uv_mutex_lock(&registry->lock);
    struct flight *flight = find(registry, key) ? NULL : begin(cache, turn, key);
    if (flight) flight->renewal = true;
    uv_mutex_unlock(&registry->lock);
    if (flight) rp_turn_more(flight->branch);
}

/* ---- the end before its time --------------------------------------------------------------------------------------- */

static void on_abandoned(struct rp_worker *worker, void *arg) {
    struct flight *flight = arg;
    if (worker && flight->branch) rp_turn_cancel(flight->branch);
    flight_unref(flight);
}

void flight_leave(struct flight *flight, const struct rp_worker *worker) {
    struct registry *registry = flight->cache->registry;
    uv_mutex_lock(&registry->lock);
    bool abandoned = --flight->riders == 0 && flight->listed && !flight->renewal;
    if (abandoned) unlist(registry, flight);
    uv_mutex_unlock(&registry->lock);
    if (!abandoned)
        flight_unref(flight);
    else if (worker == flight->worker)
        on_abandoned(flight->worker, flight);
    else
        rp_worker_post(flight->worker, on_abandoned, flight);
}
