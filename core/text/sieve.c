/* Why the pieces do not matter. Each pattern's takings form a sequence. An element is added to it only when PCRE2
 * decided it without wanting to see beyond the end of the text, or when the text is known to end there; so the sequence
 * is the same for every cut, only known sooner or later. Text goes out up to the first place that any pattern is
 * undecided about, and a taking goes out when it is sure which pattern begins it. The rest is a merge of the
 * sequences. */
#include <repartee/sieve.h>

#include <stdlib.h>

#define TEXT_MAX (64u << 20) /* a backstop; the reply's and the message's own limits are far below */
#define PATIENCE 4096        /* bytes that may wait and are still looked at with every piece */

enum hit_state {
    HIT_UNKNOWN,   /* to be searched for, at `from` */
    HIT_NONE,      /* no match begins in the text at hand; the search goes on at `from`, its end */
    HIT_UNDECIDED, /* a match may begin at `from` */
    HIT_FOUND,     /* start to end are taken; the search goes on at `from` */
};
struct hit {
    enum hit_state state;
    size_t from, start, end; /* bytes of `text` */
};
struct rp_sieve {
    const struct rp_sieve_set *set;
    struct rp_buf text; /* as it came: context that patterns look back at, then what waits from `done` on */
    size_t done;        /* given out; a match that begins before it overlaps the last taking */
    size_t dropped;     /* bytes that stood in front of `text` */
    size_t look_at;     /* the length of text at which it is worth to look again */
    unsigned seen;      /* classes of what waits */
    bool final;
    struct hit hits[]; /* one a pattern */
};

struct rp_sieve *rp_sieve_create(const struct rp_sieve_set *set) {
    struct rp_sieve *sieve = rp_calloc(1, sizeof(*sieve) + set->count * sizeof(sieve->hits[0]));
    sieve->set = set;
    rp_buf_init(&sieve->text, TEXT_MAX);
    return sieve;
}

void rp_sieve_destroy(struct rp_sieve *sieve) {
    if (!sieve) return;
    rp_buf_finish(&sieve->text);
    free(sieve);
}

/* ---- searching --------------------------------------------------------------------------------------------------- */

/* Text without the classes that a pattern needs holds no match; while more can follow, none even begins in it. */
static bool is_absent(const struct rp_sieve_pattern *pattern, unsigned seen, bool final) {
    if (final) return (pattern->needs & ~seen) != 0;
    return pattern->starts != 0 && (pattern->starts & seen) == 0;
}

bool rp_sieve_absent(const struct rp_sieve_set *set, struct rp_str text) {
    if (!set->classes) return false;
    unsigned seen = set->classes(text);
    for (size_t i = 0; i < set->count; i++) {
        if (!is_absent(&set->patterns[i], seen, true)) return false;
    }
    return true;
}

static size_t next_character(struct rp_str text, size_t at) {
    do at++;
    while (at < text.len && ((unsigned char)text.data[at] & 0xC0) == 0x80);
    return at;
}

static size_t taken(const struct rp_sieve_pattern *pattern, struct rp_str match) {
    return pattern->check && match.len ? pattern->check(match) : match.len;
}

static unsigned match_flags(bool final) {
    return RP_MATCH_TRUSTED | (final ? 0 : RP_MATCH_PARTIAL);
}

/* The pattern's next taking from hit->from on. */
static int search(const struct rp_sieve_pattern *pattern, struct rp_str text, bool final, struct hit *hit) {
    struct rp_match match;
    while (hit->from < text.len) {
        int found = rp_regex_match(pattern->regex, text, hit->from, match_flags(final), &match);
        if (found < 0) return found;
        if (found == RP_MATCH_NONE) break;
        size_t start = match.group[0].start;
        if (found == RP_MATCH_UNDECIDED) {
            hit->state = HIT_UNDECIDED;
            hit->from = start;
            return 0;
        }
        size_t len = taken(pattern, rp_str_n(text.data + start, match.group[0].end - start));
        hit->from = len ? start + len : next_character(text, start);
        if (len == 0) continue;
        hit->state = HIT_FOUND;
        hit->start = start;
        hit->end = hit->from;
        return 0;
    }
    hit->state = HIT_NONE;
    hit->from = text.len;
    return 0;
}

