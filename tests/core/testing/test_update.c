/* --update: expectation lines change, everything else stays byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/testing/update.h"

static struct chat_file file;
static struct outcome outcomes[8];

static void open_file(const char *text) {
    struct report report = {0};
    if (chat_file_read(&file, "a.chat", rp_str(text), true, &report) != 0) fail_msg("%s", report.entries[0].error.text);
    report_finish(&report);
    size_t i = 0;
    for (const struct chat_step *step = file.steps; step; step = step->next) {
        if (step->kind > STEP_EVENT) continue;
        outcomes[i] = (struct outcome){.step = step, .by = "rule:r", .message = "", .next = NULL};
        if (i > 0) outcomes[i - 1].next = &outcomes[i];
        i++;
    }
}

/* NULL: nothing changes. */
static const char *updated(void) {
    static char text[4096];
    struct rp_buf out;
    rp_buf_init(&out, sizeof(text));
    bool changed = update_text(&file, outcomes, &out);
    if (!changed) assert_true(rp_str_equal(rp_buf_str(&out), file.text));
    snprintf(text, sizeof(text), "%s", out.data ? out.data : "");
    rp_buf_finish(&out);
    chat_file_finish(&file);
    return changed ? text : NULL;
}

static void what_is_met_stays(void **state) {
    (void)state;
    open_file("# c\n\n> a\n< x\n\n# d\n= rule:r\n<~ ^x\n");
    outcomes[0].reply = RP_STR("x");
    assert_null(updated());
}

static void only_expectations_change(void **state) {
    (void)state;
    open_file("# head\n\n> a\n# why\n< old\n< lines\n  \n= rule:q\n# tail\n> b\n< same\n");
    outcomes[0].reply = RP_STR("new\n\nthree");
    outcomes[1].reply = RP_STR("same");
    assert_string_equal(updated(), "# head\n\n> a\n# why\n< new\n<\n< three\n= rule:r\n  \n# tail\n> b\n< same\n");
}

static void a_bare_message_gets_its_lines_behind_its_scripts(void **state) {
    (void)state;
    open_file("> a\nmodel m: x\nhttp GET http://a: 200\nhttp+ A: b\n\n# next\n> b\n>> c\n> d");
    outcomes[0].reply = RP_STR("one");
    outcomes[1].reply = RP_STR("two");
    outcomes[2].reply = RP_STR("three");
    outcomes[2].by = "";
    assert_string_equal(updated(), "> a\nmodel m: x\nhttp GET http://a: 200\nhttp+ A: b\n< one\n= rule:r\n\n# next\n"
                                   "> b\n>> c\n< two\n= rule:r\n> d\n< three\n");
}

static void replies_and_refusals_change_places(void **state) {
    (void)state;
    open_file("> a\n< x\n= rule:r\n> b\n! rate_limited\n> c\n! not_found\n");
    outcomes[0].code = RP_ERATE;
    outcomes[0].by = "";
    outcomes[1].reply = RP_STR("hello");
    outcomes[2].code = RP_ERULE;
    outcomes[2].by = "";
    assert_string_equal(updated(), "> a\n! rate_limited\n> b\n< hello\n> c\n! rule_error\n");
}

static void a_pattern_that_fails_becomes_the_text(void **state) {
    (void)state;
    open_file("> a\n<~ ^x\n<~ y$\n> b\n< b\n<~ ^c\n");
    outcomes[0].reply = RP_STR("no y");
    outcomes[1].reply = RP_STR("b");
    assert_string_equal(updated(), "> a\n< no y\n<~ y$\n> b\n< b\n");
}

static void spoiled_steps_stay(void **state) {
    (void)state;
    open_file("> a\n< x\n> b\n< x\n");
    outcomes[0].reply = RP_STR("new");
    outcomes[0].spoiled = true;
    outcomes[1].reply = RP_STR("new");
    assert_string_equal(updated(), "> a\n< x\n> b\n< new\n");
}

static void line_ends_are_kept(void **state) {
    (void)state;
    open_file("> a\r\n< x\r\n# c\r\n");
    outcomes[0].reply = RP_STR("y\nz");
    assert_string_equal(updated(), "> a\r\n< y\r\n< z\r\n# c\r\n");
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static void put(const char *path, const char *text) {
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static void the_file_is_replaced_as_it_is(void **state) {
    (void)state;
    char folder[] = "/tmp/test-update-XXXXXX", path[64], link[64], text[64];
    struct rp_error error;
    struct stat about;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/a.chat", folder);
    snprintf(link, sizeof(link), "%s/b.chat", folder);
    put(path, "> a\n< x\n");
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(symlink("a.chat", link), 0);
    open_file("> a\n< x\n");
    file.path = link;
    assert_int_equal(update_write(&file, RP_STR("> a\n< y\n"), &error), 0);
    assert_int_equal(lstat(link, &about), 0);
    assert_true(S_ISLNK(about.st_mode));
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0640);
    FILE *in = fopen(path, "rb");
    assert_int_equal(fread(text, 1, sizeof(text), in), 8);
    fclose(in);
    assert_memory_equal(text, "> a\n< y\n", 8);
    assert_int_equal(update_write(&file, RP_STR("z"), &error), -RP_EIO); /* it is not what was read any more */
    assert_non_null(strstr(error.text, "has changed"));
    chat_file_finish(&file);
    unlink(link);
    unlink(path);
    assert_int_equal(rmdir(folder), 0); /* and nothing else was left there */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_met_stays),
        cmocka_unit_test(only_expectations_change),
        cmocka_unit_test(a_bare_message_gets_its_lines_behind_its_scripts),
        cmocka_unit_test(replies_and_refusals_change_places),
        cmocka_unit_test(a_pattern_that_fails_becomes_the_text),
        cmocka_unit_test(spoiled_steps_stay),
        cmocka_unit_test(line_ends_are_kept),
        cmocka_unit_test(the_file_is_replaced_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
