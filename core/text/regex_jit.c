/* When the JIT compiles. Its code takes 1 to 3 KiB and tens of microseconds an expression: nothing for a few, too much
 * for thousands of which most are never tried. Those are interpreted at first; the ones that are used again get their
 * machine code, as long as there is memory for it in a pool that their number fills. What is hot comes first. */
#include "core/text/regex_code.h"

#include <pthread.h>

#define USES_BEFORE 3           /* a match or two may come by chance */
#define BYTES_EACH 256          /* of machine code that an expression brings into the common pool */
#define BYTES_AHEAD (256 << 10) /* so that a few expressions need not count */
#define NO_JIT UINT_MAX         /* in `uses`: there is none for it */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_long pool = BYTES_AHEAD;

/* A machine or a policy that has no JIT falls back to the interpreter, which obeys the same limits. */
void regex_jit_compile(struct rp_regex *regex, unsigned flags) {
    if (pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE) != 0) return;
    atomic_store(&regex->fast, regex->code);
    if (flags & RP_REGEX_STREAM) regex->jit_partial = pcre2_jit_compile(regex->code, PCRE2_JIT_PARTIAL_HARD) == 0;
}

static long jit_size(const pcre2_code *code) {
    size_t size = 0;
    pcre2_pattern_info(code, PCRE2_INFO_JITSIZE, &size);
    return (long)size;
}

void regex_jit_join(struct rp_regex *regex) {
    regex->many = true;
    atomic_fetch_add(&pool, BYTES_EACH);
}

void regex_jit_leave(struct rp_regex *regex) {
    pcre2_code *fast = atomic_load(&regex->fast);
    atomic_fetch_sub(&pool, BYTES_EACH - (fast ? jit_size(fast) : 0));
    pcre2_code_free(fast);
}

/* A copy, since other threads may be interpreting the original. */
static pcre2_code *compile_copy(struct rp_regex *regex) {
    pcre2_code *copy = pcre2_code_copy(regex->code);
    if (!copy || pcre2_jit_compile(copy, PCRE2_JIT_COMPLETE) != 0) {
        pcre2_code_free(copy);
        atomic_store(&regex->uses, NO_JIT);
        return NULL;
    }
    atomic_fetch_sub(&pool, jit_size(copy));
    atomic_store_explicit(&regex->fast, copy, memory_order_release);
    return copy;
}

static pcre2_code *make(struct rp_regex *regex) {
    pthread_mutex_lock(&lock);
    pcre2_code *fast = atomic_load(&regex->fast); /* another thread's, if it was here first */
    if (!fast && atomic_load(&regex->uses) != NO_JIT) fast = compile_copy(regex);
    pthread_mutex_unlock(&lock);
    return fast;
}

pcre2_code *regex_jit_code(struct rp_regex *regex, bool must) {
    pcre2_code *fast = atomic_load_explicit(&regex->fast, memory_order_acquire);
    if (fast || !regex->many) return fast;
    unsigned uses = atomic_load_explicit(&regex->uses, memory_order_relaxed);
    if (uses == NO_JIT) return NULL;
    if (uses < USES_BEFORE) atomic_store_explicit(&regex->uses, uses + 1, memory_order_relaxed); /* about so many */
    if (!must && (uses < USES_BEFORE || atomic_load_explicit(&pool, memory_order_relaxed) <= 0)) return NULL;
    return make(regex);
}
