/* How a reply looks on a terminal: behind `bot> `, further lines indented by as much, nothing that drives the
 * terminal. */
#ifndef STDIN_LAYOUT_H
#define STDIN_LAYOUT_H

#include <repartee/base.h>

struct layout { /* zero: in front of a reply */
    bool begun;
    unsigned breaks; /* line breaks that are held back: those at the end of a reply are dropped */
};

/* Appends what has to be printed for one more piece of the reply: whole UTF-8 characters. */
int layout_text(struct layout *layout, struct rp_str text, struct rp_buf *out);
/* Ends the reply, with the sentence for the user if it ended badly (NULL: it did not). */
int layout_end(struct layout *layout, const char *error, struct rp_buf *out);

#endif
