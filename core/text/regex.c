/* Regular expressions: PCRE2 with Unicode, JIT where there is one, and limits that no pattern gets around.
 *
 * What a match needs (match data, limits, JIT stack) is made once a thread and freed when the thread ends. Text is
 * checked for UTF-8 here, so that PCRE2 never has to. A match goes through a long text piece by piece, and looks at the
 * clock in between: the limits bound what is tried at one place, not in how many places. */
#include "core/text/regex_code.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define PATTERN_MAX ((size_t)64 * 1024)
#define MATCH_LIMIT 100000  /* some milliseconds on the worst text */
#define DEPTH_LIMIT 4000    /* the interpreter's nested choices; the JIT is bounded by its stack instead */
#define HEAP_LIMIT_KIB 1024 /* the interpreter's memory */
#define SHORT 512        /* bytes: a text that may be interpreted, as long as it is cheap */
#define SHORT_LIMIT 1000 /* backtracks that count as cheap */
#define LONG 4096        /* bytes: a text that is matched piece by piece */
#define PIECE 512
#define STRETCH 1024     /* a piece where the match has no budget of its caller's, but the time below */
#define MATCH_NS INT64_C(200000000) /* of processor time */
#define CALLS_UNTIMED 16 /* matches of short texts between two looks at the clock */
#define STACK_START ((size_t)32 * 1024)
#define STACK_MAX ((size_t)512 * 1024)

struct scratch {
    pcre2_match_context *context;
    pcre2_match_data *data;
    pcre2_jit_stack *stack; /* NULL: the machine's stack is used, 32 KiB of it */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t scratch_key; /* for its destructor only */
static _Thread_local struct scratch *scratch;

/* ---- a thread's scratch ----------------------------------------------------------------------------------------- */

static void scratch_destroy(void *pointer) {
    struct scratch *mine = pointer;

    scratch = NULL;
    pcre2_match_data_free(mine->data);
    pcre2_match_context_free(mine->context);
    pcre2_jit_stack_free(mine->stack);
    free(mine);
}

static void prepare(void) {
    if (pthread_key_create(&scratch_key, scratch_destroy)) abort();
}

static struct scratch *scratch_create(void) {
    struct scratch *mine = rp_calloc(1, sizeof *mine);

    pthread_once(&once, prepare);
    mine->context = pcre2_match_context_create(NULL);
    mine->data = pcre2_match_data_create(RP_REGEX_GROUPS, NULL);
    mine->stack = pcre2_jit_stack_create(STACK_START, STACK_MAX, NULL);
    if (!mine->context || !mine->data || pthread_setspecific(scratch_key, mine)) abort();
    pcre2_set_match_limit(mine->context, MATCH_LIMIT);
    pcre2_set_depth_limit(mine->context, DEPTH_LIMIT);
    pcre2_set_heap_limit(mine->context, HEAP_LIMIT_KIB);
    if (mine->stack) pcre2_jit_stack_assign(mine->context, NULL, mine->stack);
    return mine;
}

/* ---- compiling -------------------------------------------------------------------------------------------------- */

static size_t count_characters(const char *data, size_t len) {
    size_t count = 0;
    for (size_t i = 0; i < len; i++) count += ((unsigned char)data[i] & 0xc0) != 0x80;
    return count;
}

static int explain(struct rp_error *error, struct rp_str pattern, int reason, size_t offset) {
    PCRE2_UCHAR text[256];

    pcre2_get_error_message(reason, text, sizeof text);
    if (offset > pattern.len) offset = pattern.len;
    size_t shown = offset > 40 ? 40 : offset;
    while (shown < offset && ((unsigned char)pattern.data[offset - shown] & 0xc0) == 0x80) shown++;
    return rp_error_set(error, RP_ECONFIG, "%s, at character %zu of the pattern, behind '%s%.*s'", (const char *)text,
                        count_characters(pattern.data, offset), shown < offset ? "..." : "", (int)shown,
                        pattern.data + offset - shown);
}

static bool has(struct rp_str pattern, const char *text) {
    size_t len = strlen(text);
    for (size_t i = 0; i + len <= pattern.len; i++) {
        if (memcmp(pattern.data + i, text, len) == 0) return true;
    }
    return false;
}

/* \G and verbs such as (*COMMIT) speak of where a search started; an anchored one tries one place anyway. */
static bool is_whole(const struct rp_regex *regex, struct rp_str pattern) {
    uint32_t options = 0;
    pcre2_pattern_info(regex->code, PCRE2_INFO_ALLOPTIONS, &options);
    return options & PCRE2_ANCHORED || has(pattern, "\\G") || has(pattern, "(*");
}

static void read_info(struct rp_regex *regex) {
    uint32_t captures = 0;

    pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &captures);
    pcre2_pattern_info(regex->code, PCRE2_INFO_MAXLOOKBEHIND, &regex->lookbehind);
    pcre2_pattern_info(regex->code, PCRE2_INFO_NAMECOUNT, &regex->name_count);
    pcre2_pattern_info(regex->code, PCRE2_INFO_NAMEENTRYSIZE, &regex->name_size);
    pcre2_pattern_info(regex->code, PCRE2_INFO_NAMETABLE, &regex->names);
    regex->groups = captures + 1 < RP_REGEX_GROUPS ? captures + 1 : RP_REGEX_GROUPS;
}

