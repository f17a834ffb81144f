/* Any bytes as a model's file: the reader ends, and takes no more memory than its own. */
#include <assert.h>
#include <stdint.h>

#include "core/gguf/gguf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gguf gguf;
    struct rp_error error = {0};
    if (size == 0) return 0;
    FILE *file = fmemopen((void *)(uintptr_t)data, size, "rb");
    int rc = gguf_read(file, size, &gguf, &error);
    assert(rc == 0 || error.text[0]);
    if (rc == 0) assert(rp_utf8_whole(gguf.name, strlen(gguf.name)) <= sizeof(gguf.name));
    if (rc == 0) gguf_cache_bytes(&gguf, 4096);
    fclose(file);
    return 0;
}
