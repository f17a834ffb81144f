#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "bot.h"

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

struct bot_under_test bot;

/* ---- the model --------------------------------------------------------------------------------------------------- */

static enum rp_outcome on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    (void)stage;
    bot.asked++;
    bot.prompt = *rp_turn_prompt(turn);
    snprintf(bot.system, sizeof(bot.system), "%.*s", RP_STR_ARG(bot.prompt.system));
    rp_turn_set_by(turn, "%s", bot.prompt.by ? bot.prompt.by : "model:test");
    rp_turn_reply(turn, rp_source_text(turn, RP_STR("I am the model.")));
    return RP_KEEP;
}

static const struct rp_stage_type model = {.type = {.name = "model"}, .on_turn = on_turn};

/* ---- turns ------------------------------------------------------------------------------------------------------- */

int bot_setup(void **state) {
    (void)state;
    memset(&bot, 0, sizeof(bot));
    folder_make();
    rig_open(&bot.rig);
    test_store_init(&bot.store);
    bot.rig.runtime.store = &bot.store.store;
    bot.options = (struct rules_options){.dir = folder_rules(),
                                         .handoff = "I am passing you on to a person.",
                                         .handoff_waiting = "Your message has been passed on.",
                                         .blocked = "I cannot help with that.",
                                         .instructions = 1000000,
                                         .memory = 32 << 20,
                                         .turn_memory = 4 << 20,
                                         .time_ms = 3000,
                                         .cpu_ms = 2000,
                                         .regex_steps = 100000,
                                         .regex_ms = 1000,
                                         .waits = 4,
                                         .tool_rounds = 4,
                                         .tool_calls = 4,
                                         .tool_time_ms = 20000,
                                         .tool_result = 2000};
    return 0;
}

int bot_teardown(void **state) {
    (void)state;
    if (bot.client.turn) rp_turn_cancel(bot.client.turn); /* the test has failed */
    web_close();
    rig_client_clear(&bot.client);
    rig_close(&bot.rig);
    test_store_finish(&bot.store);
    folder_remove();
    return 0;
}

void bot_rules(const char *text) {
    folder_write("rules/a.lua", text);
    rig_add(&bot.rig, &rules_stage, &bot.options);
    rig_add(&bot.rig, &model, NULL);
}

struct vm *bot_vm(void) {
    return bot.rig.locals[0][0];
}

void bot_start(const char *session, const char *message) {
    struct rp_turn_start start = {.message = rp_str(message), .session = rp_str(session), .user = RP_STR("u1")};
    rig_client_clear(&bot.client);
    assert_int_equal(rig_start(&bot.rig, &bot.client, &start), 0);
}

const char *bot_say_in(const char *session, const char *message) {
    static char error[64];
    bot_start(session, message);
    rig_finish(&bot.rig, &bot.client);
    assert_int_equal(lua_gettop(bot_vm()->L), 0);
    snprintf(error, sizeof(error), "!%s", rp_error_code(bot.client.code));
    if (bot.client.errors) return error;
    return bot.client.text.data ? bot.client.text.data : "";
}

const char *bot_say(const char *message) {
    return bot_say_in("s1", message);
}

void bot_expect(const char *message, const char *reply, const char *by) {
    assert_string_equal(bot_say(message), reply);
    if (by) assert_string_equal(bot.client.by, by);
}

/* ---- the web server ---------------------------------------------------------------------------------------------- */

static struct {
    uv_tcp_t listener, conns[16];
    unsigned conn_count, requests;
    bool open;
    const char *response, *(*make)(void); /* one for all requests, or one for each */
    char in[65536], last[65536];
    size_t len;
} web;

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *out) {
    (void)handle;
    (void)size;
    *out = uv_buf_init(web.in + web.len, (unsigned)(sizeof(web.in) - 1 - web.len));
}

static bool is_whole(void) {
    const char *body = strstr(web.in, "\r\n\r\n"), *length = strstr(web.in, "Content-Length: ");
    return body && (!length || strlen(body + 4) >= (size_t)atoi(length + 16));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf) {
    (void)buf;
    if (count < 0) {
        if (!uv_is_closing((uv_handle_t *)stream)) uv_close((uv_handle_t *)stream, NULL);
        return;
    }
    web.len += (size_t)count;
    web.in[web.len] = '\0';
    if (!is_whole()) return;
    memcpy(web.last, web.in, web.len + 1);
    web.len = 0;
    web.requests++;
    if (web.make) web.response = web.make();
    if (!web.response) return;
    uv_buf_t out = uv_buf_init((char *)(uintptr_t)web.response, (unsigned)strlen(web.response));
    assert_int_equal(uv_try_write(stream, &out, 1), (int)out.len);
    uv_close((uv_handle_t *)stream, NULL);
}

static void on_connection(uv_stream_t *listener, int status) {
    assert_int_equal(status, 0);
    uv_tcp_t *conn = &web.conns[web.conn_count++ % 16];
    assert_int_equal(uv_tcp_init(listener->loop, conn), 0);
    assert_int_equal(uv_accept(listener, (uv_stream_t *)conn), 0);
    assert_int_equal(uv_read_start((uv_stream_t *)conn, on_alloc, on_read), 0);
}

int web_open(const char *response) {
    struct sockaddr_in address;
    struct sockaddr_storage bound;
    int len = sizeof(bound);
    memset(&web, 0, sizeof(web));
    web.response = response;
    web.open = true;
    uv_ip4_addr("127.0.0.1", 0, &address);
    assert_int_equal(uv_tcp_init(rp_worker_loop(bot.rig.worker), &web.listener), 0);
    assert_int_equal(uv_tcp_bind(&web.listener, (const struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&web.listener, 16, on_connection), 0);
    assert_int_equal(uv_tcp_getsockname(&web.listener, (struct sockaddr *)&bound, &len), 0);
    return ntohs(((struct sockaddr_in *)&bound)->sin_port);
}

int web_open_making(const char *(*make)(void)) {
    int port = web_open(NULL);
    web.make = make;
    return port;
}

const char *web_request(void) {
    return web.last;
}

unsigned web_requests(void) {
    return web.requests;
}

void web_hang_up(const char *response) {
    for (unsigned i = 0; i < web.conn_count && i < 16; i++) {
        if (!uv_is_closing((uv_handle_t *)&web.conns[i])) uv_close((uv_handle_t *)&web.conns[i], NULL);
    }
    web.response = response;
    rig_spin(&bot.rig, 4);
}

void web_close(void) {
    if (!web.open) return;
    web.open = false;
    uv_close((uv_handle_t *)&web.listener, NULL);
    web_hang_up(NULL);
}
