/* The source of a turn against a server that behaves and misbehaves: every cut, every fault, pausing and leaving. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/http_client/peer.h"
#include "plugins/models/openai/openai.h"
#include "support/rig.h"

/* ---- the scene: a rig with one stage that asks the model, and the server ----------------------------------------- */

/* One response of the server; the last of a script is repeated. */
struct act {
    const char *text;
    enum { STAY, END, RESET } then;
    size_t cut; /* the text is sent in two parts; 0: at once */
};

struct scene {
    struct rig rig;
    struct peer peer;
    struct openai_options options;
    char url[64];
    struct rp_model model;
    struct rp_call_limits limits;
    struct act *acts;
    size_t act_count, requests;
    char *request; /* the last */
    bool whole;    /* turns do not stream */
};

static const struct rp_protocol protocol = {
    .name = "openai",
    .path = "/chat/completions",
    .probe = "/models",
    .stream_type = "text/event-stream",
    .frames = RP_FRAMES_EVENTS,
    .end = "[DONE]",
    .head = request_head,
    .write = request_write,
    .read = answer_read,
};
static const char *const keys[] = {"sk-secret", "sk-second", "sk-third"};

static size_t key_count = 1;

static struct scene *scene; /* one at a time */

static void play(struct peer_conn *conn, const char *request) {
    const struct act *act = &scene->acts[scene->requests < scene->act_count ? scene->requests : scene->act_count - 1];
    scene->requests++;
    free(scene->request);
    scene->request = strdup(request);
    if (act->cut)
        peer_send_cut(conn, act->text, strlen(act->text), act->cut);
    else
        peer_say(conn, act->text);
    if (act->then == END) peer_end(conn);
    if (act->then == RESET) peer_reset_soon(conn);
}

static enum rp_outcome on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    (void)stage;
    struct rp_message *message = rp_arena_zalloc(turn->arena, sizeof(*message));
    struct rp_call *call = rp_arena_zalloc(turn->arena, sizeof(*call));
    *message = (struct rp_message){.role = RP_ROLE_USER, .text = turn->message};
    *call = (struct rp_call){.messages = message,
                             .message_count = 1,
                             .prompt = rp_turn_prompt(turn),
                             .stream = !scene->whole,
                             .limits = &scene->limits};
    rp_turn_reply(turn, rp_remote_ask(&scene->model, turn, call));
    return RP_KEEP;
}

static const struct rp_stage_type asking = {.type = {.name = "asking"}, .on_turn = on_turn};

static void open_scene(struct scene *new_scene, struct act *acts, size_t count) {
    static const struct rp_model_type type = {.type = {.name = "openai"}, .ask = rp_remote_ask};
    struct rp_error error;
    scene = new_scene;
    *scene = (struct scene){.acts = acts, .act_count = count};
    rig_open(&scene->rig);
    rig_add(&scene->rig, &asking, NULL);
    peer_join(&scene->peer, scene->rig.worker, play);
    snprintf(scene->url, sizeof(scene->url), "http://127.0.0.1:%d/v1/", scene->peer.port);
    scene->options = (struct openai_options){
        .needs_done = true,
        .remote = {.base_url = scene->url,
                   .api_key = {keys, key_count},
                   .model = "m",
                   .temperature = -1,
                   .top_p = -1,
                   .stream = true,
                   .timeout_connect = 4000,
                   .timeout_first = 4000,
                   .timeout_stall = 4000,
                   .timeout = 4500,
                   .retries = 2,
                   .retry_base = 2,
                   .retry_max = 8,
                   .buffer = 64 * 1024}};
    assert_int_equal(rp_remote_check(&scene->options, &error), 0);
    scene->model.element = (struct rp_element){.type = &type.type, .name = "main", .options = &scene->options};
    assert_int_equal(rp_remote_open(&scene->model.element, &protocol, &error), 0);
}

static void close_scene(void) {
    free(scene->request);
    peer_close(&scene->peer);
    rig_close(&scene->rig);
    rp_remote_close(&scene->model.element);
}

