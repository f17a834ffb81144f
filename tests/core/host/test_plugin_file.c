/* Loading one file: a good one, and each kind of mismatch with its one clear message; and one that changes. */
#define _GNU_SOURCE /* dladdr */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/host/kind.h"
#include "core/host/plugin_file.h"
#include "core/host/trust.h"
#include "folder.h"

static void assert_refused(const char *path, const unsigned char *key, const char *why) {
    struct plugin_file file;
    char expected[1024];
    snprintf(expected, sizeof expected, "cannot load the plugin %s: %s", path, why);
    assert_int_equal(plugin_file_open(path, key, &file), -RP_EPLUGIN);
    assert_null(file.plugin);
    assert_null(file.object);
    assert_int_equal(file.error.code, RP_EPLUGIN);
    assert_string_equal(file.error.text, expected);
    plugin_file_close(&file);
}

static void a_good_plugin_is_loaded(void **state) {
    struct plugin_file file;
    assert_int_equal(plugin_file_open(folder_probe(*state, "good", "good"), NULL, &file), 0);
    assert_string_equal(file.base, "good");
    assert_string_equal(file.plugin->version, "1.2.3");
    assert_non_null(kind_find(file.plugin, KIND_STAGE, "good"));
    assert_null(kind_find(file.plugin, KIND_MODEL, "good"));
    plugin_file_close(&file);
}

/* The interface's numbers as text; the next ones by hand: the preprocessor cannot add in a text. */
#define TEXT(number) #number
#define VERSION(major, minor) TEXT(major) "." TEXT(minor)
#define OURS VERSION(RP_ABI_MAJOR, RP_ABI_MINOR)
#define NEXT_MAJOR "5.0"
#define NEXT_MINOR "4.1"
_Static_assert(RP_ABI_MAJOR == 4 && RP_ABI_MINOR == 0, "NEXT_MAJOR and NEXT_MINOR are to follow");

static const struct {
    const char *probe, *why;
} mismatches[] = {
    {"foreign", "it is not a repartee plugin: it has no function rp_plugin()"},
    {"nothing", "its function rp_plugin() returned nothing"},
    {"magic", "its descriptor does not start with repartee's magic number: found 0x12345678"},
    {"major", "it is built for plugin interface " NEXT_MAJOR ", this repartee has " OURS
              ": build it again with the headers of this version"},
    {"minor", "it is built for plugin interface " NEXT_MINOR ", which is newer than this repartee's " OURS
              ": update repartee"},
    {"missing", "it needs the symbol 'rp_from_a_newer_version', which this version of repartee does not have"},
    {"plugin_name", "its name is not an identifier: ''"},
    {"type_name", "it declares a stage whose name is not an identifier: 'not-a-name'"},
    {"keyword", "it declares a stage whose name is not an identifier: 'end'"},
    {"word", "it declares a stage with the name 'models', which is a word of the bot file"},
    {"no_call", "its stage 'no_call' has no on_turn()"},
    {"options", "its stage 'options': option 'a' lies outside its struct of 8 bytes"},
    {"no_end", "its list of stages has no end"},
    {"twice", "it declares the stage 'twice' twice"},
};

static void each_mismatch_has_its_own_message(void **state) {
    for (size_t i = 0; i < sizeof mismatches / sizeof *mismatches; i++)
        assert_refused(folder_probe(*state, mismatches[i].probe, mismatches[i].probe), NULL, mismatches[i].why);
}

static void another_size_is_told_with_both_sizes(void **state) {
    char why[128];
    snprintf(why, sizeof why,
             "its descriptor has %zu bytes where this repartee's has %zu: it was built with other headers",
             sizeof(struct rp_plugin) + 8, sizeof(struct rp_plugin));
    assert_refused(folder_probe(*state, "size", "size"), NULL, why);
}

static void a_file_that_is_no_shared_object_is_refused(void **state) {
    struct plugin_file file;
    const char *path = folder_file(*state, "text.so", "return {}\n", 10);
    assert_int_equal(plugin_file_open(path, NULL, &file), -RP_EPLUGIN);
    assert_non_null(strstr(file.error.text, ": it is not a shared object that can be loaded here: "));
    plugin_file_close(&file);
    path = folder_file(*state, "empty.so", "", 0);
    assert_int_equal(plugin_file_open(path, NULL, &file), -RP_EPLUGIN);
    assert_non_null(strstr(file.error.text, ": it is not a shared object that can be loaded here: "));
    plugin_file_close(&file);
}

