#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "dialogs.h"

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/loop/worker.h"
#include "core/turn/session.h"

static struct {
    struct rp_arena *arena;
    struct session session;
} kept;

int dialogs_setup(void **state) {
    memset(&kept, 0, sizeof(kept));
    bot_setup(state);
    bot.options.journal = 65536;
    bot.options.dialog_failures = 3;
    clock_freeze(INT64_C(1700000000000));
    return 0;
}

static void drop_kept(void) {
    if (!kept.arena) return;
    session_finish(&kept.session);
    rp_arena_destroy(kept.arena);
    kept.arena = NULL;
}

int dialogs_teardown(void **state) {
    drop_kept();
    return bot_teardown(state);
}

const json_t *dialogs_kept(const char *session) {
    char key[64];
    drop_kept();
    kept.arena = rp_arena_create();
    snprintf(key, sizeof(key), "session/%s", session);
    struct rp_str bytes = rp_arena_str(kept.arena, test_store_value(&bot.store, key));
    if (bytes.len == 0 || session_decode(&kept.session, bytes) != 0) return NULL;
    return session_get(&kept.session, "@dialog");
}

static void on_put(struct rp_store_op *op, int code, struct rp_str value) {
    (void)op;
    (void)value;
    assert_int_equal(code, 0);
}

void dialogs_keep(const char *name, const char *json) {
    char key[64];
    struct rp_buf bytes;
    struct session session = {0};
    struct rp_store_op op = {.done = on_put};
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    rp_buf_init(&bytes, 1 << 20);
    snprintf(key, sizeof(key), "session/%s", name);
    assert_int_equal(session_set(&session, "@dialog", value, 1 << 20), 0);
    assert_int_equal(session_encode(&session, NULL, 0, 10, &bytes), 0);
    const struct rp_store_type *type = (const struct rp_store_type *)(const void *)bot.store.store.element.type;
    type->put(&bot.store.store, bot.rig.worker, rp_str(key), rp_buf_str(&bytes), 0, &op);
    session_finish(&session);
    rp_buf_finish(&bytes);
    json_decref(value);
}

/* ---- another process --------------------------------------------------------------------------------------------- */

static struct rp_element *rules_element(void) {
    return &bot.rig.stages[0].element;
}

void dialogs_forget(void) {
    struct rp_element *element = rules_element();
    struct rp_error error = {0};
    rules_stage.type.detach(element, bot.rig.worker, element->local[0]);
    assert_int_equal(rules_stage.type.attach(element, bot.rig.worker, &element->local[0], &error), 0);
}

void dialogs_change(const char *rules) {
    struct rp_element *element = rules_element();
    struct rp_error error = {0};
    folder_write("rules/a.lua", rules);
    rules_stage.type.detach(element, bot.rig.worker, element->local[0]);
    rules_stage.type.close(element);
    if (rules_stage.type.open(element, &error) != 0) fail_msg("open: %s", error.text);
    assert_int_equal(rules_stage.type.attach(element, bot.rig.worker, &element->local[0], &error), 0);
}

/* ---- transcripts ------------------------------------------------------------------------------------------------- */

static const char *next_line(const char **at, char *line, size_t size) {
    if (!**at) return NULL;
    size_t len = strcspn(*at, "\n");
    snprintf(line, size, "%.*s", (int)len, *at);
    *at += len + ((*at)[len] == '\n');
    return line;
}

void dialogs_advance(int64_t ms) {
    clock_advance(ms);
    timer_heap_poke(bot.rig.worker);
    rig_spin(&bot.rig, 8);
}

static void advance(const char *duration) {
    int64_t ms;
    assert_int_equal(rp_duration(duration, &ms), 0);
    dialogs_advance(ms);
}

/* The lines "< …" that follow, joined. */
static void read_reply(const char **at, char *reply, size_t size) {
    size_t len = 0;
    reply[0] = '\0';
    while ((*at)[0] == '<' && len < size) {
        const char *text = *at + ((*at)[1] == ' ' ? 2 : 1);
        size_t line = strcspn(text, "\n");
        len += (size_t)snprintf(reply + len, size - len, "%s%.*s", len ? "\n" : "", (int)line, text);
        *at = text + line + (text[line] == '\n');
    }
}

static void talk(const char *transcript, bool forgetting) {
    char line[4096], reply[8192];
    const char *at = transcript;
    while (next_line(&at, line, sizeof(line))) {
        if (line[0] == '+') advance(line + 2);
        if (line[0] == '=' && strcmp(bot.client.by, line + 2) != 0) fail_msg("by is '%s', not '%s'", bot.client.by, line + 2);
        if (line[0] != '>') continue;
        if (forgetting) dialogs_forget();
        read_reply(&at, reply, sizeof(reply));
        const char *said = bot_say(line + 2);
        if (strcmp(said, reply) != 0) fail_msg("after '%s'\n  expected: %s\n  said:     %s", line, reply, said);
    }
}

void dialogs_talk(const char *transcript) {
    talk(transcript, false);
}

void dialogs_talk_forgetting(const char *transcript) {
    talk(transcript, true);
}
