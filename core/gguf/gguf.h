/* What the head of a GGUF file says of the model in it, read without loading the model: for `repartee model info`. */
#ifndef CORE_GGUF_GGUF_H
#define CORE_GGUF_GGUF_H

#include <repartee/base.h>
#include <stdio.h>

struct gguf {
    char architecture[64], name[128];
    uint64_t parameters;
    uint64_t weights; /* bytes of the tensors */
    uint64_t context; /* tokens it was trained with; 0: not said */
    uint64_t layers, embedding, heads, kv_heads, key_length, value_length;
    uint64_t vocabulary;
    bool has_template;
};

/* `size`: bytes of the file. 0, or -RP_EINVALID with `error` telling what is wrong, and at which byte. */
int gguf_read(FILE *file, uint64_t size, struct gguf *out, struct rp_error *error);

/* Bytes of the memory that a context of that many tokens takes for one conversation, in 16-bit numbers. */
uint64_t gguf_cache_bytes(const struct gguf *gguf, uint64_t tokens);

#endif
