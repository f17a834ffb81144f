/* The stage in real turns: the message on its way in, the reply on its way out, and the last chunk of every kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugins/stages/redact/redact.h"
#include "support/rig.h"

/* ---- a stage that answers with the chunks of the test ------------------------------------------------------------- */

#define CHUNKS_MAX 32

struct answer {
    struct rp_chunk chunks[CHUNKS_MAX];
    size_t count;
    enum rp_flow last; /* RP_END or RP_ERROR */
    char message[256]; /* as the stage got it */
    size_t next;
    unsigned turns, closes;
};
struct answer_source {
    struct rp_source source;
    struct answer *answer;
};

static void more(struct rp_source *source) {
    struct answer *answer = ((struct answer_source *)source)->answer;
    const struct rp_chunk *chunk = &answer->chunks[answer->next++];
    assert_true(answer->next <= answer->count);
    rp_source_write(source, chunk, answer->next < answer->count ? RP_MORE : answer->last);
}

static void on_source_close(struct rp_source *source) {
    ((struct answer_source *)source)->answer->closes++;
}

static enum rp_outcome on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    static const struct rp_source_ops ops = {.more = more, .close = on_source_close};
    struct answer_source *source = rp_arena_zalloc(turn->arena, sizeof(*source));
    source->answer = (struct answer *)stage->element.options; /* the rig hands the test's own struct through */
    source->answer->turns++;
    assert_true(turn->message.len < sizeof(source->answer->message));
    memcpy(source->answer->message, turn->message.data, turn->message.len);
    rp_source_init(&source->source, &ops, turn);
    rp_turn_reply(turn, &source->source);
    return RP_KEEP;
}

static const struct rp_stage_type answer_stage = {.type = {.name = "answer"}, .on_turn = on_turn};

static void add(struct answer *answer, struct rp_chunk chunk) {
    assert_true(answer->count < CHUNKS_MAX);
    answer->chunks[answer->count++] = chunk;
}
static void add_text(struct answer *answer, const char *text) {
    add(answer, (struct rp_chunk){.type = RP_CHUNK_TEXT, .text = rp_str(text)});
}

/* ---- a turn ---------------------------------------------------------------------------------------------------------- */

static const struct rp_pattern all[] = {{.name = "phone_cn"}, {.name = "email"}};
static const struct rp_pattern endless[] = {{.name = "endless", .match = "a.*b"}};
static const struct rp_pattern costly[] = {{.name = "costly", .match = "(?:a|aa|aaa)+[xy]"}};

static struct redact_options options_of(const struct rp_pattern *patterns, size_t count, enum redact_on on) {
    return (struct redact_options){.patterns = {patterns, count}, .on = (int)on, .hold = 1024};
}

static void run(struct redact_options *options, struct answer *answer, struct rig_client *client, const char *message) {
    struct rig rig;
    rig_open(&rig);
    rig_add(&rig, &redact_stage, options);
    rig_add(&rig, &answer_stage, answer);
    assert_int_equal(rig_say(&rig, client, message), 0);
    rig_finish(&rig, client);
    assert_int_equal(answer->closes, answer->turns);
    rig_close(&rig);
}

static void expect_reply(struct answer *answer, const char *text, enum rp_finish finish) {
    struct redact_options options = options_of(all, 2, REDACT_BOTH);
    struct rig_client client = {0};
    run(&options, answer, &client, "hi");
    assert_int_equal(client.ends, 1);
    assert_int_equal(client.errors, 0);
    assert_string_equal(client.text.data ? client.text.data : "", text);
    assert_int_equal(client.finish, finish);
    rig_client_clear(&client);
}

/* ---- the tests ----------------------------------------------------------------------------------------------------------- */

static void the_message_is_masked_before_the_next_stage_sees_it(void **state) {
    (void)state;
    static const struct {
        enum redact_on on;
        const char *message, *reply;
    } cases[] = {{REDACT_BOTH, "I am [phone]", "You are [phone]"},
                 {REDACT_MESSAGE, "I am [phone]", "You are 13812345678"},
                 {REDACT_REPLY, "I am 13812345678", "You are [phone]"}};
    for (size_t i = 0; i < 3; i++) {
        struct redact_options options = options_of(all, 2, cases[i].on);
        struct rig_client client = {0};
        struct answer answer = {.last = RP_END};
        add_text(&answer, "You are 138123");
        add_text(&answer, "45678");
        run(&options, &answer, &client, "I am 13812345678");
        assert_string_equal(answer.message, cases[i].message);
        assert_string_equal(client.text.data, cases[i].reply);
        rig_client_clear(&client);
    }
}

