/* JUnit's XML, as CI servers read it: a test case for each file, and for each file shredded. Texts are the bot's, so
 * whatever XML cannot hold is replaced. */
#define _GNU_SOURCE /* asprintf */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/testing/report.h"

/* The character at `at`, and its length; 0: XML has no place for it. */
static unsigned decode(const unsigned char *at, size_t left, size_t *out_len) {
    size_t len = *at < 0x80 ? 1 : *at < 0xE0 ? 2 : *at < 0xF0 ? 3 : 4;
    *out_len = 1;
    if (!rp_utf8_valid((const char *)at, len <= left ? len : left) || len > left) return 0;
    *out_len = len;
    unsigned code = len == 1 ? *at : *at & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++) code = code << 6 | (at[i] & 0x3Fu);
    bool allowed = code == '\t' || code == '\n' || code == '\r' || (code >= 0x20 && code != 0xFFFE && code != 0xFFFF);
    return allowed ? code : 0;
}

static void put_escaped(FILE *out, struct rp_str text) {
    for (size_t i = 0; i < text.len;) {
        size_t len;
        const char *at = text.data + i;
        unsigned code = decode((const unsigned char *)at, text.len - i, &len);
        i += len;
        switch (code) {
        case 0: fputs("\xEF\xBF\xBD", out); break;
        case '&': fputs("&amp;", out); break;
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '"': fputs("&quot;", out); break;
        case '\n': case '\r': case '\t': fprintf(out, "&#%u;", code); break; /* an attribute would lose it */
        default: fwrite(at, 1, len, out); break;
        }
    }
}

static void put_attribute(FILE *out, const char *name, struct rp_str value) {
    fprintf(out, " %s=\"", name);
    put_escaped(out, value);
    fputc('"', out);
}

/* What the terminal shows, as one text. */
static void put_failures(FILE *out, const struct result *result) {
    char *text = NULL;
    size_t len = 0;
    FILE *memory = open_memstream(&text, &len);
    if (!memory) return;
    report_result(&(struct test_report){.out = memory}, result);
    fclose(memory);
    fputs("    <failure", out);
    put_attribute(out, "message", rp_str(result->failures->what));
    fputs(" type=\"conversation\">", out);
    put_escaped(out, rp_str_n(text, len));
    fputs("</failure>\n", out);
    free(text);
}

static void put_case(FILE *out, const char *suite, const struct result *result) {
    char *name = NULL;
    if (asprintf(&name, "%s%s", result->file->name, result->shredded ? " (shredded)" : "") < 0) abort();
    fputs("  <testcase", out);
    put_attribute(out, "classname", rp_str(suite));
    put_attribute(out, "name", rp_str(name));
    put_attribute(out, "file", rp_str(result->file->name));
    fprintf(out, " time=\"%.6f\">\n", (double)result->ns / 1e9);
    if (result->failures) put_failures(out, result);
    fputs("  </testcase>\n", out);
    free(name);
}

static void put_suite(FILE *out, const char *suite, const struct result *results) {
    size_t tests = 0, failed = 0;
    int64_t ns = 0;
    for (const struct result *result = results; result; result = result->next) {
        tests++;
        failed += result->failures != NULL;
        ns += result->ns;
    }
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite", out);
    put_attribute(out, "name", rp_str(suite));
    fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" time=\"%.6f\">\n", tests, failed, (double)ns / 1e9);
    for (const struct result *result = results; result; result = result->next) put_case(out, suite, result);
    fputs("</testsuite>\n", out);
}

int junit_write(const char *path, const char *suite, const struct result *results, struct rp_error *error) {
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.new", path) < 0) abort();
    FILE *out = fopen(temporary, "wb");
    bool failed = !out;
    if (out) {
        put_suite(out, suite, results);
        failed = ferror(out) != 0;
        failed |= fclose(out) != 0;
    }
    failed = failed || rename(temporary, path) != 0;
    int code = failed ? rp_error_set(error, RP_EIO, "cannot write %s: %s", path, strerror(errno)) : 0;
    if (failed) unlink(temporary);
    free(temporary);
    return code;
}
