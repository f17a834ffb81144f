/* The decoder of model replies: no crash on any text, and what it takes for JSON jansson takes as well. */
#include <assert.h>
#include <stdint.h>

#include "plugins/models/openai/openai.h"
#include "tests/fuzz/json_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (rp_str_is(rp_str_n((const char *)data, size), "[DONE]")) return 0; /* no JSON, but read */
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
