/* Whose files are trusted, and which texts are keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/host/trust.h"
#include "folder.h"

static void assert_trusted(const char *path) {
    char resolved[PATH_MAX];
    struct stat status;
    struct rp_error error = {0};
    if (trust_file(path, resolved, &status, &error)) fail_msg("%s", error.text);
    assert_true(S_ISREG(status.st_mode));
}

static void assert_not_trusted(const char *path, const char *why, const char *culprit) {
    char resolved[PATH_MAX], expected[1024];
    struct stat status;
    struct rp_error error = {0};
    assert_int_equal(trust_file(path, resolved, &status, &error), -RP_EPLUGIN);
    snprintf(expected, sizeof expected, why, culprit);
    assert_string_equal(error.text, expected);
}

#define BY_EVERYBODY "%s can be written to by everybody: not trusted (chmod go-w makes it so)"
#define BY_GROUP "%s can be written to by its group: not trusted (chmod go-w makes it so)"

static void a_file_of_ours_in_a_sticky_folder_is_trusted(void **state) {
    assert_trusted(folder_file(*state, "a.so", "x", 1));
}

static void a_file_that_everybody_can_write_is_not(void **state) {
    const char *path = folder_file(*state, "a.so", "x", 1);
    chmod(path, 0646);
    assert_not_trusted(path, BY_EVERYBODY, path);
    chmod(path, 0644);
    assert_trusted(path);
}

static void a_file_that_a_shared_group_can_write_is_not(void **state) {
    const char *path = folder_file(*state, "a.so", "x", 1);
    if (geteuid() != 0 || chown(path, 0, 12345) != 0) skip();
    chmod(path, 0664);
    assert_not_trusted(path, BY_GROUP, path);
}

static void a_file_of_another_user_is_not(void **state) {
    const char *path = folder_file(*state, "a.so", "x", 1);
    if (geteuid() != 0 || chown(path, 12345, 0) != 0) skip();
    assert_not_trusted(path, "%s belongs to user 12345, neither to root nor to the user who runs this (0): not trusted",
                       path);
}

static void a_folder_above_that_everybody_can_write_makes_it_untrusted(void **state) {
    char outer[128], inner[160], file[200];
    snprintf(outer, sizeof outer, "%s/outer", (char *)*state);
    snprintf(inner, sizeof inner, "%s/inner", outer);
    snprintf(file, sizeof file, "%s/a.so", inner);
    mkdir(outer, 0755);
    mkdir(inner, 0755);
    folder_file(inner, "a.so", "x", 1);
    assert_trusted(file);
    chmod(outer, 0777);
    assert_not_trusted(file, BY_EVERYBODY, outer);
    chmod(outer, 01777);
    assert_trusted(file);
}

static void links_are_followed_before_anything_is_looked_at(void **state) {
    char real[128], link[128], file[160];
    snprintf(real, sizeof real, "%s/real", (char *)*state);
    snprintf(link, sizeof link, "%s/link", (char *)*state);
    mkdir(real, 0755);
    folder_file(real, "a.so", "x", 1);
    if (symlink("real", link) != 0) fail();
    snprintf(file, sizeof file, "%s/a.so", link);
    assert_trusted(file);
    chmod(real, 0777);
    assert_not_trusted(file, BY_EVERYBODY, real);
}

/* ---- keys -------------------------------------------------------------------------------------------------------- */

#define HEX "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a" /* RFC 8032, test 1 */
#define BASE64 "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static void a_key_is_hex_base64_or_a_file(void **state) {
    unsigned char hex[TRUST_KEY_SIZE], other[TRUST_KEY_SIZE];
    struct rp_error error;
    assert_int_equal(trust_key(HEX, "/", hex, &error), 0);
    assert_int_equal(trust_key(BASE64, "/", other, &error), 0);
    assert_memory_equal(hex, other, sizeof hex);
    const char *texts[] = {HEX "\n", BASE64, "  " BASE64 "\r\n"};
    for (size_t i = 0; i < 3; i++) {
        memset(other, 0, sizeof other);
        folder_file(*state, "key", texts[i], strlen(texts[i]));
        assert_int_equal(trust_key("key", *state, other, &error), 0);
        assert_memory_equal(hex, other, sizeof hex);
    }
    memset(other, 0, sizeof other);
    assert_int_equal(trust_key(folder_file(*state, "bare", hex, sizeof hex), "/", other, &error), 0);
    assert_memory_equal(hex, other, sizeof hex);
}

static void what_is_no_key_is_refused_and_leaves_it_untouched(void **state) {
    static const unsigned char zero[TRUST_KEY_SIZE];
    unsigned char key[TRUST_KEY_SIZE] = {0};
    struct rp_error error;
    assert_int_equal(trust_key("none", *state, key, &error), -RP_ECONFIG);
    assert_string_equal(error.text, "'none' is neither a public key nor a file with one: No such file or directory");
    folder_file(*state, "short", HEX, 62);
    assert_int_equal(trust_key("short", *state, key, &error), -RP_ECONFIG);
    assert_string_equal(error.text, "the file 'short' does not hold an Ed25519 public key");
    assert_memory_equal(key, zero, sizeof key);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_of_ours_in_a_sticky_folder_is_trusted, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(a_file_that_everybody_can_write_is_not, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(a_file_that_a_shared_group_can_write_is_not, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(a_file_of_another_user_is_not, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(a_folder_above_that_everybody_can_write_makes_it_untrusted, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(links_are_followed_before_anything_is_looked_at, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(a_key_is_hex_base64_or_a_file, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(what_is_no_key_is_refused_and_leaves_it_untouched, folder_setup,
                                        folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
