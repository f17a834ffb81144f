/* One message as clients send it in JSON: the body of POST /v1/chat, an item of a batch.
 *
 *     {"message" or "prompt": "…", "session": "s1", "user": "u1", "stream": false, "explain": false, "metadata": {…}}
 *
 * A field of a wrong type is an error that names it, null counts as absent, unknown fields are nobody's business. Any
 * thread. */
#ifndef REPARTEE_CHAT_BODY_H
#define REPARTEE_CHAT_BODY_H

#include <repartee/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rp_chat_body { /* its texts lie in the body or in `space` */
    struct rp_str text, session, user; /* the last two may be empty */
    struct rp_str id; /* the sender's own name for it, JSON of any kind as it is written; empty: none */
    bool stream, explain;
    json_t *metadata; /* NULL or an object; owned */
};

/* 0, or -RP_EUTF8, -RP_EJSON, -RP_EINVALID, -RP_ETOOLARGE with a sentence for the client in `error`, which calls it
 * `what`: "the body". `space` is scratch memory, whose old content goes. */
RP_EXPORT int rp_chat_body_parse(struct rp_str body, const char *what, struct rp_buf *space,
                                 struct rp_chat_body *out_body, struct rp_error *error);
RP_EXPORT void rp_chat_body_finish(struct rp_chat_body *body);

#ifdef __cplusplus
}
#endif
#endif
