/* The law of guards on replies: whatever the guards, the text and the way it is cut, what leaves is what the guards would
 * make of the whole text one after the other, as guard.h says it and as it is told here a second time and plainly; and at
 * no time has anything left that is not a beginning of that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/log_sink.h"
#include "guarded.h"
#include "plugins/stages/rules/guard.h"
#include <repartee/normalise.h>

#define TEXT_MAX 300
#define GUARDS_MAX 4
#define SETS 250
#define TEXTS 25
#define CUTS 5

static uint64_t seed = 88172645463325252u;

static size_t below(size_t bound) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)(seed >> 11) % bound;
}

/* ---- guards ------------------------------------------------------------------------------------------------------ */

struct sample {
    const char *pattern, *with; /* `with` may use one group */
};
static const struct sample samples[] = {
    {"guarantee\\w*", "aim"},
    {"(?i)\\b(foo|bar)\\b", "<{1}>"},
    {"\\d{3}(?!\\d)", "#"},
    {"(?<=a)b+", "[{0}]"},
    {"(?<!\\d)(\\d{2,4})-\\d+\\b", "{1}"},
    {"退款", "退钱"},
    {"(?<x>保证)[^。]{0,5}。", "{x}!"},
    {"😀+", ""},
    {"aim", "foo bar"},
    {"(\\w)\\1", "{1}"},
    {"\\bend$", "END"},
    {"^(?:foo|aim)", "start"},
    {"(?m)^- .{1,8}$", "- item"},
    {"[A-Z]\\w+(?= )", "{0}{0}"},
    {"(?s)<.{0,20}?>", "<>"},
    {" ", "_"},
    {"#", "12-345"},
};
static const char *const words[] = {
    "guarantee", "guaranteed", "guar", "foo", "Bar", "barfoo", "ab", "abb", "12", "123", "12-345", "1234-5", " ", " ",
    "退款", "退", "保证。", "保证不会。", "保", "。", "😀", "😀😀", "aim", "aa", "bb", "end", "\n", "- ", "- item one\n",
    "<", ">", "<a>", "Word ", "é", "ß", "#", "_", "x", ", ", "start", "\r\n", "１２",
    "gua\u200Brantee", "ｆｏｏ", "e\u0301", "\u0301", "\u200D", "\uFEFF", "ﬁ", "ﾊﾞ", "각", "\u11A8", "\u0323\u0301",
};
#define COUNT(array) (sizeof(array) / sizeof(array[0]))

struct chosen {
    const struct sample *sample;
    enum guard_action action;
    bool whole;
    struct rp_regex *regex;
};
static struct chosen chosen[GUARDS_MAX];
static size_t chosen_count;

static void choose_guards(char *lua, size_t size) {
    static const enum guard_action actions[] = {GUARD_REPLACE, GUARD_REPLACE, GUARD_REPLACE, GUARD_BLOCK, GUARD_FLAG};
    size_t len = 0;
    chosen_count = 1 + below(GUARDS_MAX);
    for (size_t i = 0; i < chosen_count; i++) {
        struct chosen *guard = &chosen[i];
        *guard = (struct chosen){&samples[below(COUNT(samples))], actions[below(COUNT(actions))], below(6) == 0, NULL};
        assert_int_equal(rp_regex_compile(rp_str(guard->sample->pattern), 0, &guard->regex, NULL), 0);
        len += (size_t)snprintf(lua + len, size - len, "guard \"%zu\" { on = \"reply\", match = [=[%s]=], action = \"%s\"", i,
                                guard->sample->pattern, guard_actions[guard->action]);
        if (guard->action != GUARD_FLAG)
            len += (size_t)snprintf(lua + len, size - len, ", with = \"%s\"", guard->sample->with);
        len += (size_t)snprintf(lua + len, size - len, "%s }\n", guard->whole ? ", whole = true" : "");
    }
}

static void forget_guards(void) {
    for (size_t i = 0; i < chosen_count; i++) rp_regex_free(chosen[i].regex);
}

