/* Where the program is, and what two paths share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/host/lookup.h"

static void paths_share_whole_folders_only(void **state) {
    (void)state;
    assert_int_equal(lookup_common_folder("/usr/lib/a", "/usr/lib64/b"), 4);
    assert_int_equal(lookup_common_folder("/usr/lib/a", "/usr/lib/b"), 8);
    assert_int_equal(lookup_common_folder("/usr/lib", "/usr/lib"), 8);
    assert_int_equal(lookup_common_folder("/usr/lib", "/usr/lib/b"), 8);
    assert_int_equal(lookup_common_folder("/opt/a", "/usr/b"), 0);
    assert_int_equal(lookup_common_folder("/opt/a", ""), 0);
}

static void a_program_that_contains_the_core_is_its_library(void **state) {
    char program[PATH_MAX], library[PATH_MAX];
    (void)state;
    assert_int_equal(lookup_program(program), 0);
    assert_int_equal(lookup_library(library), 0);
    assert_int_equal(program[0], '/');
    assert_string_equal(program, library);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_share_whole_folders_only),
        cmocka_unit_test(a_program_that_contains_the_core_is_its_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
