/* The tap of a turn that asks for itself alone: writes down what passes, and keeps it when it was complete. */
#include "cache.h"

struct keep {
    struct rp_tap tap;
    struct cache *cache;
    struct key key;
    struct rp_buf text;
    struct rp_usage usage;
    bool unfit; /* too long, or tools were called: what they said may be another thing tomorrow */
};

static void look_at(struct keep *keep, const struct rp_chunk *chunk) {
    if (chunk->type == RP_CHUNK_TEXT && rp_buf_append_str(&keep->text, chunk->text) != 0) keep->unfit = true;
    if (chunk->type == RP_CHUNK_TOOL) keep->unfit = true;
    if (chunk->type == RP_CHUNK_USAGE) {
        keep->usage.input_tokens += chunk->usage.input_tokens;
        keep->usage.output_tokens += chunk->usage.output_tokens;
    }
}

static void store(struct keep *keep, struct rp_turn *turn) {
    struct answer *answer =
        answer_create(&keep->key, rp_wall_ms(), keep->usage, rp_str(turn->by), rp_buf_str(&keep->text));
    if (answer) cache_keep(keep->cache, turn->worker, answer);
    answer_unref(answer);
}

static void write(struct rp_tap *tap, struct rp_turn *turn, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct keep *keep = (struct keep *)tap;
    if (!keep->unfit) look_at(keep, chunk);
    if (flow == RP_END && chunk->finish == RP_FINISH_STOP && !keep->unfit && keep->text.len) store(keep, turn);
    rp_tap_next(tap, chunk, flow);
}

static void close(struct rp_tap *tap, struct rp_turn *turn) {
    (void)turn;
    rp_buf_finish(&((struct keep *)tap)->text);
}

static const struct rp_tap_ops ops = {.write = write, .close = close};

void keep_reply(struct cache *cache, struct rp_turn *turn, const struct key *key) {
    struct keep *keep = rp_arena_zalloc(turn->arena, sizeof *keep);
    keep->cache = cache;
    keep->key = *key;
    rp_buf_init(&keep->text, (size_t)cache->options->max_reply);
    rp_tap_push(turn, &keep->tap, &ops);
}
