/* Memory and text: slices, the turn's arena, the bounded buffer, UTF-8, JSON text, random ids.
 *
 * A `struct rp_str` is borrowed for the call unless the receiver says that it copies. Small allocations abort the
 * process when memory is out; sizes that a peer controls go through `struct rp_buf`, whose ceiling is mandatory, and
 * fail with -RP_ETOOLARGE. Nothing here is locked: an arena or a buffer belongs to one thread at a time. */
#ifndef REPARTEE_BASE_H
#define REPARTEE_BASE_H

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <repartee/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes with a length; `data` need not end in NUL and may be NULL when `len` is 0. */
struct rp_str {
    const char *data;
    size_t len;
};

#define RP_STR(literal) ((struct rp_str){(literal), sizeof(literal) - 1})
#define RP_STR_ARG(s) (int)(s).len, (s).data ? (s).data : "" /* for "%.*s" */

static inline struct rp_str rp_str(const char *text) {
    return (struct rp_str){text, text ? strlen(text) : 0};
}
static inline struct rp_str rp_str_n(const char *data, size_t len) {
    return (struct rp_str){data, len};
}
static inline bool rp_str_equal(struct rp_str a, struct rp_str b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}
static inline bool rp_str_is(struct rp_str text, const char *word) {
    return rp_str_equal(text, rp_str(word));
}

/* A whole number in decimal digits, with a minus where it is negative, and nothing else. 0, or -RP_EINVALID, also for one
 * that does not fit, with the result untouched. */
RP_EXPORT int rp_str_int64(struct rp_str text, int64_t *out_number);

/* ---- heap ------------------------------------------------------------------------------------------------------- */

/* malloc, calloc, realloc and strdup that abort when memory is out. Free with free(). For small, fixed sizes. */
RP_EXPORT void *rp_alloc(size_t size);
RP_EXPORT void *rp_calloc(size_t count, size_t size);
RP_EXPORT void *rp_realloc(void *pointer, size_t size);
RP_EXPORT char *rp_strdup(const char *text);

/* ---- arena ------------------------------------------------------------------------------------------------------ */

/* Memory that ends all at once, with the turn. Aligned for any type. Allocations are not freed one by one. */
struct rp_arena;

RP_EXPORT struct rp_arena *rp_arena_create(void);
RP_EXPORT void rp_arena_destroy(struct rp_arena *arena); /* runs what was deferred, last first; takes NULL */
RP_EXPORT void rp_arena_reset(struct rp_arena *arena);   /* the same, and the arena can be used again */
RP_EXPORT void *rp_arena_alloc(struct rp_arena *arena, size_t size);  /* not zeroed */
RP_EXPORT void *rp_arena_zalloc(struct rp_arena *arena, size_t size); /* zeroed */
RP_EXPORT char *rp_arena_copy(struct rp_arena *arena, const void *data, size_t len); /* adds a NUL */
RP_EXPORT struct rp_str rp_arena_str(struct rp_arena *arena, struct rp_str text);    /* a copy, with a NUL */
/* Both, one behind the other, whatever bytes are in them; printf would end at a NUL. */
RP_EXPORT struct rp_str rp_arena_join(struct rp_arena *arena, struct rp_str front, struct rp_str back);
RP_EXPORT char *rp_arena_printf(struct rp_arena *arena, const char *format, ...) RP_PRINTF(2, 3);
/* Calls fn(arg) when the arena ends, last deferred first: for what the arena's memory merely points to. */
RP_EXPORT void rp_arena_defer(struct rp_arena *arena, void (*fn)(void *arg), void *arg);

/* ---- buffer ----------------------------------------------------------------------------------------------------- */

/* Growing bytes with a ceiling. `data` ends in a NUL that `len` does not count, and is NULL before the first use. */
struct rp_buf {
    char *data;
    size_t len;
    size_t cap;
    size_t max; /* bytes; `len` never exceeds it */
};