static int search_all(struct rp_sieve *sieve, struct rp_str text, size_t *out_pattern) {
    for (size_t i = 0; i < sieve->set->count; i++) {
        const struct rp_sieve_pattern *pattern = &sieve->set->patterns[i];
        struct hit *hit = &sieve->hits[i];
        if (hit->state != HIT_UNKNOWN) continue;
        if (sieve->set->classes && is_absent(pattern, sieve->seen, sieve->final)) {
            hit->state = HIT_NONE;
            hit->from = text.len;
            continue;
        }
        int code = search(pattern, text, sieve->final, hit);
        if (code == 0) continue;
        *out_pattern = i;
        return code;
    }
    return 0;
}

/* The first place that is not decided; `end` where every pattern is sure. */
static size_t frontier(const struct rp_sieve *sieve, size_t end) {
    for (size_t i = 0; i < sieve->set->count; i++) {
        const struct hit *hit = &sieve->hits[i];
        if (hit->state == HIT_UNDECIDED && hit->from < end) end = hit->from;
    }
    return end;
}

/* The taking that starts first; of those the longest, then the first in the set. NULL: none is known. In the same go the
 * first place that is not decided: `len`, the text's end, where every pattern is sure. */
static struct hit *earliest(struct rp_sieve *sieve, size_t len, size_t *out_sure) {
    struct hit *best = NULL;
    size_t sure = len;
    for (size_t i = 0; i < sieve->set->count; i++) {
        struct hit *hit = &sieve->hits[i];
        if (hit->state == HIT_UNDECIDED && hit->from < sure) sure = hit->from;
        if (hit->state != HIT_FOUND) continue;
        if (!best || hit->start < best->start || (hit->start == best->start && hit->end > best->end)) best = hit;
    }
    *out_sure = sure;
    return best;
}

/* ---- giving ------------------------------------------------------------------------------------------------------ */

struct rp_str rp_sieve_waiting(const struct rp_sieve *sieve) {
    if (sieve->text.len == 0) return RP_STR("");
    return rp_str_n(sieve->text.data + sieve->done, sieve->text.len - sieve->done);
}

/* Drops the text that no pattern can look back at any more: what is before `first`, the first place that may still
 * begin a match, and its context. The place of `first` after that. */
static size_t trim(struct rp_sieve *sieve, size_t first) {
    size_t keep = first;
    for (size_t i = 0; i < sieve->set->context && keep > 0; i++) {
        do keep--;
        while (keep > 0 && ((unsigned char)sieve->text.data[keep] & 0xC0) == 0x80);
    }
    if (keep == 0) return first;
    rp_buf_consume(&sieve->text, keep);
    sieve->done -= keep;
    sieve->dropped += keep;
    sieve->look_at = sieve->look_at > keep ? sieve->look_at - keep : 0;
    for (size_t i = 0; i < sieve->set->count; i++) {
        struct hit *hit = &sieve->hits[i];
        hit->from -= keep;
        if (hit->state != HIT_FOUND) continue;
        hit->start -= keep;
        hit->end -= keep;
    }
    return first - keep;
}

/* The text that can be searched: all of it, or, while more can follow and a pattern looks at lines, what stands before
 * the line breaks at its end. PCRE2 does not say of ^ behind a line feed that it would like to see more, nor, without
 * its JIT, of \R behind a carriage return. */
static struct rp_str searchable(const struct rp_sieve *sieve) {
    struct rp_str text = rp_buf_str(&sieve->text);
    bool hides = sieve->set->lines && !sieve->final;
    while (hides && text.len > sieve->done && memchr("\r\n", text.data[text.len - 1], 2)) text.len--;
    return text;
}