/* A name whose group no match reports would be an index beyond the array for whoever looks it up. */
static int check_names(const struct rp_regex *regex, struct rp_error *error) {
    for (size_t i = 0; i < regex->name_count; i++) {
        unsigned group;
        const char *name = rp_regex_name(regex, i, &group);
        if (group < RP_REGEX_GROUPS) continue;
        return rp_error_set(
            error, RP_ECONFIG,
            "the group '%s' is number %u, but only %d are reported: write (?:...) for groups without a name", name,
            group, RP_REGEX_GROUPS - 1);
    }
    return 0;
}

int rp_regex_compile(struct rp_str pattern, unsigned flags, struct rp_regex **out, struct rp_error *error) {
    int reason;
    PCRE2_SIZE offset;

    if (pattern.len > PATTERN_MAX) {
        return rp_error_set(error, RP_ECONFIG, "the pattern is longer than %zu bytes", PATTERN_MAX);
    }
    if (!pattern.data) pattern = RP_STR("");
    uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_USE_OFFSET_LIMIT;
    /* PCRE2 10.42 takes the first letter of a look-ahead for that of the match and then wants its last letter, which may be
     * the same one, behind it: it would not find (?=ab)x?a in "ab". */
    if (has(pattern, "(?=")) options |= PCRE2_NO_START_OPTIMIZE;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern.data, pattern.len, options, &reason, &offset, NULL);
    if (!code) return explain(error, pattern, reason, offset);

    struct rp_regex *regex = rp_calloc(1, sizeof *regex);
    regex->code = code;
    read_info(regex);
    regex->whole = is_whole(regex, pattern);
    int status = check_names(regex, error);
    if (status) {
        rp_regex_free(regex);
        return status;
    }
    if (flags & RP_REGEX_MANY) {
        regex_jit_join(regex);
    } else {
        regex_jit_compile(regex, flags);
    }
    *out = regex;
    return 0;
}

void rp_regex_free(struct rp_regex *regex) {
    if (!regex) return;
    if (regex->many) regex_jit_leave(regex);
    pcre2_code_free(regex->code);
    free(regex);
}

/* ---- matching --------------------------------------------------------------------------------------------------- */

struct search {
    struct rp_regex *regex; /* const but for its JIT code */
    struct rp_str text;
    uint32_t options, steps;
};

