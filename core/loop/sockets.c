/* Listening sockets. Each share has descriptors of its own; that two shares are one and the same socket is the kernel's
 * knowledge: it ends with the last descriptor. All shares are in one list, the newest first, so that a new one can find
 * its predecessor. */
#include <repartee/sockets.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct rp_sockets {
    struct rp_sockets *next;
    const struct bot *bot; /* whose listener has it: another generation's may share it, another of this one may not */
    char *name;            /* the listener's */
    union address asked;
    uint16_t port;                       /* the real one */
    char text[INET6_ADDRSTRLEN + 10];    /* "127.0.0.1:8080", "[::1]:8080" */
    unsigned count;
    int files[]; /* by worker; -1: left */
};

static uv_once_t once = UV_ONCE_INIT;
static uv_mutex_t lock; /* of the list and of all files */
static struct rp_sockets *shares;

static void init(void) {
    uv_mutex_init(&lock);
}

/* ---- addresses --------------------------------------------------------------------------------------------------- */

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

static void set_text(struct rp_sockets *sockets, union address *address) {
    char host[INET6_ADDRSTRLEN] = "";
    bool six = address->any.sa_family == AF_INET6;
    if (six)
        uv_ip6_name(&address->v6, host, sizeof(host));
    else
        uv_ip4_name(&address->v4, host, sizeof(host));
    sockets->port = ntohs(*address_port(address));
    snprintf(sockets->text, sizeof(sockets->text), six ? "[%s]:%u" : "%s:%u", host, (unsigned)sockets->port);
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static int socket_open(const union address *address, bool shared) {
    int on = 1;
    int fd = socket(address->any.sa_family, SOCK_STREAM, 0);
    if (fd < 0) return -1;
    bool good = fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0;
    if (shared) good = good && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0;
    if (address->any.sa_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (good && bind(fd, &address->any, address_size(address)) == 0) return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

/* An earlier generation has it, on whatever address. */
static bool was_ours(const struct rp_sockets *sockets, uint16_t port) {
    for (const struct rp_sockets *share = shares; share; share = share->next)
        if (share->port == port && share->bot != sockets->bot) return true;
    return false;
}

/* SO_REUSEPORT would let two servers of one user share a port in silence; a socket without it meets the other one. A port
 * that was ours already cannot be tried like that, and need not be. */
static bool port_free(const struct rp_sockets *sockets) {
    union address address = sockets->asked;
    uint16_t port = ntohs(*address_port(&address));
    if (port == 0 || was_ours(sockets, port)) return true;
    int fd = socket_open(&address, false);
    if (fd < 0) return false;
    bool good = listen(fd, 1) == 0;
    int why = errno;
    close(fd);
    errno = why;
    return good;
}

static bool bind_all(struct rp_sockets *sockets) {
    union address address = sockets->asked;
    if (!port_free(sockets)) return false;
    for (unsigned i = 0; i < sockets->count; i++) {
        socklen_t size = sizeof(address);
        sockets->files[i] = socket_open(&address, true);
        /* Port 0: the first socket gets a port, the others the same one. */
        if (sockets->files[i] < 0 || getsockname(sockets->files[i], &address.any, &size)) return false;
    }
    set_text(sockets, &address);
    return true;
}

/* ---- taking over ------------------------------------------------------------------------------------------------- */

static bool is_open(const struct rp_sockets *share, unsigned count) {
    for (unsigned i = 0; i < share->count; i++)
        if (share->files[i] < 0) return false;
    return share->count == count;
}

static bool same_address(const struct rp_sockets *a, const struct rp_sockets *b) {
    return memcmp(&a->asked, &b->asked, sizeof(a->asked)) == 0;
}

/* Another listener of this generation has the address. */
static bool is_taken(struct rp_sockets *sockets) {
    if (*address_port(&sockets->asked) == 0) return false;
    for (const struct rp_sockets *share = shares; share; share = share->next)
        if (share->bot == sockets->bot && same_address(share, sockets)) return true;
    return false;
}

static const struct rp_sockets *predecessor(struct rp_sockets *sockets) {
    const struct rp_sockets *other = NULL;
    for (const struct rp_sockets *share = shares; share; share = share->next) {
        if (share->bot == sockets->bot || !same_address(share, sockets) || !is_open(share, sockets->count)) continue;
        if (strcmp(share->name, sockets->name) == 0) return share;
        if (!other && share->port == ntohs(*address_port(&sockets->asked))) other = share;
    }
    return other;
}

static bool copy_all(struct rp_sockets *sockets, const struct rp_sockets *from) {
    sockets->port = from->port;
    memcpy(sockets->text, from->text, sizeof(sockets->text));
    for (unsigned i = 0; i < sockets->count; i++) {
        sockets->files[i] = fcntl(from->files[i], F_DUPFD_CLOEXEC, 0);
        if (sockets->files[i] < 0) return false;
    }
    return true;
}

/* ---- what listeners call ----------------------------------------------------------------------------------------- */

static struct rp_sockets *share_create(const struct rp_element *listener, const union address *asked, unsigned count) {
    struct rp_sockets *sockets = rp_calloc(1, sizeof(*sockets) + count * sizeof(sockets->files[0]));
    sockets->bot = listener->bot;
    sockets->name = rp_strdup(listener->name);
    sockets->asked = *asked;
    sockets->count = count;
    for (unsigned i = 0; i < count; i++) sockets->files[i] = -1;
    return sockets;
}

static void share_free(struct rp_sockets *sockets) {
    for (unsigned i = 0; i < sockets->count; i++)
        if (sockets->files[i] >= 0) close(sockets->files[i]);
    free(sockets->name);
    free(sockets);
}

static bool share_fill(struct rp_sockets *sockets) {
    errno = EADDRINUSE;
    if (is_taken(sockets)) return false;
    const struct rp_sockets *from = predecessor(sockets);
    return from ? copy_all(sockets, from) : bind_all(sockets);
}

int rp_sockets_open(const struct rp_element *listener, const char *address, unsigned workers,
                    struct rp_sockets **out_sockets, struct rp_error *error) {
    union address asked;
    memset(&asked, 0, sizeof(asked));
    if (parse_address(address, &asked))
        return rp_error_set(error, RP_EINVALID, "'%s' is no address: write \"127.0.0.1:8080\" or \"[::1]:8080\"",
                            address);
    uv_once(&once, init);
    struct rp_sockets *sockets = share_create(listener, &asked, workers);
    uv_mutex_lock(&lock);
    bool good = share_fill(sockets);
    int why = errno;
    if (good) {
        sockets->next = shares;
        shares = sockets;
    }
    uv_mutex_unlock(&lock);
    if (good) {
        *out_sockets = sockets;
        return 0;
    }
    share_free(sockets);
    return rp_error_set(error, RP_EIO, "cannot listen on %s: %s", address, uv_strerror(uv_translate_sys_error(why)));
}

void rp_sockets_close(struct rp_sockets *sockets) {
    if (!sockets) return;
    uv_mutex_lock(&lock);
    struct rp_sockets **at = &shares;
    while (*at != sockets) at = &(*at)->next;
    *at = sockets->next;
    uv_mutex_unlock(&lock);
    share_free(sockets);
}

const char *rp_sockets_address(const struct rp_sockets *sockets) {
    return sockets->text;
}

int rp_sockets_take(struct rp_sockets *sockets, const struct rp_worker *worker) {
    unsigned index = rp_worker_index(worker);
    int fd = -1;
    errno = EBADF;
    uv_mutex_lock(&lock);
    if (index < sockets->count && sockets->files[index] >= 0) fd = fcntl(sockets->files[index], F_DUPFD_CLOEXEC, 0);
    uv_mutex_unlock(&lock);
    return fd;
}

void rp_sockets_leave(struct rp_sockets *sockets, const struct rp_worker *worker) {
    unsigned index = rp_worker_index(worker);
    uv_mutex_lock(&lock);
    if (index < sockets->count && sockets->files[index] >= 0) {
        close(sockets->files[index]);
        sockets->files[index] = -1;
    }
    uv_mutex_unlock(&lock);
}