static void a_shared_object_that_was_cut_short_is_refused(void **state) {
    static unsigned char data[4 << 20];
    char *whole = rp_strdup(folder_probe(*state, "good", "good"));
    FILE *file = fopen(whole, "rb");
    assert_non_null(file);
    size_t len = fread(data, 1, sizeof data, file);
    fclose(file);
    for (unsigned part = 1; part < 8; part++) {
        struct plugin_file cut;
        const char *path = folder_file(*state, "cut.so", data, len * part / 16);
        assert_int_equal(plugin_file_open(path, NULL, &cut), -RP_EPLUGIN);
        assert_null(cut.object);
        plugin_file_close(&cut);
    }
    assert_refused(folder_file(*state, "cut.so", data, 2000), NULL, "a part of it is missing: the file ends too early");
    free(whole);
}

static void what_is_no_file_is_refused(void **state) {
    const char *path = folder_path(*state, "none.so");
    assert_refused(path, NULL, "No such file or directory");
    mkdir(path, 0755);
    assert_refused(path, NULL, "it is not a regular file");
}

/* ---- a file that changes while it is in use ------------------------------------------------------------------------ */

/* The loader's own idea of where the plugin comes from. */
static const char *loaded_from(const struct plugin_file *file) {
    Dl_info info;
    assert_int_not_equal(dladdr((const void *)file->plugin, &info), 0);
    return info.dli_fname;
}

/* As installing does it: the new file takes the name, the old one goes on being what it was. */
static void replace(const char *folder, const char *probe, const char *name) {
    char to[PATH_MAX];
    snprintf(to, sizeof to, "%s/%s.so", folder, name);
    assert_int_equal(rename(folder_probe(folder, probe, "new"), to), 0);
}

static void the_same_file_is_the_same_plugin(void **state) {
    struct plugin_file first, second;
    char *path = rp_strdup(folder_probe(*state, "good", "good"));
    assert_int_equal(plugin_file_open(path, NULL, &first), 0);
    assert_string_equal(loaded_from(&first), path);
    replace(*state, "good", "good"); /* the same bytes */
    assert_int_equal(plugin_file_open(path, NULL, &second), 0);
    assert_ptr_equal(first.plugin, second.plugin);
    plugin_file_close(&first);
    assert_string_equal(second.plugin->version, "1.2.3");
    plugin_file_close(&second);
    free(path);
}

static void a_replaced_file_is_loaded_beside_the_old_one(void **state) {
    struct plugin_file first, second, third;
    char *path = rp_strdup(folder_probe(*state, "good", "good"));
    assert_int_equal(plugin_file_open(path, NULL, &first), 0);
    replace(*state, "other", "good");
    assert_int_equal(plugin_file_open(path, NULL, &second), 0);
    assert_ptr_not_equal(first.plugin, second.plugin);
    assert_non_null(kind_find(first.plugin, KIND_STAGE, "good"));
    assert_non_null(kind_find(second.plugin, KIND_STAGE, "hidden"));
    plugin_file_close(&first);
    assert_int_equal(plugin_file_open(path, NULL, &third), 0);
    assert_ptr_equal(third.plugin, second.plugin);
    plugin_file_close(&second);
    assert_non_null(kind_find(third.plugin, KIND_STAGE, "hidden"));
    plugin_file_close(&third);
    free(path);
}

/* ---- signatures -------------------------------------------------------------------------------------------------- */

static unsigned char public_key[crypto_sign_PUBLICKEYBYTES], secret_key[crypto_sign_SECRETKEYBYTES];

static size_t read_file(const char *path, unsigned char *data, size_t size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(data, 1, size, file);
    fclose(file);
    assert_true(len < size);
    return len;
}

static char *sign(const char *folder, const char *probe, unsigned char signature[crypto_sign_BYTES]) {
    static unsigned char data[4 << 20];
    char *path = rp_strdup(folder_probe(folder, probe, probe));
    size_t len = read_file(path, data, sizeof data);
    crypto_sign_detached(signature, NULL, data, len, secret_key);
    return path;
}

