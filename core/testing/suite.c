/* Loads the bot once, plays every file in it, and puts the results where they are wanted. */
#include "core/testing/suite.h"

#include <libgen.h>
#include <repartee/regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/cli/command.h"
#include "core/config/file.h"
#include "core/config/report.h"
#include "core/testing/coverage.h"
#include "core/testing/find.h"
#include "core/testing/log_lines.h"
#include "core/testing/play.h"
#include "core/testing/report.h"
#include "core/testing/update.h"

struct suite {
    const struct suite_options *options;
    struct bot *bot;
    struct alone alone;
    struct cast cast;
    struct play play;
    struct found found;
    struct test_report report;
    struct chat_file *files; /* as many as were found */
    size_t file_count, updated;
    struct result *results, **last_result;
    bool stopped; /* a turn hangs: nothing more can be run */
};

/* ---- which files ------------------------------------------------------------------------------------------------- */

static int find_beside(struct suite *suite, struct rp_error *error) {
    static const char *const folders[] = {"tests", "rules"};
    int code = 0;
    for (size_t i = 0; i < 2 && code == 0; i++) {
        char *copy = rp_strdup(suite->options->bot), *folder = dirname(copy);
        struct rp_buf path;
        rp_buf_init(&path, 65536);
        rp_buf_printf(&path, "%s%s%s", strcmp(folder, ".") == 0 ? "" : folder, strcmp(folder, ".") == 0 ? "" : "/",
                      folders[i]);
        code = find_tests(&suite->found, path.data, true, error);
        rp_buf_finish(&path);
        free(copy);
    }
    return code;
}

static int keep_matching(struct suite *suite, struct rp_error *error) {
    struct found *found = &suite->found;
    struct rp_regex *filter;
    struct rp_match match;
    size_t kept = 0;
    if (!suite->options->filter) return 0;
    if (rp_regex_compile(rp_str(suite->options->filter), 0, &filter, error) != 0) return -RP_EINVALID;
    for (size_t i = 0; i < found->count; i++) {
        if (rp_regex_match(filter, rp_str(found->paths[i]), 0, 0, &match) == RP_MATCH_FOUND)
            found->paths[kept++] = found->paths[i];
        else
            free(found->paths[i]);
    }
    found->count = kept;
    rp_regex_free(filter);
    return 0;
}

static int find_files(struct suite *suite) {
    struct rp_error error;
    int code = 0;
    if (suite->options->path_count == 0) code = find_beside(suite, &error);
    for (int i = 0; i < suite->options->path_count && code == 0; i++)
        code = find_tests(&suite->found, suite->options->paths[i], false, &error);
    if (code == 0) code = keep_matching(suite, &error);
    if (code == 0 && suite->found.count == 0)
        code = rp_error_set(&error, RP_ENOTFOUND, "there is no conversation test (*.chat) here");
    if (code != 0) fprintf(stderr, "repartee test: %s\n", error.text);
    return code;
}

/* ---- results ----------------------------------------------------------------------------------------------------- */

static struct result *add_result(struct suite *suite, struct chat_file *file) {
    struct result *result = result_create(file);
    *suite->last_result = result;
    suite->last_result = &result->next;
    return result;
}

static void tell(struct suite *suite, const struct result *result) {
    report_result(&suite->report, result);
    if (result->lost) suite->stopped = true;
    if (!suite->options->verbose || result->failures) return;
    fprintf(suite->report.out, "%s: passed%s (%u %s, %.1f ms)\n", result->file->name,
            result->shredded ? ", shredded" : "", result->turns, result->turns == 1 ? "turn" : "turns",
            (double)result->ns / 1e6);
}

/* A file that cannot be read as a test is a test that fails. */
static void add_mistakes(struct result *result, const struct report *mistakes) {
    for (size_t i = 0; i < mistakes->count; i++) {
        const struct rp_error *error = &mistakes->entries[i].error;
        result_fail(result, error->line > 0 ? (unsigned)error->line : 0, "%s", error->text);
    }
}

/* ---- one file ---------------------------------------------------------------------------------------------------- */

static bool read_file(struct suite *suite, const char *path, struct chat_file *file, struct report *mistakes) {
    struct rp_arena *arena = rp_arena_create();
    struct rp_str text = RP_STR("");
    const char *why;
    if (file_read(arena, path, CHAT_FILE_MAX, &text, &why) != 0)
        report_add(mistakes, RP_EIO, path, 0, "cannot be read: %s", why);
    size_t errors = mistakes->errors;
    struct report unused = {0};
    chat_file_read(file, path, text, suite->options->update, errors ? &unused : mistakes);
    report_sort(mistakes, 0, path);
    report_finish(&unused);
    file->path = file->name;
    rp_arena_destroy(arena);
    return mistakes->errors == 0;
}

/* True: the file has been written anew and is to be read again. */
static bool update(struct suite *suite, const struct chat_file *file, const struct result *result) {
    struct rp_buf text;
    struct rp_error error;
    rp_buf_init(&text, 4 * CHAT_FILE_MAX);
    bool changed = update_text(file, result->outcomes, &text);
    if (changed && update_write(file, rp_buf_str(&text), &error) != 0) {
        fprintf(stderr, "repartee test: %s\n", error.text);
        changed = false;
    }
    rp_buf_finish(&text);
    suite->updated += changed;
    return changed;
}

