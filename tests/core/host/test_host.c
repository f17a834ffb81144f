/* Finding types: by the file's name, by looking at all files, and what hides or contradicts what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sys/stat.h>

#include "core/host/host.h"
#include "folder.h"

static struct host host;

static int setup(void **state) {
    host_init(&host);
    return folder_setup(state);
}

static int teardown(void **state) {
    host_finish(&host);
    return folder_teardown(state);
}

static const struct rp_type *find(const char *name, struct rp_error *error) {
    memset(error, 0, sizeof *error);
    return host_find(&host, KIND_STAGE, name, error);
}

static void a_file_of_the_types_name_is_all_that_is_loaded(void **state) {
    struct rp_error error;
    folder_probe(*state, "good", "good");
    folder_probe(*state, "other", "other");
    host_add_folder(&host, *state);
    const struct rp_type *type = find("good", &error);
    assert_non_null(type);
    assert_int_equal(host.file_count, 1);
    assert_ptr_equal(host_file_of(&host, type), host.files[0]);
    assert_ptr_equal(find("good", &error), type);
    assert_int_equal(host.file_count, 1);
}

static void a_type_in_a_file_of_another_name_is_found(void **state) {
    struct rp_error error;
    folder_probe(*state, "good", "good");
    folder_probe(*state, "other", "other");
    host_add_folder(&host, *state);
    const struct rp_type *type = find("hidden", &error);
    assert_non_null(type);
    assert_string_equal(host_file_of(&host, type)->base, "other");
}

static void a_type_that_is_nowhere_is_no_error_of_a_file(void **state) {
    struct rp_error error;
    folder_probe(*state, "good", "good");
    folder_probe(*state, "magic", "magic");
    host_add_folder(&host, *state);
    host_add_folder(&host, "/nonexistent");
    assert_null(find("none", &error));
    assert_string_equal(error.text, "");
    struct rp_error unused = {0};
    assert_null(host_find(&host, KIND_MODEL, "good", &unused));
    const char **names;
    assert_int_equal(host_names(&host, KIND_STAGE, &names), 1);
    assert_string_equal(names[0], "good");
    free(names);
}

static void a_file_of_the_types_name_that_is_broken_is_told(void **state) {
    struct rp_error error;
    folder_probe(*state, "major", "major");
    host_add_folder(&host, *state);
    assert_null(find("major", &error));
    assert_non_null(strstr(error.text, "built for plugin interface "));
    assert_null(find("major", &error));
    assert_non_null(strstr(error.text, "built for plugin interface "));
    assert_int_equal(host.file_count, 1);
}

static void the_first_folder_hides_files_of_the_same_name(void **state) {
    char second[128];
    struct rp_error error;
    snprintf(second, sizeof second, "%s/second", (char *)*state);
    mkdir(second, 0755);
    folder_probe(*state, "good", "good");
    folder_probe(second, "magic", "good");
    folder_probe(second, "other", "other");
    host_add_folder(&host, *state);
    host_add_folder(&host, second);
    assert_non_null(find("good", &error));
    assert_non_null(find("hidden", &error));
    host_scan(&host);
    assert_int_equal(host.file_count, 2);
}

static void two_files_with_one_type_are_a_clash(void **state) {
    char expected[512];
    folder_probe(*state, "another", "another");
    folder_probe(*state, "good", "good");
    host_add_folder(&host, *state);
    host_scan(&host);
    assert_int_equal(host.file_count, 2);
    assert_non_null(host.files[0]->plugin);
    assert_null(host.files[1]->plugin);
    snprintf(expected, sizeof expected,
             "cannot load the plugin %s/good.so: it declares the stage 'good', which %s/another.so declares already",
             (char *)*state, (char *)*state);
    assert_string_equal(host.files[1]->error.text, expected);
}

static void the_environment_names_folders_in_order(void **state) {
    char path[256];
    snprintf(path, sizeof path, "/one::%s:/two", (char *)*state);
    setenv("REPARTEE_PLUGIN_PATH", path, 1);
    host_add_folder(&host, "/first");
    host_add_own_folders(&host);
    unsetenv("REPARTEE_PLUGIN_PATH");
    assert_true(host.folder_count >= 4);
    assert_string_equal(host.folders[0], "/first");
    assert_string_equal(host.folders[1], "/one");
    assert_string_equal(host.folders[2], *state);
    assert_string_equal(host.folders[3], "/two");
}

static void with_a_key_nothing_unsigned_is_loaded(void **state) {
    struct rp_error error;
    folder_probe(*state, "good", "good");
    host_add_folder(&host, *state);
    assert_int_equal(host_trust(&host, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "/", &error),
                     0);
    assert_null(find("good", &error));
    assert_non_null(strstr(error.text, "it is not signed"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_of_the_types_name_is_all_that_is_loaded, setup, teardown),
        cmocka_unit_test_setup_teardown(a_type_in_a_file_of_another_name_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_type_that_is_nowhere_is_no_error_of_a_file, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_of_the_types_name_that_is_broken_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(the_first_folder_hides_files_of_the_same_name, setup, teardown),
        cmocka_unit_test_setup_teardown(two_files_with_one_type_are_a_clash, setup, teardown),
        cmocka_unit_test_setup_teardown(the_environment_names_folders_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(with_a_key_nothing_unsigned_is_loaded, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
