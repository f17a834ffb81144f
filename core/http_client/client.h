/* The HTTP client of one worker, for the worker: made at the first fetch, ended with the worker. Everybody else uses
 * <repartee/http_client.h>. */
#ifndef CORE_HTTP_CLIENT_CLIENT_H
#define CORE_HTTP_CLIENT_CLIENT_H

#include <repartee/http_client.h>

struct http_client;

/* What stands for the network in a conversation test. */
struct http_answer { /* borrowed until the fetch has ended */
    int code;                  /* 0; else -RP_E…: the fetch ends with it and `detail`, and nothing else counts */
    const char *detail;
    int status;
    const char *const *fields; /* "Name: value", NULL-terminated; NULL: none */
    struct rp_str body;
};
struct http_stand_in {
    const struct http_answer *(*answer)(void *arg, const struct rp_fetch_request *request); /* never NULL */
    size_t (*piece)(void *arg, size_t left); /* how much of the body comes at once, from 1 to `left`; NULL: all */
    void *arg;
};

struct http_client *http_client_create(struct rp_worker *worker);
/* Drops what is under way without a callback and starts closing the sockets; they are closed, and nothing of the client
 * is left, when the worker's loop has run once more. Not from within a fetch's callback. Takes NULL. */
void http_client_destroy(struct http_client *client);
/* From here on no fetch leaves the process: each is answered by `stand_in`, which must outlive the client. */
void http_client_stand_in(struct http_client *client, const struct http_stand_in *stand_in);

#endif
