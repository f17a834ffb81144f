/* One item of a batch: its JSON text, what it says, and the line that it comes to. */
#ifndef CORE_BATCH_ITEM_H
#define CORE_BATCH_ITEM_H

#include <repartee/batch.h>
#include <repartee/chat_body.h>

/* Reads an item as rp_chat_body_parse does; the id is checked too. On failure `out_body` has the id where there is one,
 * and nothing else. */
int item_parse(struct rp_str text, struct rp_buf *space, struct rp_chat_body *out_body, struct rp_error *error);

/* A result's line; `head` and `id` (empty: none) are its first members. 0 or -RP_ETOOLARGE. */
int item_reply_line(struct rp_buf *out, const char *head, struct rp_str id, const struct rp_turn *turn,
                    enum rp_finish finish);
int item_error_line(struct rp_buf *out, const char *head, struct rp_str id, const struct rp_fault *fault,
                    const char *request_id);

#endif
