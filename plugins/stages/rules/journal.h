/* The journal of a dialog: what its function has learned from outside, in order, so that running the function again
 * brings it to the same place.
 *
 * A dialog's function is straight-line Lua and lives for days; the coroutine that runs it lives for one turn. When the
 * function asks something, the turn ends and the coroutine is thrown away. With the next message the function runs again
 * from its first line, against its journal: whatever it asks the world, the journal answers, as it did then; whatever it
 * does to the world is passed over, since it has been done. Where the journal ends, the function is where it was, and
 * goes on live. So nothing of a dialog exists but the journal, which is a value in the session: it survives the process,
 * the worker, the machine, and a reload of the code.
 *
 * What a function can do is of five kinds, and everything that `t` and the globals offer is one of them:
 *
 *   computes   Lua itself, texts, tables, matching. Done again. It must give the same, so pairs() goes by the order of
 *              keys, math.random() by a generator that starts from the dialog's id, and time stands still between entries:
 *              t.now, time() and date() tell when the last entry was written.
 *   asks       t:ask and what is built on it. An entry with the message that came (or that none came in time); choosing,
 *              checking and asking again is computed from it, once more on every replay.
 *   calls      t:get, t:sleep, a model: an entry with the results, or with the error raised.
 *   sends      t:post: an entry without a result, in the store before the request leaves the process, and the result after.
 *              Found without a result, the process died in between and nobody knows: it is sent again only when it was
 *              marked safe to repeat, with the same Idempotency-Key; otherwise the function is told that it is not known.
 *   reads      t.session.x, t.user, t.metadata, …: an entry only when it was not read before, or has changed since by
 *              somebody else (between two turns, or inside a call).
 *   tells      t:say, t:event, t.session.x = v, log: no entry. Done in the turn that does it, not again.
 *
 * Turns can fail, and a turn that fails changes nothing: the session, and the journal in it, stay as they were before,
 * and the user's message is taken again, as is. Only what was saved in the middle of a turn (round a send) stays: such a
 * journal ends behind the send instead of in front of a question, and the next turn first goes on to the next question.
 * What the turn that broke off would have said and told never got out. So the journal also knows how far turns ended well
 * (`settled`): what is told up to there is passed over, from there on it is told again. Session variables are saved
 * together with the journal, so for them the end of the journal counts.
 *
 * Code changes under a dialog. Each entry has a hash of what was asked of the world (the text of the question, the URL,
 * the arguments) and of all that was told since the entry before. A function that asks for something else than the journal
 * has next, that ends while entries are left, or that errs before its end, is not the function that wrote it: the replay
 * stops there. Nothing has been done yet, since a replay does nothing; what becomes of the dialog is its declaration's
 * `on_change`. Changes that ask and tell the same, and changes elsewhere in the file, do not matter.
 *
 * An entry is a JSON array: kind, hash, milliseconds since the dialog began, and what was learned. This file knows
 * entries; what they stand for is known by those who make them. No Lua here. */
#ifndef RULES_JOURNAL_H
#define RULES_JOURNAL_H

#include <jansson.h>
#include <repartee/base.h>

#define JOURNAL_ASK "ask"   /* a text; null: the time was over */
#define JOURNAL_CALL "call" /* the results, packed, as a list; {"error": …} */
#define JOURNAL_SEND "send" /* the same; absent: on its way */
#define JOURNAL_READ "read" /* a name and its value, null for none */

#define JOURNAL_ROOM ((size_t)512) /* bytes kept free for what becomes of a send */

enum journal_found {
    JOURNAL_LIVE,    /* there are no more entries: ask the world, then journal_add */
    JOURNAL_HAS,     /* here is what was learned */
    JOURNAL_DIFFERS, /* the function is not the one that wrote this journal: stop */
    JOURNAL_FULL,    /* only from journal_read: there is no room for what was read */
};

struct journal {
    json_t *entries; /* its own */
    json_t *view;    /* what the function knows of the things it reads: by name */
    size_t at;       /* the next entry; as many as there are: live */
    size_t settled;  /* what is told in front of this entry has been told */
    size_t bytes, max;
    uint32_t trace;  /* what was told since the last entry */
    int64_t begun_ms, now_ms; /* rp_wall_ms(); now: of the last entry */
    uint64_t random[4];
    char differs[128]; /* how it differs, for the log */
};

/* `entries` of a new dialog: NULL. `id` starts the random numbers. */
void journal_init(struct journal *journal, json_t *entries, struct rp_str id, int64_t begun_ms, size_t max);
void journal_finish(struct journal *journal);
/* A JSON array fit for journal_init: of somebody who can have changed it. */
bool journal_valid(const json_t *entries);

static inline bool journal_live(const struct journal *journal) {
    return journal->at == json_array_size(journal->entries);
}
static inline bool journal_settled(const struct journal *journal) {
    return journal->at < journal->settled;
}
/* The turn ends in front of the next entry, with all said and told. */
static inline void journal_settle(struct journal *journal) {
    journal->settled = journal->at + 1;
}

/* What is told, or anything else that leaves no entry but must be the same each time. */
void journal_trace(struct journal *journal, uint32_t hash);
/* The hash that the next entry has, for arguments with this hash. */
uint32_t journal_hash(const struct journal *journal, const char *kind, uint32_t hash);

/* Takes the next entry, if it is of this kind and hash. *out_value is borrowed, NULL for a send on its way. */
enum journal_found journal_next(struct journal *journal, const char *kind, uint32_t hash, const json_t **out_value);
bool journal_is_next(const struct journal *journal, const char *kind, uint32_t hash);
const json_t *journal_last(const struct journal *journal); /* what the entry taken last has */
/* Adds an entry behind the last one taken, and takes it. Owns `value` (NULL: a send on its way). 0, or -RP_ETOOLARGE. */
int journal_add(struct journal *journal, const char *kind, uint32_t hash, json_t *value);
/* The same in front of the replay: the function gets there yet. `hash` is what journal_hash gave. */
int journal_append(struct journal *journal, const char *kind, uint32_t hash, json_t *value);
/* What became of the last entry taken, a send. Owns `value`. 0, or -RP_ETOOLARGE: JOURNAL_ROOM bytes always fit. */
int journal_outcome(struct journal *journal, json_t *value);
bool journal_fits(const struct journal *journal, const json_t *value); /* as an outcome */
/* What the function gets to see where `actual` (NULL: nothing) is what there is: JOURNAL_HAS with a borrowed value. */
enum journal_found journal_read(struct journal *journal, const char *name, const json_t *actual,
                                const json_t **out_value);
/* The function has set it itself. */
void journal_wrote(struct journal *journal, const char *name, const json_t *value);
/* Says that the function is not the one that wrote the journal. */
enum journal_found journal_differ(struct journal *journal, const char *what);

uint64_t journal_random(struct journal *journal);

#endif
