/* The stage in real turns: what the model is asked, and who counts as the maker of the reply. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugins/stages/ask/ask.h"
#include "support/rig.h"

/* ---- a model that writes down what it is asked, a store for one session, a stage in front ------------------------------ */

static char asked[1024];
static bool asked_for_stream;

static struct rp_source *ask(struct rp_model *model, struct rp_turn *turn, const struct rp_call *call) {
    struct rp_buf text;
    (void)model;
    rp_buf_init(&text, sizeof(asked) - 1);
    for (size_t i = 0; i < call->message_count; i++) {
        const struct rp_message *message = &call->messages[i];
        rp_buf_printf(&text, "%s%c:%.*s", i ? "|" : "", "suat"[message->role], RP_STR_ARG(message->text));
        for (size_t at = 0; at < message->image_count; at++)
            rp_buf_printf(&text, "+%.*s", RP_STR_ARG(message->images[at]));
    }
    memcpy(asked, text.data, text.len + 1);
    rp_buf_finish(&text);
    asked_for_stream = call->stream;
    assert_non_null(call->prompt);
    if (model->element.state) return rp_source_fault(turn, model->element.state);
    return rp_source_text(turn, RP_STR("yes"));
}

static unsigned taken; /* what the model takes */
static unsigned takes(const struct rp_model *model) {
    (void)model;
    return taken;
}

static const struct rp_model_type model_type = {.type = {.name = "written"}, .ask = ask, .takes = takes};

static char stored[4096];
static size_t stored_len;

static void get(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_store_op *op) {
    (void)store, (void)worker, (void)key;
    op->done(op, stored_len ? 0 : -RP_ENOTFOUND, rp_str_n(stored, stored_len));
}
static void put(struct rp_store *store, struct rp_worker *worker, struct rp_str key, struct rp_str value,
                int64_t ttl_ms, struct rp_store_op *op) {
    (void)store, (void)worker, (void)key, (void)ttl_ms;
    assert_true(value.len <= sizeof(stored));
    memcpy(stored, value.data, value.len);
    stored_len = value.len;
    op->done(op, 0, RP_STR(""));
}
static const struct rp_store_type store_type = {.type = {.name = "one"}, .get = get, .put = put};

static enum rp_outcome prepare(struct rp_stage *stage, struct rp_turn *turn) {
    const struct rp_prompt *wanted = stage->element.options;
    if (wanted) *rp_turn_prompt(turn) = *wanted;
    return RP_PASS;
}
static const struct rp_stage_type prepare_stage = {.type = {.name = "prepare"}, .on_turn = prepare};

/* ---- a turn ------------------------------------------------------------------------------------------------------------- */

static json_t *metadata; /* of the next turns */

static void say(struct ask_options options, const struct rp_prompt *prompt, const char *message, bool stream,
                struct rig_client *client, struct rp_fault *fault) {
    struct rp_model model = {.element = {.type = &model_type.type, .name = "main", .state = fault}};
    struct rp_store store = {.element = {.type = &store_type.type, .name = "one"}};
    struct rp_turn_start start = {
        .message = rp_str(message), .session = RP_STR("s1"), .stream = stream, .metadata = metadata};
    struct rig rig;
    options.model = &model;
    rig_open(&rig);
    rig.runtime.store = &store;
    rig_add(&rig, &prepare_stage, prompt);
    rig_add(&rig, &ask_stage, &options);
    assert_int_equal(rig_start(&rig, client, &start), 0);
    rig_finish(&rig, client);
    rig_close(&rig);
}

static void expect_asked(struct ask_options options, const struct rp_prompt *prompt, const char *message,
                         const char *expected, const char *by) {
    struct rig_client client = {0};
    say(options, prompt, message, true, &client, NULL);
    assert_string_equal(asked, expected);
    assert_string_equal(client.by, by);
    assert_string_equal(client.text.data, "yes");
    rig_client_clear(&client);
}

static int forget(void **state) {
    (void)state;
    stored_len = 0;
    asked[0] = '\0';
    return 0;
}

/* ---- the tests ------------------------------------------------------------------------------------------------------------ */

static void the_message_goes_to_the_model_and_its_reply_back(void **state) {
    (void)state;
    expect_asked((struct ask_options){0}, NULL, "hi", "u:hi", "model:main");
}

static void earlier_messages_of_the_session_go_along(void **state) {
    struct ask_options options = {.history = 2, .history_tokens = 1024};
    (void)state;
    expect_asked(options, NULL, "one", "u:one", "model:main");
    expect_asked(options, NULL, "two", "u:one|a:yes|u:two", "model:main");
    expect_asked(options, NULL, "three", "u:two|a:yes|u:three", "model:main");
    expect_asked((struct ask_options){0}, NULL, "four", "u:four", "model:main");
}

