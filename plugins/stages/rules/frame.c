/* A tap that hands out one text before the first chunk of the reply and one behind its last. A reply that breaks gets no
 * second text; an empty one no line break. */
#include "frame.h"

struct frame {
    struct rp_tap tap;
    struct rp_str before, behind; /* what is still to be said */
    struct rp_str all[2];         /* what was to be said at first */
    bool some;                    /* a text of the reply has passed */
    struct rp_chunk held;         /* came while `before` went out */
    enum rp_flow held_flow;
    bool holds;
    enum rp_finish finish;
    bool ends; /* the reply is complete, `behind` comes next */
};

static struct frame *frame_of(struct rp_tap *tap) {
    return (struct frame *)(void *)tap;
}

static void say(struct frame *frame, struct rp_str text, enum rp_flow flow) {
    struct rp_chunk chunk = {.type = RP_CHUNK_TEXT, .text = text, .finish = frame->finish};
    rp_tap_next(&frame->tap, &chunk, flow);
}

static void say_behind(struct frame *frame, struct rp_turn *turn) {
    struct rp_str text = frame->behind;
    frame->behind = RP_STR("");
    if (frame->some) text = rp_str(rp_arena_printf(turn->arena, "\n%.*s", RP_STR_ARG(text)));
    say(frame, text, RP_END);
}

/* A chunk of the reply in its place. */
static void forward(struct frame *frame, struct rp_turn *turn, const struct rp_chunk *chunk, enum rp_flow flow) {
    bool text = chunk->type == RP_CHUNK_TEXT && chunk->text.len > 0;
    if (flow != RP_END || frame->behind.len == 0) {
        frame->some |= text;
        rp_tap_next(&frame->tap, chunk, flow);
        return;
    }
    frame->finish = chunk->finish;
    if (!text && chunk->type != RP_CHUNK_USAGE && chunk->type != RP_CHUNK_TOOL) {
        say_behind(frame, turn);
        return;
    }
    frame->some |= text;
    frame->ends = true;
    rp_tap_next(&frame->tap, chunk, RP_MORE);
}

/* The first chunk waits until what stands in front of it is out. */
static void hold(struct frame *frame, struct rp_turn *turn, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct rp_str before = frame->before;
    frame->before = RP_STR("");
    frame->holds = true;
    frame->held = *chunk;
    frame->held_flow = flow;
    if (chunk->type == RP_CHUNK_TEXT) frame->held.text = rp_arena_str(turn->arena, chunk->text);
    say(frame, rp_str(rp_arena_printf(turn->arena, "%.*s\n", RP_STR_ARG(before))), RP_MORE);
}

static void write(struct rp_tap *tap, struct rp_turn *turn, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct frame *frame = frame_of(tap);
    bool text = chunk->type == RP_CHUNK_TEXT && chunk->text.len > 0;
    if (frame->before.len && (text || flow == RP_END))
        hold(frame, turn, chunk, flow);
    else
        forward(frame, turn, chunk, flow);
}

static void more(struct rp_tap *tap, struct rp_turn *turn) {
    struct frame *frame = frame_of(tap);
    if (frame->holds) {
        frame->holds = false;
        forward(frame, turn, &frame->held, frame->held_flow);
    } else if (frame->ends) {
        say_behind(frame, turn);
    } else {
        rp_tap_more(tap);
    }
}

static void again(struct rp_tap *tap, struct rp_turn *turn) {
    struct frame *frame = frame_of(tap);
    (void)turn;
    frame->before = frame->all[0];
    frame->behind = frame->all[1];
    frame->some = frame->holds = frame->ends = false;
}

static const struct rp_tap_ops ops = {.write = write, .more = more, .again = again};

void frame_reply(struct rp_turn *turn, struct rp_str before, struct rp_str behind) {
    struct frame *frame = rp_arena_zalloc(turn->arena, sizeof(*frame));
    frame->before = frame->all[0] = before;
    frame->behind = frame->all[1] = behind;
    rp_tap_push(turn, &frame->tap, &ops);
}