/* ---- what they come to, plainly ---------------------------------------------------------------------------------- */

static size_t put_with(const struct sample *sample, const struct rp_normalised *text, const struct rp_match *match, char *out) {
    size_t len = 0;
    for (const char *at = sample->with; *at; at++) {
        if (*at != '{') {
            out[len++] = *at;
            continue;
        }
        size_t group = at[1] == '0' ? 0 : 1; /* {x} is the first group, too */
        at += 2;
        if (group >= match->count || match->group[group].start == SIZE_MAX) continue;
        struct rp_str original = rp_normalised_original(text, match->group[group].start, match->group[group].end);
        memcpy(out + len, original.data, original.len);
        len += original.len;
    }
    return len;
}

/* What one guard makes of a text. True: it blocks. */
static bool apply_to(const struct chosen *guard, const struct rp_normalised *text, char *out, bool *out_found) {
    size_t len = text->text.len, at = 0, written = 0;
    struct rp_match match;
    *out_found = false;
    for (size_t from = 0; from < len && rp_regex_match(guard->regex, text->text, from, 0, &match) == RP_MATCH_FOUND;) {
        size_t start = match.group[0].start, end = match.group[0].end;
        from = end > start ? end : end + 1;
        if (end == start) continue;
        start = rp_normalised_start(text, start);
        *out_found = true;
        if (guard->action == GUARD_FLAG) break;
        if (start < at || (guard->action == GUARD_BLOCK && guard->whole)) start = at; /* it begins in what went before */
        memcpy(out + written, text->original.data + at, start - at);
        written += start - at;
        written += put_with(guard->sample, text, &match, out + written);
        if (rp_normalised_end(text, end) > at) at = rp_normalised_end(text, end);
        if (guard->action != GUARD_BLOCK) continue;
        out[written] = '\0';
        return true;
    }
    memcpy(out + written, text->original.data + at, text->original.len - at);
    out[written + text->original.len - at] = '\0';
    return false;
}

static bool apply(const struct chosen *guard, const char *text, char *out, bool *out_found) {
    struct rp_arena *arena = rp_arena_create();
    struct rp_normalised whole;
    rp_normalise(arena, rp_str(text), &whole);
    bool blocks = apply_to(guard, &whole, out, out_found);
    rp_arena_destroy(arena);
    return blocks;
}

struct outcome {
    char text[TEXT_MAX * 64];
    int by; /* the guard that blocked last; -1: the model */
    bool found[GUARDS_MAX];
};

static void expect_plainly(const char *text, struct outcome *out) {
    static char from[TEXT_MAX * 64];
    *out = (struct outcome){.by = -1};
    snprintf(out->text, sizeof(out->text), "%s", text);
    for (size_t i = 0; i < chosen_count; i++) {
        strcpy(from, out->text);
        if (apply(&chosen[i], from, out->text, &out->found[i])) out->by = (int)i;
    }
}

/* ---- turns ------------------------------------------------------------------------------------------------------- */

static const struct outcome *expected;
static const char *shown; /* the reply with its cuts */

static void on_text(struct rig_client *client) {
    size_t len = strlen(expected->text);
    if (client->text.len <= len && memcmp(client->text.data, expected->text, client->text.len) == 0) return;
    fail_msg("'%s': '%s' has left, which is no beginning of '%s'", shown, client->text.data, expected->text);
}

static void run(const char *reply) {
    struct rp_turn_start start = {.message = RP_STR("hello"), .session = RP_STR("s1")};
    shown = reply;
    guarded.replies[0] = reply;
    rig_client_clear(&bot.client);
    bot.client.on_text = on_text;
    assert_int_equal(rig_start(&bot.rig, &bot.client, &start), 0);
    rig_finish(&bot.rig, &bot.client);
    const char *text = bot.client.text.data ? bot.client.text.data : "";
    char by[32] = "model:test";
    if (expected->by >= 0) snprintf(by, sizeof(by), "guard:%d", expected->by);
    
    if (bot.client.errors) fail_msg("'%s': %s", reply, rp_error_code(bot.client.code));
    if (strcmp(text, expected->text) != 0) fail_msg("'%s' gives '%s', not '%s'", reply, text, expected->text);
    if (strcmp(bot.client.by, by) != 0) fail_msg("'%s' is by %s, not %s", reply, bot.client.by, by);
    assert_int_equal(bot.client.finish, expected->by >= 0 ? RP_FINISH_FILTER : RP_FINISH_STOP);
}

