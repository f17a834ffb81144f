/* What a reader of JSON takes, jansson takes as well: for the fuzz targets of readers. */
#ifndef TESTS_FUZZ_JSON_ORACLE_H
#define TESTS_FUZZ_JSON_ORACLE_H

#include <repartee/base.h>

static inline bool jansson_takes(const uint8_t *data, size_t size) {
    json_t *json =
        json_loadb((const char *)data, size, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
    json_decref(json);
    return json != NULL;
}

/* What jansson is stricter about: UTF-8, lone surrogates, numbers beyond its range. */
static inline bool comparable(const uint8_t *data, size_t size) {
    if (!rp_utf8_valid((const char *)data, size)) return false;
    for (size_t i = 0; i + 1 < size; i++) {
        if (data[i] == '\\' && data[i + 1] == 'u') return false;
        if ((data[i] | 0x20) == 'e' && (data[i + 1] == '+' || (data[i + 1] >= '0' && data[i + 1] <= '9'))) return false;
    }
    return true;
}

#endif
