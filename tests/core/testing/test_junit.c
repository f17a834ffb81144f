/* JUnit files stay XML, whatever a bot says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/testing/report.h"

static char folder[] = "/tmp/test-junit-XXXXXX", path[64];

static int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof(path), "%s/j.xml", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static char *read_back(void) {
    static char text[65536];
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    size_t len = fread(text, 1, sizeof(text) - 1, in);
    fclose(in);
    text[len] = '\0';
    return text;
}

static char *write_one(const char *expected, const char *got) {
    struct chat_file file = {.name = "tests/<a>&\"b\".chat"};
    struct result *result = result_create(&file), *fine = result_create(&file);
    struct rp_error error;
    result_differ(result, 3, "the reply is another one", rp_str(expected), rp_str(got));
    result->next = fine;
    assert_int_equal(junit_write(path, "a <bot>", result, &error), 0);
    result_destroy(fine);
    result_destroy(result);
    return read_back();
}

static void texts_are_escaped(void **state) {
    (void)state;
    const char *xml = write_one("]]> & <b>", "\"quoted\" 'text'");
    assert_non_null(strstr(xml, "<testsuite name=\"a &lt;bot&gt;\" tests=\"2\" failures=\"1\""));
    assert_non_null(strstr(xml, "]]&gt; &amp; &lt;b&gt;"));
    assert_non_null(strstr(xml, "name=\"tests/&lt;a&gt;&amp;&quot;b&quot;.chat\""));
    assert_null(strstr(xml, "]]>"));
}

static void what_xml_cannot_hold_is_replaced(void **state) {
    (void)state;
    const char *xml = write_one("a\x01\x08\x1b[31mb\x7f", "broken \xff\xc3 end \xEF\xBF\xBE \xF0\x9F\x99\x82 订");
    for (const char *at = xml; *at; at++) assert_true((unsigned char)*at >= 0x20 || *at == '\n');
    assert_true(rp_utf8_valid(xml, strlen(xml)));
    assert_null(strstr(xml, "\xEF\xBF\xBE"));
    assert_non_null(strstr(xml, "\xF0\x9F\x99\x82 订"));
}

static void a_file_that_cannot_be_written_is_told(void **state) {
    (void)state;
    struct rp_error error;
    assert_int_equal(junit_write("/nonexistent/j.xml", "x", NULL, &error), -RP_EIO);
    assert_non_null(strstr(error.text, "/nonexistent/j.xml"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_escaped),
        cmocka_unit_test(what_xml_cannot_hold_is_replaced),
        cmocka_unit_test(a_file_that_cannot_be_written_is_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