/* Whether it is too early to look at what waits: then nothing is searched, and the hits stay what they are. */
static bool is_patient(const struct rp_sieve *sieve) {
    size_t waits = sieve->text.len - sieve->done;
    return !sieve->final && waits > PATIENCE && waits <= sieve->set->hold && sieve->text.len < sieve->look_at;
}

int rp_sieve_feed(struct rp_sieve *sieve, struct rp_str piece, bool final) {
    if (!rp_utf8_valid(piece.data, piece.len)) return -RP_EUTF8;
    size_t first = trim(sieve, frontier(sieve, sieve->done));
    int code = rp_buf_append_str(&sieve->text, piece);
    if (code) return code;
    sieve->final = final;
    if (is_patient(sieve)) return 0;
    sieve->look_at = 0;
    if (sieve->set->classes && sieve->text.len) {
        sieve->seen = sieve->set->classes(rp_str_n(sieve->text.data + first, sieve->text.len - first));
    }
    for (size_t i = 0; i < sieve->set->count; i++) {
        if (sieve->hits[i].state != HIT_FOUND) sieve->hits[i].state = HIT_UNKNOWN;
    }
    return 0;
}

/* Nothing more is sure. What waits is looked at again when it has grown. */
static int rest(struct rp_sieve *sieve, struct rp_sieve_part *out_part) {
    size_t waits = sieve->text.len - sieve->done;
    sieve->look_at = sieve->text.len + waits / 8;
    if (waits <= sieve->set->hold) return RP_SIEVE_DONE;
    size_t from = frontier(sieve, sieve->text.len);
    for (size_t i = 0; i < sieve->set->count; i++) {
        if (sieve->hits[i].state == HIT_UNDECIDED && sieve->hits[i].from == from) out_part->pattern = i;
    }
    return -RP_ETOOLARGE;
}

static int give(struct rp_sieve *sieve, struct rp_str text, size_t to, struct rp_sieve_part *out_part) {
    out_part->text = rp_str_n(text.data + sieve->done, to - sieve->done);
    out_part->at = sieve->dropped + sieve->done;
    sieve->done = to;
    return RP_SIEVE_TEXT;
}

int rp_sieve_next(struct rp_sieve *sieve, struct rp_sieve_part *out_part) {
    struct rp_str text = searchable(sieve);
    if (sieve->look_at > sieve->text.len) return RP_SIEVE_DONE;
    for (;;) {
        int code = search_all(sieve, text, &out_part->pattern);
        if (code) return code;
        size_t sure;
        struct hit *hit = earliest(sieve, text.len, &sure);
        if (hit && hit->start < sieve->done) {
            if (hit->end > sieve->done) sieve->done = hit->end;
            hit->state = HIT_UNKNOWN;
            continue;
        }
        bool found = hit && hit->start < sure;
        size_t to = found ? hit->start : sure;
        if (to > sieve->done) return give(sieve, text, to, out_part);
        if (!found) return rest(sieve, out_part);
        give(sieve, text, hit->end, out_part);
        out_part->pattern = (size_t)(hit - sieve->hits);
        hit->state = HIT_UNKNOWN;
        return RP_SIEVE_MATCH;
    }
}

/* Once decided, a match is the same whenever it is asked for; so nobody pays for groups that are not wanted. */
int rp_sieve_groups(const struct rp_sieve *sieve, const struct rp_sieve_part *part, struct rp_match *out_match,
                    struct rp_str *out_text) {
    struct rp_str text = rp_buf_str(&sieve->text);
    size_t start = (size_t)(part->text.data - text.data);
    int found = rp_regex_match(sieve->set->patterns[part->pattern].regex, text, start, match_flags(sieve->final),
                               out_match);
    if (found != RP_MATCH_FOUND || out_match->group[0].start != start) return -RP_EREGEX;
    *out_text = text;
    return 0;
}
