/* `repartee explain`: answers a message and tells how the reply came about. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/log_sink.h"
#include "core/cli/command.h"
#include "core/control/control.h"
#include "core/explain/tree.h"
#include "core/turn/alone.h"

static const char usage[] =
    "usage: repartee explain [-c FILE] [--json] [--session ID] [--user ID] MESSAGE…\n"
    "       repartee explain [-c FILE] [--json] --id ID\n\n"
    "Answers the message as the bot would, and tells stage by stage what happened, why, and how long it took.\n"
    "Several messages are one conversation. Nothing is served, but models and servers are really asked, and\n"
    "the session is kept where the bot keeps its sessions. Exit code 1 when a message got no reply.\n\n"
    "  -c, --config FILE    the bot file [bot.lua]\n"
    "  -j, --json           print each record as one line of JSON\n"
    "  -s, --session ID     go on with this session [a new one]\n"
    "  -u, --user ID        speak as this user [$USER]\n"
    "  -i, --id ID          ask the running server about this turn, by its request id: trace { } keeps its record\n"
    "      --control PATH   the server's control socket, where it was given one\n"
    "  -p, --pipeline NAME  by this pipeline [the first]\n"
    "  -h, --help           this text\n";

struct wish {
    const char *file, *session, *user, *pipeline, *id, *control;
    bool json;
};
struct client {
    struct rp_sink sink; /* first */
    const struct wish *wish;
    struct rp_turn *turn;
    char session[129]; /* of the turn, for the next one */
    bool done, failed;
};

/* ---- a turn ------------------------------------------------------------------------------------------------------ */

static void show(const struct wish *wish, const json_t *record, const struct rp_str *reply) {
    if (!wish->json) {
        tree_write(record, reply, isatty(STDOUT_FILENO) != 0, stdout);
        return;
    }
    json_dumpf(record, stdout, JSON_COMPACT);
    putchar('\n');
}

static void on_write(struct rp_sink *sink, const struct rp_chunk *chunk, enum rp_flow flow) {
    struct client *client = (struct client *)sink;
    struct rp_str reply = rp_turn_reply_text(client->turn);
    (void)chunk;
    if (flow == RP_MORE) {
        rp_turn_more(client->turn);
        return;
    }
    client->failed = flow == RP_ERROR;
    snprintf(client->session, sizeof(client->session), "%.*s", RP_STR_ARG(client->turn->session));
    show(client->wish, rp_turn_record(client->turn), &reply);
}

static void on_done(struct rp_sink *sink) {
    ((struct client *)sink)->done = true;
}

static bool explain(struct alone *alone, struct client *client, const char *message) {
    static const struct rp_sink_ops ops = {.write = on_write, .done = on_done};
    struct rp_turn_start start = {.message = rp_str(message), .session = rp_str(client->session),
                                  .user = rp_str(client->wish->user), .address = RP_STR("local"), .explain = true};
    client->sink.ops = &ops;
    client->done = client->failed = false;
    int code = rp_turn_start(&alone->transport, alone_worker(alone), &start, &client->sink, &client->turn);
    if (code != 0) {
        fprintf(stderr, "repartee explain: %s: %s\n", rp_error_code(code), rp_error_text(code));
        return false;
    }
    while (!client->done)
        if (!alone_step(alone) && !client->done) alone_wait(alone, 1000);
    return !client->failed;
}

/* ---- the bot ----------------------------------------------------------------------------------------------------- */

static int explain_all(const struct wish *wish, struct alone *alone, char **messages, int count) {
    struct client client = {.wish = wish};
    bool fine = true;
    struct rp_pipeline *pipeline = alone_pipeline(alone, rp_str(wish->pipeline));
    if (!pipeline) {
        fprintf(stderr, "repartee explain: there is no pipeline called '%s'\n", wish->pipeline);
        return EXIT_BOT;
    }
    alone->transport.pipeline = pipeline;
    snprintf(client.session, sizeof(client.session), "%s", wish->session ? wish->session : "");
    for (int i = 0; i < count; i++) fine = explain(alone, &client, messages[i]) && fine;
    return fine ? EXIT_OK : EXIT_BOT;
}

static int run(const struct wish *wish, char **messages, int count) {
    struct bot_wish bot_wish = {.use = BOT_INWARD};
    struct report report = {0};
    struct bot *bot = NULL;
    struct alone alone;
    struct rp_error error = {0};
    int code = log_open(RP_LOG_WARN, NULL, &error);
    if (code == 0) code = bot_load(wish->file, &bot_wish, &bot, &report);
    if (code == 0) code = alone_open(&alone, bot, &report);
    report_print(&report, stderr);
    report_finish(&report);
    if (code == 0) {
        code = explain_all(wish, &alone, messages, count);
        alone_close(&alone);
    }
    bot_free(bot);
    log_close();
    return code < 0 ? EXIT_BOT : code;
}

/* ---- an earlier turn --------------------------------------------------------------------------------------------- */

static int explain_earlier(const struct wish *wish) {
    struct rp_error error = {0};
    int fd = control_connect_bot(wish->file, wish->control, &error);
    json_t *answer =
        fd < 0 ? NULL : control_ask(fd, json_pack("{s:s, s:s}", "command", "trace", "id", wish->id), &error);
    const json_t *record = json_object_get(answer, "record");
    const char *why = answer ? json_string_value(json_object_get(answer, "error")) : error.text;
    if (record)
        show(wish, record, NULL);
    else
        fprintf(stderr, "repartee explain: %s\n", why ? why : "the server's answer is not understood");
    int code = record ? EXIT_OK : EXIT_BOT;
    json_decref(answer);
    if (fd >= 0) close(fd);
    return code;
}

int command_explain(int argc, char **argv) {
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"session", required_argument, NULL, 's'},
                                            {"user", required_argument, NULL, 'u'},
                                            {"pipeline", required_argument, NULL, 'p'},
                                            {"id", required_argument, NULL, 'i'},
                                            {"control", required_argument, NULL, 'C'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct wish wish = {.file = "bot.lua", .user = getenv("USER")};
    int option;
    while ((option = getopt_long(argc, argv, "c:js:u:p:i:h", options, NULL)) != -1) {
        switch (option) {
        case 'c': wish.file = optarg; break;
        case 'j': wish.json = true; break;
        case 's': wish.session = optarg; break;
        case 'u': wish.user = optarg; break;
        case 'p': wish.pipeline = optarg; break;
        case 'i': wish.id = optarg; break;
        case 'C': wish.control = optarg; break;
        default: fputs(usage, option == 'h' ? stdout : stderr); return option == 'h' ? EXIT_OK : EXIT_USAGE;
        }
    }
    if (wish.id && optind == argc) return explain_earlier(&wish);
    if (optind == argc || wish.id) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    return run(&wish, argv + optind, argc - optind);
}
