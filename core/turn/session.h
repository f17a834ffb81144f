/* Sessions: who has one, who waits for it, and how it is kept in the store.
 *
 * The hub gives each session to one turn at a time, in order of arrival, whichever workers the turns are on. Between
 * turns a session is bytes in the store; a turn decodes what it needs. */
#ifndef CORE_TURN_SESSION_H
#define CORE_TURN_SESSION_H

#include <repartee/plugin.h>

struct session_hub;

struct session_hub *session_hub_create(size_t max_waiting); /* turns that may wait for one session */
void session_hub_destroy(struct session_hub *hub);
void session_hub_limit(struct session_hub *hub, size_t max_waiting); /* any thread; from the next one on */
size_t session_hub_waiting(const struct session_hub *hub); /* turns, right now; any thread */

enum { SESSION_GRANTED = 0, SESSION_WAIT = 1 };
/* SESSION_GRANTED; SESSION_WAIT: granted(turn) follows on the turn's worker; -RP_EBUSY: too many wait already. */
int session_hub_acquire(struct session_hub *hub, struct rp_turn *turn, void (*granted)(struct rp_turn *turn));
/* Gives it to the next in line; also for a turn that still waits. Exactly once after an acquire that did not fail. */
void session_hub_release(struct session_hub *hub, struct rp_turn *turn, bool held);

/* One session in the hands of its turn; all memory in the turn's arena, but `vars`. */
struct session {
    struct rp_str user;          /* empty: nobody yet */
    int64_t wake_ms;             /* rp_wall_ms() at which the event "timeout" comes; 0: none */
    struct rp_str pipeline;      /* the one that the event takes */
    struct rp_str pending;       /* said by events, to stand in front of the next reply */
    struct rp_str stored;        /* the conversation, oldest first: entries in the bytes that session_decode was given */
    size_t said;                 /* texts of user and bot among them; rounds of tools do not count */
    uint64_t begins;             /* texts that the conversation had before those: they have been dropped */
    struct rp_str summary;       /* of how the conversation began; empty: none */
    uint64_t summed;             /* texts that it stands for, counted from the very first */
    struct rp_message *texts, *messages; /* what is stored, made at the first need: see session_texts */
    size_t message_count;
    struct rp_str vars_text;     /* JSON; empty: none */
    json_t *vars;                /* decoded at the first need */
    bool vars_changed, wake_changed;
};

/* Takes stored bytes apart; they must live as long as the turn. -RP_EIO for bytes that are no session. */
int session_decode(struct session *session, struct rp_str bytes);
/* Writes the session with one more exchange behind it: messages, a call of tools and all its results one behind the
 * other. Drops the oldest exchanges beyond `max_messages` texts, and more where the bytes would pass the buffer's ceiling;
 * -RP_ETOOLARGE when even that does not help. */
int session_encode(const struct session *session, const struct rp_message *added, size_t count, size_t max_messages,
                   struct rp_buf *out);
/* What user and bot have said, session->said messages; and the same with the rounds of tools. */
const struct rp_message *session_texts(struct session *session, struct rp_arena *arena);
const struct rp_message *session_messages(struct session *session, struct rp_arena *arena, size_t *out_count);
size_t session_summed(const struct session *session); /* texts of those stored, from the first on, that the summary has */
const json_t *session_vars(struct session *session); /* all variables: an object */
const json_t *session_get(struct session *session, const char *name);
int session_set(struct session *session, const char *name, json_t *value, size_t max_bytes);
void session_finish(struct session *session);

#endif
