/* What a route gives out of what its targets say: at once where the client reads along, with white space at the end held
 * back where another target may have to go on; whole at the end where the client wants it so. */
#include "route.h"

#define SPACE_MAX 256              /* white space that waits */

/* ---- one chunk ----------------------------------------------------------------------------------------------------- */

static void write(struct route_ask *ask, struct rp_chunk chunk, enum rp_flow flow) {
    chunk.finish = ask->finish;
    ask->owed = false;
    rp_source_write(&ask->source, &chunk, flow); /* the last thing: a write can end the turn */
}

static void write_text(struct route_ask *ask, struct rp_str text) {
    bool last = ask->ended && ask->usage.input_tokens == 0 && ask->usage.output_tokens == 0;
    write(ask, (struct rp_chunk){.type = RP_CHUNK_TEXT, .text = text}, last ? RP_END : RP_MORE);
}

void give_fault(struct route_ask *ask, const struct rp_fault *fault) {
    write(ask, (struct rp_chunk){.type = RP_CHUNK_ERROR, .fault = *fault}, RP_ERROR);
}

/* ---- white space --------------------------------------------------------------------------------------------------- */

/* The bytes of the white space that ends the text; 0: none does. */
static size_t space_at_end(const char *text, size_t len) {
    static const char *const wide[] = {"\xC2\x85", "\xC2\xA0", "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF",
                                       "\xE2\x81\x9F", "\xE3\x80\x80", "\xE1\x9A\x80"};
    if (len && strchr(" \t\r\n\v\f", text[len - 1]) && text[len - 1]) return 1;
    for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
        size_t own = strlen(wide[i]);
        if (len >= own && memcmp(text + len - own, wide[i], own) == 0) return own;
    }
    bool em = len >= 3 && memcmp(text + len - 3, "\xE2\x80", 2) == 0;
    return em && (unsigned char)text[len - 1] >= 0x80 && (unsigned char)text[len - 1] <= 0x8A ? 3 : 0; /* U+2000 to 200A */
}

static size_t without_space(const struct rp_buf *text, size_t from) {
    size_t len = text->len, space;
    while (len > from && (space = space_at_end(text->data + from, len - from)) > 0) len -= space;
    return text->len - len > SPACE_MAX ? text->len : len;
}

/* ---- text ---------------------------------------------------------------------------------------------------------- */

static void stop_noting(struct route_ask *ask, struct rp_str text) {
    struct rp_buf *said = &ask->said;
    if (ask->given) rp_buf_consume(said, ask->given);
    said->max += text.len;
    rp_buf_append_str(said, text);
    ask->noted = ask->held = false;
    write_text(ask, rp_buf_str(said));
}

static void give_up_to(struct route_ask *ask, size_t end) {
    size_t from = ask->given;
    ask->given = end;
    write_text(ask, rp_str_n(ask->said.data + from, end - from));
}

/* What is written down may have to be gone on from. Models want that to end in a word, so white space waits. */
void give_text(struct route_ask *ask, struct rp_str text) {
    if (!ask->noted) {
        write_text(ask, text);
        return;
    }
    if (rp_buf_append_str(&ask->said, text) != 0) {
        stop_noting(ask, text);
        return;
    }
    size_t end = ask->ended ? ask->said.len : ask->held ? 0 : without_space(&ask->said, ask->given);
    if (end > ask->given)
        give_up_to(ask, end);
    else
        leg_more(ask->speaker);
}

void give_tool(struct route_ask *ask, const struct rp_chunk *chunk) {
    ask->called = true;
    write(ask, *chunk, RP_MORE);
}

void give_end(struct route_ask *ask) {
    if (ask->noted && ask->said.len > ask->given)
        give_up_to(ask, ask->said.len);
    else if (ask->usage.input_tokens || ask->usage.output_tokens)
        write(ask, (struct rp_chunk){.type = RP_CHUNK_USAGE, .usage = ask->usage}, RP_END);
    else
        write(ask, (struct rp_chunk){.type = RP_CHUNK_NONE}, RP_END);
}
