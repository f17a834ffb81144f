/* The opening handshake: is this request a WebSocket, may it be one, and what proves that we understood. The listener
 * has checked the framing of the request; sending the answer is connection.c's. */
#include "handshake.h"

#include "sha1.h"

#include <stdio.h>
#include <strings.h>

#define KEY_LENGTH 24 /* 16 bytes in base64 */
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static bool equal_nocase(struct rp_str text, struct rp_str other) {
    return text.len == other.len && (text.len == 0 || strncasecmp(text.data, other.data, text.len) == 0);
}

static struct rp_str trim(struct rp_str text) {
    while (text.len && (*text.data == ' ' || *text.data == '\t')) text = rp_str_n(text.data + 1, text.len - 1);
    while (text.len && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t')) text.len--;
    return text;
}

/* Is `token` in a list like "keep-alive, Upgrade"? */
static bool has_token(struct rp_str list, struct rp_str token) {
    while (list.len) {
        const char *comma = memchr(list.data, ',', list.len);
        size_t len = comma ? (size_t)(comma - list.data) : list.len;
        if (equal_nocase(trim(rp_str_n(list.data, len)), token)) return true;
        len += comma ? 1 : 0;
        list = rp_str_n(list.data + len, list.len - len);
    }
    return false;
}

static bool key_valid(struct rp_str key) {
    if (key.len != KEY_LENGTH || key.data[22] != '=' || key.data[23] != '=') return false;
    for (size_t i = 0; i < 22; i++) {
        if (key.data[i] == '\0' || !strchr(base64, key.data[i])) return false;
    }
    return true;
}

/* A client without an Origin is no browser, and could send any it likes. */
static bool origin_allowed(struct rp_str origin, const struct rp_option_list *origins) {
    if (origins->count == 0 || !origin.data) return true;
    for (size_t i = 0; i < origins->count; i++) {
        if (equal_nocase(origin, rp_str(origins->items[i]))) return true;
    }
    return false;
}

static int refuse(struct refusal *out, int status, int code, const char *fields, const char *message) {
    *out = (struct refusal){.status = status, .code = code, .fields = fields, .message = message};
    return -code;
}

int handshake_check(const struct handshake *handshake, const struct rp_option_list *origins,
                    struct refusal *out_refusal) {
    if (!rp_str_equal(handshake->method, RP_STR("GET")) || !has_token(handshake->upgrade, RP_STR("websocket")) ||
        !has_token(handshake->connection, RP_STR("upgrade"))) {
        return refuse(out_refusal, 426, RP_EINVALID, "Upgrade: websocket\r\n", "this address speaks only WebSocket");
    }
    if (!rp_str_equal(handshake->version, RP_STR("13"))) {
        return refuse(out_refusal, 426, RP_EINVALID, "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
                      "only version 13 of the WebSocket protocol is spoken here");
    }
    if (!key_valid(handshake->key)) {
        return refuse(out_refusal, 400, RP_EINVALID, NULL, "Sec-WebSocket-Key must be 16 bytes in base64");
    }
    if (!origin_allowed(handshake->origin, origins)) {
        return refuse(out_refusal, 403, RP_EFORBIDDEN, NULL, "pages of this origin may not connect");
    }
    return 0;
}

void handshake_accept(struct rp_str key, char out_accept[HANDSHAKE_ACCEPT_SIZE]) {
    char text[KEY_LENGTH + sizeof GUID];
    uint8_t digest[SHA1_SIZE + 1] = {0}; /* 21 bytes: whole groups of three */
    snprintf(text, sizeof text, "%.*s" GUID, RP_STR_ARG(key));
    sha1(rp_str(text), digest);
    char *at = out_accept;
    for (size_t i = 0; i < sizeof digest; i += 3) {
        uint32_t group = (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 1] << 8 | digest[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6) *at++ = base64[group >> shift & 63];
    }
    out_accept[HANDSHAKE_ACCEPT_SIZE - 2] = '='; /* 20 bytes leave the last character over */
    out_accept[HANDSHAKE_ACCEPT_SIZE - 1] = '\0';
}
