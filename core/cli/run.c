/* `repartee run`: serve a bot. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/file_limit.h"
#include "core/cli/command.h"
#include "core/turn/engine.h"

#define MAX_WORKERS 256

static const char usage[] = "usage: repartee run [-c FILE] [--workers N] [--control PATH]\n\n"
                            "Serves the bot until SIGTERM or Ctrl-C, then finishes the turns in flight. SIGHUP, or\n"
                            "`repartee reload`, loads the bot file again without a pause; what does not load changes\n"
                            "nothing. The number of workers and the environment stay as they are at the start.\n\n"
                            "  -c, --config FILE   the bot file [bot.lua]\n"
                            "  -w, --workers N     worker threads [one for each core]\n"
                            "      --control PATH  the socket for reload, status and stop\n"
                            "                      [in $XDG_RUNTIME_DIR or /tmp, one for each bot file]\n"
                            "  -h, --help          this text\n";

static int parse_workers(const char *text, unsigned *out_workers) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || *end || end == text || value < 1 || value > MAX_WORKERS) {
        fprintf(stderr, "repartee run: --workers takes a number from 1 to %d, not '%s'\n", MAX_WORKERS, text);
        return -RP_EINVALID;
    }
    *out_workers = (unsigned)value;
    return 0;
}

int command_run(int argc, char **argv) {
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"workers", required_argument, NULL, 'w'},
                                            {"control", required_argument, NULL, 's'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct engine_options engine = {.file = "bot.lua", .controlled = true};
    int option;
    while ((option = getopt_long(argc, argv, "c:w:h", options, NULL)) != -1) {
        if (option == 'c') {
            engine.file = optarg;
        } else if (option == 's') {
            engine.control = optarg;
        } else if (option == 'w') {
            if (parse_workers(optarg, &engine.workers) != 0) return EXIT_USAGE;
        } else {
            fputs(usage, option == 'h' ? stdout : stderr);
            return option == 'h' ? EXIT_OK : EXIT_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "repartee run: unexpected '%s'\n%s", argv[optind], usage);
        return EXIT_USAGE;
    }
    file_limit_raise();
    return engine_run(&engine);
}
