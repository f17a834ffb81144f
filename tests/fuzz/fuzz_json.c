/* JSON text: whatever is parsed can be written and parsed again; whatever is written is JSON on one line. */
#include <repartee/base.h>

#include <stdlib.h>

#include "core/base/json_escape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
    if (!holds) abort();
}

static size_t depth_of(json_t *value) {
    size_t deepest = 0, index;
    const char *key;
    json_t *member;

    json_array_foreach(value, index, member) {
        size_t depth = depth_of(member);
        if (depth > deepest) deepest = depth;
    }
    json_object_foreach(value, key, member) {
        size_t depth = depth_of(member);
        if (depth > deepest) deepest = depth;
    }
    return json_is_array(value) || json_is_object(value) ? deepest + 1 : 0;
}

static void parse(const char *data, size_t size) {
    json_t *value = NULL, *again = NULL;
    struct rp_error error = {0};

    if (rp_json_parse(data, size, &value, &error)) {
        must(!value && error.code == RP_EJSON && error.line > 0 && strncmp(error.text, "line ", 5) == 0);
        return;
    }
    must(rp_utf8_valid(data, size) && depth_of(value) <= RP_JSON_DEPTH);
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    must(text && rp_json_parse(text, strlen(text), &again, NULL) == 0);
    must(json_equal(value, again) == 1);
    json_decref(value);
    json_decref(again);
    free(text);
}

static void escape(const char *data, size_t size) {
    struct rp_buf buf;

    rp_buf_init(&buf, 8 * size + 2);
    must(rp_buf_json(&buf, data, size) == 0);
    for (size_t i = 0; i < buf.len; i++) must((unsigned char)buf.data[i] >= 0x20 && buf.data[i] != 0x7f);
    json_t *value = json_loadb(buf.data, buf.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    must(json_is_string(value));
    if (rp_utf8_valid(data, size)) {
        must(json_string_length(value) == size && memcmp(json_string_value(value), data, size) == 0);
    }
    json_decref(value);
    rp_buf_finish(&buf);
}

static void escape_cut(const char *data, size_t size, size_t max) {
    struct rp_buf buf;

    rp_buf_init(&buf, max);
    size_t taken = json_escape(&buf, data, size);
    must(taken <= size && buf.len <= max && rp_utf8_valid(buf.data, buf.len));
    must(taken == size || max - buf.len < 6);
    rp_buf_finish(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;

    parse(text, size);
    escape(text, size);
    if (size > 0) escape_cut(text, size, data[0]);
    return 0;
}
