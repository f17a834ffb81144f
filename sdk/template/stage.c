/* The stage: answers /about by itself, and hangs a tap into every other reply that adds the line at the end.
 *
 * All of it runs on the turn's own worker, so nothing is locked; and nothing here may block. The laws that stage and
 * tap follow are at the top of <repartee/turn.h>. */
#include "stage.h"

/* One for each turn, in the turn's arena: it ends with the turn and needs no close(). */
struct tap {
    struct rp_tap tap; /* first, so that the tap the core knows is this one */
    const char *line;
    enum rp_finish finish;
    bool has_text; /* a reply without a word gets no line */
    bool owed;     /* the reply has ended; our line has not gone out yet */
};

static void finish(struct tap *tap) {
    struct rp_chunk line = {.type = RP_CHUNK_NONE, .finish = tap->finish};
    tap->owed = false;
    if (tap->has_text) {
        line.type = RP_CHUNK_TEXT;
        line.text = rp_str(rp_arena_printf(tap->tap.turn->arena, "\n\n%s", tap->line));
    }
    rp_tap_next(&tap->tap, &line, RP_END);
}

/* A chunk of the reply comes by. Where the text is cut does not matter to us. A plugin that looks for something in the
 * text must hold back what it cannot decide yet: it keeps it, forwards the rest, and asks with rp_tap_more. */
static void on_write(struct rp_tap *base, struct rp_turn *turn, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct tap *tap = (struct tap *)base;
    (void)turn;
    if (chunk->type == RP_CHUNK_TEXT && chunk->text.len > 0) tap->has_text = true;
    if (flow != RP_END) {
        rp_tap_next(base, chunk, flow); /* more to come, or an error: a broken reply gets no friendly end */
        return;
    }
    tap->finish = chunk->finish;
    if (chunk->type == RP_CHUNK_NONE) {
        finish(tap);
        return;
    }
    /* The last chunk has something in it: that goes first, our line follows when we are asked for more. */
    tap->owed = true;
    rp_tap_next(base, chunk, RP_MORE);
}

static void on_more(struct rp_tap *base, struct rp_turn *turn) {
    struct tap *tap = (struct tap *)base;
    (void)turn;
    if (tap->owed) {
        finish(tap);
    } else {
        rp_tap_more(base);
    }
}

static const struct rp_tap_ops tap_ops = {.write = on_write, .more = on_more};

enum rp_outcome myplugin_on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    const struct options *options = stage->element.options;
    if (options->about && rp_str_equal(turn->message, RP_STR("/about"))) {
        /* The stages behind this one never see the turn; the reply goes out through those in front of it. */
        rp_turn_set_by(turn, "myplugin");
        rp_turn_reply(turn, rp_source_text(turn, rp_str(options->about)));
        return RP_KEEP;
    }
    struct tap *tap = rp_arena_zalloc(turn->arena, sizeof(*tap));
    tap->line = options->line;
    rp_tap_push(turn, &tap->tap, &tap_ops);
    return RP_PASS;
}
