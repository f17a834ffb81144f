/* The reader of lines of Ollama: no crash on any text, and what it takes for JSON jansson takes as well. */
#include <assert.h>
#include <stdint.h>

#include "plugins/models/ollama/ollama.h"
#include "tests/fuzz/json_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rp_answer answer;
    rp_answer_init(&answer, 1 << 16);
    for (int i = 0; i < 2; i++) {
        if (answer_read(NULL, &answer, rp_str_n((const char *)data, size)) == 0 && comparable(data, size))
            assert(jansson_takes(data, size));
    }
    assert(answer.tool_count <= RP_ANSWER_TOOLS_MAX);
    rp_answer_tools_valid(&answer);
    rp_answer_finish(&answer);
    return 0;
}
