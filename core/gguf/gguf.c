/* Reads keys and tensor descriptions one after the other and keeps what is asked for. Every length is checked against
 * the bytes that are left, so a lying file costs no more than its own size. */
#include "core/gguf/gguf.h"

#include <inttypes.h>
#include <math.h>

#define ENTRIES_MAX 1000000 /* keys, tensors */
#define DIMENSIONS_MAX 4
#define TEXT_MAX 128 /* bytes kept of a name */

enum type { U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64, TYPES };
static const uint8_t sizes[TYPES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

struct reader {
    FILE *file;
    uint64_t left;
    struct gguf *out;
    struct rp_error *error;
    uint64_t size;
    uint32_t alignment;
};

static int wrong(struct reader *reader, const char *what) {
    return rp_error_set(reader->error, RP_EINVALID, "%s, at byte %" PRIu64, what, reader->size - reader->left);
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

static int take(struct reader *reader, void *out, size_t len) {
    if (len > reader->left || fread(out, 1, len, reader->file) != len) return wrong(reader, "the file is cut short");
    reader->left -= len;
    return 0;
}

static int skip(struct reader *reader, uint64_t len) {
    if (len > reader->left || fseeko(reader->file, (off_t)len, SEEK_CUR) != 0)
        return wrong(reader, "the file is cut short");
    reader->left -= len;
    return 0;
}

static int take_u32(struct reader *reader, uint32_t *out) {
    return take(reader, out, sizeof(*out));
}

static int take_u64(struct reader *reader, uint64_t *out) {
    return take(reader, out, sizeof(*out));
}

/* Keeps what fits. */
static int take_text(struct reader *reader, char *out, size_t room) {
    uint64_t len;
    int rc = take_u64(reader, &len);
    if (rc == 0 && len > reader->left) return wrong(reader, "a text is longer than the file");
    size_t kept = rc == 0 && len < room ? (size_t)len : room - 1;
    if (rc == 0) rc = take(reader, out, kept);
    out[rc == 0 ? rp_utf8_whole(out, kept) : 0] = '\0';
    return rc ? rc : skip(reader, len - kept);
}

/* ---- keys -------------------------------------------------------------------------------------------------------- */

static int take_number(struct reader *reader, uint32_t type, uint64_t *out) {
    unsigned char bytes[8] = {0};
    int rc = take(reader, bytes, sizes[type]);
    float single;
    double whole;
    memcpy(out, bytes, sizeof(*out));
    memcpy(&single, bytes, sizeof(single));
    memcpy(&whole, bytes, sizeof(whole));
    if (type == F32) whole = single;
    if (type == F32 || type == F64) *out = whole >= 0 && whole < 1e18 ? (uint64_t)whole : 0;
    return rc;
}

/* An array of numbers that differ by layer counts as its largest; of an array of texts only the length is of use. */
static int take_array(struct reader *reader, uint64_t *out_largest, uint64_t *out_count) {
    uint32_t type;
    char text[2];
    int rc = take_u32(reader, &type);
    if (rc == 0) rc = take_u64(reader, out_count);
    *out_largest = 0;
    if (rc != 0) return rc;
    if (type >= TYPES || type == ARRAY) return wrong(reader, "an array of this type is not known");
    if (*out_count > reader->left) return wrong(reader, "an array is longer than the file");
    for (uint64_t i = 0; i < *out_count && rc == 0; i++) {
        uint64_t number = 0;
        rc = type == STRING ? take_text(reader, text, sizeof(text)) : take_number(reader, type, &number);
        if (number > *out_largest) *out_largest = number;
    }
    return rc;
}

/* Keys of the architecture's own: "llama.context_length". */
static void keep_number(struct reader *reader, const char *key, uint64_t number) {
    struct gguf *out = reader->out;
    const struct {
        const char *name;
        uint64_t *field;
    } known[] = {{"context_length", &out->context},
                 {"block_count", &out->layers},
                 {"embedding_length", &out->embedding},
                 {"attention.head_count", &out->heads},
                 {"attention.head_count_kv", &out->kv_heads},
                 {"attention.key_length", &out->key_length},
                 {"attention.value_length", &out->value_length}};
    size_t len = strlen(out->architecture);
    if (strcmp(key, "general.alignment") == 0) reader->alignment = (uint32_t)number;
    if (len == 0 || strncmp(key, out->architecture, len) != 0 || key[len] != '.') return;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(key + len + 1, known[i].name) == 0) *known[i].field = number;
}

static int take_string_key(struct reader *reader, const char *key) {
    char text[TEXT_MAX];
    int rc = take_text(reader, text, sizeof(text));
    if (strcmp(key, "general.architecture") == 0)
        snprintf(reader->out->architecture, sizeof(reader->out->architecture), "%.63s", text);
    if (strcmp(key, "general.name") == 0) snprintf(reader->out->name, sizeof(reader->out->name), "%s", text);
    if (strcmp(key, "tokenizer.chat_template") == 0) reader->out->has_template = true;
    return rc;
}

static int take_key(struct reader *reader) {
    char key[TEXT_MAX];
    uint32_t type;
    uint64_t number = 0, count = 0;
    int rc = take_text(reader, key, sizeof(key));
    if (rc == 0) rc = take_u32(reader, &type);
    if (rc != 0) return rc;
    if (type >= TYPES) return wrong(reader, "a value of this type is not known");
    if (type == STRING) return take_string_key(reader, key);
    rc = type == ARRAY ? take_array(reader, &number, &count) : take_number(reader, type, &number);
    if (strcmp(key, "tokenizer.ggml.tokens") == 0) reader->out->vocabulary = count;
    keep_number(reader, key, number);
    return rc;
}

/* ---- tensors ----------------------------------------------------------------------------------------------------- */

static int take_tensor(struct reader *reader) {
    char name[2];
    uint32_t dimensions, type;
    uint64_t elements = 1, offset;
    int rc = take_text(reader, name, sizeof(name));
    if (rc == 0) rc = take_u32(reader, &dimensions);
    if (rc != 0) return rc;
    if (dimensions > DIMENSIONS_MAX) return wrong(reader, "a tensor has too many dimensions");
    for (uint32_t i = 0; i < dimensions && rc == 0; i++) {
        uint64_t length;
        rc = take_u64(reader, &length);
        if (rc == 0 && __builtin_mul_overflow(elements, length, &elements))
            return wrong(reader, "a tensor is too large");
    }
    if (rc == 0) rc = take_u32(reader, &type);
    if (rc == 0) rc = take_u64(reader, &offset);
    if (rc == 0 && __builtin_add_overflow(reader->out->parameters, elements, &reader->out->parameters))
        return wrong(reader, "the tensors are too large");
    return rc;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static int take_head(struct reader *reader, uint64_t *out_tensors, uint64_t *out_keys) {
    char magic[4];
    uint32_t version;
    int rc = take(reader, magic, sizeof(magic));
    if (rc != 0 || memcmp(magic, "GGUF", 4) != 0) return rp_error_set(reader->error, RP_EINVALID, "this is no GGUF file");
    rc = take_u32(reader, &version);
    if (rc != 0) return rc;
    if (version != 2 && version != 3)
        return rp_error_set(reader->error, RP_EINVALID, "GGUF version %" PRIu32 " is not known%s", version,
                            version > 65535 ? " (the file was written for another kind of processor)" : "");
    rc = take_u64(reader, out_tensors);
    if (rc == 0) rc = take_u64(reader, out_keys);
    if (rc == 0 && (*out_tensors > ENTRIES_MAX || *out_keys > ENTRIES_MAX))
        return wrong(reader, "the file claims more than a model can have");
    return rc;
}

static void fill_gaps(struct gguf *gguf) {
    if (gguf->kv_heads == 0) gguf->kv_heads = gguf->heads;
    uint64_t each = gguf->heads ? gguf->embedding / gguf->heads : 0;
    if (gguf->key_length == 0) gguf->key_length = each;
    if (gguf->value_length == 0) gguf->value_length = each;
}

int gguf_read(FILE *file, uint64_t size, struct gguf *out, struct rp_error *error) {
    struct gguf found = {0};
    struct reader reader = {file, size, &found, error, size, 32};
    uint64_t tensors, keys;
    int rc = take_head(&reader, &tensors, &keys);
    for (uint64_t i = 0; rc == 0 && i < keys; i++) rc = take_key(&reader);
    for (uint64_t i = 0; rc == 0 && i < tensors; i++) rc = take_tensor(&reader);
    if (rc != 0) return rc;
    uint64_t padding = reader.alignment ? (reader.alignment - (size - reader.left) % reader.alignment) % reader.alignment : 0;
    found.weights = reader.left > padding ? reader.left - padding : 0;
    fill_gaps(&found);
    *out = found;
    return 0;
}

/* Of absurd numbers the largest that there is. */
uint64_t gguf_cache_bytes(const struct gguf *gguf, uint64_t tokens) {
    double bytes = 2.0 * (double)tokens * (double)gguf->layers * (double)gguf->kv_heads *
                   ((double)gguf->key_length + (double)gguf->value_length);
    return bytes < 0x1p63 ? (uint64_t)bytes : UINT64_MAX / 2;
}
