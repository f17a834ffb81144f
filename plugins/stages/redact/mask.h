/* Masking, independent of turns: a set of patterns, and the stream of text that it is applied to. What is found, and
 * that a stream gives the same for every way to cut it, is rp_sieve's law (repartee/sieve.h); each taking becomes one
 * mask, with the word of its pattern. Patterns see the text as it was, masks never change what matches. */
#ifndef REDACT_MASK_H
#define REDACT_MASK_H

#include <repartee/base.h>
#include <repartee/option.h>
#include <repartee/sieve.h>

/* Classes of bytes, by which most text can be told free of matches without asking PCRE2. */
enum mask_class {
    MASK_DIGIT = 1 << 0, /* 0-9 and the full-width forms */
    MASK_PLUS = 1 << 1,
    MASK_AT = 1 << 2,
    MASK_LOCAL = 1 << 3, /* what stands before the @ of an address */
    MASK_WIDE = 1 << 4,  /* perhaps the first byte of a full-width digit */
};

struct mask_rule {
    char *name;
    char *word; /* what appears in place of the text */
    struct rp_regex *regex;
};
struct mask { /* immutable, for all threads */
    struct mask_rule *rules;
    struct rp_sieve_pattern *patterns; /* one a rule */
    struct rp_sieve_set set;
};

/* pattern.c. `word`: the template for patterns without a mask of their own, NULL for the default ones; `{name}` in it
 * stands for the pattern's name. 0, or -RP_ECONFIG. */
int mask_create(const struct rp_pattern_list *patterns, const char *word, size_t hold, struct mask **out_mask,
                struct rp_error *error);
void mask_free(struct mask *mask); /* takes NULL */
unsigned mask_classes(struct rp_str text); /* mask.c: enum mask_class, as the set asks for them */

/* A whole text. `*out_text` is `text` itself where nothing is masked, else memory of the arena. 0, -RP_EREGEX when a
 * pattern hit a limit, -RP_ETOOLARGE, -RP_EUTF8; then nothing of the text may be shown. */
int mask_text(const struct mask *mask, struct rp_arena *arena, struct rp_str text, struct rp_str *out_text);
/* The same, adding up in `counts`, by the patterns' numbers, how often each was masked; NULL: not wanted. */
int mask_text_counted(const struct mask *mask, struct rp_arena *arena, struct rp_str text, unsigned *counts,
                      struct rp_str *out_text);

struct mask_stream;

struct mask_stream *mask_stream_create(const struct mask *mask);
void mask_stream_count(struct mask_stream *stream, unsigned *counts); /* as mask_text_counted does, from here on */
void mask_stream_destroy(struct mask_stream *stream); /* takes NULL */
/* Takes the next piece, whole characters; gives what is decided, which can be empty and is valid until the next call.
 * `final`: nothing follows, everything is decided. Errors as above, -RP_EREGEX also when more than `hold` would have to
 * wait, -RP_EUTF8 for broken text; after an error the stream must not be fed again. A pattern that fails is logged. */
int mask_feed(struct mask_stream *stream, struct rp_str piece, bool final, struct rp_str *out_text);

#endif
