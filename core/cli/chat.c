/* `repartee chat`: the bot without its servers, in the terminal or on a pipe. Only the arguments are read here; the
 * rest is the stdin transport's. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "core/cli/command.h"
#include "core/turn/engine.h"

static const char usage[] = "usage: repartee chat [-c FILE] [--json] [--session ID] [--user ID] [MESSAGE]\n\n"
                            "Talks to the bot: with a line editor on a terminal; one line, one message on a\n"
                            "pipe; with MESSAGE just this once. Errors go to stderr; exit code 1 when a message got no reply.\n\n"
                            "  -c, --config FILE   the bot file [bot.lua]\n"
                            "  -j, --json          print each reply, or error, as one line of JSON\n"
                            "  -s, --session ID    go on with this session [a new one]\n"
                            "  -u, --user ID       speak as this user [$USER]\n"
                            "  -h, --help          this text\n";

static int usage_error(void) {
    fputs(usage, stderr);
    return EXIT_USAGE;
}

static int set_text(json_t *wish, const char *name, const char *text) {
    json_t *value = rp_utf8_valid(text, strlen(text)) ? json_string(text) : NULL;
    if (value) return json_object_set_new(wish, name, value);
    fprintf(stderr, "repartee chat: the %s is not valid UTF-8\n", name);
    return -1;
}

/* Fills the wish and the file. EXIT_OK, or another exit code when that was all; `out_done` says so for --help too. */
static int parse(int argc, char **argv, json_t *wish, const char **out_file, bool *out_done) {
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"json", no_argument, NULL, 'j'},
        {"session", required_argument, NULL, 's'}, {"user", required_argument, NULL, 'u'},
        {"help", no_argument, NULL, 'h'},          {0},
    };
    int option, code = 0;
    *out_done = true;
    while (!code && (option = getopt_long(argc, argv, "c:js:u:h", options, NULL)) != -1) {
        switch (option) {
        case 'c': *out_file = optarg; break;
        case 'j': code = json_object_set_new(wish, "json", json_true()); break;
        case 's': code = set_text(wish, "session", optarg); break;
        case 'u': code = set_text(wish, "user", optarg); break;
        case 'h': fputs(usage, stdout); return EXIT_OK;
        default: return usage_error();
        }
    }
    if (!code && optind < argc) code = set_text(wish, "message", argv[optind]);
    if (code) return EXIT_USAGE;
    if (optind + 1 < argc) {
        fputs("repartee chat: one MESSAGE at most; put it in quotes\n", stderr);
        return EXIT_USAGE;
    }
    *out_done = false;
    return EXIT_OK;
}

int command_chat(int argc, char **argv) {
    const char *file = "bot.lua";
    bool done;
    json_t *options = json_pack("{s:b}", "force", 1);
    int code = parse(argc, argv, options, &file, &done);
    if (!done) {
        struct bot_wish wish = {.transport = "stdin", .options = options};
        code = engine_run(&(struct engine_options){.file = file, .wish = &wish, .only_wish = true});
    }
    json_decref(options);
    return code;
}
