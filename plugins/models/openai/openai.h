/* What the files of this plugin share. plugin.c: options; request.c writes the request; decode.c and tools.c read the
 * answer; bulk.c speaks to the batch endpoint. All else is what remote models have in common. */
#ifndef OPENAI_H
#define OPENAI_H

#include <repartee/repartee.h>

enum { GOES_ON_NO, GOES_ON_MESSAGE, GOES_ON_PREFIX, GOES_ON_ECHO, GOES_ON_PARTIAL, GOES_ON_FINAL };
enum { MAX_TOKENS_OLD, MAX_TOKENS_NEW };

struct openai_options {
    struct rp_remote_options remote; /* first */
    const char *organization;
    int max_tokens_field;
    int goes_on; /* how the server is told to go on from the beginning of a reply */
    bool needs_done, tools, schema, grammar;
};

/* request.c */
int request_head(const void *options, const char *key, struct rp_buf *out);
int request_write(const void *options, const struct rp_call *call, bool stream, struct rp_buf *out);

/* decode.c */
int answer_read(const void *options, struct rp_answer *answer, struct rp_str json);

/* bulk.c */
extern const struct rp_bulk_protocol bulk_protocol;

/* tools.c */
bool tools_read(struct rp_answer *answer, struct rp_scan *scan); /* the value of "tool_calls" */

#endif
