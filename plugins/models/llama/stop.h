/* Between the tokens and the reader: whole characters only, and nothing behind a stop text.
 *
 * Pieces of tokens may end inside a character, and a stop text may begin in one piece and end in another: what is
 * undecided is held back. Bytes that can never be valid become U+FFFD. */
#ifndef LLAMA_STOP_H
#define LLAMA_STOP_H

#include <repartee/base.h>

struct stop {
    char **texts; /* owned */
    size_t count;
    struct rp_buf held;    /* undecided */
    struct rp_buf decided; /* of the last call */
};

void stop_init(struct stop *stop, const char *const *texts); /* NULL-terminated or NULL; copied; empty ones are left out */
void stop_finish(struct stop *stop);
/* Adds a piece; `out` is what may go on, until the next call. True: a stop text has come, nothing follows. */
bool stop_feed(struct stop *stop, const char *data, size_t len, struct rp_str *out);
struct rp_str stop_rest(struct stop *stop); /* at the end: what was held back */

#endif
