/* The program's first decision: which sub-command. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "core/cli/command.h"

struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    {"run", "serve a bot", command_run},
    {"chat", "talk to a bot in the terminal", command_chat},
    {"check", "load a bot and report every mistake", command_check},
    {"reload", "let a running server load its bot file again", command_reload},
    {"status", "what a running server is doing", command_status},
    {"stop", "end a running server when its turns are done", command_stop},
    {"batch", "answer the messages of a file", command_batch},
    {"test", "run conversation tests", command_test},
    {"explain", "answer a message and tell why so", command_explain},
    {"plugins", "list what can be loaded, or the options of one", command_plugins},
    {"model", "tell what a model's file needs", command_model},
    {"new", "make a new bot or plugin", command_new},
};

static void usage(FILE *out) {
    fputs("usage: repartee COMMAND [OPTION…]\n\n", out);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].summary);
    fputs("\n`repartee COMMAND --help` tells more. `repartee --version` tells the version.\n", out);
}

/* A stream that the caller left closed keeps its number, or a connection would get it, and with it the log. It is opened
 * the wrong way round, so that to use it is an error still. */
static void keep_standard_streams(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF) open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

static void start_libraries(void) {
    signal(SIGPIPE, SIG_IGN);
    setlocale(LC_CTYPE, "");
    json_object_seed(0); /* before there are threads */
    if (sodium_init() < 0) fputs("repartee: libsodium does not start\n", stderr);
}

RP_EXPORT int rp_main(int argc, char **argv);

int rp_main(int argc, char **argv) {
    keep_standard_streams();
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        usage(stdout);
        return EXIT_OK;
    }
    if (strcmp(name, "--version") == 0) {
        puts("repartee " REPARTEE_VERSION);
        return EXIT_OK;
    }
    start_libraries();
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(name, commands[i].name) == 0) return commands[i].run(argc - 1, argv + 1);
    if (*name) fprintf(stderr, "repartee: there is no command '%s'\n\n", name);
    usage(stderr);
    return EXIT_USAGE;
}
