#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "talking.h"

#include <cmocka.h>

struct talking talking;

static enum rp_outcome on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    const struct rp_prompt *prompt = rp_turn_prompt(turn);
    struct rp_model *model = prompt->model ? prompt->model : &talking.main.model;
    struct rp_call *call = rp_arena_zalloc(turn->arena, sizeof(*call));
    struct rp_call_parts parts = {.system = prompt->system,
                                  .examples = prompt->examples,
                                  .example_count = prompt->example_count,
                                  .message = turn->message,
                                  .note = prompt->note};
    call->prompt = prompt;
    call->stream = turn->stream;
    call->by = &stage->element;
    rp_call_build(call, turn->arena, &parts, NULL);
    rp_turn_set_by(turn, "%s", prompt->by ? prompt->by : "model:main");
    rp_turn_reply(turn, rp_model_talk(model, turn, call));
    return RP_KEEP;
}

static const struct rp_stage_type stage_type = {.type = {.name = "talking"}, .on_turn = on_turn};

int talking_setup(void **state) {
    bot_setup(state);
    test_model_open(&talking.main, "main");
    test_model_open(&talking.small, "small");
    talking.models[0] = &talking.main.model;
    talking.models[1] = &talking.small.model;
    test_models_in(&talking.bot, talking.models, 2);
    bot.rig.bot = &talking.bot;
    bot.options.waits = 20;
    bot.options.journal = 65536;
    bot.options.dialog_failures = 3;
    return 0;
}

int talking_teardown(void **state) {
    bot_teardown(state);
    assert_int_equal(talking.main.calls, talking.main.closed);
    assert_int_equal(talking.small.calls, talking.small.closed);
    test_model_close(&talking.main);
    test_model_close(&talking.small);
    return 0;
}

void talking_rules(const char *text) {
    folder_write("rules/a.lua", text);
    rig_add(&bot.rig, &rules_stage, &bot.options);
    rig_add(&bot.rig, &stage_type, NULL);
}

const char *talking_message(const struct test_model *model, unsigned call, unsigned i) {
    const char *at = model->asked[call];
    while (i-- > 0) {
        at = strchr(at, '|');
        assert_non_null(at);
        at++;
    }
    return at;
}
