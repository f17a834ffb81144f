/* The HTTP client of one worker, for the worker: made at the first fetch, ended with the worker. Everybody else uses
 * <repartee/http_client.h>. */
#ifndef CORE_HTTP_CLIENT_CLIENT_H
#define CORE_HTTP_CLIENT_CLIENT_H

#include <repartee/http_client.h>

struct http_client;

struct http_client *http_client_create(struct rp_worker *worker);
/* Drops what is under way without a callback and starts closing the sockets; they are closed, and nothing of the client
 * is left, when the worker's loop has run once more. Not from within a fetch's callback. Takes NULL. */
void http_client_destroy(struct http_client *client);

#endif