static void what_a_rule_wants_comes_before_the_options(void **state) {
    static const struct rp_message examples[] = {{.role = RP_ROLE_USER, .text = {"q", 1}}, {.role = RP_ROLE_ASSISTANT, .text = {"r", 1}}};
    struct ask_options options = {.system = "mine"};
    struct rp_prompt prompt = {
        .system = RP_STR("the rule's"), .examples = examples, .example_count = 2, .by = "generate:support"};
    (void)state;
    expect_asked(options, NULL, "hi", "s:mine|u:hi", "model:main");
    forget(NULL);
    expect_asked(options, &prompt, "hi", "s:the rule's|u:q|a:r|u:hi", "generate:support");
}

static void chunks_are_wanted_only_by_those_who_stream(void **state) {
    (void)state;
    for (int stream = 0; stream < 2; stream++) {
        struct rig_client client = {0};
        say((struct ask_options){0}, NULL, "hi", stream, &client, NULL);
        assert_int_equal(asked_for_stream, stream);
        rig_client_clear(&client);
    }
}

static void the_fault_of_a_model_reaches_the_client(void **state) {
    struct rp_fault fault = {.code = RP_EUPRATE, .retry_after = 9};
    struct rig_client client = {0};
    (void)state;
    say((struct ask_options){0}, NULL, "hi", true, &client, &fault);
    assert_int_equal(client.errors, 1);
    assert_int_equal(client.code, RP_EUPRATE);
    assert_int_equal(client.retry_after, 9);
    rig_client_clear(&client);
}

static void images_go_with_the_message(void **state) {
    (void)state;
    taken = RP_TAKES_IMAGES;
    metadata = json_pack("{s:[s,s]}", "images", "https://a.example/b.png", "data:image/png;base64,AA==");
    expect_asked((struct ask_options){.images = 2}, NULL, "hi",
                 "u:hi+https://a.example/b.png+data:image/png;base64,AA==", "model:main");
    json_decref(metadata);
    metadata = NULL;
    taken = 0;
}

static void images_that_nobody_looks_at_are_refused(void **state) {
    static const struct {
        const char *images;
        int64_t most;
        unsigned taken;
        int code;
    } rows[] = {
        {"[\"https://a.example/b.png\"]", 0, RP_TAKES_IMAGES, RP_EUNSUPPORTED}, /* not by this bot */
        {"[\"https://a.example/b.png\"]", 1, 0, RP_EUNSUPPORTED},               /* not by this model */
        {"[\"https://a.example/b.png\", \"https://a.example/c.png\"]", 1, RP_TAKES_IMAGES, RP_EINVALID},
        {"\"https://a.example/b.png\"", 1, RP_TAKES_IMAGES, RP_EINVALID},
        {"[7]", 1, RP_TAKES_IMAGES, RP_EINVALID},
        {"[\"\"]", 1, RP_TAKES_IMAGES, RP_EINVALID},
        {"[\"ftp://a.example/b.png\"]", 1, RP_TAKES_IMAGES, RP_EINVALID},
        {"[\"https://a.example/b c\"]", 1, RP_TAKES_IMAGES, RP_EINVALID},
        {"[\"data:text/html;base64,AAAA\"]", 1, RP_TAKES_IMAGES, RP_EINVALID},
        {"[\"data:image/png;base64,\"]", 1, RP_TAKES_IMAGES, RP_EINVALID},
        {"[\"data:image/png;base64,A\\u0000\"]", 1, RP_TAKES_IMAGES, RP_EINVALID},
        {"[\"data:image/png;base64,A*==\"]", 1, RP_TAKES_IMAGES, RP_EINVALID},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig_client client = {0};
        json_t *images = json_loads(rows[i].images, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_non_null(images);
        metadata = json_pack("{s:o}", "images", images);
        taken = rows[i].taken;
        say((struct ask_options){.images = rows[i].most}, NULL, "hi", true, &client, NULL);
        if (client.code != rows[i].code) fail_msg("%s: %s", rows[i].images, rp_error_code(client.code));
        json_decref(metadata);
        rig_client_clear(&client);
    }
    metadata = NULL;
    taken = 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_message_goes_to_the_model_and_its_reply_back, forget),
        cmocka_unit_test_setup(earlier_messages_of_the_session_go_along, forget),
        cmocka_unit_test_setup(what_a_rule_wants_comes_before_the_options, forget),
        cmocka_unit_test_setup(chunks_are_wanted_only_by_those_who_stream, forget),
        cmocka_unit_test_setup(the_fault_of_a_model_reaches_the_client, forget),
        cmocka_unit_test_setup(images_go_with_the_message, forget),
        cmocka_unit_test_setup(images_that_nobody_looks_at_are_refused, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
