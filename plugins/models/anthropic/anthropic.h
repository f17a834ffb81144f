/* What the files of this plugin share. plugin.c: options; request.c writes the request; decode.c reads the answer; bulk.c
 * speaks to the batch endpoint. All else is what remote models have in common. */
#ifndef ANTHROPIC_H
#define ANTHROPIC_H

#include <repartee/repartee.h>

enum { AUTH_API_KEY, AUTH_BEARER };

struct anthropic_options {
    struct rp_remote_options remote; /* first */
    const char *version;
    int auth;
    bool goes_on;
};

/* request.c */
int request_head(const void *options, const char *key, struct rp_buf *out);
int64_t request_reply(const struct rp_model *model); /* tokens of a reply where the prompt does not say */
int request_write(const void *options, const struct rp_call *call, bool stream, struct rp_buf *out);

/* decode.c */
int answer_read(const void *options, struct rp_answer *answer, struct rp_str json);

/* bulk.c */
extern const struct rp_bulk_protocol bulk_protocol;

#endif
