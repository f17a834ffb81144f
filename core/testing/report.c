/* The results on the terminal: every failure where it stands in its file, and one line at the end that counts. */
#include "core/testing/report.h"

static const char *start(const struct test_report *report, const char *code) {
    return report->colour ? code : "";
}

void report_result(const struct test_report *report, const struct result *result) {
    for (const struct failure *failure = result->failures; failure; failure = failure->next) {
        fprintf(report->out, "%s%s:", start(report, "\033[1m"), result->file->name);
        if (failure->line) fprintf(report->out, "%u:", failure->line);
        fprintf(report->out, "%s %s", start(report, "\033[0m"), failure->what);
        if (result->shredded)
            fprintf(report->out, " (shredded, --seed %llu)", (unsigned long long)result->seed);
        fputc('\n', report->out);
        failure_text(failure, "    ", report->colour, report->out);
    }
}

void report_summary(const struct test_report *report, const struct result *results) {
    size_t passed = 0, failed = 0, turns = 0;
    int64_t ns = 0;
    bool shredded = false;
    uint64_t seed = 0;
    for (const struct result *result = results; result; result = result->next) {
        passed += !result->failures;
        failed += result->failures != NULL;
        turns += result->turns;
        ns += result->ns;
        shredded |= result->shredded;
        if (result->shredded) seed = result->seed;
    }
    fprintf(report->out, "%s%zu passed, %zu failed%s (%zu %s, %.3f s", start(report, failed ? "\033[31m" : "\033[32m"),
            passed, failed, start(report, "\033[0m"), turns, turns == 1 ? "turn" : "turns", (double)ns / 1e9);
    if (shredded) fprintf(report->out, ", shredded with --seed %llu", (unsigned long long)seed);
    fputs(")\n", report->out);
}
