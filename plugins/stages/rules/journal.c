/* Entries: taking them in order, adding them, and noticing when they do not fit. */
#include "journal.h"

#include <stdio.h>

#include "packed.h"

enum { ENTRY_KIND, ENTRY_HASH, ENTRY_TIME, ENTRY_VALUE, ENTRY_MORE }; /* places in an entry */

static size_t entry_bytes(const json_t *entry) {
    return json_dumpb(entry, NULL, 0, JSON_COMPACT) + 1; /* and a comma */
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

/* splitmix64, as it is meant for seeding. */
static uint64_t seed_next(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

void journal_init(struct journal *journal, json_t *entries, struct rp_str id, int64_t begun_ms, size_t max) {
    *journal = (struct journal){.entries = entries ? json_copy(entries) : json_array(),
                                .view = json_object(),
                                .begun_ms = begun_ms,
                                .now_ms = begun_ms,
                                .max = max};
    uint64_t seed = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < id.len; i++) seed = (seed ^ (unsigned char)id.data[i]) * UINT64_C(0x100000001B3);
    for (size_t i = 0; i < 4; i++) journal->random[i] = seed_next(&seed);
    for (size_t i = 0; i < json_array_size(journal->entries); i++)
        journal->bytes += entry_bytes(json_array_get(journal->entries, i));
}

void journal_finish(struct journal *journal) {
    json_decref(journal->entries);
    json_decref(journal->view);
    journal->entries = journal->view = NULL;
}

bool journal_valid(const json_t *entries) {
    if (!json_is_array(entries)) return false;
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i);
        if (!json_is_string(json_array_get(entry, ENTRY_KIND)) || !json_is_integer(json_array_get(entry, ENTRY_HASH)) ||
            !json_is_integer(json_array_get(entry, ENTRY_TIME)))
            return false;
    }
    return true;
}

/* ---- hashes ------------------------------------------------------------------------------------------------------ */

void journal_trace(struct journal *journal, uint32_t hash) {
    journal->trace = (journal->trace ^ hash) * UINT32_C(0x01000193) + 1;
}

uint32_t journal_hash(const struct journal *journal, const char *kind, uint32_t hash) {
    return packed_hash_text(hash ^ journal->trace, rp_str(kind));
}

/* ---- taking ------------------------------------------------------------------------------------------------------ */

enum journal_found journal_differ(struct journal *journal, const char *what) {
    const json_t *entry = json_array_get(journal->entries, journal->at);
    const char *kind = json_string_value(json_array_get(entry, ENTRY_KIND));
    snprintf(journal->differs, sizeof(journal->differs), "entry %zu of %zu is %s '%s', the function %s", journal->at + 1,
             json_array_size(journal->entries), kind && *kind == 'a' ? "an" : "a", kind ? kind : "?", what);
    return JOURNAL_DIFFERS;
}

static void take(struct journal *journal) {
    const json_t *entry = json_array_get(journal->entries, journal->at++);
    journal->now_ms = journal->begun_ms + json_integer_value(json_array_get(entry, ENTRY_TIME));
    journal->trace = 0;
}

static bool is_kind(const json_t *entry, const char *kind) {
    return strcmp(json_string_value(json_array_get(entry, ENTRY_KIND)), kind) == 0;
}

bool journal_is_next(const struct journal *journal, const char *kind, uint32_t hash) {
    const json_t *entry = json_array_get(journal->entries, journal->at);
    return entry && is_kind(entry, kind) &&
           json_integer_value(json_array_get(entry, ENTRY_HASH)) == journal_hash(journal, kind, hash);
}

const json_t *journal_last(const struct journal *journal) {
    return json_array_get(json_array_get(journal->entries, journal->at - 1), ENTRY_VALUE);
}

enum journal_found journal_next(struct journal *journal, const char *kind, uint32_t hash, const json_t **out_value) {
    char what[64];
    if (journal_live(journal)) return JOURNAL_LIVE;
    const json_t *entry = json_array_get(journal->entries, journal->at);
    if (!is_kind(entry, kind)) {
        snprintf(what, sizeof(what), "wants a '%s'", kind);
        return journal_differ(journal, what);
    }
    if (json_integer_value(json_array_get(entry, ENTRY_HASH)) != journal_hash(journal, kind, hash))
        return journal_differ(journal, "asks or tells something else");
    take(journal);
    *out_value = json_array_get(entry, ENTRY_VALUE);
    return JOURNAL_HAS;
}

/* ---- adding ------------------------------------------------------------------------------------------------------ */

static int put(struct journal *journal, json_t *entry, size_t room) {
    size_t bytes = entry_bytes(entry);
    if (journal->bytes + bytes + room > journal->max) {
        json_decref(entry);
        return -RP_ETOOLARGE;
    }
    journal->bytes += bytes;
    json_array_append_new(journal->entries, entry);
    return 0;
}

