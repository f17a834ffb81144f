/* The listening sockets, one per worker on the same address (SO_REUSEPORT), opened before any worker runs so that a
 * port in use is found at once. */
#include "httpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static int parse_address(const char *text, union address *out) {
    char host[INET6_ADDRSTRLEN + 1];
    const char *colon = strrchr(text, ':');
    char *end;
    if (!colon || colon == text) return -1;
    bool bracketed = text[0] == '[' && colon[-1] == ']';
    const char *from = text + bracketed;
    size_t len = (size_t)(colon - from) - bracketed;
    long port = strtol(colon + 1, &end, 10);
    if (len >= sizeof(host) || *end || end == colon + 1 || port < 0 || port > 65535) return -1;
    memcpy(host, from, len);
    host[len] = '\0';
    if (bracketed) return uv_ip6_addr(host, (int)port, &out->v6);
    return uv_ip4_addr(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, (int)port, &out->v4);
}

static socklen_t address_size(const union address *address) {
    return address->any.sa_family == AF_INET6 ? sizeof(address->v6) : sizeof(address->v4);
}

static in_port_t *address_port(union address *address) {
    return address->any.sa_family == AF_INET6 ? &address->v6.sin6_port : &address->v4.sin_port;
}

static int socket_open(const union address *address, bool shared) {
    int on = 1;
    int fd = socket(address->any.sa_family, SOCK_STREAM, 0);
    if (fd < 0) return -1;
    bool good = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0;
    if (shared) good = good && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0;
    if (address->any.sa_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (good && bind(fd, &address->any, address_size(address)) == 0) return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

/* SO_REUSEPORT would let two servers of one user share a port in silence; a socket without it meets the other one. */
static bool port_free(union address *address) {
    if (*address_port(address) == 0) return true;
    int fd = socket_open(address, false);
    if (fd < 0) return false;
    bool good = listen(fd, 1) == 0;
    int why = errno;
    close(fd);
    errno = why;
    return good;
}

static void remember_address(struct httpd *httpd, union address *address) {
    char host[INET6_ADDRSTRLEN] = "";
    bool six = address->any.sa_family == AF_INET6;
    if (six)
        uv_ip6_name(&address->v6, host, sizeof(host));
    else
        uv_ip4_name(&address->v4, host, sizeof(host));
    snprintf(httpd->address, sizeof(httpd->address), six ? "[%s]:%u" : "%s:%u", host,
             (unsigned)ntohs(*address_port(address)));
}

int sockets_open(struct httpd *httpd, unsigned count, struct rp_error *error) {
    union address address = {0};
    const char *text = httpd->options->address;
    if (parse_address(text, &address)) {
        return rp_error_set(error, RP_EINVALID, "'%s' is no address: write \"127.0.0.1:8080\" or \"[::1]:8080\"", text);
    }
    if (!port_free(&address)) {
        return rp_error_set(error, RP_EIO, "cannot listen on %s: %s", text, uv_strerror(uv_translate_sys_error(errno)));
    }
    httpd->sockets = rp_calloc(count, sizeof(*httpd->sockets));
    for (unsigned i = 0; i < count; i++) {
        socklen_t size = sizeof(address);
        int fd = socket_open(&address, true);
        /* Port 0: the first socket gets a port, the others the same one. */
        if (fd < 0 || getsockname(fd, &address.any, &size)) {
            int why = errno;
            if (fd >= 0) close(fd);
            sockets_close(httpd);
            return rp_error_set(error, RP_EIO, "cannot listen on %s: %s", text,
                                uv_strerror(uv_translate_sys_error(why)));
        }
        httpd->sockets[httpd->socket_count++] = fd;
    }
    remember_address(httpd, &address);
    return 0;
}

void sockets_close(struct httpd *httpd) {
    for (unsigned i = 0; i < httpd->socket_count; i++) {
        if (httpd->sockets[i] >= 0) close(httpd->sockets[i]);
    }
    free(httpd->sockets);
    httpd->sockets = NULL;
    httpd->socket_count = 0;
}
