/* The batch endpoint of anthropic, see bulk_lines.h. */
#include "plugins/models/anthropic/anthropic.h"
#include "tests/fuzz/bulk_lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct anthropic_options options;
    read_bulk_lines(&bulk_protocol, &options, data, size);
    return 0;
}
