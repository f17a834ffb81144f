/* Turns that wait for a batch in a server, where no notes are kept: they may leave at any time, and what nobody waits for any
 * more is cancelled at the provider. */
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

enum { TURNS = 3 };

struct scene {
    struct rig rig;
    struct peer peer;
    struct openai_options options;
    char url[64];
    struct rp_model model;
    void *locals[1];
    struct rig_client clients[TURNS];
    bool done;           /* the provider is */
    char ids[TURNS][65]; /* of the requests of the batch */
    unsigned requests, uploads, submits, polls, results, cancels, singles;
};

static struct scene *scene; /* one at a time */

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
    .bulk = &bulk_protocol,
};

/* ---- the provider ------------------------------------------------------------------------------------------------ */

static void say(struct peer_conn *conn, const char *body) {
    char text[4096];
    snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(body), body);
    peer_say(conn, text);
}

#define COMPLETION "{\"choices\":[{\"message\":{\"content\":\"fine\"},\"finish_reason\":\"stop\"}]}"

static void take_file(struct peer_conn *conn, const char *request) {
    static const char field[] = "\"custom_id\":\"";
    scene->uploads++;
    scene->requests = 0;
    for (const char *at = request; (at = strstr(at, field)); at += strlen(field))
        snprintf(scene->ids[scene->requests++], 65, "%.64s", at + strlen(field));
    say(conn, "{\"id\":\"file-1\"}");
}

static void give_results(struct peer_conn *conn) {
    char text[4096];
    size_t len = 0;
    scene->results++;
    for (unsigned i = 0; i < scene->requests; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len,
                                "{\"custom_id\":\"%s\",\"response\":{\"status_code\":200,\"body\":" COMPLETION "}}\n",
                                scene->ids[i]);
    say(conn, text);
}

static void answer(struct peer_conn *conn, const char *request) {
    bool post = strncmp(request, "POST", 4) == 0;
    if (strstr(request, " /v1/files HTTP")) {
        take_file(conn, request);
    } else if (strstr(request, "/cancel HTTP")) {
        scene->cancels++;
        say(conn, "{\"id\":\"batch_1\",\"status\":\"cancelling\"}");
    } else if (post && strstr(request, " /v1/batches HTTP")) {
        scene->submits++;
        say(conn, "{\"id\":\"batch_1\",\"status\":\"validating\"}");
    } else if (strstr(request, " /v1/batches/batch_1 HTTP")) {
        scene->polls++;
        say(conn, scene->done ? "{\"id\":\"batch_1\",\"status\":\"completed\",\"output_file_id\":\"out\"}"
                              : "{\"id\":\"batch_1\",\"status\":\"in_progress\"}");
    } else if (strstr(request, "/content HTTP")) {
        give_results(conn);
    } else {
        scene->singles++;
        say(conn, COMPLETION);
    }
}

/* ---- the scene --------------------------------------------------------------------------------------------------- */

static enum rp_outcome on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    (void)stage;
    struct rp_message *message = rp_arena_zalloc(turn->arena, sizeof(*message));
    struct rp_call *call = rp_arena_zalloc(turn->arena, sizeof(*call));
    *message = (struct rp_message){.role = RP_ROLE_USER, .text = turn->message};
    *call = (struct rp_call){.messages = message, .message_count = 1, .prompt = rp_turn_prompt(turn)};
    rp_turn_reply(turn, rp_remote_ask(&scene->model, turn, call));
    return RP_KEEP;
}

static void open_scene(struct scene *new_scene) {
    static const struct rp_stage_type asking = {.type = {.name = "asking"}, .on_turn = on_turn};
    static const struct rp_model_type type = {.type = {.name = "openai"}, .ask = rp_remote_ask};
    struct rp_error error;
    scene = new_scene;
    *scene = (struct scene){0};
    rig_open(&scene->rig);
    rig_add(&scene->rig, &asking, NULL);
    peer_join(&scene->peer, scene->rig.worker, answer);
    snprintf(scene->url, sizeof(scene->url), "http://127.0.0.1:%d/v1", scene->peer.port);
    scene->options = (struct openai_options){.remote = {.base_url = scene->url,
                                                        .model = "m",
                                                        .temperature = -1,
                                                        .top_p = -1,
                                                        .timeout_connect = 4000,
                                                        .timeout_first = 4000,
                                                        .timeout_stall = 4000,
                                                        .timeout = 4500,
                                                        .retries = 2,
                                                        .retry_base = 2,
                                                        .retry_max = 8,
                                                        .buffer = 64 * 1024,
                                                        .bulk = true,
                                                        .bulk_wait = 2,
                                                        .bulk_count = 100,
                                                        .bulk_size = 16 << 20,
                                                        .bulk_poll = 2,
                                                        .bulk_poll_max = 4}};
    scene->model.element =
        (struct rp_element){.type = &type.type, .name = "main", .options = &scene->options, .local = scene->locals};
    assert_int_equal(rp_remote_open(&scene->model.element, &protocol, &error), 0);
    assert_int_equal(rp_remote_attach(&scene->model.element, scene->rig.worker, &scene->locals[0], &error), 0);
}

