/* The entries that a session's conversation is stored as: what the user said, what the bot said, and between them rounds
 * of tools, which hold the calls of a model together with their results, so that neither is ever without the other. */
#ifndef CORE_TURN_SESSION_ENTRY_H
#define CORE_TURN_SESSION_ENTRY_H

#include <repartee/plugin.h>

enum entry_kind { ENTRY_USER = RP_ROLE_USER, ENTRY_BOT = RP_ROLE_ASSISTANT, ENTRY_ROUND = RP_ROLE_TOOL };

struct entry {
    enum entry_kind kind;
    struct rp_str all, body; /* the body without its head */
};

/* A text with its length in front, little-endian, 32 bits. */
int text_take(struct rp_str *rest, struct rp_str *out); /* 0, or -RP_EIO */
int text_put(struct rp_buf *out, struct rp_str text);

/* The next entry of bytes that are not empty. 0, or -RP_EIO. Without `rounds` they were written before there were any. */
int entry_take(struct rp_str *rest, bool rounds, struct entry *out);

/* How many messages the entry stands for. */
size_t entry_messages(const struct entry *entry);
/* Makes them, the texts where they are. A round is a message of the assistant with its calls, and a result for each of
 * them; the calls' ids begin with `id`, six characters, and go on from `*calls`. The end of what was made. */
struct rp_message *entry_open(const struct entry *entry, struct rp_arena *arena, const char *id, size_t *calls,
                               struct rp_message *out);

/* How many of these messages make up the first entry that they can be written as; 0: they begin with what cannot be
 * kept, a call that lacks a result or a result that lacks its call. `*out_size`: its bytes. */
size_t entry_span(const struct rp_message *messages, size_t count, size_t *out_size);
int entry_put(struct rp_buf *out, const struct rp_message *messages, size_t span);

#endif
