/* Opens everything that a batch needs, in an order in which nothing is changed before all of it is known to be right, and
 * tells at the end how it went. */
#include "core/batch/run.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file_limit.h"
#include "core/base/log_sink.h"
#include "core/batch/drive.h"
#include "core/cli/command.h"
#include "core/turn/bulk_state.h"

static int complain(const struct rp_error *error) {
    if (error->line > 0)
        fprintf(stderr, "repartee batch: %s:%d: %s\n", error->file, error->line, error->text);
    else
        fprintf(stderr, "repartee batch: %s\n", error->text);
    return EXIT_BOT;
}

/* ---- is the input still what it was? ----------------------------------------------------------------------------- */

int run_changed(const struct run *run, int64_t line, struct rp_error *error) {
    return rp_error_at(error, RP_ECONFLICT, run->input.name, (int)line,
                       "this line is not what it was when '%s' got its reply: give the output another name, or the "
                       "input its old lines",
                       run->output.name);
}

/* Compares a line with what is known of it. */
static int compare(struct run *run, enum input_kind kind, struct rp_str text, struct rp_error *error) {
    uint32_t known = ledger_find(&run->output.ledger, input_line(&run->input));
    if (!known) return 0;
    if (kind != INPUT_TEXT || input_hash(text) != known) return run_changed(run, input_line(&run->input), error);
    run->met++;
    return 0;
}

static int check_end(const struct run *run, struct rp_error *error) {
    if (run->met < run->output.ledger.count)
        return rp_error_set(error, RP_ECONFLICT,
                            "'%s' has replies to lines that '%s' does not have: it is another input's",
                            run->output.name, run->input.name);
    if (input_line(&run->input) > LEDGER_LINES)
        return rp_error_set(error, RP_ETOOLARGE, "'%s' has more than %lld lines: please cut it up", run->input.name,
                            (long long)LEDGER_LINES);
    return 0;
}

/* Counts the items of a file, and looks whether those that have a reply are still the same. */
static int survey(struct run *run, struct rp_error *error) {
    struct rp_str text = {0};
    enum input_kind kind;
    int code = 0;
    run->total = -1;
    if (!run->input.regular) return 0;
    run->total = 0;
    while (code == 0 && (kind = input_next(&run->input, &text)) != INPUT_END) {
        if (kind == INPUT_FAILED)
            return rp_error_set(error, RP_EIO, "cannot read '%s': %s", run->input.name, strerror(errno));
        if (kind == INPUT_BUSY) continue;
        run->total++;
        code = compare(run, kind, text, error);
    }
    if (code == 0) code = check_end(run, error);
    if (code == 0 && input_rewind(&run->input) != 0)
        code = rp_error_set(error, RP_EIO, "cannot read '%s' again: %s", run->input.name, strerror(errno));
    return code;
}

static bool is_input(const struct run *run, const struct stat *other) {
    struct stat in;
    return S_ISREG(other->st_mode) && fstat(run->input.fd, &in) == 0 && in.st_dev == other->st_dev &&
           in.st_ino == other->st_ino;
}

/* Before the output is even looked at. */
static int check_different(const struct run *run, struct rp_error *error) {
    struct stat out;
    const char *path = run->options->out;
    bool is_stdout = strcmp(path, "-") == 0;
    if ((is_stdout ? fstat(STDOUT_FILENO, &out) : stat(path, &out)) != 0 || !is_input(run, &out)) return 0;
    return rp_error_set(error, RP_EINVALID, "'%s' is the input: name another file for the results",
                        is_stdout ? "stdout" : path);
}

/* The file that a tidied output is written to takes the place of one that a killed run has left there. */
static int check_beside(const struct run *run, struct rp_error *error) {
    struct stat beside;
    char path[PATH_MAX + sizeof(OUTPUT_TIDY)];
    if (!run->output.path) return 0;
    snprintf(path, sizeof(path), "%s" OUTPUT_TIDY, run->output.path);
    if (stat(path, &beside) != 0 || !is_input(run, &beside)) return 0;
    return rp_error_set(error, RP_EINVALID,
                        "'%s' is what '%s' would be rewritten to: give the input or the output another name",
                        run->input.name, run->output.name);
}

/* ---- the summary ------------------------------------------------------------------------------------------------- */

static void tell_failures(const struct run *run) {
    const char *between = "";
    fprintf(stderr, ", %lld failed (", (long long)run->failed);
    for (int code = 0; code < RUN_CODES; code++) {
        if (run->by_code[code] == 0) continue;
        fprintf(stderr, "%s%lld %s", between, (long long)run->by_code[code], rp_error_code(code));
        between = ", ";
    }
    fputs(")", stderr);
}

static void summarise(const struct run *run) {
    char took[32];
    int64_t asked = run->succeeded + run->failed;
    if (run->ms < 10000)
        snprintf(took, sizeof(took), "%lld.%llds", (long long)run->ms / 1000, (long long)run->ms % 1000 / 100);
    else
        progress_duration(took, sizeof(took), (double)run->ms / 1000);
    fprintf(stderr, "repartee batch: %lld replies", (long long)run->succeeded);
    if (run->failed > 0) tell_failures(run);
    fprintf(stderr, " in %s", took);
    if (run->ms > 0 && asked > 0) fprintf(stderr, ", %.1f/s", (double)asked * 1000 / (double)run->ms);
    if (run->output.ledger.count > 0) fprintf(stderr, "; %lld were there before", (long long)run->output.ledger.count);
    if (run->interrupted) fputs("; stopped early: the same command goes on", stderr);
    fputs("\n", stderr);
}

