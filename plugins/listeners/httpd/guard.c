/* The states of the guard, one function each: it takes at least one byte and says where to go on. */
#include "guard.h"

enum { TOKEN = 1, TARGET = 2, VALUE = 4, HEX = 8 };

#define T3 (TOKEN | TARGET | VALUE)
#define D4 (TOKEN | TARGET | VALUE | HEX)
#define TV (TOKEN | VALUE)
#define RV (TARGET | VALUE)

/* TOKEN: RFC 9110, 5.6.2. TARGET: RFC 3986, "%" included, "#" not. VALUE: no control characters but the tab. */
static const uint8_t classes[256] = {
    ['\t'] = VALUE, [' '] = VALUE, ['!'] = T3, ['"'] = VALUE, ['#'] = TV, ['$'] = T3, ['%'] = T3, ['&'] = T3,
    ['\''] = T3, ['('] = RV, [')'] = RV, ['*'] = T3, ['+'] = T3, [','] = RV, ['-'] = T3, ['.'] = T3, ['/'] = RV,
    ['0' ... '9'] = D4, [':'] = RV, [';'] = RV, ['<'] = VALUE, ['='] = RV, ['>'] = VALUE, ['?'] = RV, ['@'] = RV,
    ['A' ... 'F'] = D4, ['G' ... 'Z'] = T3, ['['] = RV, ['\\'] = VALUE, [']'] = RV, ['^'] = TV, ['_'] = T3,
    ['`'] = TV, ['a' ... 'f'] = D4, ['g' ... 'z'] = T3, ['{'] = VALUE, ['|'] = TV, ['}'] = VALUE, ['~'] = T3,
    [0x80 ... 0xff] = VALUE,
};

#define IS(c, class) ((classes[c] & (class)) != 0)

static const unsigned char *run(const unsigned char *at, const unsigned char *end, int class) {
    while (at < end && IS(*at, class)) at++;
    return at;
}

static const unsigned char *refuse(struct guard *guard, const unsigned char *at, const char *why) {
    guard->state = GUARD_BAD;
    guard->code = RP_EINVALID;
    guard->why = why;
    return at;
}

static const unsigned char *refuse_size(struct guard *guard, const unsigned char *at, const char *why) {
    refuse(guard, at, why);
    guard->code = RP_EHEADSIZE;
    return at;
}

static size_t offset(const struct guard *guard, const unsigned char *at) {
    return guard->seen + (size_t)(at - guard->begin);
}

static const unsigned char *line_feed(struct guard *guard, const unsigned char *at, enum guard_state next) {
    if (*at != '\n') return refuse(guard, at, "the request has a carriage return without a line feed");
    guard->state = next;
    return at + 1;
}

/* ---- the request line ------------------------------------------------------------------------------------------- */

static const unsigned char *on_start(struct guard *guard, const unsigned char *at, const unsigned char *end) {
    (void)end;
    if (*at == '\r') {
        guard->state = GUARD_START_LF;
        return at + 1;
    }
    if (!IS(*at, TOKEN)) return refuse(guard, at, "the request line is not valid");
    guard->method = offset(guard, at);
    guard->state = GUARD_METHOD;
    return at;
}

static const unsigned char *on_start_lf(struct guard *guard, const unsigned char *at, const unsigned char *end) {
    (void)end;
    return line_feed(guard, at, GUARD_START);
}

static const unsigned char *on_method(struct guard *guard, const unsigned char *at, const unsigned char *end) {
    at = run(at, end, TOKEN);
    if (at == end) return at;
    if (*at != ' ') return refuse(guard, at, "the method has an invalid character");
    guard->method_len = offset(guard, at) - guard->method;
    guard->target = offset(guard, at) + 1;
    guard->state = GUARD_TARGET;
    return at + 1;
}

static const unsigned char *on_target(struct guard *guard, const unsigned char *at, const unsigned char *end) {
    at = run(at, end, TARGET);
    if (at == end) return at;
    guard->target_len = offset(guard, at) - guard->target;
    if (*at != ' ' || guard->target_len == 0) return refuse(guard, at, "the request target has an invalid character");
    guard->matched = 0;
    guard->state = GUARD_VERSION;
    return at + 1;
}

