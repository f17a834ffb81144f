/* make_gguf FILE [EMBEDDING LAYERS FEED_FORWARD HEADS CONTEXT [endless]]: a small model with random weights.
 *
 * The architecture is a real one (llama), the vocabulary has a token for each byte and three control tokens, and the chat
 * template is ChatML. The same numbers give the same file. What the model says is noise, but always the same noise; only
 * letters, digits, space and the end of the turn can come out of it, since the other tokens' weights are zero; `endless`: not even the end of the turn. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TYPE_U32 = 4, TYPE_I32 = 5, TYPE_F32 = 6, TYPE_STRING = 8, TYPE_ARRAY = 9 };
enum { TOKEN_NORMAL = 1, TOKEN_CONTROL = 3 };
enum { BYTES = 256, SPECIALS = 3, VOCABULARY = BYTES + SPECIALS, ALIGN = 32 };

static const char *const specials[SPECIALS] = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
static const char chat_template[] =
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + "
    "'\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

struct size {
    uint32_t embedding, layers, feed_forward, heads, context;
};
struct tensor {
    char name[64];
    uint64_t rows, columns; /* columns 0: a vector of ones; rows are contiguous */
};

static FILE *out;

static void put(const void *data, size_t len) {
    if (fwrite(data, 1, len, out) != len) {
        perror("make_gguf");
        exit(1);
    }
}

static void put_u32(uint32_t value) {
    put(&value, sizeof(value));
}

static void put_u64(uint64_t value) {
    put(&value, sizeof(value));
}

static void put_string(const char *text) {
    put_u64(strlen(text));
    put(text, strlen(text));
}

/* ---- what is known of the model ---------------------------------------------------------------------------------- */

static unsigned keys;

static void key(const char *name, uint32_t type) {
    put_string(name);
    put_u32(type);
    keys++;
}

static void key_u32(const char *name, uint32_t value) {
    key(name, TYPE_U32);
    put_u32(value);
}

static void key_string(const char *name, const char *text) {
    key(name, TYPE_STRING);
    put_string(text);
}

/* As byte-level vocabularies write it: a printable byte is its own character, the others are moved to U+0100 and up. */
static void put_byte_token(unsigned byte) {
    unsigned moved = 0, code = byte;
    for (unsigned at = 0; at <= byte; at++) {
        int printable = (at >= 33 && at <= 126) || (at >= 161 && at <= 172) || at >= 174;
        if (!printable) code = at == byte ? 256 + moved : code, moved++;
    }
    char text[3] = {(char)code};
    if (code >= 0x80) {
        text[0] = (char)(0xC0 | code >> 6);
        text[1] = (char)(0x80 | (code & 0x3F));
    }
    put_string(text);
}

static void put_array(const char *name, uint32_t type, uint64_t count) {
    key(name, TYPE_ARRAY);
    put_u32(type);
    put_u64(count);
}

static void put_vocabulary(void) {
    key_string("tokenizer.ggml.model", "gpt2");
    key_string("tokenizer.ggml.pre", "gpt-2");
    put_array("tokenizer.ggml.tokens", TYPE_STRING, VOCABULARY);
    for (unsigned i = 0; i < BYTES; i++) put_byte_token(i);
    for (unsigned i = 0; i < SPECIALS; i++) put_string(specials[i]);
    put_array("tokenizer.ggml.token_type", TYPE_I32, VOCABULARY);
    for (unsigned i = 0; i < VOCABULARY; i++) put_u32(i < BYTES ? TOKEN_NORMAL : TOKEN_CONTROL);
    put_array("tokenizer.ggml.merges", TYPE_STRING, 0);
    key_u32("tokenizer.ggml.bos_token_id", BYTES);
    key_u32("tokenizer.ggml.eos_token_id", BYTES + 2);
    key_string("tokenizer.chat_template", chat_template);
}

static void put_keys(const struct size *size) {
    float epsilon = 1e-5f;
    key_string("general.architecture", "llama");
    key_string("general.name", "noise");
    key_u32("llama.context_length", size->context);
    key_u32("llama.embedding_length", size->embedding);
    key_u32("llama.block_count", size->layers);
    key_u32("llama.feed_forward_length", size->feed_forward);
    key_u32("llama.attention.head_count", size->heads);
    key_u32("llama.attention.head_count_kv", size->heads);
    key_u32("llama.rope.dimension_count", size->embedding / size->heads);
    key("llama.attention.layer_norm_rms_epsilon", TYPE_F32);
    put(&epsilon, sizeof(epsilon));
    put_vocabulary();
}

/* ---- weights ----------------------------------------------------------------------------------------------------- */

static uint64_t state = UINT64_C(0x9E3779B97F4A7C15);