static void close_scene(void) {
    rp_remote_detach(&scene->model.element, scene->rig.worker, scene->locals[0]);
    peer_close(&scene->peer);
    rig_close(&scene->rig);
    rp_remote_close(&scene->model.element);
    for (int i = 0; i < TURNS; i++) rig_client_clear(&scene->clients[i]);
}

static void start(int at, const char *message, bool patient) {
    struct rp_turn_start start = {.message = rp_str(message), .address = RP_STR("192.0.2.7"), .patient = patient};
    assert_int_equal(rig_start(&scene->rig, &scene->clients[at], &start), 0);
}

static void until(const unsigned *count) {
    int64_t give_up = rp_now_ns() + 5000000000;
    while (*count == 0 && rp_now_ns() < give_up) rig_spin(&scene->rig, 1);
    assert_int_not_equal(*count, 0);
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static void only_turns_that_can_wait_are_asked_in_bulk(void **state) {
    struct scene here;
    (void)state;
    open_scene(&here);
    here.done = true;
    start(0, "hi", false);
    start(1, "hello", true);
    rig_finish(&here.rig, &here.clients[0]);
    rig_finish(&here.rig, &here.clients[1]);
    assert_int_equal(here.singles, 1);
    assert_int_equal(here.submits, 1);
    assert_string_equal(here.clients[0].text.data, "fine");
    assert_string_equal(here.clients[1].text.data, "fine");
    close_scene();
}

static void a_batch_that_nobody_waits_for_is_cancelled(void **state) {
    struct scene here;
    (void)state;
    open_scene(&here);
    start(0, "one", true);
    start(1, "two", true);
    until(&here.polls);
    rp_turn_cancel(here.clients[0].turn);
    rig_finish(&here.rig, &here.clients[0]);
    peer_spin(&here.peer, 20);
    assert_int_equal(here.cancels, 0); /* somebody still does */
    rp_turn_cancel(here.clients[1].turn);
    rig_finish(&here.rig, &here.clients[1]);
    until(&here.cancels);
    close_scene();
}

static void who_stays_gets_the_reply(void **state) {
    struct scene here;
    (void)state;
    open_scene(&here);
    for (int i = 0; i < TURNS; i++) start(i, i == 1 ? "other" : "same", true);
    until(&here.polls);
    rp_turn_cancel(here.clients[0].turn);
    rp_turn_cancel(here.clients[1].turn);
    here.done = true;
    rig_finish(&here.rig, &here.clients[2]);
    assert_string_equal(here.clients[2].text.data, "fine");
    assert_int_equal(here.requests, 2);
    rig_finish(&here.rig, &here.clients[0]);
    rig_finish(&here.rig, &here.clients[1]);
    close_scene();
}

static void who_leaves_while_it_gathers_is_not_handed_in(void **state) {
    struct scene here;
    (void)state;
    open_scene(&here);
    here.done = true;
    here.options.remote.bulk_wait = 50;
    for (int i = 0; i < TURNS; i++) start(i, i == 0 ? "one" : i == 1 ? "two" : "three", true);
    rig_spin(&here.rig, 5);
    rp_turn_cancel(here.clients[1].turn);
    for (int i = 0; i < TURNS; i++) rig_finish(&here.rig, &here.clients[i]);
    assert_int_equal(here.requests, 2);
    assert_string_equal(here.clients[2].text.data, "fine");
    close_scene();
}

static void spin_for(int64_t us) {
    int64_t end = rp_now_ns() + us * 1000;
    while (rp_now_ns() < end) rig_spin(&scene->rig, 1);
}

/* Whatever is under way just then. */
static void all_may_leave_at_any_time(void **state) {
    (void)state;
    unsigned uploads = 0, results = 0, step = 0;
    for (; step < 100 || results == 0; step++) { /* on until some have got so far */
        struct scene here;
        open_scene(&here);
        here.done = step % 2;
        for (int i = 0; i < TURNS; i++) start(i, i ? "one" : "two", true);
        spin_for(step * 150);
        for (int i = 0; i < TURNS; i++) {
            if (here.clients[i].turn) rp_turn_cancel(here.clients[i].turn);
            rig_spin(&here.rig, step % 3);
        }
        for (int i = 0; i < TURNS; i++) rig_finish(&here.rig, &here.clients[i]);
        close_scene();
        uploads += here.uploads;
        results += here.results;
    }
    assert_true(uploads < step && results < uploads); /* and some have left before */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_turns_that_can_wait_are_asked_in_bulk),
        cmocka_unit_test(a_batch_that_nobody_waits_for_is_cancelled),
        cmocka_unit_test(who_stays_gets_the_reply),
        cmocka_unit_test(who_leaves_while_it_gathers_is_not_handed_in),
        cmocka_unit_test(all_may_leave_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
