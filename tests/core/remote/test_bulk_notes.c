/* Notes of batches as a later run finds them: whole, torn, of another endpoint, and broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/remote/bulk.h"

#define URL "https://h/v1/batches"
#define ID "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEAD                                                                                                           \
    "{\"model\":\"m\",\"url\":\"" URL "\",\"key\":\"0123456789abcdef\",\"made\":1764179000123,\"ids\":[\"" ID "\"]}\n"
#define TAIL "{\"batch\":\"batch_1\",\"key\":\"fedcba9876543210\"}\n"

static int read(const char *text, struct bulk_note *note, size_t *out_count, struct rp_error *error) {
    struct bulk_ids ids;
    *note = (struct bulk_note){0};
    int rc = bulk_note_read(rp_str(text), URL, note, &ids, error);
    *out_count = ids.count;
    if (ids.count) assert_int_equal(ids.ids[0][1], 0x11);
    free(ids.ids);
    return rc;
}

static void a_note_is_read_as_it_was_written(void **state) {
    struct bulk_note note;
    size_t count;
    (void)state;
    assert_int_equal(read(HEAD TAIL, &note, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_int_equal(note.total, 1);
    assert_int_equal(note.made_ms, 1764179000123);
    assert_string_equal(note.id, "batch_1");
    assert_string_equal(note.key, "fedcba9876543210"); /* the key that the batch was taken with */
}

static void without_a_whole_second_line_the_providers_id_is_not_known(void **state) {
    static const char *const texts[] = {HEAD, HEAD "{\"batch\":\"bat", HEAD "{"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct bulk_note note;
        size_t count;
        assert_int_equal(read(texts[i], &note, &count, NULL), 0);
        assert_int_equal(count, 1);
        assert_string_equal(note.id, "");
        assert_string_equal(note.key, "0123456789abcdef");
    }
}

static void without_a_whole_first_line_it_is_of_nothing(void **state) {
    static const char *const texts[] = {"", "{", "{\"model\":\"m\""};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct bulk_note note;
        size_t count;
        assert_int_equal(read(texts[i], &note, &count, NULL), -RP_ENOTFOUND);
        assert_int_equal(count, 0);
    }
}

static void one_of_another_endpoint_has_nothing_for_us(void **state) {
    struct bulk_note note;
    size_t count;
    (void)state;
    assert_int_equal(
        read("{\"url\":\"https://other/batches\",\"key\":\"\",\"made\":1,\"ids\":[\"" ID "\"]}\n", &note, &count, NULL),
        0);
    assert_int_equal(count, 0);
}

static void what_is_no_note_is_told_with_its_line(void **state) {
    static const struct {
        const char *text;
        int line;
    } broken[] = {
        {"\n", 1},
        {"[]\n", 1},
        {"{\"url\":\"" URL "\"}\n", 1},
        {"{\"url\":\"" URL "\",\"key\":\"\",\"made\":1,\"ids\":[]}\n", 1},
        {"{\"url\":\"" URL "\",\"key\":\"\",\"made\":1,\"ids\":[\"" ID "\",\"short\"]}\n", 1},
        {"{\"url\":\"" URL "\",\"key\":\"0123456789abcdef0\",\"made\":1,\"ids\":[\"" ID "\"]}\n", 1},
        {"{\"url\":\"" URL "\",\"key\":\"\",\"made\":\"now\",\"ids\":[\"" ID "\"]}\n", 1},
        {HEAD "\n", 2},
        {HEAD "{\"batch\":7}\n", 2},
        {HEAD "{\"batch\":\"../a\"}\n", 2},
        {HEAD "{\"batch\":\"\"}\n", 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        struct bulk_note note;
        struct rp_error error = {0};
        size_t count;
        assert_int_equal(read(broken[i].text, &note, &count, &error), -RP_EJSON);
        assert_int_equal(error.line, broken[i].line);
        assert_int_equal(count, 0);
    }
}

static void a_key_is_marked_and_not_told(void **state) {
    char one[17], two[17], none[17];
    (void)state;
    bulk_key_mark("sk-1", one);
    bulk_key_mark("sk-2", two);
    bulk_key_mark(NULL, none);
    assert_int_equal(strlen(one), 16);
    assert_string_not_equal(one, two);
    assert_string_equal(none, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_note_is_read_as_it_was_written),
        cmocka_unit_test(without_a_whole_second_line_the_providers_id_is_not_known),
        cmocka_unit_test(without_a_whole_first_line_it_is_of_nothing),
        cmocka_unit_test(one_of_another_endpoint_has_nothing_for_us),
        cmocka_unit_test(what_is_no_note_is_told_with_its_line),
        cmocka_unit_test(a_key_is_marked_and_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
