/* The dialogs of a session: what is kept of them, which of them runs, what the turn says for it.
 *
 * The session variable "@dialog" is a list of records, the innermost last: a dialog marked `interrupt` stands upon the one
 * that it interrupts, which asks its question again in the end. A record says which dialog it is, what it began with, what
 * it waits for ("ask"; not there: a turn broke off in its middle), and its journal. */
#ifndef RULES_DIALOG_H
#define RULES_DIALOG_H

#include <lua.h>

#include "journal.h"
#include "run.h"

#define DIALOG_DEPTH 4

struct said {
    struct rp_str text;
    struct said *next;
};
struct question {
    struct rp_str now;  /* what is said */
    struct rp_str text; /* what is said once more after an interruption */
    uint32_t hash;      /* of the entry that the answer will be */
    int64_t timeout_ms; /* 0: none */
};
struct dialogs { /* in the turn's arena; run->dialogs */
    json_t *others;  /* records that other stages have made: kept as they are */
    json_t *stack;   /* those of this stage; empty: none */
    json_t *record;  /* of the dialog whose function runs, or NULL: then it is the last in `stack` */
    json_t *saved;   /* the session's variables as the store has them */
    const struct rule *rule; /* of the dialog whose function runs, or is to go on */
    struct journal journal;
    struct rp_normalised text; /* the message that it has last taken */
    bool fresh;             /* that is the one that it began with */
    struct said *said, **said_end;
    size_t said_bytes;
    bool resumed;    /* the one that runs, or ran last, was there before this turn */
    bool asks;       /* the function waits for an answer to `question` */
    bool asked;      /* run->reply ends in the question that is to be answered next */
    struct question question;
    struct rp_str left; /* METER_LEFT: what is said in the end; data NULL: nothing */
};

/* ---- before the rules ---- */

/* Finds what the session has: run->dialogs, or NULL. */
void dialog_load(struct run *run);
bool dialog_waits(const struct run *run); /* one is in progress */
/* One whose last turn broke off in its middle: it goes on first, whatever the message is. */
bool dialog_broken_off(const struct run *run);
/* While one is in progress: may this rule answer? */
bool dialog_lets(const struct run *run, const struct rule *rule);

/* ---- going on ---- */

enum dialog_next {
    DIALOG_RUNS,  /* attempt run->rule: journal and answer are there */
    DIALOG_SAYS,  /* it is over: run->reply is the answer */
    DIALOG_NONE,  /* there is none (any more) */
    DIALOG_FULL,  /* there is no room for the answer: it has failed for good */
};
enum dialog_next dialog_go_on(struct run *run); /* with the message */
enum dialog_next dialog_expire(struct run *run); /* the event "timeout" */

/* ---- for its function ---- */

void dialog_begin(lua_State *L, struct run *run); /* run->rule's function is about to be called for the first time */
/* The text lives in the turn's arena. False: it is too much for one reply. */
bool dialog_say(struct run *run, struct rp_str text);
int dialog_leave(lua_State *L, struct run *run, struct rp_str text); /* ends it here; raises */
int dialog_differs(lua_State *L, struct run *run); /* raises what cannot be caught */
int dialog_full(lua_State *L, struct run *run);    /* the same: its journal is full */
int dialog_crowded(lua_State *L, struct run *run); /* the same: the session is */
/* What a thing outside is, as the function may know it: borrowed, never NULL. Raises. */
const json_t *dialog_read(lua_State *L, struct run *run, const char *name, const json_t *actual);
/* A script sets the session variable to `value`, which is at `index`. True: it is to be done; false: it has been. Also for
 * scripts that are no dialog: true. */
bool dialog_writes(lua_State *L, struct run *run, const char *name, int index, const json_t *value);
/* Puts the state of the running function into the session and asks the store to write it; the turn is shielded. 0:
 * run.c resumes the coroutine, with run->wait.code; or the reason why it cannot be. */
int dialog_save(struct run *run);
void dialog_shield(struct run *run);
void dialog_unshield(struct run *run);

/* ---- after a slice of its function: the coroutine has been given back ---- */

/* It waits for an answer: run->reply is what the turn says. 0, or why that cannot be kept. */
int dialog_asked(struct run *run);
/* It has ended, with run->reply where `replied`. True: the turn says run->reply; false: nothing was said. `passes`: the
 * reply comes from elsewhere, and what was said goes in front of it. */
bool dialog_ended(struct run *run, bool replied, bool passes);
/* The function does not fit its journal: what becomes of it is the declaration's. */
enum dialog_next dialog_changed(struct run *run);
/* It has failed: the session becomes what it was. True: the store must learn of the failure. `final`: it is over. */
bool dialog_failed(struct run *run, bool final);
void dialog_tell(struct run *run, const char *outcome); /* to those who want the turn explained */
void dialog_close(struct run *run); /* forgets the journal in memory; nothing open: no effect */

/* ---- beside it ---- */

/* Before the turn is paid for: what was said goes in front of a reply from elsewhere, and the question of a dialog that
 * was interrupted is asked again behind it. `passes`: the reply is not run->reply. */
void dialog_frame(struct run *run, bool passes);
void dialog_end_all(struct run *run); /* a person has the conversation now */

#endif