static void a_signed_plugin_is_loaded_from_the_bytes_that_were_checked(void **state) {
    unsigned char signature[crypto_sign_BYTES];
    struct plugin_file file;
    char hex[2 * crypto_sign_BYTES + 1];
    char *path = sign(*state, "good", signature);
    folder_file(*state, "good.so.sig", signature, sizeof signature);
    assert_int_equal(plugin_file_open(path, public_key, &file), 0);
    assert_string_not_equal(loaded_from(&file), path);
    assert_non_null(kind_find(file.plugin, KIND_STAGE, "good"));
    plugin_file_close(&file);
    sodium_bin2hex(hex, sizeof hex, signature, sizeof signature);
    folder_file(*state, "good.so.sig", hex, strlen(hex));
    assert_int_equal(plugin_file_open(path, public_key, &file), 0);
    plugin_file_close(&file);
    free(path);
}

static void two_signed_plugins_are_two(void **state) {
    unsigned char signature[crypto_sign_BYTES];
    struct plugin_file first, second;
    char *good = sign(*state, "good", signature);
    folder_file(*state, "good.so.sig", signature, sizeof signature);
    char *other = sign(*state, "other", signature);
    folder_file(*state, "other.so.sig", signature, sizeof signature);
    assert_int_equal(plugin_file_open(good, public_key, &first), 0);
    assert_int_equal(plugin_file_open(other, public_key, &second), 0);
    assert_ptr_not_equal(first.plugin, second.plugin);
    assert_non_null(kind_find(second.plugin, KIND_STAGE, "hidden"));
    plugin_file_close(&first);
    plugin_file_close(&second);
    free(good);
    free(other);
}

static void a_plugin_in_use_unsigned_is_loaded_once_more_when_it_must_be_signed(void **state) {
    unsigned char signature[crypto_sign_BYTES];
    struct plugin_file first, second, third;
    char *path = sign(*state, "good", signature);
    folder_file(*state, "good.so.sig", signature, sizeof signature);
    assert_int_equal(plugin_file_open(path, NULL, &first), 0);
    assert_int_equal(plugin_file_open(path, public_key, &second), 0);
    assert_ptr_not_equal(first.plugin, second.plugin);
    assert_int_equal(plugin_file_open(path, public_key, &third), 0);
    assert_ptr_equal(second.plugin, third.plugin);
    plugin_file_close(&first);
    plugin_file_close(&second);
    plugin_file_close(&third);
    free(path);
}

static void a_plugin_without_a_good_signature_is_refused(void **state) {
    unsigned char signature[crypto_sign_BYTES];
    char why[256];
    char *path = sign(*state, "good", signature);
    snprintf(why, sizeof why, "it is not signed: %s.sig: No such file or directory", path);
    assert_refused(path, public_key, why);
    signature[0] ^= 1;
    folder_file(*state, "good.so.sig", signature, sizeof signature);
    assert_refused(path, public_key, "its signature is not one of the trusted key over this file");
    folder_file(*state, "good.so.sig", "nonsense", 8);
    snprintf(why, sizeof why, "%s.sig does not hold a signature", path);
    assert_refused(path, public_key, why);
    free(path);
}

static void a_changed_plugin_is_refused(void **state) {
    static unsigned char data[4 << 20];
    unsigned char signature[crypto_sign_BYTES];
    char *path = sign(*state, "good", signature);
    folder_file(*state, "good.so.sig", signature, sizeof signature);
    size_t len = read_file(path, data, sizeof data);
    data[len / 2] ^= 1;
    folder_file(*state, "good.so", data, len);
    assert_refused(path, public_key, "its signature is not one of the trusted key over this file");
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_good_plugin_is_loaded, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(each_mismatch_has_its_own_message, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(another_size_is_told_with_both_sizes, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_no_shared_object_is_refused, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(a_shared_object_that_was_cut_short_is_refused, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_refused, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(the_same_file_is_the_same_plugin, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(a_replaced_file_is_loaded_beside_the_old_one, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(a_signed_plugin_is_loaded_from_the_bytes_that_were_checked, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(two_signed_plugins_are_two, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(a_plugin_in_use_unsigned_is_loaded_once_more_when_it_must_be_signed,
                                        folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(a_plugin_without_a_good_signature_is_refused, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(a_changed_plugin_is_refused, folder_setup, folder_teardown),
    };
    if (sodium_init() < 0) return 1;
    crypto_sign_keypair(public_key, secret_key);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