RP_EXPORT void rp_buf_init(struct rp_buf *buf, size_t max);
RP_EXPORT void rp_buf_finish(struct rp_buf *buf); /* frees the memory; the buffer can be used again */
/* 0, or -RP_ETOOLARGE with the buffer untouched. `data` must not lie in the buffer itself. */
static inline int rp_buf_append(struct rp_buf *buf, const void *data, size_t len);
RP_EXPORT int rp_buf_append_growing(struct rp_buf *buf, const void *data, size_t len); /* the same, not inline */
RP_EXPORT int rp_buf_int(struct rp_buf *buf, int64_t number); /* appends it in decimal; far quicker than printf */
RP_EXPORT int rp_buf_printf(struct rp_buf *buf, const char *format, ...) RP_PRINTF(2, 3);
RP_EXPORT int rp_buf_reserve(struct rp_buf *buf, size_t more); /* room for `more` bytes behind `len` */
RP_EXPORT void rp_buf_consume(struct rp_buf *buf, size_t len); /* drops bytes from the front */
static inline int rp_buf_append(struct rp_buf *buf, const void *data, size_t len) {
    if (len >= buf->cap - buf->len || buf->len + len > buf->max) return rp_buf_append_growing(buf, data, len);
    if (len) memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
    return 0;
}
static inline int rp_buf_append_str(struct rp_buf *buf, struct rp_str text) {
    return rp_buf_append(buf, text.data, text.len);
}
static inline void rp_buf_clear(struct rp_buf *buf) {
    buf->len = 0;
    if (buf->data) buf->data[0] = '\0';
}
static inline struct rp_str rp_buf_str(const struct rp_buf *buf) {
    return (struct rp_str){buf->data, buf->len};
}

/* ---- UTF-8 ------------------------------------------------------------------------------------------------------ */

RP_EXPORT bool rp_utf8_valid(const char *data, size_t len); /* strict: no surrogates, no overlong forms */
/* The length of the longest prefix that does not end inside a character; bytes that can never be valid are kept. */
RP_EXPORT size_t rp_utf8_whole(const char *data, size_t len);

/* ---- names ------------------------------------------------------------------------------------------------------ */

/* The name that somebody most likely meant, for "did you mean …?": the one with the fewest edits (insert, delete, replace,
 * swap neighbours) away from `wanted`, the first of equals; NULL when even that takes more than max(1, length / 3).
 * Capitals count as small letters. */
RP_EXPORT const char *rp_nearest_name(const char *wanted, const char *const *names, size_t count);

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

#define RP_JSON_DEPTH 32 /* arrays and objects inside one another that rp_json_parse takes */

/* Parses a whole text: UTF-8, at most RP_JSON_DEPTH deep, no duplicate keys, nothing behind the value.
 * 0 and a new reference, or -RP_EJSON with `error` filled (line and what was wrong). `error` may be NULL. */
RP_EXPORT int rp_json_parse(const char *data, size_t len, json_t **out_value, struct rp_error *error);
/* Replaces what a JSON text says, and leaves it JSON: `map` gets every text in it, decoded (strings, names of members,
 * whole numbers as they are written), and gives what shall stand instead, `text` itself for no change. A number that is
 * replaced becomes a string. `*out_json`: memory of the arena, or `json` itself where nothing was replaced. 0, the first
 * error of `map`, or -RP_EJSON for what does not parse. */
RP_EXPORT int rp_json_map(struct rp_arena *arena, struct rp_str json,
                          int (*map)(void *arg, struct rp_str text, struct rp_str *out_text), void *arg,
                          struct rp_str *out_json);
/* Appends a quoted JSON string; control characters are escaped, broken UTF-8 becomes U+FFFD. */
RP_EXPORT int rp_buf_json(struct rp_buf *buf, const char *data, size_t len);
/* Appends a value as compact JSON. 0, -RP_ETOOLARGE, or -RP_EINVALID for what cannot be written (broken UTF-8). */
RP_EXPORT int rp_buf_json_value(struct rp_buf *buf, const json_t *value);
/* Appends a number between -1e12 and 1e12, to six decimals, whatever the locale says about decimal points. */
RP_EXPORT int rp_buf_json_number(struct rp_buf *buf, double number);
/* Appends `{"error": {"code": …, "message": …, "request_id": …}}`; message NULL takes the code's own sentence. */
RP_EXPORT int rp_buf_json_error(struct rp_buf *buf, int code, const char *message, const char *request_id);

/* ---- ids and time ----------------------------------------------------------------------------------------------- */

#define RP_ID_SIZE 27 /* 26 characters of 0-9 and a-z (128 random bits) and the NUL */

RP_EXPORT void rp_id(char out_id[RP_ID_SIZE]);
RP_EXPORT void rp_random(void *out_bytes, size_t len); /* cryptographically strong */
RP_EXPORT int64_t rp_now_ns(void);  /* monotonic: to measure with */
RP_EXPORT int64_t rp_steady_ns(void); /* monotonic, as timers go: for limits and waits; a conversation test moves it */
RP_EXPORT int64_t rp_wall_ms(void); /* milliseconds since 1970, UTC */

#ifdef __cplusplus
}
#endif
#endif
