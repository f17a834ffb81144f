/* Plays an answer back: as a stream where the client wants one, in one piece where it does not. */
#include "cache.h"

#define PIECE 1024

struct replay {
    struct rp_source source;
    struct answer *answer;
    size_t at;
};

static void more(struct rp_source *source) {
    struct replay *replay = (struct replay *)source;
    struct rp_str text = answer_text(replay->answer);
    size_t len = text.len - replay->at;
    if (source->turn->stream && len > PIECE) len = rp_utf8_whole(text.data + replay->at, PIECE);
    struct rp_chunk chunk = {.type = RP_CHUNK_TEXT, .text = rp_str_n(text.data + replay->at, len)};
    replay->at += len;
    rp_source_write(source, &chunk, replay->at < text.len ? RP_MORE : RP_END);
}

static void close(struct rp_source *source) {
    answer_unref(((struct replay *)source)->answer);
}

static const struct rp_source_ops ops = {.more = more, .close = close};

struct rp_source *replay(struct rp_turn *turn, struct answer *answer) {
    struct replay *made = rp_arena_zalloc(turn->arena, sizeof *made);
    rp_source_init(&made->source, &ops, turn);
    made->answer = answer_ref(answer);
    return &made->source;
}
