/* The rules about a head that need the whole of it: which fields there must be, may be only once, and exclude each
 * other. Anything that leaves the end of the request in doubt is refused, never repaired. */
#include "head.h"

#include <ctype.h>
#include <strings.h>

#define FINE ((struct head_fault){0})
#define INVALID(text) ((struct head_fault){.code = RP_EINVALID, .why = (text)})

struct seen {
    bool host, length, encoding;
};

bool head_name_is(struct rp_str name, struct rp_str wanted) {
    return name.len == wanted.len && strncasecmp(name.data, wanted.data, wanted.len) == 0;
}

/* ---- the target ------------------------------------------------------------------------------------------------- */

static bool percents_valid(struct rp_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != '%') continue;
        if (text.len - i < 3) return false;
        if (!isxdigit((unsigned char)text.data[i + 1]) || !isxdigit((unsigned char)text.data[i + 2])) return false;
    }
    return true;
}

/* "http://shop.example/v1/chat?x" counts as "/v1/chat?x"; data NULL: neither of the two forms. */
static struct rp_str origin_form(struct rp_str target) {
    static const struct rp_str scheme = {"http://", 7};
    if (target.data[0] == '/') return target;
    if (target.len <= scheme.len || strncasecmp(target.data, scheme.data, scheme.len) != 0) return rp_str_n(NULL, 0);
    const char *slash = memchr(target.data + scheme.len, '/', target.len - scheme.len);
    if (!slash) return memchr(target.data, '?', target.len) ? rp_str_n(NULL, 0) : RP_STR("/");
    return rp_str_n(slash, target.len - (size_t)(slash - target.data));
}

static struct head_fault read_target(struct request *request) {
    struct rp_str target = request->target, path;
    if (rp_str_equal(target, RP_STR("*")) && rp_str_equal(request->method, RP_STR("OPTIONS"))) {
        path = target;
    } else {
        path = origin_form(target);
    }
    if (!path.data || !percents_valid(path)) return INVALID("the request target is not valid");
    const char *mark = memchr(path.data, '?', path.len);
    request->path = path;
    if (mark) {
        request->path.len = (size_t)(mark - path.data);
        request->query = rp_str_n(mark + 1, path.len - request->path.len - 1);
    }
    return FINE;
}

/* ---- fields ----------------------------------------------------------------------------------------------------- */

static struct head_fault read_host(struct rp_str value, struct seen *seen) {
    if (seen->host) return INVALID("the field Host stands there twice");
    seen->host = true;
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if (c <= ' ' || c >= 0x7f || strchr("\"#/<>?@\\^`{|}", c)) return INVALID("the field Host is not valid");
    }
    return FINE;
}

static struct head_fault read_length(struct request *request, struct rp_str value, struct seen *seen,
                                     struct head *head) {
    if (seen->length) return INVALID("the field Content-Length stands there twice");
    seen->length = true;
    if (value.len == 0) return INVALID("the field Content-Length is not a number");
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') return INVALID("the field Content-Length is not a number");
        if (head->length <= request->limits.body) head->length = head->length * 10 + (uint64_t)(value.data[i] - '0');
    }
    return FINE;
}

static struct head_fault read_encoding(struct rp_str value, struct seen *seen, struct head *head) {
    if (seen->encoding) return INVALID("the field Transfer-Encoding stands there twice");
    seen->encoding = true;
    if (!head_name_is(value, RP_STR("chunked"))) return INVALID("the only Transfer-Encoding taken is chunked");
    head->chunked = true;
    return FINE;
}

static struct head_fault read_expect(struct rp_str value, struct head *head) {
    if (!head_name_is(value, RP_STR("100-continue"))) {
        return (struct head_fault){RP_EUNSUPPORTED, 417, "the only expectation that can be met is 100-continue"};
    }
    head->expects = true;
    return FINE;
}

static void read_id(struct request *request, struct rp_str value) {
    if (value.len == 0 || value.len >= REQUEST_ID_SIZE || request->id[0]) return;
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if (c >= 0x80 || (!isalnum(c) && c != '.' && c != '_' && c != '-')) return;
    }
    memcpy(request->id, value.data, value.len);
    request->id[value.len] = '\0';
}

static struct head_fault read_field(struct request *request, struct rp_str name, struct rp_str value, struct seen *seen,
                                    struct head *head) {
    switch (name.len) { /* most fields are none of these, and their length tells */
    case 4:
        if (head_name_is(name, RP_STR("Host"))) return read_host(value, seen);
        break;
    case 6:
        if (head_name_is(name, RP_STR("Expect"))) return read_expect(value, head);
        break;
    case 12:
        if (head_name_is(name, RP_STR("X-Request-Id"))) read_id(request, value);
        break;
    case 14:
        if (head_name_is(name, RP_STR("Content-Length"))) return read_length(request, value, seen, head);
        break;
    case 17:
        if (head_name_is(name, RP_STR("Transfer-Encoding"))) return read_encoding(value, seen, head);
        break;
    }
    return FINE;
}

static struct head_fault read_fields(struct request *request, struct seen *seen, struct head *head) {
    const char *text = request->head.data;
    for (unsigned i = 0; i < request->guard.count; i++) {
        struct guard_field *field = &request->fields[i];
        while (field->value_len > 0 && strchr(" \t", text[field->value + field->value_len - 1])) field->value_len--;
        struct head_fault fault = read_field(request, rp_str_n(text + field->name, field->name_len),
                                             rp_str_n(text + field->value, field->value_len), seen, head);
        if (fault.code) return fault;
    }
    return FINE;
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

static struct head_fault check_framing(const struct request *request, const struct seen *seen,
                                       const struct head *head) {
    if (!seen->host && !request->old) return INVALID("the field Host is missing");
    if (seen->length && seen->encoding) return INVALID("Content-Length and Transfer-Encoding exclude each other");
    if (seen->encoding && request->old) return INVALID("HTTP/1.0 knows no Transfer-Encoding");
    if (head->length > request->limits.body) return (struct head_fault){.code = RP_ETOOLARGE};
    return FINE;
}

struct head_fault head_read(struct request *request, struct head *out_head) {
    const struct guard *guard = &request->guard;
    struct seen seen = {0};
    *out_head = (struct head){0};
    if (guard->major != 1)
        return (struct head_fault){RP_EUNSUPPORTED, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
    if (guard->minor > 1)
        return (struct head_fault){RP_EUNSUPPORTED, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
    request->old = guard->minor == 0;
    request->method = rp_str_n(request->head.data + guard->method, guard->method_len);
    request->target = rp_str_n(request->head.data + guard->target, guard->target_len);
    if (rp_str_equal(request->method, RP_STR("CONNECT"))) {
        return (struct head_fault){.code = RP_EUNSUPPORTED, .why = "this server is no proxy"};
    }
    struct head_fault fault = read_target(request);
    if (!fault.code) fault = read_fields(request, &seen, out_head);
    if (!fault.code) fault = check_framing(request, &seen, out_head);
    return fault;
}
