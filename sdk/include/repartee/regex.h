/* Regular expressions: PCRE2 with Unicode, JIT where there is one, and limits on every match.
 *
 * A compiled expression is immutable and may be used by all threads; match data is kept per thread. */
#ifndef REPARTEE_REGEX_H
#define REPARTEE_REGEX_H

#include <repartee/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rp_regex;

#define RP_REGEX_GROUPS 32 /* captures that a match reports, the whole match included */

enum rp_regex_flags {
    RP_REGEX_STREAM = 1 << 0, /* will be matched with RP_MATCH_PARTIAL too */
    RP_REGEX_MANY = 1 << 1,   /* one of thousands: the JIT is asked when it is used, not before */
};
enum rp_match_flags {
    RP_MATCH_PARTIAL = 1 << 0,  /* more text may follow: report a match that could go on as RP_MATCH_UNDECIDED */
    RP_MATCH_TRUSTED = 1 << 1,  /* the text is known to be valid UTF-8 (always so for a turn's message) */
};
enum { RP_MATCH_NONE = 0, RP_MATCH_FOUND = 1, RP_MATCH_UNDECIDED = 2 };

/* What several matches may take together. Set `ns` and leave the rest zero. */
struct rp_regex_budget {
    int64_t ns;     /* time that is left; below 0: used up */
    uint32_t steps; /* backtracks of one match at one place of the text; 0: as many as rp_regex_match allows */
    uint32_t calls; /* these two are rp_regex_match_within's */
    int64_t since_ns;
};

struct rp_match {
    size_t count; /* groups set, the whole match included */
    struct { size_t start, end; } group[RP_REGEX_GROUPS]; /* bytes; start == SIZE_MAX: did not take part */
};

/* Groups from RP_REGEX_GROUPS on are not reported, and may not have names. 0, or -RP_ECONFIG with `error->text` telling what is wrong and where in the pattern. */
RP_EXPORT int rp_regex_compile(struct rp_str pattern, unsigned flags, struct rp_regex **out, struct rp_error *error);
RP_EXPORT void rp_regex_free(struct rp_regex *regex); /* takes NULL */
/* From byte `from` on. RP_MATCH_…; -RP_EREGEX when a limit was hit (treat it as the safe side: fail closed); -RP_EUTF8
 * for text that is not valid UTF-8 or a `from` inside a character. The limits count for each call by itself;
 * one of them is 0.2 seconds of processor time, looked at now and then while a long text is searched. With
 * RP_MATCH_UNDECIDED, group 0 starts where the undecided text starts. */
RP_EXPORT int rp_regex_match(const struct rp_regex *regex, struct rp_str text, size_t from, unsigned flags,
                             struct rp_match *out_match);
/* The same on a budget of the caller's, which many matches share: -RP_EBUDGET when it is used up. The clock is looked
 * at now and then only, so that the last match goes over by a millisecond or two. */
RP_EXPORT int rp_regex_match_within(const struct rp_regex *regex, struct rp_str text, size_t from, unsigned flags,
                                    struct rp_regex_budget *budget, struct rp_match *out_match);
/* Says that what follows is a new row of matches: the time since the last one is not charged. */
static inline void rp_regex_budget_resume(struct rp_regex_budget *budget) {
    budget->since_ns = 0;
}
/* Named groups: the number of names, and the i-th with its group. */
RP_EXPORT size_t rp_regex_name_count(const struct rp_regex *regex);
RP_EXPORT const char *rp_regex_name(const struct rp_regex *regex, size_t index, unsigned *out_group);
RP_EXPORT size_t rp_regex_lookbehind(const struct rp_regex *regex); /* characters it may look at before a match */

#ifdef __cplusplus
}
#endif
#endif
