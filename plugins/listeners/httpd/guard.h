/* The strict check in front of the HTTP parser: bytes that two parsers could read in two ways never reach it.
 *
 * It walks over a request's head, chunk framing and trailers byte by byte, each byte once however the input is cut,
 * and notes where the fields are. What the fields mean is not its business (request.c), nor are bodies with a
 * Content-Length. */
#ifndef HTTPD_GUARD_H
#define HTTPD_GUARD_H

#include <repartee/base.h>

struct guard_field { /* offsets into the head */
    uint32_t name, name_len, value, value_len;
};

enum guard_state {
    GUARD_START, /* empty lines before the request line are skipped */
    GUARD_START_LF,
    GUARD_METHOD,
    GUARD_TARGET,
    GUARD_VERSION,
    GUARD_LINE_LF,
    GUARD_FIELD,
    GUARD_NAME,
    GUARD_SPACE,
    GUARD_VALUE,
    GUARD_END_LF,
    GUARD_CHUNK, /* the hexadecimal length of a chunk */
    GUARD_CHUNK_EXTENSION,
    GUARD_CHUNK_LF,
    GUARD_DATA,
    GUARD_DATA_CR,
    GUARD_DATA_LF,
    GUARD_DONE, /* of the head, or of a chunked body with its trailers */
    GUARD_BAD,
};

struct guard {
    enum guard_state state;
    int code;        /* GUARD_BAD: RP_E…, */
    const char *why; /* and a sentence for the client */
    size_t seen;     /* bytes of the head so far */
    size_t method, method_len, target, target_len;
    unsigned matched;             /* characters of the version */
    uint8_t major, minor;
    struct guard_field *fields;   /* room for max_fields */
    unsigned count, max_fields;
    unsigned trailers;            /* counted with the fields, but not kept */
    struct guard_field trailer;
    bool chunked;                 /* past the head, in a chunked body */
    unsigned digits;
    uint64_t chunk, body;         /* what is left of this chunk; the announced bytes of all so far */
    size_t extra, max_extra;      /* bytes of chunk extensions and trailers */
    const unsigned char *begin;   /* of the input at hand */
};

void guard_init(struct guard *guard, struct guard_field *fields, unsigned max_fields, size_t max_extra);
/* Walks on until GUARD_DONE, GUARD_BAD or the end of the input; returns how many bytes it took. */
size_t guard_walk(struct guard *guard, const char *data, size_t len);
/* After the head: what follows is a chunked body. */
void guard_expect_chunks(struct guard *guard);

#endif