static const unsigned char *on_version(struct guard *guard, const unsigned char *at, const unsigned char *end) {
    static const char pattern[] = "HTTP/0.0\r"; /* 0 stands for a digit */
    for (; at < end; at++) {
        unsigned char want = (unsigned char)pattern[guard->matched];
        bool digit = want == '0' && *at >= '0' && *at <= '9';
        if (!digit && (*at != want || want == '0')) return refuse(guard, at, "the HTTP version is not valid");
        if (guard->matched == 5) guard->major = (uint8_t)(*at - '0');
        if (guard->matched == 7) guard->minor = (uint8_t)(*at - '0');
        if (++guard->matched < sizeof(pattern) - 1) continue;
        guard->state = GUARD_LINE_LF;
        return at + 1;
    }
    return at;
}

/* ---- fields, of the head and of trailers -------------------------------------------------------------------------- */

static struct guard_field *current(struct guard *guard) {
    return guard->chunked ? &guard->trailer : &guard->fields[guard->count];
}

static const unsigned char *on_line_lf(struct guard *guard, const unsigned char *at, const unsigned char *end) {
    (void)end;
    return line_feed(guard, at, GUARD_FIELD);
}

static const unsigned char *on_field(struct guard *guard, const unsigned char *at, const unsigned char *end) {
    (void)end;
    if (*at == '\r') {
        guard->state = GUARD_END_LF;
        return at + 1;
    }
    if (*at == ' ' || *at == '\t') return refuse(guard, at, "a header field is folded over two lines");
    if (!IS(*at, TOKEN)) return refuse(guard, at, "the name of a header field has an invalid character");
    if (guard->count + guard->trailers == guard->max_fields) {
        return refuse_size(guard, at, "the request has too many header fields");
    }
    current(guard)->name = (uint32_t)offset(guard, at);
    guard->state = GUARD_NAME;
    return at;
}

static const unsigned char *on_name(struct guard *guard, const unsigned char *at, const unsigned char *end) {
    struct guard_field *field = current(guard);
    at = run(at, end, TOKEN);
    if (at == end) return at;
    if (*at == ' ' || *at == '\t') return refuse(guard, at, "there is a space before the colon of a header field");
    if (*at != ':') return refuse(guard, at, "the name of a header field has an invalid character");
    field->name_len = (uint32_t)offset(guard, at) - field->name;
    guard->state = GUARD_SPACE;
    return at + 1;
}

static const unsigned char *on_space(struct guard *guard, const unsigned char *at, const unsigned char *end) {
    while (at < end && (*at == ' ' || *at == '\t')) at++;
    if (at == end) return at;
    current(guard)->value = (uint32_t)offset(guard, at);
    guard->state = GUARD_VALUE;
    return at;
}

static const unsigned char *on_value(struct guard *guard, const unsigned char *at, const unsigned char *end) {
    struct guard_field *field = current(guard);
    at = run(at, end, VALUE);
    if (at == end) return at;
    if (*at == '\n') return refuse(guard, at, "the request has a line feed without a carriage return");
    if (*at != '\r') return refuse(guard, at, "the value of a header field has a control character");
    field->value_len = (uint32_t)offset(guard, at) - field->value;
    if (guard->chunked) guard->trailers++;
    else guard->count++;
    guard->state = GUARD_LINE_LF;
    return at + 1;
}

static const unsigned char *on_end_lf(struct guard *guard, const unsigned char *at, const unsigned char *end) {
    (void)end;
    return line_feed(guard, at, GUARD_DONE);
}

/* ---- chunks ----------------------------------------------------------------------------------------------------- */

