/* Why a turn came out as it did, for those who may know: transports offer it to callers they trust, and the bot file's
 * `trace { }` keeps it for later. Personal data in it is masked as the pipeline's stages mask it; it still tells how the
 * bot works, so nobody sees it unless the bot file says so. */
#ifndef REPARTEE_EXPLAIN_H
#define REPARTEE_EXPLAIN_H

#include <repartee/option.h>

#ifdef __cplusplus
extern "C" {
#endif

enum rp_explain_to { RP_EXPLAIN_NONE, RP_EXPLAIN_LOCAL, RP_EXPLAIN_ALL };

/* The two options of a transport, in its struct … */
struct rp_explain_options {
    int to;            /* enum rp_explain_to */
    const char *token; /* NULL: none */
};
/* … and in its table: RP_EXPLAIN_OPTIONS(struct options, explain), */
#define RP_EXPLAIN_OPTIONS(owner, field)                                                                               \
    {.name = "explain",                                                                                                \
     .type = RP_OPTION_CHOICE,                                                                                         \
     .offset = offsetof(owner, field.to),                                                                               \
     .choices = (const char *const[]){"none", "local", "all", NULL},                                                   \
     .text = "none",                                                                                                   \
     .help = "who may see how a reply came about; local: callers on this machine, a proxy's among them"},              \
    {                                                                                                                  \
        .name = "explain_token", .type = RP_OPTION_SECRET, .offset = offsetof(owner, field.token), .min = 8,            \
        .max = 1024, .help = "whoever sends it as X-Explain-Token may see it too"                                      \
    }

/* Any thread. `address`: the caller's, without port; `token`: what it sent, empty for nothing. */
RP_EXPORT bool rp_may_explain(const struct rp_explain_options *options, struct rp_str address, struct rp_str token);

/* Appends the record of an ended turn as JSON text, when `trace { }` has kept it. 0, or -RP_ENOTFOUND, or -RP_ETOOLARGE.
 * Any thread. */
RP_EXPORT int rp_trace_text(struct rp_str id, struct rp_buf *out);

#ifdef __cplusplus
}
#endif
#endif