static void a_reply_is_masked_wherever_it_is_cut(void **state) {
    (void)state;
    const char *text = "Call +86 13812345678 or mail bob@example.com";
    char first[64], second[64];
    for (size_t cut = 0; cut <= strlen(text); cut++) {
        struct answer answer = {.last = RP_END};
        snprintf(first, sizeof(first), "%.*s", (int)cut, text);
        snprintf(second, sizeof(second), "%s", text + cut);
        add_text(&answer, first);
        add_text(&answer, second);
        answer.chunks[1].finish = RP_FINISH_LENGTH;
        expect_reply(&answer, "Call [phone] or mail [email]", RP_FINISH_LENGTH);
    }
}

static void nothing_of_a_secret_has_left_when_the_reply_breaks(void **state) {
    (void)state;
    struct redact_options options = options_of(all, 2, REDACT_BOTH);
    struct rig_client client = {0};
    struct answer answer = {.last = RP_ERROR};
    add_text(&answer, "It is ");
    add_text(&answer, "1381234567");
    add(&answer, (struct rp_chunk){.type = RP_CHUNK_ERROR, .fault = {.code = RP_EUPSTREAM, .retry_after = 3}});
    run(&options, &answer, &client, "hi");
    assert_int_equal(client.errors, 1);
    assert_int_equal(client.code, RP_EUPSTREAM);
    assert_string_equal(client.text.data, "It is ");
    rig_client_clear(&client);
}

static void text_that_waits_comes_out_before_the_last_chunk_of_any_kind(void **state) {
    (void)state;
    const struct rp_chunk lasts[] = {
        {.type = RP_CHUNK_NONE, .finish = RP_FINISH_FILTER},
        {.type = RP_CHUNK_TEXT, .finish = RP_FINISH_FILTER, .text = RP_STR("")},
        {.type = RP_CHUNK_USAGE, .finish = RP_FINISH_FILTER, .usage = {.input_tokens = 3, .output_tokens = 4}},
        {.type = RP_CHUNK_TOOL, .finish = RP_FINISH_FILTER, .tool = {.id = RP_STR("1"), .name = RP_STR("f"), .arguments = RP_STR("{}")}},
    };
    for (size_t i = 0; i < sizeof(lasts) / sizeof(lasts[0]); i++) {
        struct answer waiting = {.last = RP_END}, empty = {.last = RP_END}, alone = {.last = RP_END};
        add_text(&waiting, "mail a@b.c");
        add_text(&waiting, "n");
        add(&waiting, lasts[i]);
        expect_reply(&waiting, "mail [email]", RP_FINISH_FILTER);
        add_text(&empty, "mail.\n");
        add(&empty, lasts[i]);
        expect_reply(&empty, "mail.\n", RP_FINISH_FILTER);
        add(&alone, lasts[i]);
        expect_reply(&alone, "", RP_FINISH_FILTER);
    }
}

static void usage_between_pieces_is_counted_and_hides_nothing(void **state) {
    (void)state;
    struct redact_options options = options_of(all, 2, REDACT_BOTH);
    struct rig_client client = {0};
    struct answer answer = {.last = RP_END};
    add_text(&answer, "138123");
    add(&answer, (struct rp_chunk){.type = RP_CHUNK_USAGE, .usage = {.input_tokens = 10, .output_tokens = 20}});
    add(&answer, (struct rp_chunk){.type = RP_CHUNK_NONE});
    add_text(&answer, "45678");
    run(&options, &answer, &client, "hi");
    assert_string_equal(client.text.data, "[phone]");
    assert_int_equal(client.usage.input_tokens, 10);
    assert_int_equal(client.usage.output_tokens, 20);
    rig_client_clear(&client);
}

static void text_that_would_wait_for_ever_ends_the_reply(void **state) {
    (void)state;
    struct redact_options options = options_of(endless, 1, REDACT_REPLY);
    struct rig_client client = {0};
    struct answer answer = {.last = RP_END};
    char piece[101];
    memset(piece, 'c', 100);
    piece[100] = '\0';
    add_text(&answer, "x a");
    for (int i = 0; i < 30; i++) add_text(&answer, piece);
    run(&options, &answer, &client, "hi");
    assert_int_equal(client.errors, 1);
    assert_int_equal(client.code, RP_EREGEX);
    assert_string_equal(client.text.data, "x ");
    rig_client_clear(&client);
}