/* What the disk did not take is asked again by the next run. */
static void tell_lost(const struct run *run) {
    int64_t lost = run->succeeded + run->failed - run->written;
    if (lost > 0 && run->output.path)
        fprintf(
            stderr,
            "repartee batch: %lld results are written, %lld are not: when there is room, the same command goes on\n",
            (long long)run->written, (long long)lost);
}

static int conclude(const struct run *run) {
    if (!run->options->quiet) summarise(run);
    if (run->trouble.code) {
        complain(&run->trouble);
        tell_lost(run);
    }
    return run->trouble.code || run->failed > 0 || run->interrupted ? EXIT_BOT : EXIT_OK;
}

/* ---- the bot ----------------------------------------------------------------------------------------------------- */

/* The failures of items stand in the results: on a terminal they need not be told a second time. */
static int open_log(struct run *run, struct rp_error *error) {
    const struct bot_log *log = &run->bot->log;
    enum rp_log_level level = (enum rp_log_level)log->level;
    run->quiet_log = !log->file && !run->options->quiet && isatty(STDERR_FILENO);
    if (!log->file && level == RP_LOG_INFO) level = RP_LOG_ERROR;
    int code = log_open(level, log->file, error);
    if (code == 0 && run->quiet_log) log_divert(level, progress_log, &run->progress);
    return code;
}

static void close_log(const struct run *run) {
    if (run->quiet_log) log_divert(RP_LOG_ERROR, NULL, NULL);
    log_close();
}

/* The bot was made for a server: here all that may be under way comes from one place. Its events go out as ever. */
static void make_room(struct run *run) {
    int64_t concurrency = (int64_t)run->options->concurrency;
    run->alone.runtime.events = run->bot->events.url ? &run->bot->events : NULL;
    struct bot_limits *limits = &run->alone.runtime.limits;
    int64_t connections = limits->host_connections > concurrency ? limits->host_connections : concurrency;
    if (limits->turns < concurrency) limits->turns = concurrency;
    run->alone.group.host_connections = (unsigned)connections;
    file_limit_raise();
}

static void set_bulk_state(const struct run *run) {
    struct rp_buf path;
    if (!run->options->bulk) return;
    rp_buf_init(&path, 1 << 16);
    if (rp_buf_printf(&path, "%s.bulk", run->output.path) == 0) bulk_state_set(path.data);
    rp_buf_finish(&path);
}

static bool is_whole(const struct run *run) {
    return !run->trouble.code && run->failed == 0 && !run->interrupted;
}

static int choose_pipeline(struct run *run) {
    struct rp_pipeline *pipeline = alone_pipeline(&run->alone, rp_str(run->options->pipeline));
    if (!pipeline) {
        fprintf(stderr, "repartee batch: there is no pipeline called '%s'\n", run->options->pipeline);
        return EXIT_BOT;
    }
    run->alone.transport.pipeline = pipeline;
    return EXIT_OK;
}

static int with_bot(struct run *run) {
    struct report report = {0};
    int code = alone_open(&run->alone, run->bot, &report);
    report_print(&report, stderr);
    report_finish(&report);
    if (code != 0) return EXIT_BOT;
    make_room(run);
    code = choose_pipeline(run);
    if (code == EXIT_OK) run_drive(run);
    alone_close(&run->alone);
    bulk_state_forget(code == EXIT_OK && is_whole(run));
    return code == EXIT_OK ? conclude(run) : code;
}

/* ---- the files --------------------------------------------------------------------------------------------------- */

static int with_files(struct run *run) {
    struct rp_error error = {0};
    int code = 0;
    if (run->options->bulk && !run->output.path)
        code = rp_error_set(&error, RP_EINVALID, "--bulk needs a file for OUT, not '%s'", run->output.name);
    if (code == 0) code = check_beside(run, &error);
    if (code == 0) code = survey(run, &error);
    if (code == 0) code = output_tidy(&run->output, &error);
    if (code != 0) return complain(&error);
    set_bulk_state(run);
    if (run->total < 0 || run->total != run->output.ledger.count) return with_bot(run);
    bulk_state_forget(true); /* all is there already */
    return conclude(run);
}

static int with_input(struct run *run) {
    struct rp_error error = {0};
    if (check_different(run, &error) != 0 || output_open(&run->output, run->options->out, &error) != 0)
        return complain(&error);
    int code = with_files(run);
    output_close(&run->output);
    return code;
}

static int with_log(struct run *run) {
    struct rp_error error = {0};
    if (input_open(&run->input, run->options->in, run->options->line_max, &error) != 0) return complain(&error);
    int code = with_input(run);
    input_close(&run->input);
    return code;
}

int batch_run(const struct batch_options *options) {
    struct bot_wish wish = {.use = BOT_INWARD};
    struct report report = {0};
    struct rp_error error = {0};
    struct run *run = rp_calloc(1, sizeof(*run));
    run->options = options;
    signal(SIGXFSZ, SIG_IGN); /* a file that is too large is an error like others */
    int code = bot_load(options->bot, &wish, &run->bot, &report) == 0 ? EXIT_OK : EXIT_BOT;
    report_print(&report, stderr);
    report_finish(&report);
    if (code == EXIT_OK && open_log(run, &error) != 0) code = complain(&error);
    if (code == EXIT_OK) {
        code = with_log(run);
        close_log(run);
    }
    bot_free(run->bot);
    free(run);
    return code;
}
