/* Listening TCP sockets: one for each worker, all on one address (SO_REUSEPORT).
 *
 * They outlive the listener that opened them. When a reload's new listener asks for the address that one of an earlier
 * generation has, it gets the same sockets, with the connections that wait in them, even where another build of the
 * plugin asks. So no connection is refused while one takes over from the other. */
#ifndef REPARTEE_SOCKETS_H
#define REPARTEE_SOCKETS_H

#include <repartee/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rp_sockets; /* one listener's share of them */

/* "127.0.0.1:8080", "localhost:80", "[::1]:8080"; port 0 takes any free one, and keeps it for a listener of the same
 * name. -RP_EINVALID, or -RP_EIO where another process has the port. In bind() of the listener. */
RP_EXPORT int rp_sockets_open(const struct rp_element *listener, const char *address, unsigned workers,
                              struct rp_sockets **out_sockets, struct rp_error *error);
RP_EXPORT void rp_sockets_close(struct rp_sockets *sockets); /* takes NULL; main thread */
RP_EXPORT const char *rp_sockets_address(const struct rp_sockets *sockets); /* with the real port */
/* A worker's socket, to listen on: the descriptor is the caller's to close. -1: there is none (errno tells). */
RP_EXPORT int rp_sockets_take(struct rp_sockets *sockets, const struct rp_worker *worker);
/* This worker takes no more connections here. Unless another generation shares the socket, connections that wait in it
 * are lost: accept them first. */
RP_EXPORT void rp_sockets_leave(struct rp_sockets *sockets, const struct rp_worker *worker);

#ifdef __cplusplus
}
#endif
#endif
