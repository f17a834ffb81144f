/* The report: every mistake and warning that loading a bot turns up, in the order of the bot file.
 *
 * What is a mistake is for others to say; here entries are kept, sorted and printed. */
#include "core/config/report.h"

#include <stdio.h>
#include <stdlib.h>

#define REPORT_MAX 1000 /* entries: whoever has more mistakes than that reads the first ones first */

static struct report_entry *report_entry(struct report *report) {
    if (report->count == REPORT_MAX) return NULL;
    if (report->count % 8 == 0)
        report->entries = rp_realloc(report->entries, (report->count + 8) * sizeof *report->entries);
    struct report_entry *entry = &report->entries[report->count++];
    memset(entry, 0, sizeof *entry);
    return entry;
}

void report_add_error(struct report *report, const struct rp_error *error) {
    report->errors++;
    struct report_entry *entry = report_entry(report);
    if (entry) entry->error = *error;
}

static void report_format(struct rp_error *out, int code, const char *file, int line, const char *format,
                          va_list args) {
    memset(out, 0, sizeof *out);
    out->code = code;
    out->line = line;
    snprintf(out->file, sizeof out->file, "%s", file ? file : "");
    vsnprintf(out->text, sizeof out->text, format, args);
}

void report_add(struct report *report, int code, const char *file, int line, const char *format, ...) {
    struct rp_error error;
    va_list args;
    va_start(args, format);
    report_format(&error, code, file, line, format, args);
    va_end(args);
    report_add_error(report, &error);
}

void report_merge(struct report *report, const struct report *from) {
    for (size_t i = 0; i < from->count; i++) {
        struct report_entry *entry = report_entry(report);
        if (entry) *entry = from->entries[i];
    }
    report->errors += from->errors;
}

void report_warn(struct report *report, const char *file, int line, const char *format, ...) {
    struct report_entry *entry = report_entry(report);
    if (!entry) return;
    va_list args;
    va_start(args, format);
    report_format(&entry->error, RP_ECONFIG, file, line, format, args);
    va_end(args);
    entry->warning = true;
}

void report_note(struct report *report, const char *file, int line, const char *format, ...) {
    struct report_entry *entry = report_entry(report);
    if (!entry) return;
    va_list args;
    va_start(args, format);
    report_format(&entry->error, 0, file, line, format, args);
    va_end(args);
    entry->note = true;
}

/* By file, then line; entries of one line keep the order in which they were found. Insertion: the list is short and
 * nearly sorted already. `first`: the bot file itself comes before what it includes, its folder's plugins and so on. */
static bool report_before(const struct rp_error *a, const struct rp_error *b, const char *first) {
    int order = strcmp(a->file, b->file);
    if (order != 0) {
        if (strcmp(a->file, first) == 0) return true;
        if (strcmp(b->file, first) == 0) return false;
        return order < 0;
    }
    return a->line < b->line;
}

void report_sort(struct report *report, size_t from, const char *first) {
    for (size_t i = from + 1; i < report->count; i++) {
        struct report_entry entry = report->entries[i];
        size_t at = i;
        for (; at > from && report_before(&entry.error, &report->entries[at - 1].error, first); at--)
            report->entries[at] = report->entries[at - 1];
        report->entries[at] = entry;
    }
}

static void report_line(const struct report_entry *entry, char *out, size_t size) {
    const struct rp_error *error = &entry->error;
    char place[sizeof error->file + 16] = "";
    if (error->file[0] && error->line > 0) snprintf(place, sizeof place, "%s:%d: ", error->file, error->line);
    else if (error->file[0]) snprintf(place, sizeof place, "%s: ", error->file);
    snprintf(out, size, "%s%s%s", place, entry->note ? "note: " : entry->warning ? "warning: " : "",
             error->text);
}

void report_tell(const struct report *report, void (*tell)(void *arg, bool warning, const char *line), void *arg) {
    char line[sizeof(struct rp_error) + 64];
    size_t errors = 0;
    for (size_t i = 0; i < report->count; i++) {
        if (report->entries[i].note) continue;
        report_line(&report->entries[i], line, sizeof line);
        tell(arg, report->entries[i].warning, line);
        errors += !report->entries[i].warning;
    }
    if (errors == report->errors) return;
    snprintf(line, sizeof line, "… and %zu more", report->errors - errors);
    tell(arg, false, line);
}

static void print_line(void *out, bool warning, const char *line) {
    (void)warning;
    fprintf(out, "%s\n", line);
}

void report_print(const struct report *report, FILE *out) {
    report_tell(report, print_line, out);
}

void report_print_notes(const struct report *report, FILE *out) {
    char line[sizeof(struct rp_error) + 64];
    for (size_t i = 0; i < report->count; i++) {
        if (!report->entries[i].note) continue;
        report_line(&report->entries[i], line, sizeof line);
        fprintf(out, "%s\n", line);
    }
}

void report_finish(struct report *report) {
    free(report->entries);
    memset(report, 0, sizeof *report);
}
