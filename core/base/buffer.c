/* The bounded buffer: for whatever a peer can make grow. */
#include <repartee/base.h>

#include <stdio.h>
#include <stdlib.h>

#include "core/base/digits.h"

#define SMALLEST 64

void rp_buf_init(struct rp_buf *buf, size_t max) {
    *buf = (struct rp_buf){.max = max};
}

void rp_buf_finish(struct rp_buf *buf) {
    free(buf->data);
    rp_buf_init(buf, buf->max);
}

/* Doubles, but never beyond the ceiling and its NUL. When memory is out the peer asked for too much as well. */
static int buf_grow(struct rp_buf *buf, size_t need) {
    size_t cap = buf->cap < SMALLEST / 2 ? SMALLEST : buf->cap * 2;

    if (cap > buf->max) cap = buf->max + 1;
    if (cap < need) cap = need;
    char *data = realloc(buf->data, cap);
    if (!data) return -RP_ETOOLARGE;
    if (!buf->data) data[0] = '\0';
    buf->data = data;
    buf->cap = cap;
    return 0;
}

int rp_buf_reserve(struct rp_buf *buf, size_t more) {
    if (buf->len > buf->max || more > buf->max - buf->len || more >= PTRDIFF_MAX - buf->len) return -RP_ETOOLARGE;
    size_t need = buf->len + more + 1;
    return need <= buf->cap ? 0 : buf_grow(buf, need);
}

int rp_buf_append_growing(struct rp_buf *buf, const void *data, size_t len) {
    if (rp_buf_reserve(buf, len)) return -RP_ETOOLARGE;
    if (len) memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
    return 0;
}

int rp_buf_int(struct rp_buf *buf, int64_t number) {
    char digits[DIGITS_MAX], *end = digits + sizeof(digits);
    char *first = digits_before(end, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, 1);
    if (number < 0) *--first = '-';
    return rp_buf_append(buf, first, (size_t)(end - first));
}

/* Prints behind `len`: the length that the whole text has, whether it fitted or not. */
static int print(struct rp_buf *buf, const char *format, va_list args) {
    size_t room = buf->cap - buf->len;
    return vsnprintf(buf->data + buf->len, room, format, args);
}

int rp_buf_printf(struct rp_buf *buf, const char *format, ...) {
    va_list args, again;
    int status = rp_buf_reserve(buf, 0);

    if (status) return status;
    va_start(args, format);
    va_copy(again, args);
    int len = print(buf, format, args);
    if (len < 0) {
        status = -RP_EINTERNAL;
    } else if ((size_t)len >= buf->cap - buf->len) {
        status = rp_buf_reserve(buf, (size_t)len);
        if (!status) print(buf, format, again);
    }
    va_end(again);
    va_end(args);
    if (!status) buf->len += (size_t)len;
    buf->data[buf->len] = '\0';
    return status;
}

void rp_buf_consume(struct rp_buf *buf, size_t len) {
    if (len >= buf->len) {
        rp_buf_clear(buf);
        return;
    }
    buf->len -= len;
    memmove(buf->data, buf->data + len, buf->len + 1);
}
