/* `repartee test`: the conversation tests of a bot. Only the arguments are read here; the rest is in core/testing. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/cli/command.h"
#include "core/testing/suite.h"

static const char usage[] =
    "usage: repartee test [-c FILE] [OPTION…] [FILE|DIR…]\n\n"
    "Runs conversation tests (*.chat): those named, or those in tests/ and rules/ beside the bot file. Nothing\n"
    "leaves the process: models and HTTP servers say what the test has written down for them, stores are kept\n"
    "in memory, and the clock stands still until the test moves it. Exit code 1 when a test fails.\n\n"
    "  -c, --config FILE   the bot file [bot.lua]\n"
    "  -f, --filter TEXT   only files whose name this pattern finds\n"
    "  -u, --update        write what comes into the files, where it is not what they expect\n"
    "      --shred         run each file once more, with replies cut and delayed at random\n"
    "      --seed N        the same cuts again; implies --shred\n"
    "      --coverage[=N]  tell what no test has reached: rules, dialogs, guards, generates, tools, and lines of\n"
    "                      their functions; with N fail when less than N per cent of them are reached\n"
    "      --junit FILE    write the results as JUnit XML too\n"
    "  -v, --verbose       name the files that pass as well\n"
    "  -h, --help          this text\n";

enum { OPTION_SHRED = 256, OPTION_SEED, OPTION_COVERAGE, OPTION_JUNIT };

static int parse_seed(const char *text, uint64_t *out_seed) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || *end || end == text || *text == '-') {
        fprintf(stderr, "repartee test: --seed takes a number, not '%s'\n", text);
        return -RP_EINVALID;
    }
    *out_seed = value;
    return 0;
}

static int parse_share(const char *text, double *out_share) {
    char *end;
    double value = strtod(text, &end);
    if (*end || end == text || !(value >= 0 && value <= 100)) {
        fprintf(stderr, "repartee test: --coverage takes a number from 0 to 100, not '%s'\n", text);
        return -RP_EINVALID;
    }
    *out_share = value;
    return 0;
}

static uint64_t random_seed(void) {
    uint32_t seed;
    rp_random(&seed, sizeof(seed));
    return seed;
}

int command_test(int argc, char **argv) {
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"filter", required_argument, NULL, 'f'},
                                            {"update", no_argument, NULL, 'u'},
                                            {"shred", no_argument, NULL, OPTION_SHRED},
                                            {"seed", required_argument, NULL, OPTION_SEED},
                                            {"coverage", optional_argument, NULL, OPTION_COVERAGE},
                                            {"junit", required_argument, NULL, OPTION_JUNIT},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct suite_options suite = {.bot = "bot.lua", .seed = random_seed()};
    int option;
    while ((option = getopt_long(argc, argv, "c:f:uvh", options, NULL)) != -1) {
        switch (option) {
        case 'c': suite.bot = optarg; break;
        case 'f': suite.filter = optarg; break;
        case 'u': suite.update = true; break;
        case 'v': suite.verbose = true; break;
        case OPTION_SHRED: suite.shred = true; break;
        case OPTION_SEED:
            if (parse_seed(optarg, &suite.seed) != 0) return EXIT_USAGE;
            suite.shred = true;
            break;
        case OPTION_COVERAGE:
            suite.coverage = true;
            if (optarg && parse_share(optarg, &suite.least) != 0) return EXIT_USAGE;
            break;
        case OPTION_JUNIT: suite.junit = optarg; break;
        default: fputs(usage, option == 'h' ? stdout : stderr); return option == 'h' ? EXIT_OK : EXIT_USAGE;
        }
    }
    suite.paths = argv + optind;
    suite.path_count = argc - optind;
    return suite_run(&suite);
}