static bool boundary(const char *text, size_t at) {
    return ((unsigned char)text[at] & 0xC0) != 0x80;
}

/* Cuts with '|', which no text has. */
static void cut(const char *text, size_t often, char *out) {
    for (size_t i = 0; text[i]; i++) {
        if (i > 0 && boundary(text, i) && below(often) == 0) *out++ = '|';
        *out++ = text[i];
    }
    *out = '\0';
}

static void expect_all_cuts(const char *text) {
    static struct outcome outcome;
    char pieces[2 * TEXT_MAX];
    expect_plainly(text, &outcome);
    expected = &outcome;
    run(text);
    cut(text, 1, pieces);
    run(pieces);
    for (size_t i = 0; i < CUTS; i++) {
        cut(text, 1 + below(10), pieces);
        run(pieces);
    }
}

/* Every way to cut it in two and in three. */
static void expect_every_cut(const char *text) {
    static struct outcome outcome;
    char pieces[2 * TEXT_MAX];
    size_t len = strlen(text);
    expect_plainly(text, &outcome);
    expected = &outcome;
    for (size_t i = 1; i < len; i++) {
        for (size_t j = i; j < len; j++) {
            if (!boundary(text, i) || !boundary(text, j)) continue;
            snprintf(pieces, sizeof(pieces), "%.*s|%.*s%s%s", (int)i, text, (int)(j - i), text + i, j > i ? "|" : "", text + j);
            run(pieces);
        }
    }
}

static void make_text(char *text) {
    text[0] = '\0';
    for (size_t n = 1 + below(12); n > 0; n--) {
        const char *word = words[below(COUNT(words))];
        if (strlen(text) + strlen(word) < TEXT_MAX) strcat(text, word);
    }
}

static void open_bot(const char *lua) {
    assert_int_equal(guarded_setup(NULL), 0);
    bot.rig.runtime.store = NULL; /* a history is of no use here */
    guarded_rules(lua);
}

static void any_cut_of_any_text_gives_what_the_whole_gives(void **state) {
    char lua[4096], text[TEXT_MAX + 1];
    (void)state;
    for (size_t set = 0; set < SETS; set++) {
        choose_guards(lua, sizeof(lua));
        open_bot(lua);
        for (size_t i = 0; i < TEXTS; i++) {
            make_text(text);
            expect_all_cuts(text);
        }
        forget_guards();
        guarded_teardown(NULL);
    }
}

static void every_cut_of_short_texts_gives_what_the_whole_gives(void **state) {
    static const char *const texts[] = {"I guarantee it, foo.", "保证不会。退款12-345", "aab bb 😀😀 end",
                                        "g\u200Buarantee cafe\u0301 ｆｏｏ\u200D１２３-4"};
    char lua[4096];
    (void)state;
    for (size_t set = 0; set < 12; set++) {
        choose_guards(lua, sizeof(lua));
        open_bot(lua);
        for (size_t i = 0; i < COUNT(texts); i++) expect_every_cut(texts[i]);
        forget_guards();
        guarded_teardown(NULL);
    }
}

static void forget(void *arg, const char *line, size_t len) {
    (void)arg;
    (void)line;
    (void)len;
}

int main(void) {
    log_divert(RP_LOG_ERROR, forget, NULL); /* a line for each of a hundred thousand turns helps nobody */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_cut_of_any_text_gives_what_the_whole_gives),
        cmocka_unit_test(every_cut_of_short_texts_gives_what_the_whole_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
