/* `repartee reload`, `status` and `stop`: ask a running server through its control socket, and print what it answers. */
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "core/cli/command.h"
#include "core/control/control.h"

#define OPTIONS                                                                                                        \
    "  -c, --config FILE   the bot file of the server [bot.lua]\n"                                                     \
    "      --control PATH  its control socket, where `repartee run` was given one\n"                                   \
    "  -j, --json          print the answer as one line of JSON\n"                                                     \
    "  -h, --help          this text\n"

struct control_command {
    const char *name, *usage;
    int (*print)(int fd, const json_t *answer); /* the exit code */
};

struct wish {
    const char *file, *path; /* path NULL: the bot file's usual places */
    bool json;
};

static int64_t number(const json_t *object, const char *name) {
    return json_integer_value(json_object_get(object, name));
}

static const char *text(const json_t *object, const char *name) {
    const char *value = json_string_value(json_object_get(object, name));
    return value ? value : "";
}

/* ---- answers -------------------------------------------------------------------------------------------------------- */

static void print_lines(const json_t *lines, FILE *out) {
    size_t i;
    json_t *line;
    json_array_foreach(lines, i, line) fprintf(out, "%s\n", json_string_value(line));
}

static int print_reload(int fd, const json_t *answer) {
    bool ok = json_is_true(json_object_get(answer, "ok"));
    (void)fd;
    print_lines(json_object_get(answer, "mistakes"), stderr);
    print_lines(json_object_get(answer, "warnings"), stderr);
    if (ok)
        printf("reloaded: generation %lld serves, loaded in %.0f ms\n", (long long)number(answer, "generation"),
               json_number_value(json_object_get(answer, "ms")));
    else
        fprintf(stderr, "repartee reload: nothing has changed, generation %lld goes on serving\n",
                (long long)number(answer, "generation"));
    return ok ? EXIT_OK : EXIT_BOT;
}

static void print_time(int64_t seconds) {
    if (seconds >= 86400) printf("%lldd ", (long long)(seconds / 86400));
    printf("%02lld:%02lld:%02lld\n", (long long)(seconds / 3600 % 24), (long long)(seconds / 60 % 60),
           (long long)(seconds % 60));
}

static void print_last_reload(const json_t *last, int64_t now_ms) {
    if (!last) return;
    bool ok = json_is_true(json_object_get(last, "ok"));
    printf("last reload   %s, %lld s ago, %.0f ms\n", ok ? "done" : "refused",
           (long long)(now_ms - number(last, "at_ms")) / 1000, json_number_value(json_object_get(last, "ms")));
    print_lines(json_object_get(last, "mistakes"), stdout);
    print_lines(json_object_get(last, "warnings"), stdout);
}

static int print_status(int fd, const json_t *answer) {
    size_t i;
    json_t *old;
    (void)fd;
    printf("%s, %s\n", text(answer, "bot"), text(answer, "state"));
    printf("file          %s\n", text(answer, "file"));
    printf("process       %lld, repartee %s, %lld workers\n", (long long)number(answer, "pid"), text(answer, "version"),
           (long long)number(answer, "workers"));
    printf("up            ");
    print_time((int64_t)json_number_value(json_object_get(answer, "uptime_s")));
    printf("turns         %lld in flight, %lld of them wait for their session\n", (long long)number(answer, "turns"),
           (long long)number(answer, "waiting_for_session"));
    printf("generation    %lld\n", (long long)number(answer, "generation"));
    json_array_foreach(json_object_get(answer, "draining"), i, old) printf(
        "              %lld is finishing: %lld turns or connections\n", (long long)number(old, "generation"),
        (long long)number(old, "in_use"));
    print_last_reload(json_object_get(answer, "last_reload"), rp_wall_ms());
    return EXIT_OK;
}

static int print_stop(int fd, const json_t *answer) {
    control_wait_for_end(fd);
    printf("process %lld has ended\n", (long long)number(answer, "pid"));
    return EXIT_OK;
}

/* ---- asking --------------------------------------------------------------------------------------------------------- */

static int complain(const struct control_command *command, const char *why) {
    fprintf(stderr, "repartee %s: %s\n", command->name, why);
    return EXIT_BOT;
}

static int print_answer(const struct control_command *command, const struct wish *wish, int fd, const json_t *answer) {
    bool ok = json_is_true(json_object_get(answer, "ok"));
    const char *why = json_string_value(json_object_get(answer, "error"));
    if (wish->json) {
        json_dumpf(answer, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        if (ok && strcmp(command->name, "stop") == 0) control_wait_for_end(fd);
        return ok ? EXIT_OK : EXIT_BOT;
    }
    return why ? complain(command, why) : command->print(fd, answer);
}

static int ask(const struct control_command *command, const struct wish *wish) {
    struct rp_error error = {0};
    int fd = control_connect_bot(wish->file, wish->path, &error);
    json_t *answer = fd < 0 ? NULL : control_ask(fd, json_pack("{s:s}", "command", command->name), &error);
    int code = answer ? print_answer(command, wish, fd, answer) : EXIT_BOT;
    if (!answer && error.file[0])
        fprintf(stderr, "%s: %s\n", error.file, error.text);
    else if (!answer)
        complain(command, error.text);
    json_decref(answer);
    if (fd >= 0) close(fd);
    return code;
}

static int run(const struct control_command *command, int argc, char **argv) {
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"control", required_argument, NULL, 's'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct wish wish = {.file = "bot.lua"};
    int option;
    while ((option = getopt_long(argc, argv, "c:jh", options, NULL)) != -1) {
        switch (option) {
        case 'c': wish.file = optarg; break;
        case 's': wish.path = optarg; break;
        case 'j': wish.json = true; break;
        default:
            fprintf(option == 'h' ? stdout : stderr, "%s\n" OPTIONS, command->usage);
            return option == 'h' ? EXIT_OK : EXIT_USAGE;
        }
    }
    if (optind == argc) return ask(command, &wish);
    fprintf(stderr, "repartee %s: unexpected '%s'\n%s\n" OPTIONS, command->name, argv[optind], command->usage);
    return EXIT_USAGE;
}

int command_reload(int argc, char **argv) {
    static const struct control_command command = {
        "reload",
        "usage: repartee reload [-c FILE]\n\n"
        "Lets the running server load its bot file, rules and plugins again. Turns in flight end as they\n"
        "began, new ones go by what was loaded. Mistakes are told, and then nothing changes: exit code 1.\n",
        print_reload};
    return run(&command, argc, argv);
}

int command_status(int argc, char **argv) {
    static const struct control_command command = {"status",
                                                   "usage: repartee status [-c FILE]\n\n"
                                                   "Tells what the running server is doing. Exit code 1 when none is running.\n",
                                                   print_status};
    return run(&command, argc, argv);
}

int command_stop(int argc, char **argv) {
    static const struct control_command command = {"stop",
                                                   "usage: repartee stop [-c FILE]\n\n"
                                                   "Ends the running server when its turns are done, and waits for that.\n",
                                                   print_stop};
    return run(&command, argc, argv);
}
