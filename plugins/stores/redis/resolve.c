/* Names become addresses on libuv's own threads: hiredis would ask for them on the worker. */
#include <arpa/inet.h>
#include <stdlib.h>

#include "redis.h"

struct lookup {
    uv_getaddrinfo_t request;
    struct client *client; /* NULL: nobody waits for it any more */
};

static void take_addresses(struct client *client, const struct addrinfo *info) {
    client->address_count = client->address = 0;
    for (; info && client->address_count < ADDRESSES; info = info->ai_next) {
        const void *bytes = info->ai_family == AF_INET6
                                ? (const void *)&((const struct sockaddr_in6 *)(const void *)info->ai_addr)->sin6_addr
                                : (const void *)&((const struct sockaddr_in *)(const void *)info->ai_addr)->sin_addr;
        char *out = client->addresses[client->address_count];
        if (inet_ntop(info->ai_family, bytes, out, sizeof client->addresses[0])) client->address_count++;
    }
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *info) {
    struct lookup *lookup = (struct lookup *)request;
    struct client *client = lookup->client;
    if (client && status == 0) take_addresses(client, info);
    uv_freeaddrinfo(info);
    free(lookup);
    if (!client) return;
    client->lookup = NULL;
    connection_resolved(client, status);
}

int lookup_start(struct client *client) {
    static const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct lookup *lookup = rp_calloc(1, sizeof *lookup);
    lookup->client = client;
    int status = uv_getaddrinfo(rp_worker_loop(client->worker), &lookup->request, on_resolved, client->url->host, NULL,
                                &hints);
    if (status != 0)
        free(lookup);
    else
        client->lookup = lookup;
    return status;
}

void lookup_forget(struct lookup *lookup) {
    if (!lookup) return;
    lookup->client = NULL;
    uv_cancel((uv_req_t *)&lookup->request);
}