static int run_code(const struct search *search, const pcre2_code *code, bool jit, size_t from) {
    PCRE2_SPTR subject = (PCRE2_SPTR)search->text.data;
    size_t len = search->text.len;

    if (jit) return pcre2_jit_match(code, subject, len, from, search->options, scratch->data, scratch->context);
    return pcre2_match(code, subject, len, from, search->options | PCRE2_NO_UTF_CHECK, scratch->data, scratch->context);
}

/* Interprets an expression that has no machine code yet: a short text, and only while that is cheap. */
static int run_cheaply(const struct search *search, size_t from) {
    if (search->text.len > SHORT) return PCRE2_ERROR_MATCHLIMIT;
    pcre2_set_match_limit(scratch->context, search->steps < SHORT_LIMIT ? search->steps : SHORT_LIMIT);
    return run_code(search, search->regex->code, false, from);
}

static int run(const struct search *search, size_t from) {
    struct rp_regex *regex = search->regex;
    pcre2_code *fast = NULL;

    if (!scratch) scratch = scratch_create();
    if (!search->options) {
        fast = regex_jit_code(regex, false);
    } else if (regex->jit_partial) {
        fast = regex->code;
    }
    if (!fast && regex->many) {
        int result = run_cheaply(search, from);
        if (result != PCRE2_ERROR_MATCHLIMIT) return result;
        fast = regex_jit_code(regex, true);
    }
    pcre2_set_match_limit(scratch->context, search->steps);
    return run_code(search, fast ? fast : regex->code, fast, from);
}

/* false for a whole match that ends before it starts, or starts before `from`: \K in a look-around can do that, and
 * callers that walk through a text would turn round. */
static bool copy_groups(const struct rp_regex *regex, size_t count, size_t from, struct rp_match *out) {
    const PCRE2_SIZE *pairs = pcre2_get_ovector_pointer(scratch->data);

    if (pairs[0] > pairs[1] || pairs[0] < from) return false;
    out->count = count;
    for (size_t i = 0; i < count; i++) {
        bool set = pairs[2 * i] != PCRE2_UNSET && pairs[2 * i] <= pairs[2 * i + 1];
        out->group[i].start = set ? pairs[2 * i] : SIZE_MAX;
        out->group[i].end = set ? pairs[2 * i + 1] : SIZE_MAX;
    }
    for (size_t i = count; i < regex->groups; i++) out->group[i].start = out->group[i].end = SIZE_MAX;
    return true;
}

/* The common part of both calls: what must be so before PCRE2 sees the text. 0 to go on, else the result. */
static int check_text(struct rp_str *text, size_t from, unsigned flags) {
    if (!text->data) *text = RP_STR("");
    if (!(flags & RP_MATCH_TRUSTED) && !rp_utf8_valid(text->data, text->len)) return -RP_EUTF8;
    if (from < text->len && ((unsigned char)text->data[from] & 0xc0) == 0x80) return -RP_EUTF8;
    return 0;
}

static int conclude(const struct search *search, int result, size_t from, struct rp_match *out_match) {
    if (result == PCRE2_ERROR_NOMATCH) return RP_MATCH_NONE;
    if (result == PCRE2_ERROR_PARTIAL) {
        return copy_groups(search->regex, 1, from, out_match) ? RP_MATCH_UNDECIDED : -RP_EREGEX;
    }
    if (result < 0) return -RP_EREGEX;
    size_t count = result ? (size_t)result : RP_REGEX_GROUPS; /* 0: there are more groups than places */
    return copy_groups(search->regex, count, from, out_match) ? RP_MATCH_FOUND : -RP_EREGEX;
}

static struct search search_of(const struct rp_regex *regex, struct rp_str text, unsigned flags, uint32_t steps) {
    return (struct search){.regex = (struct rp_regex *)(uintptr_t)regex,
                           .text = text,
                           .options = flags & RP_MATCH_PARTIAL ? PCRE2_PARTIAL_HARD : 0,
                           .steps = steps ? steps : MATCH_LIMIT};
}

