/* The head of a GGUF file: what it says, cut anywhere, and lies in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/gguf/gguf.h"

static struct rp_buf bytes;

static void put(const void *data, size_t len) {
    assert_int_equal(rp_buf_append(&bytes, data, len), 0);
}

static void put_u32(uint32_t value) {
    put(&value, sizeof(value));
}

static void put_u64(uint64_t value) {
    put(&value, sizeof(value));
}

static void put_text(const char *text) {
    put_u64(strlen(text));
    put(text, strlen(text));
}

static void key_u32(const char *name, uint32_t value) {
    put_text(name);
    put_u32(4);
    put_u32(value);
}

static void begin(uint64_t tensors, uint64_t keys) {
    rp_buf_finish(&bytes);
    rp_buf_init(&bytes, 1 << 20);
    put("GGUF", 4);
    put_u32(3);
    put_u64(tensors);
    put_u64(keys);
}

static void make_model(void) {
    begin(2, 9);
    put_text("general.architecture");
    put_u32(8);
    put_text("llama");
    put_text("general.name");
    put_u32(8);
    put_text("Small");
    key_u32("llama.context_length", 2048);
    key_u32("llama.block_count", 2);
    key_u32("llama.embedding_length", 64);
    key_u32("llama.attention.head_count", 4);
    put_text("llama.attention.head_count_kv");
    put_u32(9);
    put_u32(5); /* one for each layer */
    put_u64(2);
    put_u32(1);
    put_u32(2);
    put_text("tokenizer.ggml.tokens");
    put_u32(9);
    put_u32(8);
    put_u64(3);
    put_text("a");
    put_text("bc");
    put_text("");
    put_text("tokenizer.chat_template");
    put_u32(8);
    put_text("{{ messages }}");
    for (int i = 0; i < 2; i++) {
        put_text("some.weight");
        put_u32(2);
        put_u64(64);
        put_u64(10);
        put_u32(0);
        put_u64(0);
    }
    while (bytes.len % 32) put("", 1);
    for (int i = 0; i < 5120; i++) put("x", 1);
}

static int read(size_t len, struct gguf *out, struct rp_error *error) {
    FILE *file = fmemopen(bytes.data, len, "rb");
    int rc = gguf_read(file, len, out, error);
    fclose(file);
    return rc;
}

static void test_what_a_model_says(void **state) {
    struct gguf gguf;
    struct rp_error error;
    (void)state;
    make_model();
    assert_int_equal(read(bytes.len, &gguf, &error), 0);
    assert_string_equal(gguf.name, "Small");
    assert_int_equal(gguf.parameters, 1280);
    assert_int_equal(gguf.weights, 5120);
    assert_int_equal(gguf.context, 2048);
    assert_int_equal(gguf.vocabulary, 3);
    assert_true(gguf.has_template);
    assert_int_equal(gguf.kv_heads, 2);
    assert_int_equal(gguf.key_length, 16);
    assert_int_equal(gguf_cache_bytes(&gguf, 10), 10 * 2 * 2 * (16 + 16) * 2);
}

static void test_cut_anywhere(void **state) {
    struct gguf gguf;
    (void)state;
    make_model();
    for (size_t len = 1; len < bytes.len - 5120 - 32; len++) {
        struct rp_error error = {0};
        assert_int_equal(read(len, &gguf, &error), -RP_EINVALID);
        assert_true(error.text[0] != '\0');
    }
}

static void refuse(const char *why) {
    struct gguf gguf;
    struct rp_error error = {0};
    assert_int_equal(read(bytes.len, &gguf, &error), -RP_EINVALID);
    if (!strstr(error.text, why)) fail_msg("'%s' does not say '%s'", error.text, why);
}

static void test_lies(void **state) {
    (void)state;
    begin(UINT64_MAX, 0);
    refuse("more than a model can have");
    begin(0, 1);
    put_u64(UINT64_MAX);
    refuse("longer than the file");
    begin(0, 1);
    put_text("general.name");
    put_u32(77);
    refuse("not known");
    begin(0, 1);
    put_text("tokens");
    put_u32(9);
    put_u32(4);
    put_u64(UINT64_MAX / 2);
    refuse("longer than the file");
    begin(1, 0);
    put_text("t");
    put_u32(2);
    put_u64(UINT64_MAX);
    put_u64(3);
    refuse("too large");
    rp_buf_clear(&bytes);
    put("\x7F" "ELF....", 8);
    refuse("no GGUF file");
    rp_buf_clear(&bytes);
    put("GGUF\0\0\0\3", 8);
    refuse("another kind of processor");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_model_says),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_lies),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rp_buf_finish(&bytes);
    return failed;
}