static bool play_plain(struct suite *suite, struct chat_file *file) {
    struct result *result = result_create(file);
    play_file(&suite->play, file, NULL, result);
    if (suite->options->update && !result->lost && update(suite, file, result)) {
        struct report mistakes = {0};
        char *path = rp_strdup(file->path);
        result_destroy(result);
        chat_file_finish(file);
        result = result_create(file);
        if (read_file(suite, path, file, &mistakes))
            play_file(&suite->play, file, NULL, result);
        else
            add_mistakes(result, &mistakes);
        report_finish(&mistakes);
        free(path);
    }
    *suite->last_result = result;
    suite->last_result = &result->next;
    tell(suite, result);
    return !result->failures;
}

static void run_file(struct suite *suite, const char *path) {
    struct chat_file *file = &suite->files[suite->file_count++];
    struct report mistakes = {0};
    if (!read_file(suite, path, file, &mistakes)) {
        struct result *result = add_result(suite, file);
        add_mistakes(result, &mistakes);
        tell(suite, result);
    } else {
        bool passed = play_plain(suite, file); /* what fails in one piece need not be told a second time */
        if (suite->options->shred && passed) {
            struct result *result = add_result(suite, file);
            play_file(&suite->play, file, &suite->options->seed, result);
            tell(suite, result);
        }
    }
    report_finish(&mistakes);
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

static void run_files(struct suite *suite) {
    suite->files = rp_calloc(suite->found.count, sizeof(*suite->files));
    for (size_t i = 0; i < suite->found.count && !suite->stopped; i++) run_file(suite, suite->found.paths[i]);
    if (suite->stopped && suite->file_count < suite->found.count)
        fprintf(stderr, "repartee test: stopped: %zu files have not been run\n", suite->found.count - suite->file_count);
}

static bool all_passed(const struct suite *suite) {
    for (const struct result *result = suite->results; result; result = result->next)
        if (result->failures) return false;
    return !suite->stopped;
}

/* False: less than was asked for. */
static bool cover(struct suite *suite) {
    if (!suite->options->coverage || suite->stopped) return true;
    struct coverage coverage = coverage_tell(&suite->alone, suite->report.out);
    double share = coverage.items ? 100.0 * (double)coverage.reached / (double)coverage.items : 100;
    if (share >= suite->options->least) return true;
    fprintf(stderr, "repartee test: %.1f %% were reached, %g %% are asked for\n", share, suite->options->least);
    return false;
}

static int conclude(struct suite *suite) {
    struct rp_error error;
    bool covered = cover(suite);
    if (suite->updated > 0)
        fprintf(suite->report.out, "%zu %s updated\n", suite->updated, suite->updated == 1 ? "file" : "files");
    report_summary(&suite->report, suite->results);
    const char *junit = suite->options->junit;
    if (junit && junit_write(junit, suite->bot->name, suite->results, &error) != 0) {
        fprintf(stderr, "repartee test: %s\n", error.text);
        return EXIT_BOT;
    }
    return covered && all_passed(suite) ? EXIT_OK : EXIT_BOT;
}

static void forget_results(struct suite *suite) {
    while (suite->results) {
        struct result *result = suite->results;
        suite->results = result->next;
        result_destroy(result);
    }
    for (size_t i = 0; i < suite->file_count; i++) chat_file_finish(&suite->files[i]);
    free(suite->files);
}

static int with_bot(struct suite *suite, struct report *report) {
    cast_take_models(&suite->cast, suite->bot);
    int code = alone_open(&suite->alone, suite->bot, report);
    if (code != 0) return code;
    cast_take_http(&suite->cast, alone_worker(&suite->alone));
    suite->play = (struct play){.alone = &suite->alone, .cast = &suite->cast};
    log_lines_keep();
    if (suite->options->coverage) coverage_start(&suite->alone);
    run_files(suite);
    code = conclude(suite);
    alone_close(&suite->alone);
    log_lines_restore();
    forget_results(suite);
    return code;
}

static int load_bot(struct suite *suite, struct report *report) {
    struct bot_wish wish = {.use = BOT_OFFLINE};
    log_lines_keep(); /* what loading says is in the report */
    int code = bot_load(suite->options->bot, &wish, &suite->bot, report);
    if (code == 0) code = with_bot(suite, report);
    log_lines_restore();
    return code;
}

int suite_run(const struct suite_options *options) {
    struct suite suite = {.options = options, .report = {.out = stdout, .colour = isatty(STDOUT_FILENO) != 0}};
    struct report report = {0};
    suite.last_result = &suite.results;
    int code = find_files(&suite);
    if (code == 0) code = load_bot(&suite, &report);
    report_print(&report, stderr);
    report_finish(&report);
    bot_free(suite.bot);
    cast_leave(&suite.cast);
    found_finish(&suite.found);
    return code < 0 ? EXIT_BOT : code;
}
