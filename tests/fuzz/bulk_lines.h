/* What a provider's batch endpoint says, lines of results and batches: no crash on any text, a result lies within its line,
 * and what is taken for JSON jansson takes as well. */
#ifndef TESTS_FUZZ_BULK_LINES_H
#define TESTS_FUZZ_BULK_LINES_H

#include <assert.h>
#include <stdint.h>

#include <repartee/remote_model.h>

#include "tests/fuzz/json_oracle.h"

static bool within(struct rp_str part, const uint8_t *data, size_t size) {
    return part.len == 0 ||
           ((const uint8_t *)part.data >= data && (const uint8_t *)part.data + part.len <= data + size);
}

static void read_bulk_lines(const struct rp_bulk_protocol *protocol, const void *options, const uint8_t *data,
                            size_t size) {
    struct rp_str text = rp_str_n((const char *)data, size);
    struct rp_bulk_result result;
    struct rp_bulk_batch batch = {0};
    struct rp_answer answer;
    if (protocol->result(options, text, &result) == 0) {
        assert(within(result.id, data, size) && within(result.body, data, size));
        if (comparable(data, size)) assert(jansson_takes(data, size));
    }
    rp_answer_init(&answer, 1 << 16);
    if (protocol->batch(options, text, &batch, &answer) == 0) {
        assert(*batch.id && !strpbrk(batch.id, "/?#% "));
        if (comparable(data, size)) assert(jansson_takes(data, size));
    }
    rp_answer_finish(&answer);
}

#endif
