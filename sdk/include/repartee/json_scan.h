/* A cursor over JSON text: the caller walks to the few values it wants, everything else is checked and passed over. No
 * tree is built and nothing is allocated, which makes it the way to read what comes with every request or every chunk
 * of a stream. Where the shape is free or speed does not matter, rp_json_parse is less to write.
 *
 *     rp_scan_init(&scan, text);
 *     for (bool first = rp_scan_open(&scan, '{'); rp_scan_key(&scan, &first, &key);) {
 *         if (rp_str_equal(key, RP_STR("content"))) rp_scan_text(&scan, &out); else rp_scan_skip(&scan);
 *     }
 *     if (!rp_scan_done(&scan)) … it is not JSON, or has another shape
 *
 * Grammar and depth (RP_JSON_DEPTH) are checked. That the text is valid UTF-8 (rp_utf8_valid) and that no key stands
 * there twice is left to the caller. After a mistake `broken` is set and every call returns false, so one look at the
 * end is enough. The text must outlive the scan; any thread may call. */
#ifndef REPARTEE_JSON_SCAN_H
#define REPARTEE_JSON_SCAN_H

#include <repartee/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rp_scan {
    const char *at, *end; /* `at`: what is read next */
    unsigned depth;
    bool broken;
    bool strict; /* set by the caller: \u0000 and half a surrogate pair are mistakes, not U+0000 and U+FFFD */
    uint16_t *half; /* set by the caller: the first half of a pair at the end of a string is left here, and put together
                       with the second at the beginning of the next string; 0: none. NULL: each half is U+FFFD */
};

RP_EXPORT void rp_scan_init(struct rp_scan *scan, struct rp_str text);
RP_EXPORT bool rp_scan_done(struct rp_scan *scan); /* nothing but white space is left, and nothing was broken */
RP_EXPORT char rp_scan_peek(struct rp_scan *scan); /* the first character of the value that comes; '\0': none */

/* Into an object or array; `bracket` is '{' or '['. The result is what `first` starts as. */
RP_EXPORT bool rp_scan_open(struct rp_scan *scan, char bracket);
/* The next key, as written, escapes and all; exactly one value is then taken for it. False: the object has ended. */
RP_EXPORT bool rp_scan_key(struct rp_scan *scan, bool *first, struct rp_str *out_key);
RP_EXPORT bool rp_scan_item(struct rp_scan *scan, bool *first); /* the same for an array */

/* Appends a string, decoded; one that is too long for `out` counts as broken. */
RP_EXPORT bool rp_scan_string(struct rp_scan *scan, struct rp_buf *out);
/* The same for values that may be of another type, null for one: those are passed over. */
RP_EXPORT bool rp_scan_text(struct rp_scan *scan, struct rp_buf *out);
/* The same for a text that may be too long to be of use: then it is passed over, and `out` is empty. */
RP_EXPORT bool rp_scan_short(struct rp_scan *scan, struct rp_buf *out);
/* What somebody has counted: an integer, cut to the range from 0 to RP_SCAN_COUNT_MAX, so that thousands of them can be
 * added up, and each be multiplied by a thousand. What is no number is passed over. */
#define RP_SCAN_COUNT_MAX INT64_C(1000000000000000)
RP_EXPORT bool rp_scan_count(struct rp_scan *scan, int64_t *out);
RP_EXPORT bool rp_scan_integer(struct rp_scan *scan, int64_t *out); /* what is behind a decimal point is cut off */
RP_EXPORT bool rp_scan_raw(struct rp_scan *scan, struct rp_str *out); /* any value, as it is written */
RP_EXPORT bool rp_scan_skip(struct rp_scan *scan);                  /* any value */

#ifdef __cplusplus
}
#endif
#endif
