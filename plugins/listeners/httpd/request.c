/* Feeds bytes to the guard, then to llhttp, and holds the two against each other: where they disagree about what a
 * request is, it is refused. The meaning of the head is in head.c. */
#include "request.h"
#include "head.h"

#include <stdlib.h>

enum { KEEP_BYTES = 4096 }; /* of a buffer from one request to the next */

static void refuse(struct request *request, int code, const char *why) {
    request->state = REQUEST_BAD;
    request->code = code;
    request->status = rp_error_http_status(code);
    request->why = why;
}

/* ---- llhttp ----------------------------------------------------------------------------------------------------- */

static struct request *of_parser(llhttp_t *parser) {
    return parser->data;
}

static int on_headers_complete(llhttp_t *parser) {
    struct request *request = of_parser(parser);
    request->head_parsed = true;
    request->keep_alive = llhttp_should_keep_alive(parser) != 0;
    return 0;
}

static int on_body(llhttp_t *parser, const char *data, size_t len) {
    return rp_buf_append(&of_parser(parser)->body, data, len) == 0 ? 0 : HPE_USER;
}

static int on_message_complete(llhttp_t *parser) {
    of_parser(parser)->parsed = true;
    return 0;
}

static const llhttp_settings_t settings = {
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

static bool parse(struct request *request, const char *data, size_t len) {
    llhttp_errno_t error = llhttp_execute(&request->parser, data, len);
    if (error == HPE_OK || (error == HPE_PAUSED_UPGRADE && request->parsed)) return true;
    if (error == HPE_INVALID_METHOD) {
        refuse(request, RP_EUNSUPPORTED, "this method is not known");
    } else {
        refuse(request, RP_EINVALID, "the request is not valid HTTP");
    }
    return false;
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

static void begin(struct request *request) {
    guard_init(&request->guard, request->fields, request->limits.fields, request->limits.head);
    llhttp_init(&request->parser, HTTP_REQUEST, &settings);
    request->parser.data = request;
}

void request_init(struct request *request, const struct request_limits *limits) {
    memset(request, 0, sizeof(*request));
    request->limits = *limits;
    request->fields = rp_calloc(limits->fields, sizeof(*request->fields));
    rp_buf_init(&request->head, limits->head);
    rp_buf_init(&request->body, limits->body);
    begin(request);
}

void request_finish(struct request *request) {
    rp_buf_finish(&request->head);
    rp_buf_finish(&request->body);
    free(request->fields);
}

static void recycle(struct rp_buf *buf) {
    if (buf->cap > KEEP_BYTES) rp_buf_finish(buf);
    rp_buf_clear(buf);
}

void request_reset(struct request *request) {
    struct request fresh = {.limits = request->limits, .fields = request->fields};
    recycle(&request->head);
    recycle(&request->body);
    fresh.head = request->head;
    fresh.body = request->body;
    *request = fresh;
    begin(request);
}

void request_compact(struct request *request) {
    request->fields = rp_realloc(request->fields, (request->guard.count + 1) * sizeof(*request->fields));
    request->guard.fields = request->fields;
    rp_buf_finish(&request->body);
}

bool request_started(const struct request *request) {
    return request->guard.state > GUARD_START_LF;
}

/* ---- the head --------------------------------------------------------------------------------------------------- */

static bool framing_agrees(const struct request *request, const struct head *head) {
    const llhttp_t *parser = &request->parser;
    bool chunked = (parser->flags & F_CHUNKED) != 0;
    bool empty = !head->chunked && head->length == 0;
    if (!request->head_parsed) return false;
    if (empty) return request->parsed;
    return !request->parsed && chunked == head->chunked && (chunked || parser->content_length == head->length);
}

static void head_end(struct request *request) {
    struct head head;
    struct head_fault fault = head_read(request, &head);
    if (fault.code) {
        refuse(request, fault.code, fault.why);
        if (fault.status) request->status = fault.status;
        return;
    }
    if (!parse(request, request->head.data, request->head.len)) return;
    if (!framing_agrees(request, &head)) {
        refuse(request, RP_EINVALID, "the request is not valid HTTP");
        return;
    }
    request->left = head.length;
    if (head.chunked) guard_expect_chunks(&request->guard);
    request->state = request->parsed ? REQUEST_DONE : REQUEST_BODY;
    request->expects = head.expects && !request->old && request->state == REQUEST_BODY;
}

static size_t feed_head(struct request *request, const char *data, size_t len) {
    struct guard *guard = &request->guard;
    size_t room = request->head.max - request->head.len;
    size_t taken = guard_walk(guard, data, len < room ? len : room);
    if (guard->state == GUARD_BAD) {
        refuse(request, guard->code, guard->why);
        return taken;
    }
    bool full = rp_buf_append(&request->head, data, taken) != 0 || (guard->state != GUARD_DONE && taken == room);
    if (full) {
        refuse(request, RP_EHEADSIZE, NULL);
    } else if (guard->state == GUARD_DONE) {
        head_end(request);
    }
    return taken;
}

/* ---- the body --------------------------------------------------------------------------------------------------- */

static size_t feed_sized(struct request *request, const char *data, size_t len) {
    size_t take = request->left < len ? (size_t)request->left : len;
    if (!parse(request, data, take)) return take;
    request->left -= take;
    if (request->parsed != (request->left == 0)) refuse(request, RP_EINVALID, "the request is not valid HTTP");
    if (request->state != REQUEST_BAD && request->parsed) request->state = REQUEST_DONE;
    return take;
}

static size_t feed_chunked(struct request *request, const char *data, size_t len) {
    struct guard *guard = &request->guard;
    size_t taken = guard_walk(guard, data, len);
    if (guard->body > request->limits.body) {
        refuse(request, RP_ETOOLARGE, NULL);
    } else if (guard->state == GUARD_BAD) {
        refuse(request, guard->code, guard->why);
    } else if (parse(request, data, taken)) {
        bool done = guard->state == GUARD_DONE;
        if (request->parsed != done) {
            refuse(request, RP_EINVALID, "the chunked body is not valid");
        } else if (done) {
            request->state = REQUEST_DONE;
        }
    }
    return taken;
}

size_t request_feed(struct request *request, const char *data, size_t len) {
    size_t taken = 0;
    if (request->state == REQUEST_HEAD) taken = feed_head(request, data, len);
    if (request->state != REQUEST_BODY || taken == len) return taken;
    if (request->guard.chunked) return taken + feed_chunked(request, data + taken, len - taken);
    return taken + feed_sized(request, data + taken, len - taken);
}

struct rp_str request_field(const struct request *request, const char *name, unsigned n) {
    struct rp_str wanted = rp_str(name);
    for (unsigned i = 0; i < request->guard.count; i++) {
        const struct guard_field *field = &request->fields[i];
        struct rp_str here = rp_str_n(request->head.data + field->name, field->name_len);
        if (head_name_is(here, wanted) && n-- == 0)
            return rp_str_n(request->head.data + field->value, field->value_len);
    }
    return rp_str_n(NULL, 0);
}