/* One turn against the acts; the client's notes are the caller's to clear. */
static size_t run(struct rig_client *client, struct act *acts, size_t count, bool whole) {
    struct scene here;
    open_scene(&here, acts, count);
    here.whole = whole;
    assert_int_equal(rig_say(&here.rig, client, "hello"), 0);
    rig_finish(&here.rig, client);
    close_scene();
    return here.requests;
}

/* ---- replies ----------------------------------------------------------------------------------------------------- */

#define EVENTS_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n"
#define CHUNK(delta, finish) "data: {\"choices\":[{\"index\":0,\"delta\":" delta ",\"finish_reason\":" finish "}]}\n\n"
#define TEXT(text) CHUNK("{\"content\":\"" text "\"}", "null")
#define STOP CHUNK("{}", "\"stop\"")
#define USAGE "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7}}\n\n"
#define DONE "data: [DONE]\n\n"
#define COMPLETION                                                                                                     \
    "{\"choices\":[{\"message\":{\"content\":\"Hello\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":5,"  \
    "\"completion_tokens\":7}}"

static const char *with_length(char *out, size_t size, const char *head, const char *body) {
    snprintf(out, size, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", head, strlen(body), body);
    return out;
}

static void a_whole_reply_is_text_usage_and_end(void **state) {
    (void)state;
    char text[1024];
    struct rig_client client = {0};
    struct act act = {with_length(text, sizeof(text), "200 OK\r\nContent-Type: application/json", COMPLETION), STAY, 0};
    assert_int_equal(run(&client, &act, 1, true), 1);
    assert_int_equal(client.ends, 1);
    assert_string_equal(client.text.data, "Hello");
    assert_int_equal(client.usage.input_tokens, 5);
    assert_int_equal(client.usage.output_tokens, 7);
    assert_int_equal(client.finish, RP_FINISH_STOP);
    rig_client_clear(&client);
}

static void the_request_carries_key_and_message(void **state) {
    (void)state;
    char text[1024];
    struct scene here;
    struct rig_client client = {0};
    struct act act = {with_length(text, sizeof(text), "200 OK", COMPLETION), STAY, 0};
    open_scene(&here, &act, 1);
    here.whole = true;
    rig_say(&here.rig, &client, "hello \"you\"");
    rig_finish(&here.rig, &client);
    assert_memory_equal(here.request, "POST /v1/chat/completions HTTP/1.1\r\n", 36);
    assert_non_null(strstr(here.request, "\r\nAuthorization: Bearer sk-secret\r\n"));
    assert_non_null(strstr(here.request, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(here.request, "{\"role\":\"user\",\"content\":\"hello \\\"you\\\"\"}"));
    assert_null(strstr(here.request, "\"stream\""));
    close_scene();
    rig_client_clear(&client);
}

static void only_whole_characters_pass(struct rig_client *client) {
    assert_true(rp_utf8_valid(client->text.data, client->text.len));
}

static void every_cut_of_a_stream_gives_the_same_reply(void **state) {
    (void)state;
    char stream[2048];
    with_length(stream, sizeof(stream), "200 OK\r\nContent-Type: text/event-stream",
                ": keepalive\n\n" CHUNK("{\"role\":\"assistant\",\"content\":\"\"}", "null") TEXT("Gr\xC3\xBC\xC3\x9F"
                                                                                                  "e ")
                    TEXT("\xE4\xBD\xA0\xE5\xA5\xBD \\ud83d\\ude00") TEXT("!") STOP USAGE DONE);
    for (size_t cut = 1; cut < strlen(stream); cut++) {
        struct rig_client client = {.on_text = only_whole_characters_pass};
        struct act act = {stream, STAY, cut};
        run(&client, &act, 1, false);
        assert_int_equal(client.ends, 1);
        assert_string_equal(client.text.data, "Gr\xC3\xBC\xC3\x9F"
                                              "e \xE4\xBD\xA0\xE5\xA5\xBD \xF0\x9F\x98\x80!");
        assert_int_equal(client.usage.output_tokens, 7);
        rig_client_clear(&client);
    }
}

static void characters_torn_between_deltas_come_out_whole(void **state) {
    (void)state;
    struct rig_client client = {.on_text = only_whole_characters_pass};
    struct act act = {EVENTS_HEAD TEXT("a\xF0\x9F") TEXT("\x98") TEXT("\x80z\xE4\xBD") STOP DONE, END, 0};
    run(&client, &act, 1, false);
    assert_int_equal(client.ends, 1);
    assert_string_equal(client.text.data, "a\xF0\x9F\x98\x80z\xEF\xBF\xBD");
    rig_client_clear(&client);
}

static void characters_torn_into_their_utf16_come_out_whole(void **state) {
    (void)state;
    struct rig_client client = {.on_text = only_whole_characters_pass};
    struct act act = {EVENTS_HEAD TEXT("a\\ud83d") TEXT("") TEXT("\\ude00z\\ud83d") STOP DONE, END, 0};
    run(&client, &act, 1, false);
    assert_int_equal(client.ends, 1);
    assert_string_equal(client.text.data, "a\xF0\x9F\x98\x80z\xEF\xBF\xBD");
    rig_client_clear(&client);
}

static void a_character_that_a_cut_has_torn_is_dropped(void **state) {
    (void)state;
    struct rig_client client = {.on_text = only_whole_characters_pass};
    struct act act = {EVENTS_HEAD TEXT("a\xF0\x9F"), END, 0};
    run(&client, &act, 1, false);
    assert_int_equal(client.code, RP_ETRUNCATED);
    assert_string_equal(client.text.data, "a");
    rig_client_clear(&client);
}

/* ---- faults ------------------------------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    struct act act;
    const char *text; /* what still gets through */
    int code;         /* 0: the reply ends well */
    size_t requests;
} stream_rows[] = {
    {"no [DONE], though a finish_reason", {EVENTS_HEAD TEXT("a") STOP, END, 0}, "a", RP_ETRUNCATED, 1},
    {"a reset behind the finish_reason", {EVENTS_HEAD TEXT("a") STOP, RESET, 0}, "a", RP_ETRUNCATED, 1},
    {"a reset behind [DONE]", {EVENTS_HEAD TEXT("a") STOP DONE, RESET, 0}, "a", 0, 1},
    {"the end of the response never comes", {EVENTS_HEAD TEXT("a") STOP DONE, STAY, 0}, "a", 0, 1},
    {"[DONE] without finish_reason", {EVENTS_HEAD TEXT("a") DONE, END, 0}, "a", RP_ETRUNCATED, 1},
    {"a clean close without finish_reason", {EVENTS_HEAD TEXT("a"), END, 0}, "a", RP_ETRUNCATED, 1},
    {"half an event at the end", {EVENTS_HEAD TEXT("a") "data: {\"choi", END, 0}, "a", RP_ETRUNCATED, 1},
    {"the finish_reason without its blank line",
     {EVENTS_HEAD TEXT("a") "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n", END, 0},
     "a",
     RP_ETRUNCATED,
     1},
    {"nothing at all", {EVENTS_HEAD, END, 0}, "", RP_ETRUNCATED, 3},
    {"an error in the middle",
     {EVENTS_HEAD TEXT("a") "data: {\"error\":{\"message\":\"m\",\"type\":\"server_error\"}}\n\n", STAY, 0},
     "a",
     RP_EUPSTREAM,
     1},
    {"an error event of its own",
     {EVENTS_HEAD "event: error\ndata: {\"error\":{\"code\":\"insufficient_quota\"}}\n\n", STAY, 0},
     "",
     RP_EUPQUOTA,
     1},
    {"garbage in an event", {EVENTS_HEAD TEXT("a") "data: <html>\n\n", STAY, 0}, "a", RP_EUPSTREAM, 1},
    {"invalid UTF-8", {EVENTS_HEAD TEXT("\xFF\xFE") STOP DONE, END, 0}, "", RP_EUPSTREAM, 1},
    {"a tool call that is no JSON",
     {EVENTS_HEAD CHUNK("{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}", "null")
          STOP DONE,
      END, 0},
     "",
     RP_EUPSTREAM,
     1},
    {"HTML",
     {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>", STAY, 0},
     "",
     RP_EUPSTREAM,
     1},
    {"no choices",
     {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", STAY, 0},
     "",
     RP_EUPSTREAM,
     1},
    {"a whole completion instead",
     {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
      "45\r\n\r\n{\"choices\":[{\"message\":{\"content\":\"whole\"}}]}",
      STAY, 0},
     "whole",
     0,
     1},
    {"an empty 204", {"HTTP/1.1 204 No Content\r\n\r\n", STAY, 0}, "", RP_EUPSTREAM, 1},
    {"garbage for HTTP", {"SSH-2.0-OpenSSH_9.2\r\n", END, 0}, "", RP_EUPSTREAM, 3},
    {"a close without response", {"", END, 0}, "", RP_EUPSTREAM, 3},
    {"a redirect",
     {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", STAY, 0},
     "",
     RP_EUPSTREAM,
     1},
    {"401", {"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", STAY, 0}, "", RP_EUPAUTH, 1},
    {"404", {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", STAY, 0}, "", RP_EUPSTREAM, 1},
    {"500 for ever", {"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", STAY, 0}, "", RP_EUPSTREAM, 3},
    {"429 for ever", {"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n", STAY, 0}, "", RP_EUPRATE, 3},
    {"a used-up quota",
     {"HTTP/1.1 429 Slow\r\nContent-Length: 39\r\n\r\n{\"error\":{\"code\":\"insufficient_quota\"}} ", STAY, 0},
     "",
     RP_EUPQUOTA,
     1},
    {"x-should-retry says no",
     {"HTTP/1.1 503 Oops\r\nx-should-retry: false\r\nContent-Length: 0\r\n\r\n", STAY, 0},
     "",
     RP_EUPSTREAM,
     1},
};

static void every_fault_of_a_stream_has_its_end(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(stream_rows) / sizeof(stream_rows[0]); i++) {
        struct rig_client client = {0};
        struct act act = stream_rows[i].act;
        size_t requests = run(&client, &act, 1, false);
        const char *text = client.text.data ? client.text.data : "";
        if (strcmp(text, stream_rows[i].text) != 0 || client.code != stream_rows[i].code ||
            requests != stream_rows[i].requests || client.ends != (stream_rows[i].code == 0))
            fail_msg("%s: text '%s', code %d, %zu requests, %u ends", stream_rows[i].name, text, client.code, requests,
                     client.ends);
        rig_client_clear(&client);
    }
}

static void a_whole_reply_that_is_cut_is_tried_again(void **state) {
    (void)state;
    char good[1024];
    struct rig_client client = {0};
    struct act acts[] = {{"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"choices\":[{\"mess", RESET, 0},
                         {with_length(good, sizeof(good), "200 OK", COMPLETION), STAY, 0}};
    assert_int_equal(run(&client, acts, 2, true), 2);
    assert_int_equal(client.ends, 1);
    assert_string_equal(client.text.data, "Hello");
    rig_client_clear(&client);
}

static void the_third_attempt_can_succeed(void **state) {
    (void)state;
    struct rig_client client = {0};
    struct act acts[] = {{"", RESET, 0},
                         {"HTTP/1.1 503 Busy\r\nretry-after-ms: 3\r\nContent-Length: 0\r\n\r\n", STAY, 0},
                         {EVENTS_HEAD TEXT("at last") STOP DONE, END, 0}};
    assert_int_equal(run(&client, acts, 3, false), 3);
    assert_int_equal(client.ends, 1);
    assert_string_equal(client.text.data, "at last");
    rig_client_clear(&client);
}

static void a_retry_after_beyond_the_deadline_fails_at_once(void **state) {
    (void)state;
    struct rig_client client = {0};
    struct act act = {"HTTP/1.1 429 Slow\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n", STAY, 0};
    int64_t start = rp_now_ns();
    assert_int_equal(run(&client, &act, 1, false), 1);
    assert_int_equal(client.code, RP_EUPRATE);
    assert_int_equal(client.retry_after, 30);
    assert_true(rp_now_ns() - start < 4000000000);
    rig_client_clear(&client);
}

static void a_line_of_ten_mebibytes_is_refused_without_being_kept(void **state) {
    (void)state;
    size_t size = 10 * 1024 * 1024;
    char *text = malloc(size + 200);
    strcpy(text, EVENTS_HEAD "data: {\"choices\":[{\"delta\":{\"content\":\"");
    memset(text + strlen(text), 'x', size);
    text[size + 100] = '\0';
    struct rig_client client = {0};
    struct act act = {text, STAY, 0};
    assert_int_equal(run(&client, &act, 1, false), 1);
    assert_int_equal(client.code, RP_EUPSTREAM);
    assert_int_equal(client.text.len, 0);
    rig_client_clear(&client);
    free(text);
}

static void silence_is_a_timeout(void **state) {
    (void)state;
    struct act acts[] = {{"", STAY, 0}, {EVENTS_HEAD TEXT("a"), STAY, 0}};
    for (int i = 0; i < 2; i++) {
        struct scene here;
        struct rig_client client = {0};
        open_scene(&here, &acts[i], 1);
        here.options.remote.timeout_first = here.options.remote.timeout_stall = 40;
        here.options.remote.retries = 0;
        rig_say(&here.rig, &client, "hi");
        rig_finish(&here.rig, &client);
        assert_int_equal(client.code, RP_EUPTIMEOUT);
        close_scene();
        rig_client_clear(&client);
    }
}

#define ANSWER_LATE EVENTS_HEAD TEXT("late") STOP DONE

/* What is no token (comments, the role) does not count. */
static void a_head_without_a_token_is_a_timeout(void **state) {
    (void)state;
    struct act acts[] = {{EVENTS_HEAD ": wait\n\n" CHUNK("{\"role\":\"assistant\",\"content\":\"\"}", "null"), STAY, 0},
                         {ANSWER_LATE, END, 0}};
    struct scene here;
    struct rig_client client = {0};
    open_scene(&here, acts, 2);
    here.options.remote.timeout_first = 60;
    rig_say(&here.rig, &client, "hi");
    rig_finish(&here.rig, &client);
    assert_int_equal(client.ends, 1);
    assert_int_equal(here.requests, 2);
    assert_string_equal(client.text.data, "late");
    close_scene();
    rig_client_clear(&client);
}

/* ---- keys and limits --------------------------------------------------------------------------------------------- */

static const char *play_keys(struct act *acts, size_t count, size_t keys_given, struct rig_client *client) {
    static char last_key[32];
    struct scene here;
    key_count = keys_given;
    open_scene(&here, acts, count);
    here.options.remote.retries = 0;
    rig_say(&here.rig, client, "hi");
    rig_finish(&here.rig, client);
    sscanf(strstr(here.request, "Bearer ") + 7, "%31s", last_key);
    assert_int_equal(here.requests, count);
    close_scene();
    key_count = 1;
    return last_key;
}

#define LIMITED "HTTP/1.1 429 Slow\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n"
#define REFUSED "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"
#define USED_UP "HTTP/1.1 429 Slow\r\nContent-Length: 39\r\n\r\n{\"error\":{\"code\":\"insufficient_quota\"}} "
#define ANSWER EVENTS_HEAD TEXT("a") STOP DONE

static void a_key_that_is_limited_gives_way_at_once(void **state) {
    (void)state;
    struct act acts[] = {{LIMITED, STAY, 0}, {USED_UP, STAY, 0}, {ANSWER, END, 0}};
    struct rig_client client = {0};
    assert_string_equal(play_keys(acts, 3, 3, &client), "sk-third");
    assert_int_equal(client.ends, 1);
    rig_client_clear(&client);
}

static void when_all_keys_are_limited_it_ends(void **state) {
    (void)state;
    struct act acts[] = {{LIMITED, STAY, 0}, {REFUSED, STAY, 0}, {LIMITED, STAY, 0}};
    struct rig_client client = {0};
    assert_string_equal(play_keys(acts, 3, 3, &client), "sk-third");
    assert_int_equal(client.code, RP_EUPRATE);
    assert_int_equal(client.retry_after, 30);
    rig_client_clear(&client);
}

static void the_next_turn_begins_with_the_key_that_worked(void **state) {
    (void)state;
    struct act acts[] = {{LIMITED, STAY, 0}, {ANSWER, END, 0}};
    struct scene here;
    key_count = 2;
    open_scene(&here, acts, 2);
    for (size_t i = 0; i < 3; i++) {
        struct rig_client client = {0};
        rig_say(&here.rig, &client, "hi");
        rig_finish(&here.rig, &client);
        assert_int_equal(client.ends, 1);
        assert_int_equal(here.requests, i + 2);
        assert_non_null(strstr(here.request, "Bearer sk-second"));
        rig_client_clear(&client);
    }
    close_scene();
    key_count = 1;
}

static void one_attempt_is_one(void **state) {
    (void)state;
    struct act act = {"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", STAY, 0};
    struct scene here;
    struct rig_client client = {0};
    open_scene(&here, &act, 1);
    here.limits.once = true;
    rig_say(&here.rig, &client, "hi");
    rig_finish(&here.rig, &client);
    assert_int_equal(client.code, RP_EUPSTREAM);
    assert_int_equal(here.requests, 1);
    close_scene();
    rig_client_clear(&client);
}

/* ---- pausing and leaving ----------------------------------------------------------------------------------------- */

static char *long_stream(size_t deltas) {
    static const char delta[] = TEXT("0123456789012345678901234567890123456789012345678901234567890123456789");
    size_t each = sizeof(delta) - 1, at = strlen(EVENTS_HEAD);
    char *text = malloc(at + deltas * each + 200);
    strcpy(text, EVENTS_HEAD);
    for (size_t i = 0; i < deltas; i++, at += each) memcpy(text + at, delta, each);
    strcpy(text + at, STOP DONE);
    return text;
}

static void a_reader_that_waits_pauses_the_transfer_and_gets_it_all(void **state) {
    (void)state;
    enum { DELTAS = 60000 }; /* 8 MB on the wire, 4.2 MB of text */
    char *text = long_stream(DELTAS);
    struct act act = {text, STAY, 0};
    struct scene here;
    struct rig_client client = {.manual = true};
    open_scene(&here, &act, 1);
    here.options.remote.buffer = 16 * 1024;
    here.rig.runtime.limits.reply = 1 << 24;
    here.options.remote.timeout_stall = 4000; /* a full TCP window takes its time to open */
    rig_say(&here.rig, &client, "hi");
    peer_spin(&here.peer, 100);
    assert_int_equal(client.writes, 1);
    assert_true(client.text.len <= 2 * 16 * 1024 + 16 * 1024);
    assert_true(uv_stream_get_write_queue_size((uv_stream_t *)&here.peer.all->tcp) > 0); /* the server has to wait */
    client.manual = false;
    rp_turn_more(client.turn);
    rig_finish(&here.rig, &client);
    if (client.code) fail_msg("code %d after %zu bytes", client.code, client.text.len);
    assert_int_equal(client.text.len, DELTAS * 70);
    close_scene();
    rig_client_clear(&client);
    free(text);
}

static void who_leaves_cuts_the_transfer(void **state) {
    (void)state;
    struct act acts[] = {{"", STAY, 0},
                         {EVENTS_HEAD TEXT("a"), STAY, 0},
                         {"HTTP/1.1 503 Busy\r\nretry-after-ms: 3000\r\nContent-Length: 0\r\n\r\n", STAY, 0}};
    for (int i = 0; i < 3; i++) {
        struct scene here;
        struct rig_client client = {0};
        open_scene(&here, &acts[i], 1);
        rig_say(&here.rig, &client, "hi");
        while (here.requests == 0) rig_spin(&here.rig, 1);
        peer_spin(&here.peer, 10);
        rp_turn_cancel(client.turn);
        rig_finish(&here.rig, &client);
        if (i < 2) assert_true(peer_until(&here.peer, &here.peer.all->ended));
        peer_spin(&here.peer, 10);
        assert_int_equal(here.requests, 1);
        close_scene();
        rig_client_clear(&client);
    }
}

static void the_connection_is_kept_after_a_stream(void **state) {
    (void)state;
    struct act act = {"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "41\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"\r\n"
                      "13\r\n}]}\n\ndata: [DONE]\n\n\r\n0\r\n\r\n",
                      STAY, 0};
    struct scene here;
    open_scene(&here, &act, 1);
    for (int i = 0; i < 3; i++) {
        struct rig_client client = {0};
        rig_say(&here.rig, &client, "hi");
        rig_finish(&here.rig, &client);
        assert_int_equal(client.code, 0);
        assert_string_equal(client.text.data, "a");
        rig_client_clear(&client);
    }
    assert_int_equal(here.peer.connections, 1);
    close_scene();
}

static void options_that_cannot_work_are_refused(void **state) {
    (void)state;
    struct rp_error error;
    json_t *bad_name = json_pack("{s:s}", "X Y", "1"), *bad_value = json_pack("{s:s}", "X", "1\r\n2");
    static const char *const bad_keys[] = {"sk-2", "sk-1\n"};
    const struct rp_remote_options rows[] = {
        {.base_url = "api.openai.com", .model = "m"},
        {.base_url = "ftp://x/", .model = "m"},
        {.base_url = "http://x/v1?key=1", .model = "m"},
        {.base_url = "http://x/\nv1", .model = "m"},
        {.base_url = "http://[x/v1", .model = "m"},
        {.base_url = "http://x:y/v1", .model = "m"},
        {.base_url = "http://x", .model = ""},
        {.base_url = "http://x", .model = "m", .api_key = {bad_keys, 2}},
        {.base_url = "http://x", .model = "m", .headers = bad_name},
        {.base_url = "http://x", .model = "m", .headers = bad_value},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        error.text[0] = '\0';
        assert_int_equal(rp_remote_check(&rows[i], &error), -RP_ECONFIG);
        assert_true(strlen(error.text) > 10);
        assert_null(strstr(error.text, "sk-1"));
    }
    json_decref(bad_name);
    json_decref(bad_value);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_reply_is_text_usage_and_end),
        cmocka_unit_test(the_request_carries_key_and_message),
        cmocka_unit_test(every_cut_of_a_stream_gives_the_same_reply),
        cmocka_unit_test(characters_torn_between_deltas_come_out_whole),
        cmocka_unit_test(characters_torn_into_their_utf16_come_out_whole),
        cmocka_unit_test(a_character_that_a_cut_has_torn_is_dropped),
        cmocka_unit_test(every_fault_of_a_stream_has_its_end),
        cmocka_unit_test(a_whole_reply_that_is_cut_is_tried_again),
        cmocka_unit_test(the_third_attempt_can_succeed),
        cmocka_unit_test(a_retry_after_beyond_the_deadline_fails_at_once),
        cmocka_unit_test(a_line_of_ten_mebibytes_is_refused_without_being_kept),
        cmocka_unit_test(silence_is_a_timeout),
        cmocka_unit_test(a_head_without_a_token_is_a_timeout),
        cmocka_unit_test(a_key_that_is_limited_gives_way_at_once),
        cmocka_unit_test(when_all_keys_are_limited_it_ends),
        cmocka_unit_test(the_next_turn_begins_with_the_key_that_worked),
        cmocka_unit_test(one_attempt_is_one),
        cmocka_unit_test(a_reader_that_waits_pauses_the_transfer_and_gets_it_all),
        cmocka_unit_test(who_leaves_cuts_the_transfer),
        cmocka_unit_test(the_connection_is_kept_after_a_stream),
        cmocka_unit_test(options_that_cannot_work_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