int journal_append(struct journal *journal, const char *kind, uint32_t hash, json_t *value) {
    json_t *entry = json_pack("[s, I, I]", kind, (json_int_t)hash, (json_int_t)(rp_wall_ms() - journal->begun_ms));
    if (value) json_array_append_new(entry, value);
    return put(journal, entry, value ? 0 : JOURNAL_ROOM);
}

int journal_add(struct journal *journal, const char *kind, uint32_t hash, json_t *value) {
    int rc = journal_append(journal, kind, journal_hash(journal, kind, hash), value);
    if (rc == 0) take(journal);
    return rc;
}

static json_t *with_value(const struct journal *journal, json_t *value) {
    json_t *before = json_array_get(journal->entries, journal->at - 1);
    return json_pack("[O, O, I, O]", json_array_get(before, ENTRY_KIND), json_array_get(before, ENTRY_HASH),
                     (json_int_t)(rp_wall_ms() - journal->begun_ms), value);
}

static bool replaceable(const struct journal *journal, const json_t *entry) {
    size_t freed = entry_bytes(json_array_get(journal->entries, journal->at - 1));
    return journal->bytes - freed + entry_bytes(entry) <= journal->max;
}

bool journal_fits(const struct journal *journal, const json_t *value) {
    json_t *entry = with_value(journal, (json_t *)(uintptr_t)value);
    bool fits = replaceable(journal, entry);
    json_decref(entry);
    return fits;
}

int journal_outcome(struct journal *journal, json_t *value) {
    json_t *entry = with_value(journal, value);
    json_decref(value);
    if (!replaceable(journal, entry)) {
        json_decref(entry);
        return -RP_ETOOLARGE;
    }
    journal->bytes += entry_bytes(entry) - entry_bytes(json_array_get(journal->entries, journal->at - 1));
    json_array_set_new(journal->entries, journal->at - 1, entry);
    journal->now_ms = journal->begun_ms + json_integer_value(json_array_get(entry, ENTRY_TIME));
    return 0;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static enum journal_found take_read(struct journal *journal, const char *name, const json_t **out_value) {
    const json_t *entry = json_array_get(journal->entries, journal->at);
    uint32_t hash = journal_hash(journal, JOURNAL_READ, packed_hash_text(PACKED_HASH_START, rp_str(name)));
    if (json_integer_value(json_array_get(entry, ENTRY_HASH)) != hash)
        return journal_differ(journal, "tells something else");
    json_t *value = json_array_get(entry, ENTRY_MORE);
    take(journal);
    json_object_set(journal->view, name, value);
    *out_value = value;
    return JOURNAL_HAS;
}

static bool reads_next(const struct journal *journal, const char *name) {
    const json_t *entry = json_array_get(journal->entries, journal->at);
    const char *read = json_string_value(json_array_get(entry, ENTRY_VALUE));
    return is_kind(entry, JOURNAL_READ) && read && strcmp(read, name) == 0;
}

static enum journal_found read_live(struct journal *journal, const char *name, const json_t *actual,
                                    const json_t **out_value) {
    uint32_t hash = packed_hash_text(PACKED_HASH_START, rp_str(name));
    json_t *value = actual ? json_incref((json_t *)(uintptr_t)actual) : json_null();
    json_t *entry = json_pack("[s, I, I, s, o]", JOURNAL_READ, (json_int_t)journal_hash(journal, JOURNAL_READ, hash),
                              (json_int_t)(journal->now_ms - journal->begun_ms), name, value);
    if (put(journal, entry, 0) != 0) return JOURNAL_FULL;
    take(journal);
    json_object_set(journal->view, name, value);
    *out_value = value;
    return JOURNAL_HAS;
}

enum journal_found journal_read(struct journal *journal, const char *name, const json_t *actual,
                                const json_t **out_value) {
    const json_t *known = json_object_get(journal->view, name);
    if (!journal_live(journal) && reads_next(journal, name)) return take_read(journal, name, out_value);
    bool same = known && json_equal((json_t *)(uintptr_t)known, actual ? (json_t *)(uintptr_t)actual : json_null());
    if (journal_live(journal) && !same) return read_live(journal, name, actual, out_value);
    if (same && actual) json_object_set(journal->view, name, (json_t *)(uintptr_t)actual); /* the next look is quick */
    if (!known) return journal_differ(journal, "reads what it did not read");
    *out_value = json_object_get(journal->view, name);
    return JOURNAL_HAS;
}

void journal_wrote(struct journal *journal, const char *name, const json_t *value) {
    json_object_set(journal->view, name, value ? (json_t *)(uintptr_t)value : json_null());
}

/* ---- random numbers ---------------------------------------------------------------------------------------------- */

static uint64_t rotate(uint64_t x, int by) {
    return x << by | x >> (64 - by);
}

/* xoshiro256**, as Lua's own. */
uint64_t journal_random(struct journal *journal) {
    uint64_t *s = journal->random, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    journal_trace(journal, (uint32_t)result);
    return result;
}
