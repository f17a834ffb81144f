/* A compiled expression, for regex.c and regex_jit.c. */
#ifndef CORE_TEXT_REGEX_CODE_H
#define CORE_TEXT_REGEX_CODE_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <repartee/regex.h>
#include <stdatomic.h>

struct rp_regex {
    pcre2_code *code;            /* never changes once compiled: all threads may interpret it */
    _Atomic(pcre2_code *) fast;  /* what the JIT runs: `code` itself, or a copy made later; NULL: none */
    atomic_uint uses;            /* until `fast` is there, for RP_REGEX_MANY */
    bool many, jit_partial;
    bool whole; /* may not be matched piece by piece */
    uint32_t groups; /* captures that it has, the whole match included */
    uint32_t lookbehind;
    uint32_t name_count, name_size;
    PCRE2_SPTR names; /* name_size bytes each: group as two bytes, name, NUL */
};

/* At once, in place: before other threads know the expression. */
void regex_jit_compile(struct rp_regex *regex, unsigned flags);
/* For RP_REGEX_MANY: counts the expression among those that share the JIT's memory, and takes it out again. */
void regex_jit_join(struct rp_regex *regex);
void regex_jit_leave(struct rp_regex *regex);
/* The code for the JIT, made now if the expression is used often enough, or if `must`; NULL: interpret. Any thread. */
pcre2_code *regex_jit_code(struct rp_regex *regex, bool must);

#endif
