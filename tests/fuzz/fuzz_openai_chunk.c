/* The decoder of model replies: no crash on any text, and what it takes for JSON jansson takes as well. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "plugins/models/openai/openai.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool jansson_takes(const uint8_t *data, size_t size) {
    json_t *json =
        json_loadb((const char *)data, size, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
    json_decref(json);
    return json != NULL;
}

/* What jansson is stricter about: UTF-8, lone surrogates, numbers beyond its range, the end of a stream. */
static bool comparable(const uint8_t *data, size_t size) {
    if (!rp_utf8_valid((const char *)data, size)) return false;
    if (rp_str_is(rp_str_n((const char *)data, size), "[DONE]")) return false;
    for (size_t i = 0; i + 1 < size; i++) {
        if (data[i] == '\\' && data[i + 1] == 'u') return false;
        if ((data[i] | 0x20) == 'e' && (data[i + 1] == '+' || (data[i + 1] >= '0' && data[i + 1] <= '9'))) return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct openai_options options = {.needs_done = true};
    struct rp_answer answer;
    rp_answer_init(&answer, 1 << 16);
    for (int i = 0; i < 2; i++) {
        if (answer_read(&options, &answer, rp_str_n((const char *)data, size)) == 0 && comparable(data, size))
            assert(jansson_takes(data, size));
    }
    assert(answer.tool_count <= RP_ANSWER_TOOLS_MAX);
    rp_answer_tools_valid(&answer);
    rp_answer_finish(&answer);
    return 0;
}
