/* What a store hands back for a question: an answer or nothing, and an answer that was read is the same when it is written
 * and read again. */
#include <stdlib.h>

#include "plugins/stages/cache/answer.h"

static void check(bool good) {
    if (!good) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct key key = {{1}};
    struct answer *answer = answer_decode(&key, rp_str_n((const char *)data, size)), *again;
    struct rp_buf bytes;
    if (!answer) return 0;
    check(answer_text(answer).len > 0 && answer->usage.input_tokens >= 0 && answer->usage.output_tokens >= 0);
    rp_buf_init(&bytes, size + 1);
    check(answer_encode(answer, &bytes) == 0);
    check(rp_str_equal(rp_buf_str(&bytes), rp_str_n((const char *)data, size)));
    again = answer_decode(&key, rp_buf_str(&bytes));
    check(again && rp_str_equal(answer_text(again), answer_text(answer)));
    answer_unref(again);
    answer_unref(answer);
    rp_buf_finish(&bytes);
    return 0;
}