static float noise(float scale) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return ((float)(state >> 40) / (float)(1 << 24) - 0.5f) * 2 * scale;
}

static int endless;

static int can_be_said(unsigned token) {
    return (token >= 'a' && token <= 'z') || (token >= 'A' && token <= 'Z') || (token >= '0' && token <= '9') ||
           token == ' ' || (token == BYTES + 2 && !endless);
}

static void put_weights(const struct tensor *tensor) {
    float scale = 2 / sqrtf((float)tensor->columns);
    int output = strcmp(tensor->name, "output.weight") == 0;
    if (strcmp(tensor->name, "token_embd.weight") == 0) scale = 1;
    for (uint64_t row = 0; row < tensor->rows; row++) {
        int silent = output && !can_be_said((unsigned)row);
        for (uint64_t i = 0; i < (tensor->columns ? tensor->columns : 1); i++) {
            float value = tensor->columns == 0 ? 1 : noise(scale);
            if (silent) value = 0;
            put(&value, sizeof(value));
        }
    }
}

static uint64_t bytes_of(const struct tensor *tensor) {
    return tensor->rows * (tensor->columns ? tensor->columns : 1) * sizeof(float);
}

static uint64_t padded(uint64_t len) {
    return (len + ALIGN - 1) / ALIGN * ALIGN;
}

static void pad(void) {
    static const char zeros[ALIGN];
    long at = ftell(out);
    put(zeros, (size_t)(padded((uint64_t)at) - (uint64_t)at));
}

static struct tensor *list_tensors(const struct size *size, unsigned *out_count) {
    const uint64_t e = size->embedding, f = size->feed_forward;
    const struct {
        const char *name;
        uint64_t rows, columns;
    } block[] = {{"attn_norm", e, 0}, {"attn_q", e, e},    {"attn_k", e, e},   {"attn_v", e, e}, {"attn_output", e, e},
                 {"ffn_norm", e, 0},  {"ffn_gate", f, e}, {"ffn_up", f, e}, {"ffn_down", e, f}};
    struct tensor *tensors = calloc(size->layers * 9 + 3, sizeof(*tensors));
    unsigned count = 0;
    tensors[count++] = (struct tensor){"token_embd.weight", VOCABULARY, e};
    tensors[count++] = (struct tensor){"output_norm.weight", e, 0};
    tensors[count++] = (struct tensor){"output.weight", VOCABULARY, e};
    for (unsigned layer = 0; layer < size->layers; layer++)
        for (unsigned i = 0; i < 9; i++, count++) {
            snprintf(tensors[count].name, sizeof(tensors[count].name), "blk.%u.%s.weight", layer, block[i].name);
            tensors[count].rows = block[i].rows;
            tensors[count].columns = block[i].columns;
        }
    *out_count = count;
    return tensors;
}

static void put_tensors(const struct size *size) {
    unsigned count;
    uint64_t offset = 0;
    struct tensor *tensors = list_tensors(size, &count);
    for (unsigned i = 0; i < count; i++) {
        put_string(tensors[i].name);
        put_u32(tensors[i].columns ? 2 : 1);
        if (tensors[i].columns) put_u64(tensors[i].columns);
        put_u64(tensors[i].rows);
        put_u32(0); /* 32-bit floats */
        put_u64(offset);
        offset += padded(bytes_of(&tensors[i]));
    }
    for (unsigned i = 0; i < count; i++) {
        pad();
        put_weights(&tensors[i]);
    }
    pad();
    free(tensors);
}

static uint32_t argument(int argc, char **argv, int place, uint32_t otherwise) {
    return argc > place ? (uint32_t)strtoul(argv[place], NULL, 10) : otherwise;
}

int main(int argc, char **argv) {
    struct size size = {argument(argc, argv, 2, 64), argument(argc, argv, 3, 2), argument(argc, argv, 4, 128),
                        argument(argc, argv, 5, 4), argument(argc, argv, 6, 512)};
    endless = argc > 7 && strcmp(argv[7], "endless") == 0;
    out = argc > 1 ? fopen(argv[1], "wb") : NULL;
    if (!out) {
        fprintf(stderr, "usage: make_gguf FILE [EMBEDDING LAYERS FEED_FORWARD HEADS CONTEXT [endless]]\n");
        return 2;
    }
    unsigned count;
    free(list_tensors(&size, &count));
    put("GGUF", 4);
    put_u32(3);
    put_u64(count);
    long place = ftell(out);
    put_u64(0); /* the number of keys, known later */
    put_keys(&size);
    fseek(out, place, SEEK_SET);
    put_u64(keys);
    fseek(out, 0, SEEK_END);
    put_tensors(&size);
    return fclose(out) == 0 ? 0 : 1;
}
