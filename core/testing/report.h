/* What a person, or a CI, gets to read of the results. */
#ifndef CORE_TESTING_REPORT_H
#define CORE_TESTING_REPORT_H

#include <stdio.h>

#include "core/testing/result.h"

struct test_report {
    FILE *out;
    bool colour; /* a terminal */
};

/* The failures of one result, each with file and line; nothing when there are none. */
void report_result(const struct test_report *report, const struct result *result);
/* "12 passed, 1 failed (124 messages, 0.021 s)" */
void report_summary(const struct test_report *report, const struct result *results);

/* junit.c: the same for machines, written at once or not at all. 0, or -RP_EIO with `error` filled. */
int junit_write(const char *path, const char *suite, const struct result *results, struct rp_error *error);

/* failure_text.c: "expected …, got …" as lines with this indent, without colour and with marks for words. */
void failure_text(const struct failure *failure, const char *indent, bool colour, FILE *out);

#endif
