/* `repartee batch`: many messages at a time. Only the arguments are read here; the rest is in core/batch. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/batch/run.h"
#include "core/cli/command.h"
#include "core/text/units.h"

static const char usage[] =
    "usage: repartee batch [-c FILE] [OPTION…] IN.jsonl OUT.jsonl\n\n"
    "Answers every message of IN and writes a line of JSON for each to OUT, as they are done. A line of IN is a text in\n"
    "quotes, or an object as POST /v1/chat takes it: {\"message\", \"session\", \"user\", \"metadata\", \"id\"}. A line\n"
    "of OUT has the number of its line in IN, and the reply or an error. Messages of one session are answered one after\n"
    "the other. What OUT has already is not asked again, so the same command goes on where it was stopped, and tries\n"
    "again what failed. - stands for stdin or stdout. Exit code 1 when an item has got no reply.\n\n"
    "  -c, --config FILE    the bot file [bot.lua]\n"
    "  -n, --concurrency N  messages at a time, from 1 to 10000 [8; with --bulk 10000]\n"
    "  -p, --pipeline NAME  by this pipeline [the first]\n"
    "  -w, --wait TIME      how long a message is tried again that is refused for now, by a limit or a busy model; with\n"
    "                       --bulk how long a reply may take [10m; with --bulk 24h]\n"
    "      --bulk           hours do not matter: models may use their provider's batch endpoint, at its price\n"
    "      --line SIZE      longest line of IN, at most 64MiB [1MiB]\n"
    "  -q, --quiet          no progress and no summary\n"
    "  -h, --help           this text\n";

enum { OPTION_BULK = 256, OPTION_LINE };

#define LINE_LIMIT ((int64_t)64 << 20)

static int wrong(const char *option, const char *needs, const char *given) {
    fprintf(stderr, "repartee batch: %s takes %s, not '%s'\n", option, needs, given);
    return -RP_EINVALID;
}

static int read_concurrency(const char *text, size_t *out) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || value < 1 || value > BATCH_CONCURRENCY_MAX)
        return wrong("--concurrency", "a number from 1 to 10000", text);
    *out = value;
    return 0;
}

static int read_wait(const char *text, int64_t *out_ms) {
    return units_duration(text, out_ms) == 0 ? 0 : wrong("--wait", "a time such as 30s, 10m or 24h", text);
}

static int read_line_max(const char *text, size_t *out) {
    int64_t bytes;
    if (units_size(text, &bytes) != 0 || bytes < 1 || bytes > LINE_LIMIT)
        return wrong("--line", "a size such as 64KiB, at most 64MiB", text);
    *out = (size_t)bytes;
    return 0;
}

static int usage_error(void) {
    fputs(usage, stderr);
    return -RP_EINVALID;
}

/* 0, or -RP_EINVALID when that has been told; 1: help was all. */
static int parse(int argc, char **argv, struct batch_options *batch) {
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"concurrency", required_argument, NULL, 'n'},
                                            {"pipeline", required_argument, NULL, 'p'},
                                            {"wait", required_argument, NULL, 'w'},
                                            {"bulk", no_argument, NULL, OPTION_BULK},
                                            {"line", required_argument, NULL, OPTION_LINE},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int option, code = 0;
    while (code == 0 && (option = getopt_long(argc, argv, "c:n:p:w:qh", options, NULL)) != -1) {
        switch (option) {
        case 'c': batch->bot = optarg; break;
        case 'n': code = read_concurrency(optarg, &batch->concurrency); break;
        case 'p': batch->pipeline = optarg; break;
        case 'w': code = read_wait(optarg, &batch->wait_ms); break;
        case OPTION_BULK: batch->bulk = true; break;
        case OPTION_LINE: code = read_line_max(optarg, &batch->line_max); break;
        case 'q': batch->quiet = true; break;
        case 'h': fputs(usage, stdout); return 1;
        default: return usage_error();
        }
    }
    if (code == 0 && optind + 2 != argc) return usage_error();
    batch->in = code == 0 ? argv[optind] : NULL;
    batch->out = code == 0 ? argv[optind + 1] : NULL;
    return code;
}

int command_batch(int argc, char **argv) {
    struct batch_options batch = {.bot = "bot.lua", .line_max = BATCH_LINE_MAX, .wait_ms = -1};
    int code = parse(argc, argv, &batch);
    if (code != 0) return code > 0 ? EXIT_OK : EXIT_USAGE;
    if (batch.bulk && strcmp(batch.out, "-") == 0) {
        fputs("repartee batch: --bulk needs a file for OUT: what providers are working on is remembered beside it\n",
              stderr);
        return EXIT_USAGE;
    }
    if (batch.concurrency == 0) batch.concurrency = batch.bulk ? BATCH_CONCURRENCY_MAX : BATCH_CONCURRENCY;
    if (batch.wait_ms < 0) batch.wait_ms = batch.bulk ? (int64_t)24 * 60 * 60 * 1000 : (int64_t)10 * 60 * 1000;
    return batch_run(&batch);
}
