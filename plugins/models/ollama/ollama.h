/* What the files of this plugin share. plugin.c: options; request.c writes the request; decode.c reads the answer. All
 * else is what remote models have in common. */
#ifndef OLLAMA_H
#define OLLAMA_H

#include <repartee/repartee.h>

struct ollama_options {
    struct rp_remote_options remote; /* first */
    const char *keep_alive;
    int think; /* index into what the option offers */
};

/* request.c */
int request_head(const void *options, const char *key, struct rp_buf *out);
int request_write(const void *options, const struct rp_call *call, bool stream, struct rp_buf *out);

/* decode.c */
int answer_read(const void *options, struct rp_answer *answer, struct rp_str json);

#endif