static int hex_value(unsigned char c) {
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

static void chunk_next(struct guard *guard) {
    guard->chunk = 0;
    guard->digits = 0;
    guard->state = GUARD_CHUNK;
}

static const unsigned char *on_chunk(struct guard *guard, const unsigned char *at, const unsigned char *end) {
    for (; at < end && IS(*at, HEX); at++) {
        if (++guard->digits > 15) return refuse(guard, at, "the length of a chunk is not valid");
        guard->chunk = guard->chunk * 16 + (uint64_t)hex_value(*at);
    }
    if (at == end) return at;
    if (guard->digits == 0 || (*at != ';' && *at != '\r')) {
        return refuse(guard, at, "the length of a chunk is not valid");
    }
    guard->body += guard->chunk;
    guard->state = *at == ';' ? GUARD_CHUNK_EXTENSION : GUARD_CHUNK_LF;
    return at + 1;
}

static const unsigned char *on_chunk_extension(struct guard *guard, const unsigned char *at,
                                               const unsigned char *end) {
    at = run(at, end, VALUE);
    if (at == end) return at;
    if (*at != '\r') return refuse(guard, at, "a chunk extension has a control character");
    guard->state = GUARD_CHUNK_LF;
    return at + 1;
}

static const unsigned char *on_chunk_lf(struct guard *guard, const unsigned char *at, const unsigned char *end) {
    (void)end;
    return line_feed(guard, at, guard->chunk > 0 ? GUARD_DATA : GUARD_FIELD);
}

static const unsigned char *on_data(struct guard *guard, const unsigned char *at, const unsigned char *end) {
    size_t here = (size_t)(end - at);
    size_t take = guard->chunk < here ? (size_t)guard->chunk : here;
    guard->chunk -= take;
    if (guard->chunk == 0) guard->state = GUARD_DATA_CR;
    return at + take;
}

static const unsigned char *on_data_cr(struct guard *guard, const unsigned char *at, const unsigned char *end) {
    (void)end;
    if (*at != '\r') return refuse(guard, at, "a chunk is longer than its length says");
    guard->state = GUARD_DATA_LF;
    return at + 1;
}

static const unsigned char *on_data_lf(struct guard *guard, const unsigned char *at, const unsigned char *end) {
    (void)end;
    if (*at != '\n') return refuse(guard, at, "a chunk is longer than its length says");
    chunk_next(guard);
    return at + 1;
}

/* ---- the walk --------------------------------------------------------------------------------------------------- */

typedef const unsigned char *step(struct guard *guard, const unsigned char *at, const unsigned char *end);

static step *const steps[] = {
    [GUARD_START] = on_start, [GUARD_START_LF] = on_start_lf, [GUARD_METHOD] = on_method,
    [GUARD_TARGET] = on_target, [GUARD_VERSION] = on_version, [GUARD_LINE_LF] = on_line_lf,
    [GUARD_FIELD] = on_field, [GUARD_NAME] = on_name, [GUARD_SPACE] = on_space, [GUARD_VALUE] = on_value,
    [GUARD_END_LF] = on_end_lf, [GUARD_CHUNK] = on_chunk, [GUARD_CHUNK_EXTENSION] = on_chunk_extension,
    [GUARD_CHUNK_LF] = on_chunk_lf, [GUARD_DATA] = on_data, [GUARD_DATA_CR] = on_data_cr,
    [GUARD_DATA_LF] = on_data_lf,
};

/* Extensions and trailers are of no use to anybody: what counts is that they end. */
static bool is_extra(enum guard_state state) {
    return state == GUARD_CHUNK_EXTENSION || (state >= GUARD_LINE_LF && state <= GUARD_END_LF);
}

void guard_init(struct guard *guard, struct guard_field *fields, unsigned max_fields, size_t max_extra) {
    *guard = (struct guard){.fields = fields, .max_fields = max_fields, .max_extra = max_extra};
}

size_t guard_walk(struct guard *guard, const char *data, size_t len) {
    const unsigned char *at = (const unsigned char *)data, *end = at + len;
    guard->begin = at;
    while (at < end && guard->state < GUARD_DONE) {
        enum guard_state state = guard->state;
        const unsigned char *next = steps[state](guard, at, end);
        if (guard->chunked && is_extra(state)) guard->extra += (size_t)(next - at);
        if (guard->extra > guard->max_extra && guard->state != GUARD_BAD) {
            refuse_size(guard, at, "chunk extensions or trailers are too large");
        }
        at = next;
    }
    size_t taken = (size_t)(at - (const unsigned char *)data);
    guard->seen += taken;
    return taken;
}

void guard_expect_chunks(struct guard *guard) {
    guard->chunked = true;
    chunk_next(guard);
}