/* The last place before the end of a piece that begins at `from`: a character begins behind it. */
static size_t piece_limit(struct rp_str text, size_t from, size_t piece) {
    size_t next = from + piece;
    while (next < text.len && ((unsigned char)text.data[next] & 0xc0) == 0x80) next++;
    return next < text.len ? next - 1 : text.len;
}

/* A match that begins at `limit` at the latest. */
static int run_until(const struct search *search, size_t from, size_t limit) {
    if (!scratch) scratch = scratch_create();
    pcre2_set_offset_limit(scratch->context, limit);
    int result = run(search, from);
    pcre2_set_offset_limit(scratch->context, PCRE2_UNSET);
    return result;
}

static int64_t processor_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Of every place a pattern may look at all that follows: a text that is long enough would hold the thread for minutes. */
static int run_timed(const struct search *search, size_t from) {
    int64_t end = processor_ns() + MATCH_NS;
    for (size_t limit;; from = limit + 1) {
        limit = piece_limit(search->text, from, STRETCH);
        int result = run_until(search, from, limit);
        if (result != PCRE2_ERROR_NOMATCH || limit == search->text.len) return result;
        if (processor_ns() > end) return PCRE2_ERROR_MATCHLIMIT;
    }
}

int rp_regex_match(const struct rp_regex *regex, struct rp_str text, size_t from, unsigned flags,
                   struct rp_match *out_match) {
    if (from > text.len) return RP_MATCH_NONE;
    int status = check_text(&text, from, flags);
    if (status) return status;
    struct search search = search_of(regex, text, flags, 0);
    bool timed = text.len - from > 2 * STRETCH && !regex->whole;
    return conclude(&search, timed ? run_timed(&search, from) : run(&search, from), from, out_match);
}

/* ---- matching on a budget --------------------------------------------------------------------------------------- */

static bool spend(struct rp_regex_budget *budget) {
    int64_t now = rp_now_ns();
    if (budget->since_ns) budget->ns -= now - budget->since_ns;
    budget->since_ns = now;
    return budget->ns >= 0;
}

/* Looks for a match that starts in the first piece, then in the next, and so on. False: over the budget. */
static bool run_pieces(const struct search *search, size_t from, struct rp_regex_budget *budget, int *out_result) {
    for (size_t limit; spend(budget); from = limit + 1) {
        limit = piece_limit(search->text, from, PIECE);
        *out_result = run_until(search, from, limit);
        if (*out_result != PCRE2_ERROR_NOMATCH || limit == search->text.len) return true;
    }
    return false;
}

int rp_regex_match_within(const struct rp_regex *regex, struct rp_str text, size_t from, unsigned flags,
                          struct rp_regex_budget *budget, struct rp_match *out_match) {
    if (from > text.len) return RP_MATCH_NONE;
    int result = check_text(&text, from, flags);
    if (result) return result;
    struct search search = search_of(regex, text, flags, budget->steps);
    if (text.len - from > LONG && !regex->whole) {
        if (!run_pieces(&search, from, budget, &result)) return -RP_EBUDGET;
        spend(budget);
    } else {
        if (++budget->calls % CALLS_UNTIMED == 0 && !spend(budget)) return -RP_EBUDGET;
        result = run(&search, from);
    }
    return conclude(&search, result, from, out_match);
}

/* ---- what a pattern has ----------------------------------------------------------------------------------------- */

size_t rp_regex_name_count(const struct rp_regex *regex) {
    return regex->name_count;
}

const char *rp_regex_name(const struct rp_regex *regex, size_t index, unsigned *out_group) {
    PCRE2_SPTR entry = regex->names + index * regex->name_size;

    *out_group = (unsigned)entry[0] << 8 | entry[1];
    return (const char *)entry + 2;
}

size_t rp_regex_lookbehind(const struct rp_regex *regex) {
    return regex->lookbehind;
}
