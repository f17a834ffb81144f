/* The record of one dialog in progress, as the session keeps it: JSON.
 *
 *     { "dialog": name, "home": whose it is, "id": random, "code": hash, "begun": ms, "lang": "en", "text": the first message, "match": [start, end,
 *       …], "names": { name: group }, "journal": […], "settled": n, "failures": n,
 *       "ask": { "hash": n, "text": question, "timeout": ms, "due": ms } }
 *
 * "ask" is there while it waits for an answer. */
#ifndef RULES_PROGRESS_H
#define RULES_PROGRESS_H

#include "journal.h"
#include "run.h"

json_t *progress_create(struct run *run); /* for run->rule, which has matched run->text */
json_t *progress_again(const json_t *record); /* one that begins anew with the same message */
bool progress_valid(const json_t *record);

bool progress_is_of(const json_t *record, const struct run *run); /* this stage has begun it, not another one */
const char *progress_name(const json_t *record);
struct rp_str progress_id(const json_t *record);
struct rp_str progress_text(const json_t *record);
struct rp_str progress_question(const json_t *record); /* data NULL: it does not wait for an answer */
int64_t progress_due(const json_t *record);            /* rp_wall_ms(); 0: it waits without end */
bool progress_has_sent(const json_t *record);          /* it has an effect that must not come twice */
/* What the group took, by name or number. False: nothing. */
bool progress_capture(const json_t *record, struct rp_str name, struct rp_str *out_text);

void progress_open(const json_t *record, struct journal *journal, size_t max);
void progress_keep(json_t *record, const struct journal *journal); /* a copy of what the journal is now */
struct question;
void progress_ask(json_t *record, const struct question *question);
int64_t progress_ask_again(json_t *record); /* the timeout starts anew; when it is due */
unsigned progress_count_failure(json_t *record);

#endif
