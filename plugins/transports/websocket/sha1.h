/* SHA-1, for the one thing that WebSocket still needs it for: the answer to Sec-WebSocket-Key. It proves that the
 * server speaks the protocol and protects nothing. */
#ifndef WEBSOCKET_SHA1_H
#define WEBSOCKET_SHA1_H

#include <repartee/base.h>

#define SHA1_SIZE 20

void sha1(struct rp_str data, uint8_t out_digest[SHA1_SIZE]);

#endif
