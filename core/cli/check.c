/* `repartee check`: load and open everything, serve nothing, tell all mistakes. */
#include <getopt.h>
#include <stdio.h>

#include "core/cli/command.h"
#include "core/turn/engine.h"

static const char usage[] = "usage: repartee check [-c FILE]\n\n"
                            "Loads the bot and opens everything it uses, but serves nothing. Tells every mistake\n"
                            "with its file and line, and what is worth knowing besides; exit code 0 when there is no\n"
                            "mistake, else 1.\n\n"
                            "  -c, --config FILE   the bot file [bot.lua]\n"
                            "  -h, --help          this text\n";

static void print_count(const char *before, size_t count, const char *what) {
    printf("%s%zu %s%s", before, count, what, count == 1 ? "" : "s");
}

static void print_fine(const char *file, const struct bot *bot) {
    size_t stages = 0;
    for (size_t i = 0; i < bot->pipeline_count; i++) stages += bot->pipelines[i]->count;
    printf("%s: fine ", file);
    print_count("(", stages, "stage");
    print_count(", ", bot->model_count, "model");
    print_count(", ", bot->transport_count, "transport");
    puts(")");
}

static int check(const char *file) {
    struct report report = {0};
    struct bot *bot = NULL;
    bool fine = bot_load(file, NULL, &bot, &report) == 0 && engine_check(bot, &report) == 0;
    report_print(&report, stderr);
    report_print_notes(&report, stdout);
    if (fine) print_fine(file, bot);
    bot_free(bot);
    report_finish(&report);
    return fine ? EXIT_OK : EXIT_BOT;
}

int command_check(int argc, char **argv) {
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'}, {0}};
    const char *file = "bot.lua";
    int option;
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option == 'c') {
            file = optarg;
            continue;
        }
        fputs(usage, option == 'h' ? stdout : stderr);
        return option == 'h' ? EXIT_OK : EXIT_USAGE;
    }
    if (optind < argc) {
        fprintf(stderr, "repartee check: unexpected '%s'\n%s", argv[optind], usage);
        return EXIT_USAGE;
    }
    return check(file);
}
