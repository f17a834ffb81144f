/* What a call is in Redis' own words, and what the answers mean. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "redis.h"

#define TTL_MAX_MS INT64_C(3153600000000) /* a hundred years: beyond that it is for ever */
#define SCAN_COUNT "256"

/* A number that is not there yet begins as 0, with its life: one that is there has got it already. */
static int send_zero(redisAsyncContext *context, const struct call *call, const char *ttl) {
    const char *words[] = {"SET", call->bytes, "0", "NX", "PX", ttl};
    const size_t sizes[] = {3, call->key_len, 1, 2, 2, strlen(ttl)};
    return redisAsyncCommandArgv(context, NULL, NULL, 6, words, sizes);
}

static bool expires(const struct call *call) {
    return call->ttl_ms > 0 && call->ttl_ms <= TTL_MAX_MS;
}

int command_send(redisAsyncContext *context, const struct call *call, redisCallbackFn *done, void *arg) {
    char ttl[24], delta[24];
    const char *key = call->bytes, *value = call->bytes + call->key_len;
    snprintf(ttl, sizeof ttl, "%" PRId64, call->ttl_ms);
    snprintf(delta, sizeof delta, "%" PRId64, call->delta);
    const char *words[][6] = {
        [CALL_GET] = {"GET", key},
        [CALL_PUT] = {"SET", key, value, "PX", ttl},
        [CALL_DEL] = {"DEL", key},
        [CALL_LIST] = {"SCAN", call->cursor, "MATCH", key, "COUNT", SCAN_COUNT},
        [CALL_ADD] = {"INCRBY", key, delta},
    };
    const size_t sizes[][6] = {
        [CALL_GET] = {3, call->key_len},
        [CALL_PUT] = {3, call->key_len, call->value_len, 2, strlen(ttl)},
        [CALL_DEL] = {3, call->key_len},
        [CALL_LIST] = {4, strlen(call->cursor), 5, call->key_len, 5, sizeof SCAN_COUNT - 1},
        [CALL_ADD] = {6, call->key_len, strlen(delta)},
    };
    static const int counts[] = {
        [CALL_GET] = 2, [CALL_PUT] = 5, [CALL_DEL] = 2, [CALL_LIST] = 6, [CALL_ADD] = 3};
    int count = counts[call->kind];
    if (call->kind == CALL_PUT && !expires(call)) count = 3;
    if (call->kind == CALL_ADD && expires(call) && send_zero(context, call, ttl) != REDIS_OK) return REDIS_ERR;
    return redisAsyncCommandArgv(context, done, arg, count, words[call->kind], sizes[call->kind]);
}

void command_fail(struct call *call, int code) {
    struct rp_store_op *op = call->op;
    free(call);
    op->done(op, code, rp_str_n(NULL, 0));
}

static void succeed(struct call *call, int code, struct rp_str value) {
    struct rp_store_op *op = call->op;
    free(call);
    op->done(op, code, value);
}

/* ---- answers ----------------------------------------------------------------------------------------------------------- */

static bool is_page(const redisReply *reply) {
    return reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
           reply->element[0]->type == REDIS_REPLY_STRING &&
           (size_t)reply->element[0]->len < sizeof ((struct call *)NULL)->cursor &&
           reply->element[1]->type == REDIS_REPLY_ARRAY;
}

static void give_keys(const struct call *call, const redisReply *keys, size_t prefix_len) {
    for (size_t i = 0; i < keys->elements; i++) {
        const redisReply *key = keys->element[i];
        if (key->type != REDIS_REPLY_STRING || (size_t)key->len < prefix_len) continue;
        call->op->done(call->op, 0, rp_str_n(key->str + prefix_len, (size_t)key->len - prefix_len));
    }
}

static bool answer_list(struct call *call, const redisReply *reply, size_t prefix_len) {
    give_keys(call, reply->element[1], prefix_len);
    snprintf(call->cursor, sizeof call->cursor, "%s", reply->element[0]->str);
    if (strcmp(call->cursor, "0") != 0) return false;
    command_fail(call, -RP_ENOTFOUND); /* the end of the list */
    return true;
}

static bool answer_sum(struct call *call, const redisReply *reply) {
    char text[24];
    int len = snprintf(text, sizeof text, "%lld", reply->integer);
    succeed(call, 0, rp_str_n(text, (size_t)len));
    return true;
}

/* The caller's mistake, not the server's trouble. */
static bool is_no_number(const struct call *call, const redisReply *reply) {
    return call->kind == CALL_ADD && reply->type == REDIS_REPLY_ERROR &&
           (strstr(reply->str, "not an integer") || strstr(reply->str, "would overflow") ||
            strncmp(reply->str, "WRONGTYPE", 9) == 0);
}

static bool answer_error(struct call *call, const char *why, struct health *health) {
    health_refused(health, why);
    rp_metric_add(health->errors, 1);
    command_fail(call, -RP_EIO);
    return true;
}

bool command_answer(struct call *call, const redisReply *reply, size_t prefix_len, struct health *health) {
    static const int wanted[] = {
        [CALL_GET] = REDIS_REPLY_STRING, [CALL_PUT] = REDIS_REPLY_STATUS, [CALL_DEL] = REDIS_REPLY_INTEGER,
        [CALL_ADD] = REDIS_REPLY_INTEGER};
    if (is_no_number(call, reply)) {
        command_fail(call, -RP_EINVALID);
        return true;
    }
    if (reply->type == REDIS_REPLY_ERROR) return answer_error(call, reply->str, health);
    if (call->kind == CALL_LIST && is_page(reply)) return answer_list(call, reply, prefix_len);
    if (call->kind == CALL_GET && reply->type == REDIS_REPLY_NIL) {
        command_fail(call, -RP_ENOTFOUND);
        return true;
    }
    if (call->kind == CALL_LIST || reply->type != wanted[call->kind])
        return answer_error(call, "an answer that was not asked for", health);
    if (call->kind == CALL_ADD) return answer_sum(call, reply);
    succeed(call, 0, call->kind == CALL_GET ? rp_str_n(reply->str, (size_t)reply->len) : rp_str_n(NULL, 0));
    return true;
}
