/* A cursor over JSON text: the caller walks to the few values it wants, everything else is checked and passed over. No
 * tree is built, which is what makes a chunk of a stream cost less than the system call that brought it.
 *
 * Grammar and depth (RP_JSON_DEPTH) are checked; that strings are valid UTF-8 is not. After a mistake `broken` is set
 * and every call returns false. */
#ifndef OPENAI_SCAN_H
#define OPENAI_SCAN_H

#include <repartee/base.h>

struct scan {
    const char *at, *end;
    unsigned depth;
    bool broken;
};

void scan_init(struct scan *scan, struct rp_str text);
bool scan_done(struct scan *scan); /* nothing but white space is left, and nothing was broken */
char scan_peek(struct scan *scan); /* the first character of the value that comes; '\0': none */

/* for (bool first = scan_open(scan, '{'); scan_key(scan, &first, &key);) … one value is taken for each key */
bool scan_open(struct scan *scan, char bracket);
bool scan_key(struct scan *scan, bool *first, struct rp_str *out_key); /* as written, escapes and all */
bool scan_item(struct scan *scan, bool *first);

bool scan_string(struct scan *scan, struct rp_buf *out); /* appends it decoded; too long for `out` counts as broken */
bool scan_integer(struct scan *scan, int64_t *out);      /* what is behind a decimal point is cut off */
bool scan_skip(struct scan *scan);
/* A string is appended, anything else passed over: for values that may be null. */
bool scan_text(struct scan *scan, struct rp_buf *out);

#endif