static const char *const many_a = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

static void a_message_that_cannot_be_masked_goes_nowhere(void **state) {
    (void)state;
    struct redact_options options = options_of(costly, 1, REDACT_BOTH);
    struct rig_client client = {0};
    struct answer answer = {.last = RP_END};
    run(&options, &answer, &client, many_a);
    assert_int_equal(answer.turns, 0);
    assert_int_equal(client.errors, 1);
    assert_int_equal(client.code, RP_EREGEX);
    rig_client_clear(&client);
}

static void a_reply_that_cannot_be_masked_goes_nowhere(void **state) {
    (void)state;
    for (int in_pieces = 0; in_pieces < 2; in_pieces++) {
        struct redact_options options = options_of(costly, 1, REDACT_BOTH);
        struct rig_client client = {0};
        struct answer answer = {.last = RP_END};
        add_text(&answer, many_a);
        if (in_pieces) add_text(&answer, "b");
        run(&options, &answer, &client, "hi");
        assert_int_equal(client.errors, 1);
        assert_int_equal(client.code, RP_EREGEX);
        assert_int_equal(client.text.len, 0);
        rig_client_clear(&client);
    }
}

static void broken_text_of_a_source_ends_the_reply(void **state) {
    (void)state;
    struct redact_options options = options_of(all, 2, REDACT_BOTH);
    struct rig_client client = {0};
    struct answer answer = {.last = RP_END};
    add_text(&answer, "fine\n");
    add_text(&answer, "1\xE4\xB8");
    run(&options, &answer, &client, "hi");
    assert_int_equal(client.code, RP_EUPSTREAM);
    assert_string_equal(client.text.data, "fine\n");
    rig_client_clear(&client);
}

static void a_client_that_leaves_frees_what_waits(void **state) {
    (void)state;
    struct redact_options options = options_of(all, 2, REDACT_BOTH);
    struct rig_client client = {.manual = true};
    struct answer answer = {.last = RP_END};
    struct rig rig;
    add_text(&answer, "It is 138123");
    add_text(&answer, "45678");
    rig_open(&rig);
    rig_add(&rig, &redact_stage, &options);
    rig_add(&rig, &answer_stage, &answer);
    assert_int_equal(rig_say(&rig, &client, "hi"), 0);
    rig_spin(&rig, 5);
    assert_string_equal(client.text.data, "It is ");
    rp_turn_cancel(client.turn);
    rig_finish(&rig, &client);
    assert_int_equal(answer.closes, 1);
    rig_close(&rig);
    rig_client_clear(&client);
}

static void the_log_hook_masks_whatever_on_says(void **state) {
    (void)state;
    struct redact_options options = options_of(all, 2, REDACT_REPLY);
    struct rig rig;
    rig_open(&rig);
    struct rp_stage *stage = rig_add(&rig, &redact_stage, &options);
    struct rp_turn turn = {.arena = rp_arena_create()};
    struct rp_str text = redact_stage.mask(stage, &turn, RP_STR("13812345678"));
    assert_true(rp_str_equal(text, RP_STR("[phone]")));
    rp_arena_destroy(turn.arena);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_message_is_masked_before_the_next_stage_sees_it),
        cmocka_unit_test(a_reply_is_masked_wherever_it_is_cut),
        cmocka_unit_test(nothing_of_a_secret_has_left_when_the_reply_breaks),
        cmocka_unit_test(text_that_waits_comes_out_before_the_last_chunk_of_any_kind),
        cmocka_unit_test(usage_between_pieces_is_counted_and_hides_nothing),
        cmocka_unit_test(text_that_would_wait_for_ever_ends_the_reply),
        cmocka_unit_test(a_message_that_cannot_be_masked_goes_nowhere),
        cmocka_unit_test(a_reply_that_cannot_be_masked_goes_nowhere),
        cmocka_unit_test(broken_text_of_a_source_ends_the_reply),
        cmocka_unit_test(a_client_that_leaves_frees_what_waits),
        cmocka_unit_test(the_log_hook_masks_whatever_on_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
