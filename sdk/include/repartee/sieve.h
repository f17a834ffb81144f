/* Patterns on text that comes in pieces, as a reply does: the same matches for every way to cut it.
 *
 * What is found, said for the whole text:
 *
 *  1. Each pattern looks for its matches alone, from left to right. At each match its check decides: it takes the
 *     match, or a shorter beginning of it, and the search goes on behind what was taken; or it takes nothing, and the
 *     search goes on at the character behind the match's start. An empty match is never taken.
 *  2. Takings that overlap become one, with the pattern of the one that starts first; of those that start together the
 *     longest, then the first in the set. So the text falls into takings and plain text between them, in their order.
 *
 * Patterns see the text as it came. A stream gives the same for every way to cut it: a match counts only when PCRE2 has
 * not looked beyond the text at hand (partial matching tells), so that no text that follows can change it. What is not
 * decided waits, and only that; once it is longer than 4 KiB, it is looked at anew only when it has grown by an eighth,
 * so that the work stays in proportion to the text.
 *
 *     code = rp_sieve_feed(sieve, piece, final);
 *     while (code == 0 && (code = rp_sieve_next(sieve, &part)) > 0) … use the part
 *
 * A set is immutable and may be used by all threads; a sieve belongs to one reply. */
#ifndef REPARTEE_SIEVE_H
#define REPARTEE_SIEVE_H

#include <repartee/regex.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rp_sieve;

struct rp_sieve_pattern {
    const struct rp_regex *regex;         /* borrowed; of rp_sieve_compile where more than one piece may come */
    size_t (*check)(struct rp_str match); /* bytes to take of a match, which is not empty; 0: none. NULL takes all */
    unsigned starts, needs; /* classes: one of `starts` begins every match, all of `needs` are in it; 0: unknown */
};
struct rp_sieve_set { /* the caller's, and outlives its sieves */
    const struct rp_sieve_pattern *patterns;
    size_t count;
    size_t context; /* characters that a pattern may look back at */
    bool lines;     /* one looks for beginnings of lines or for \R: line breaks at the end of the text wait for more */
    size_t hold;    /* bytes that may wait for a decision */
    /* What kinds of characters the text has, as bits of the caller's choice: tells cheaply where a pattern cannot
     * match. NULL: every pattern is tried. */
    unsigned (*classes)(struct rp_str text);
};

/* Compiles a pattern that can be decided piece by piece, for this set: `context` and `lines` become what it needs.
 * -RP_ECONFIG with the reason for one that is malformed, or that depends on more than the text around its match (\K, \G,
 * \C, \X, verbs such as (*COMMIT)). */
RP_EXPORT int rp_sieve_compile(const char *pattern, struct rp_sieve_set *set, struct rp_regex **out_regex,
                               struct rp_error *error);
/* Whether a pattern would hold back ordinary prose from its first character on, as one that begins with .* does. */
RP_EXPORT bool rp_sieve_holds_all(const struct rp_regex *regex);

RP_EXPORT struct rp_sieve *rp_sieve_create(const struct rp_sieve_set *set);
RP_EXPORT void rp_sieve_destroy(struct rp_sieve *sieve); /* takes NULL */
/* The next piece, whole characters, copied; `final`: nothing follows, everything is decided. Only when rp_sieve_next
 * has returned RP_SIEVE_DONE. 0; -RP_EUTF8 for broken text, -RP_ETOOLARGE for more than 64 MiB. */
RP_EXPORT int rp_sieve_feed(struct rp_sieve *sieve, struct rp_str piece, bool final);

enum { RP_SIEVE_DONE = 0, RP_SIEVE_TEXT = 1, RP_SIEVE_MATCH = 2 };
struct rp_sieve_part {
    struct rp_str text; /* plain, or what was taken by the pattern that starts first; until the next feed */
    size_t at;          /* where it begins in all that was fed; a taking goes on to where the next part begins */
    size_t pattern;     /* with RP_SIEVE_MATCH and -RP_EREGEX */
};
/* The next part that is decided: RP_SIEVE_…; -RP_EREGEX when a pattern hit a limit, -RP_ETOOLARGE when more than
 * `hold` would have to wait: then nothing of the text that was not given is known, and the sieve has had its day. */
RP_EXPORT int rp_sieve_next(struct rp_sieve *sieve, struct rp_sieve_part *out_part);
/* The groups of the match that was given last, and the text they lie in, until the next feed. 0, or -RP_EREGEX. */
RP_EXPORT int rp_sieve_groups(const struct rp_sieve *sieve, const struct rp_sieve_part *part,
                              struct rp_match *out_match, struct rp_str *out_text);
RP_EXPORT struct rp_str rp_sieve_waiting(const struct rp_sieve *sieve); /* what was fed and not given */

/* Whether a whole text can be told free of matches by its classes alone. */
RP_EXPORT bool rp_sieve_absent(const struct rp_sieve_set *set, struct rp_str text);

#ifdef __cplusplus
}
#endif
#endif
