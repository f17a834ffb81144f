/* The reply's masking: a tap that lets text out as soon as it is decided. A reply in one piece is masked as it is; only
 * one that comes in several needs a stream. */
#include "redact.h"

struct reply {
    struct rp_tap tap;
    const struct rp_stage *stage;
    const struct mask *mask;
    unsigned *counts; /* NULL: nobody counts */
    struct mask_stream *stream; /* NULL as long as no text came that others may follow */
    struct rp_chunk last;       /* the reply's last chunk, when text that waited goes out in front of it */
    bool has_last;
};

static void give_text(struct reply *reply, const struct rp_chunk *chunk, struct rp_str text, enum rp_flow flow) {
    if (text.len == 0 && flow == RP_MORE) {
        rp_tap_more(&reply->tap);
        return;
    }
    struct rp_chunk given = {.type = text.len ? RP_CHUNK_TEXT : RP_CHUNK_NONE, .finish = chunk->finish, .text = text};
    rp_tap_next(&reply->tap, &given, flow);
}

static void fail(struct reply *reply, int code) {
    int fault = code == -RP_EUTF8 ? RP_EUPSTREAM : -code; /* not the client's text was broken */
    struct rp_chunk chunk = {.type = RP_CHUNK_ERROR, .fault = {.code = fault}};
    rp_tap_next(&reply->tap, &chunk, RP_ERROR);
}

static int feed(struct reply *reply, struct rp_turn *turn, struct rp_str piece, bool final, struct rp_str *out_text) {
    if (!reply->stream && final) return mask_text_counted(reply->mask, turn->arena, piece, reply->counts, out_text);
    if (!reply->stream) {
        reply->stream = mask_stream_create(reply->mask);
        mask_stream_count(reply->stream, reply->counts);
    }
    return mask_feed(reply->stream, piece, final, out_text);
}

/* Text, and the end without any. */
static void on_text(struct reply *reply, struct rp_turn *turn, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct rp_str piece = chunk->type == RP_CHUNK_TEXT ? chunk->text : RP_STR("");
    struct rp_str text;
    int code = feed(reply, turn, piece, flow == RP_END, &text);
    if (flow == RP_END) tell_masked(reply->stage, turn, "reply", reply->counts);
    if (code) {
        fail(reply, code);
    } else {
        give_text(reply, chunk, text, flow);
    }
}

static void keep_last(struct reply *reply, struct rp_turn *turn, const struct rp_chunk *chunk) {
    reply->last = *chunk;
    reply->has_last = true;
    if (chunk->type != RP_CHUNK_TOOL) return;
    reply->last.tool.id = rp_arena_str(turn->arena, chunk->tool.id);
    reply->last.tool.name = rp_arena_str(turn->arena, chunk->tool.name);
    reply->last.tool.arguments = rp_arena_str(turn->arena, chunk->tool.arguments);
}

/* A chunk of another kind goes by at once; as the last one it lets the text that waits go first. */
static void on_other(struct reply *reply, struct rp_turn *turn, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct rp_chunk given = *chunk;
    struct rp_str text = RP_STR("");
    int code = 0;
    if (chunk->type == RP_CHUNK_TOOL) {
        code = tool_mask(reply->mask, turn->arena, chunk->tool.arguments, reply->counts,
                         &given.tool.arguments);
    }
    if (code == 0 && flow == RP_END) code = feed(reply, turn, RP_STR(""), true, &text);
    if (flow == RP_END) tell_masked(reply->stage, turn, "reply", reply->counts);
    if (code) {
        fail(reply, code);
    } else if (text.len) {
        keep_last(reply, turn, &given);
        give_text(reply, chunk, text, RP_MORE);
    } else {
        rp_tap_next(&reply->tap, &given, flow);
    }
}

static void on_write(struct rp_tap *tap, struct rp_turn *turn, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct reply *reply = (struct reply *)tap;
    if (flow == RP_ERROR) {
        rp_tap_next(tap, chunk, flow); /* what waits is not decided and never will be */
    } else if (chunk->type == RP_CHUNK_TEXT || (chunk->type == RP_CHUNK_NONE && flow == RP_END)) {
        on_text(reply, turn, chunk, flow);
    } else {
        on_other(reply, turn, chunk, flow);
    }
}

static void on_more(struct rp_tap *tap, struct rp_turn *turn) {
    struct reply *reply = (struct reply *)tap;
    (void)turn;
    if (reply->has_last) {
        rp_tap_next(tap, &reply->last, RP_END);
    } else {
        rp_tap_more(tap);
    }
}

static void on_close(struct rp_tap *tap, struct rp_turn *turn) {
    (void)turn;
    mask_stream_destroy(((struct reply *)tap)->stream);
}

void reply_tap(struct rp_stage *stage, struct rp_turn *turn) {
    static const struct rp_tap_ops ops = {.write = on_write, .more = on_more, .close = on_close};
    struct reply *reply = rp_arena_zalloc(turn->arena, sizeof(*reply));
    reply->stage = stage;
    reply->mask = stage->element.state;
    reply->counts = tell_counts(stage, turn);
    rp_tap_push(turn, &reply->tap, &ops);
}
