/* Turns over a route: who is asked, in which order, and what the client gets when targets fail, hang, or break off. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plugins/models/route/route.h"
#include "support/rig.h"

/* ---- targets that do as they are told ---------------------------------------------------------------------------- */

/* What one call does: each piece is a text, or ends the reply: "" well, "!" with `fault`, "?" hangs. "\001" is a NUL. */
struct act {
    const char *pieces[6];
    int fault;
    int retry_after;
    int64_t wait_ms; /* before the first piece */
};
struct fake {
    struct rp_model model; /* first */
    const struct act *acts;
    size_t count, asked; /* the last act is repeated */
    unsigned takes;
    unsigned open; /* sources that have not been closed */
    char prefix[100];
    size_t prefix_len;
    struct rp_call_limits limits;
    bool streamed; /* the last call was to be */
    int probed; /* the code that a probe gives; 0: well */
};

struct fake_source {
    struct rp_source source; /* first */
    struct fake *fake;
    const struct act *act;
    size_t at;
    struct rp_timer timer;
};

static void say(struct fake_source *source) {
    const char *piece = source->act->pieces[source->at++];
    if (*piece == '?') return;
    struct rp_chunk chunk = {.type = RP_CHUNK_TEXT, .text = rp_str(piece)};
    if (*piece == '\001') chunk.text = rp_str_n("", 1);
    if (*piece == '!')
        chunk = (struct rp_chunk){.type = RP_CHUNK_ERROR, .fault = {.code = source->act->fault,
                                                                    .retry_after = source->act->retry_after}};
    if (!*piece) chunk = (struct rp_chunk){.type = RP_CHUNK_USAGE, .usage = {.input_tokens = 10, .output_tokens = 1}, .finish = RP_FINISH_LENGTH};
    rp_source_write(&source->source, &chunk, *piece == '!' ? RP_ERROR : *piece ? RP_MORE : RP_END);
}

static void on_timer(struct rp_timer *timer) {
    say((struct fake_source *)((char *)timer - offsetof(struct fake_source, timer)));
}

static void fake_more(struct rp_source *source) {
    struct fake_source *own = (struct fake_source *)source;
    if (own->at == 0 && own->act->wait_ms)
        rp_timer_start(source->turn->worker, &own->timer, own->act->wait_ms);
    else
        say(own);
}

static void fake_close(struct rp_source *source) {
    struct fake_source *own = (struct fake_source *)source;
    rp_timer_stop(source->turn->worker, &own->timer);
    own->fake->open--;
}

static const struct rp_source_ops fake_ops = {.more = fake_more, .close = fake_close};

static struct rp_source *fake_ask(struct rp_model *model, struct rp_turn *turn, const struct rp_call *call) {
    struct fake *fake = (struct fake *)model;
    struct fake_source *source = rp_arena_zalloc(turn->arena, sizeof(*source));
    source->fake = fake;
    source->act = &fake->acts[fake->asked < fake->count ? fake->asked : fake->count - 1];
    source->timer.run = on_timer;
    fake->asked++;
    fake->open++;
    fake->limits = *call->limits;
    fake->streamed = call->stream;
    fake->prefix_len = call->prefix.len;
    snprintf(fake->prefix, sizeof(fake->prefix), "%.*s", RP_STR_ARG(call->prefix));
    rp_source_init(&source->source, &fake_ops, turn);
    return &source->source;
}

static unsigned fake_takes(const struct rp_model *model) {
    return ((const struct fake *)model)->takes;
}

static struct rp_task probing;
static struct rp_probe *probe_now;
static int probe_code;

static void on_probing(struct rp_task *task) {
    (void)task;
    probe_now->done(probe_now, probe_code);
}

static void fake_probe(struct rp_model *model, struct rp_worker *worker, struct rp_probe *probe) {
    probe_now = probe;
    probe_code = ((struct fake *)model)->probed;
    probing.run = on_probing;
    rp_task_schedule(worker, &probing);
}

static void fake_probe_cancel(struct rp_model *model, struct rp_probe *probe) {
    (void)model, (void)probe;
}

static const struct rp_model_type fake_type = {
    .type = {.name = "fake"}, .ask = fake_ask, .takes = fake_takes, .probe = fake_probe, .probe_cancel = fake_probe_cancel};

/* ---- the scene --------------------------------------------------------------------------------------------------- */

#define TARGETS 3

struct scene {
    struct rig rig;
    struct fake fakes[TARGETS];
    struct rp_model *models[TARGETS];
    struct route_options options;
    struct rp_model route;
    void *local[1];
    struct rp_call_limits limits;
    bool whole, patient; /* what the turns want */
};
static struct scene *scene; /* one at a time */

static enum rp_outcome on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    (void)stage;
    struct rp_call *call = rp_arena_zalloc(turn->arena, sizeof(*call));
    *call = (struct rp_call){.prompt = rp_turn_prompt(turn), .stream = turn->stream, .limits = &scene->limits};
    rp_turn_reply(turn, rp_model_ask(&scene->route, turn, call));
    return RP_KEEP;
}
static const struct rp_stage_type asking = {.type = {.name = "asking"}, .on_turn = on_turn};
static const struct rp_model_type route_type = {
    .type = {.name = "route"}, .ask = route_ask, .takes = route_takes, .forwards = true};

static const struct route_options usual = {
    .retries = 2, .retry_base = 1, .retry_max = 4, .breaker_failures = 5, .breaker_window = 10, .breaker_rest = 60000};

static void open_scene(struct scene *here, const struct route_options *options, size_t count) {
    static const char *const names[] = {"a", "b", "c"};
    struct rp_error error = {0};
    scene = here;
    *here = (struct scene){.options = *options};
    rig_open(&here->rig);
    here->rig.group.serves = true;
    rig_add(&here->rig, &asking, NULL);
    for (size_t i = 0; i < count; i++) {
        here->fakes[i].model.element = (struct rp_element){.type = &fake_type.type, .name = names[i]};
        here->models[i] = &here->fakes[i].model;
    }
    here->options.use = (struct rp_model_list){here->models, count};
    here->route.element = (struct rp_element){
        .type = &route_type.type, .name = "main", .options = &here->options, .local = here->local};
    if (route_open(&here->route.element, &error) != 0) fail_msg("%s", error.text);
    assert_int_equal(health_attach(&here->route.element, here->rig.worker, &here->local[0], &error), 0);
}

static void close_scene(void) {
    for (size_t i = 0; i < TARGETS; i++) assert_int_equal(scene->fakes[i].open, 0);
    health_detach(&scene->route.element, scene->rig.worker, scene->local[0]);
    rig_close(&scene->rig);
    route_close(&scene->route.element);
}

static void plays(size_t which, const struct act *acts, size_t count) {
    scene->fakes[which].acts = acts;
    scene->fakes[which].count = count;
}

/* One turn: what it comes to, as text with the error's code behind it. */
static const char *turn(void) {
    static char result[200];
    struct rig_client client = {0};
    struct rp_turn_start start = {
        .message = RP_STR("hi"), .session = RP_STR("s1"), .stream = !scene->whole, .patient = scene->patient};
    rig_start(&scene->rig, &client, &start);
    rig_finish(&scene->rig, &client);
    snprintf(result, sizeof(result), "%s%s%s", client.text.data ? client.text.data : "", client.code ? "!" : "",
             client.code ? rp_error_code(client.code) : "");
    rig_client_clear(&client);
    return result;
}

static void expect_asked(size_t a, size_t b, size_t c) {
    const struct fake *fakes = scene->fakes;
    if (fakes[0].asked != a || fakes[1].asked != b || fakes[2].asked != c)
        fail_msg("asked %zu, %zu, %zu", fakes[0].asked, fakes[1].asked, fakes[2].asked);
}

static const struct act good_a[] = {{.pieces = {"A", "a", ""}}}, good_b[] = {{.pieces = {"B", "b", ""}}},
                        bad[] = {{.pieces = {"!"}, .fault = RP_EUPSTREAM}},
                        refused[] = {{.pieces = {"!"}, .fault = RP_EUPAUTH}},
                        hangs[] = {{.pieces = {"?"}}};

/* ---- fallback ---------------------------------------------------------------------------------------------------- */

static void the_first_replies_and_nobody_else_is_asked(void **state) {
    (void)state;
    struct scene here;
    struct rig_client client = {0};
    open_scene(&here, &usual, 2);
    plays(0, good_a, 1);
    plays(1, good_b, 1);
    rig_say(&here.rig, &client, "hi");
    rig_finish(&here.rig, &client);
    assert_string_equal(client.text.data, "Aa");
    assert_int_equal(client.finish, RP_FINISH_LENGTH);
    assert_int_equal(client.usage.input_tokens, 10);
    expect_asked(1, 0, 0);
    assert_true(here.fakes[0].limits.once);
    close_scene();
    rig_client_clear(&client);
}

static void a_failure_leads_to_the_next_at_once(void **state) {
    (void)state;
    struct scene here;
    open_scene(&here, &usual, 3);
    plays(0, bad, 1);
    plays(1, refused, 1);
    plays(2, good_b, 1);
    assert_string_equal(turn(), "Bb");
    expect_asked(1, 1, 1);
    close_scene();
}

static void rounds_share_one_number_of_retries(void **state) {
    (void)state;
    struct scene here;
    open_scene(&here, &usual, 3);
    for (size_t i = 0; i < 3; i++) plays(i, bad, 1);
    assert_string_equal(turn(), "!upstream_error");
    expect_asked(2, 2, 1); /* each once, and two more */
    close_scene();
}

static void who_was_refused_is_not_asked_again(void **state) {
    (void)state;
    static const struct act late[] = {{.pieces = {"!"}, .fault = RP_EUPSTREAM}, {.pieces = {"B", ""}}};
    struct scene here;
    open_scene(&here, &usual, 2);
    plays(0, refused, 1);
    plays(1, late, 2);
    assert_string_equal(turn(), "B");
    expect_asked(1, 2, 0);
    close_scene();
}

static void when_nobody_will_do_it_ends_at_once(void **state) {
    (void)state;
    struct scene here;
    open_scene(&here, &usual, 2);
    plays(0, bad, 1);
    plays(1, refused, 1);
    here.options.retries = 0;
    assert_string_equal(turn(), "!upstream_refused");
    here.options.retries = 2;
    plays(0, refused, 1);
    assert_string_equal(turn(), "!upstream_refused");
    expect_asked(2, 2, 0);
    close_scene();
}

static void a_route_in_a_route_tries_each_once(void **state) {
    (void)state;
    struct scene here;
    open_scene(&here, &usual, 2);
    here.limits.once = true;
    plays(0, bad, 1);
    plays(1, bad, 1);
    assert_string_equal(turn(), "!upstream_error");
    expect_asked(1, 1, 0);
    close_scene();
}

static void who_says_come_back_later_is_obeyed(void **state) {
    (void)state;
    static const struct act later[] = {{.pieces = {"!"}, .fault = RP_EUPRATE, .retry_after = 60}};
    struct scene here;
    struct rig_client client = {0};
    open_scene(&here, &usual, 1); /* the turn has five seconds */
    plays(0, later, 1);
    rig_say(&here.rig, &client, "hi");
    rig_finish(&here.rig, &client);
    assert_int_equal(client.code, RP_EUPRATE);
    assert_int_equal(client.retry_after, 60);
    expect_asked(1, 0, 0);
    close_scene();
    rig_client_clear(&client);
}

static void who_has_asked_for_time_is_left_alone_as_long_as_others_are_there(void **state) {
    (void)state;
    static const struct act later[] = {{.pieces = {"!"}, .fault = RP_EUPRATE, .retry_after = 60}},
                            once[] = {{.pieces = {"B", ""}}, {.pieces = {"!"}, .fault = RP_EUPSTREAM}, {.pieces = {"B", ""}}};
    struct scene here;
    open_scene(&here, &usual, 2);
    plays(0, later, 1);
    plays(1, once, 3);
    assert_string_equal(turn(), "B");
    expect_asked(1, 1, 0);
    assert_string_equal(turn(), "B"); /* tried again at once: the other's wish is not this one's */
    expect_asked(1, 3, 0);
    close_scene();
    open_scene(&here, &usual, 1);
    plays(0, later, 1);
    assert_string_equal(turn(), "!upstream_rate_limited");
    assert_string_equal(turn(), "!upstream_rate_limited"); /* there is nobody else */
    expect_asked(2, 0, 0);
    close_scene();
}

static void what_one_cannot_do_is_not_what_went_wrong(void **state) {
    (void)state;
    static const struct act cannot[] = {{.pieces = {"!"}, .fault = RP_EUNSUPPORTED}};
    struct scene here;
    struct route_options options = usual;
    options.retries = 0;
    open_scene(&here, &options, 2);
    plays(0, bad, 1);
    plays(1, cannot, 1);
    assert_string_equal(turn(), "!upstream_error");
    plays(0, cannot, 1);
    plays(1, bad, 1);
    assert_string_equal(turn(), "!upstream_error");
    plays(1, cannot, 1);
    assert_string_equal(turn(), "!unsupported");
    close_scene();
}

/* ---- clocks ------------------------------------------------------------------------------------------------------ */

static void who_keeps_limits_itself_is_told_them(void **state) {
    (void)state;
    static const struct act slow[] = {{.pieces = {"A", "a", ""}, .wait_ms = 40}};
    struct scene here;
    struct route_options options = usual;
    options.first = 20;
    options.stall = 30;
    open_scene(&here, &options, 2);
    here.fakes[0].takes = RP_TAKES_LIMITS;
    here.limits.stall_ms = 10; /* of a route over this one */
    here.limits.first_ms = 99;
    plays(0, slow, 1);
    plays(1, good_b, 1);
    assert_string_equal(turn(), "Aa"); /* it thinks for so long, and nobody but it knows */
    assert_int_equal(here.fakes[0].limits.first_ms, 20);
    assert_int_equal(here.fakes[0].limits.stall_ms, 10);
    close_scene();
}

static void a_turn_that_has_hours_is_not_held_to_seconds(void **state) {
    (void)state;
    static const struct act slow[] = {{.pieces = {"A", ""}, .wait_ms = 60}};
    struct scene here;
    struct route_options options = usual;
    options.first = options.stall = 20;
    options.hedge = 1;
    open_scene(&here, &options, 2);
    here.patient = here.whole = true;
    plays(0, slow, 1);
    plays(1, good_b, 1);
    struct route *route = here.route.element.state;
    for (int i = 0; i < LATENCY_KEPT; i++) target_first(&route->targets[0], 5, 0);
    assert_string_equal(turn(), "A");
    expect_asked(1, 0, 0);
    assert_false(here.fakes[0].streamed);
    assert_int_equal(here.fakes[0].limits.first_ms, 0);
    assert_int_equal(target_p95(&route->targets[0]), 5); /* nor does it count as how long others take */
    close_scene();
}

static void who_hangs_is_left_after_its_time(void **state) {
    (void)state;
    struct scene here;
    struct route_options options = usual;
    options.first = 30;
    options.connect = 7;
    open_scene(&here, &options, 2);
    plays(0, hangs, 1);
    plays(1, good_b, 1);
    assert_string_equal(turn(), "Bb");
    expect_asked(1, 1, 0);
    assert_int_equal(here.fakes[1].limits.connect_ms, 7);
    close_scene();
}

static void targets_have_limits_of_their_own(void **state) {
    (void)state;
    static const struct act slow[] = {{.pieces = {"A", ""}, .wait_ms = 60}};
    struct scene here;
    struct route_options options = usual;
    options.first = 20;
    options.targets = json_pack("{s:{s:s}}", "a", "first", "3s");
    open_scene(&here, &options, 2);
    plays(0, slow, 1);
    plays(1, good_b, 1);
    assert_string_equal(turn(), "A");
    close_scene();
    json_decref(options.targets);
}

static void who_stalls_in_mid_stream_fails_the_turn(void **state) {
    (void)state;
    static const struct act stalls[] = {{.pieces = {"A", "?"}}};
    struct scene here;
    struct route_options options = usual;
    options.stall = 30;
    open_scene(&here, &options, 2);
    plays(0, stalls, 1);
    plays(1, good_b, 1);
    assert_string_equal(turn(), "A!upstream_timeout"); /* never the beginning of one and the end of another */
    expect_asked(1, 0, 0);
    close_scene();
}

/* ---- going on ---------------------------------------------------------------------------------------------------- */

static const struct act broken[] = {{.pieces = {"Hello", ", \n", "!"}, .fault = RP_ETRUNCATED}};

static void a_reply_that_breaks_off_goes_on_with_another_where_allowed(void **state) {
    (void)state;
    static const struct act rest[] = {{.pieces = {", wor", "ld ", ""}}};
    struct scene here;
    struct route_options options = usual;
    options.resume = true;
    open_scene(&here, &options, 3);
    plays(0, broken, 1);
    plays(1, good_b, 1);
    plays(2, rest, 1);
    here.fakes[2].takes = RP_TAKES_PREFIX;
    assert_string_equal(turn(), "Hello,, world "); /* white space that nobody had seen was not said */
    expect_asked(1, 0, 1);
    assert_string_equal(here.fakes[2].prefix, "Hello,");
    close_scene();
}

static void it_may_break_off_more_than_once(void **state) {
    (void)state;
    static const struct act once[] = {{.pieces = {"one ", "!"}, .fault = RP_ETRUNCATED}, {.pieces = {" three", ""}}},
                            twice[] = {{.pieces = {" two", "!"}, .fault = RP_EUPTIMEOUT}};
    struct scene here;
    struct route_options options = usual;
    options.resume = true;
    open_scene(&here, &options, 2);
    plays(0, once, 2);
    plays(1, twice, 1);
    here.fakes[0].takes = here.fakes[1].takes = RP_TAKES_PREFIX;
    assert_string_equal(turn(), "one two three");
    assert_string_equal(here.fakes[0].prefix, "one two");
    expect_asked(2, 1, 0);
    close_scene();
}

static void what_it_goes_on_from_is_exact(void **state) {
    (void)state;
    static const struct act begins[] = {{.pieces = {"eins\xE3\x80\x80\xC2\xA0", "zwei\v\xE2\x80\x83\n", " ", "!"}, .fault = RP_ETRUNCATED}},
                            goes_on[] = {{.pieces = {"\xE2\x80\x83", "drei \n", ""}}};
    struct scene here;
    struct route_options options = usual;
    options.resume = true;
    open_scene(&here, &options, 2);
    plays(0, begins, 1);
    plays(1, goes_on, 1);
    here.fakes[1].takes = RP_TAKES_PREFIX;
    assert_string_equal(turn(), "eins\xE3\x80\x80\xC2\xA0zwei\xE2\x80\x83" "drei \n");
    assert_string_equal(here.fakes[1].prefix, "eins\xE3\x80\x80\xC2\xA0zwei");
    close_scene();
}

/* A NUL is a character like others. */
static void what_it_goes_on_from_may_hold_a_nul(void **state) {
    (void)state;
    static const struct act begins[] = {{.pieces = {"a", "\001", "b", "!"}, .fault = RP_ETRUNCATED}}, goes_on[] = {{.pieces = {"c", ""}}};
    struct scene here;
    struct route_options options = usual;
    options.resume = true;
    open_scene(&here, &options, 2);
    plays(0, begins, 1);
    plays(1, goes_on, 1);
    here.fakes[1].takes = RP_TAKES_PREFIX;
    turn();
    assert_int_equal(here.fakes[1].prefix_len, 3);
    close_scene();
}

static void only_white_space_is_nothing_to_go_on_from(void **state) {
    (void)state;
    static const struct act begins[] = {{.pieces = {"\n", "!"}, .fault = RP_ETRUNCATED}};
    struct scene here;
    struct route_options options = usual;
    options.resume = true;
    open_scene(&here, &options, 2);
    plays(0, begins, 1);
    plays(1, good_b, 1); /* takes no beginning, and need not */
    assert_string_equal(turn(), "Bb");
    close_scene();
}

static void who_wants_it_whole_sees_nothing_of_what_was_cut(void **state) {
    (void)state;
    static const struct act rejects[] = {{.pieces = {"A", "a", "!"}, .fault = RP_EUPREQUEST}};
    struct scene here;
    open_scene(&here, &usual, 3);
    here.whole = true;
    plays(0, broken, 1);
    plays(1, rejects, 1);
    plays(2, good_b, 1);
    assert_string_equal(turn(), "Bb");
    expect_asked(1, 1, 1);
    assert_true(here.fakes[2].streamed); /* so that its first token is known */
    close_scene();
    open_scene(&here, &usual, 1);
    here.whole = true;
    plays(0, broken, 1);
    assert_string_equal(turn(), "!upstream_truncated");
    expect_asked(3, 0, 0);
    close_scene();
}

/* Beyond what is kept of a reply it goes out as it comes, all of it, and nobody can step in any more. */
static void what_is_too_long_to_keep_is_given_out(void **state) {
    (void)state;
    static char long_text[SAID_MAX * 2 / 3];
    static const struct act whole[] = {{.pieces = {"(", long_text, long_text, ")", ""}}},
                            cut[] = {{.pieces = {"(", long_text, long_text, "!"}, .fault = RP_ETRUNCATED}};
    memset(long_text, 'x', sizeof(long_text) - 1);
    for (int i = 0; i < 4; i++) {
        struct scene here;
        struct rig_client client = {0};
        struct rp_turn_start start = {.message = RP_STR("hi"), .stream = i % 2 == 0};
        struct route_options options = usual;
        options.resume = true;
        open_scene(&here, &options, 2);
        here.rig.runtime.limits.reply = 8 << 20;
        plays(0, i < 2 ? whole : cut, 1);
        plays(1, good_b, 1);
        here.fakes[1].takes = RP_TAKES_PREFIX;
        rig_start(&here.rig, &client, &start);
        rig_finish(&here.rig, &client);
        assert_int_equal(client.text.len, 2 * (sizeof(long_text) - 1) + 1 + (i < 2));
        assert_int_equal(client.text.data[0], '(');
        assert_int_equal(strspn(client.text.data + 1, "x"), 2 * (sizeof(long_text) - 1));
        assert_int_equal(client.code, i < 2 ? 0 : RP_ETRUNCATED);
        expect_asked(1, 0, 0);
        close_scene();
        rig_client_clear(&client);
    }
}

static void where_nobody_can_go_on_the_cut_is_an_error(void **state) {
    (void)state;
    struct scene here;
    struct route_options options = usual;
    options.resume = true;
    open_scene(&here, &options, 2);
    plays(0, broken, 1);
    plays(1, good_b, 1);
    assert_string_equal(turn(), "Hello,!upstream_truncated");
    expect_asked(1, 0, 0);
    close_scene();
    options.resume = false;
    open_scene(&here, &options, 2);
    plays(0, broken, 1);
    plays(1, good_b, 1);
    here.fakes[1].takes = RP_TAKES_PREFIX;
    assert_string_equal(turn(), "Hello, \n!upstream_truncated");
    expect_asked(1, 0, 0);
    close_scene();
}

/* ---- breaker and checks ------------------------------------------------------------------------------------------ */

static void who_fails_too_often_is_left_alone_until_one_looks(void **state) {
    (void)state;
    static const struct act heals[] = {{.pieces = {"!"}, .fault = RP_EUPSTREAM}, {.pieces = {"!"}, .fault = RP_EUPSTREAM},
                                       {.pieces = {"A", ""}}};
    struct scene here;
    struct route_options options = usual;
    options.breaker_failures = 2;
    options.breaker_rest = 100;
    open_scene(&here, &options, 2);
    plays(0, heals, 3);
    plays(1, good_b, 1);
    for (int i = 0; i < 5; i++) assert_string_equal(turn(), "Bb");
    expect_asked(2, 5, 0);
    for (int64_t until = rp_now_ns() + 150000000; rp_now_ns() < until;) rig_spin(&here.rig, 1);
    assert_string_equal(turn(), "A");
    assert_string_equal(turn(), "A");
    expect_asked(4, 5, 0);
    close_scene();
}

static void who_lets_the_turns_time_pass_is_at_fault(void **state) {
    (void)state;
    struct scene here;
    struct route_options options = usual;
    options.breaker_failures = 1;
    open_scene(&here, &options, 2);
    here.rig.runtime.limits.turn_ms = 50;
    plays(0, hangs, 1);
    plays(1, good_b, 1);
    assert_string_equal(turn(), "!deadline_exceeded");
    assert_string_equal(turn(), "Bb");
    expect_asked(1, 1, 0);
    close_scene();
}

static void when_all_are_left_alone_it_ends_at_once(void **state) {
    (void)state;
    struct scene here;
    struct rig_client client = {0};
    struct route_options options = usual;
    options.breaker_failures = 1;
    options.retries = 0;
    open_scene(&here, &options, 2);
    plays(0, bad, 1);
    plays(1, bad, 1);
    turn();
    rig_say(&here.rig, &client, "hi");
    rig_finish(&here.rig, &client);
    expect_asked(1, 1, 0);
    assert_int_equal(client.code, RP_EUPSTREAM);
    assert_in_range(client.retry_after, 59, 60);
    close_scene();
    rig_client_clear(&client);
}

static void requests_that_no_model_takes_are_not_held_against_it(void **state) {
    (void)state;
    static const struct act rejects[] = {{.pieces = {"!"}, .fault = RP_EUPREQUEST}},
                            spent[] = {{.pieces = {"!"}, .fault = RP_ESPENT}};
    struct scene here;
    struct route_options options = usual;
    options.breaker_failures = 1;
    open_scene(&here, &options, 1);
    plays(0, rejects, 1);
    for (int i = 0; i < 3; i++) assert_string_equal(turn(), "!upstream_rejected");
    expect_asked(3, 0, 0);
    plays(0, spent, 1); /* nor what the bot's own budget says */
    for (int i = 0; i < 3; i++) assert_string_equal(turn(), "!budget_spent");
    expect_asked(6, 0, 0);
    close_scene();
}

static void who_fails_its_checks_is_passed_by_unless_nobody_else_is_there(void **state) {
    (void)state;
    struct scene here;
    struct route_options options = usual;
    options.check_every = 5;
    open_scene(&here, &options, 1);
    here.fakes[0].probed = RP_EUPSTREAM;
    plays(0, good_a, 1);
    struct route *route = here.route.element.state;
    const char *why;
    while (target_ask(&route->targets[0], false, 0, &why) != BREAKER_NO) rig_spin(&here.rig, 1);
    assert_string_equal(turn(), "Aa"); /* better than nobody */
    here.fakes[0].probed = 0;
    assert_string_equal(why, "it fails its checks");
    while (target_ask(&route->targets[0], false, 0, &why) != BREAKER_GO) rig_spin(&here.rig, 1);
    close_scene();
}

static void a_check_hurries_a_look_only_where_it_brings_news(void **state) {
    (void)state;
    struct scene here;
    struct route_options options = usual;
    options.breaker_failures = 1;
    open_scene(&here, &options, 1);
    struct route *route = here.route.element.state;
    struct target *target = &route->targets[0];
    const char *why;
    assert_int_equal(target_ask(target, false, 0, &why), BREAKER_GO);
    target_end(route, target, false, BREAKER_FAILED, 0);
    target_checked(route, target, 0, 10); /* it can be reached, and could be all the time */
    assert_int_equal(target_ask(target, false, 10, &why), BREAKER_NO);
    assert_string_equal(why, "it failed too often");
    target_checked(route, target, RP_EUPSTREAM, 20);
    target_checked(route, target, 0, 30);
    assert_int_equal(target_ask(target, false, 30, &why), BREAKER_LOOK);
    target_end(route, target, true, BREAKER_UNKNOWN, 30);
    close_scene();
}

static void who_never_replies_is_not_the_quickest(void **state) {
    (void)state;
    struct scene here;
    struct route_options options = usual;
    options.strategy = STRATEGY_LEAST_LATENCY;
    options.breaker_failures = 0;
    open_scene(&here, &options, 2);
    plays(0, bad, 1);
    plays(1, good_b, 1);
    for (int i = 0; i < 5; i++) assert_string_equal(turn(), "Bb");
    expect_asked(1, 5, 0);
    close_scene();
}

/* ---- hedging ----------------------------------------------------------------------------------------------------- */

static void measure(size_t which, int64_t ms) {
    struct route *route = scene->route.element.state;
    for (int i = 0; i < LATENCY_KEPT; i++) target_first(&route->targets[which], ms, 0);
}

static void a_second_is_asked_when_the_first_is_later_than_usual(void **state) {
    (void)state;
    struct scene here;
    struct route_options options = usual;
    options.hedge = 1;
    open_scene(&here, &options, 2);
    plays(0, hangs, 1);
    plays(1, good_b, 1);
    measure(0, 20);
    assert_string_equal(turn(), "Bb");
    expect_asked(1, 1, 0);
    close_scene();
}

static void the_first_may_still_win(void **state) {
    (void)state;
    static const struct act slow[] = {{.pieces = {"A", ""}, .wait_ms = 60}};
    struct scene here;
    struct route_options options = usual;
    options.hedge = 1;
    open_scene(&here, &options, 2);
    plays(0, slow, 1);
    plays(1, hangs, 1);
    measure(0, 20);
    assert_string_equal(turn(), "A");
    expect_asked(1, 1, 0);
    close_scene();
}

static void who_is_not_late_has_no_second(void **state) {
    (void)state;
    struct scene here;
    struct route_options options = usual;
    options.hedge = 1;
    open_scene(&here, &options, 2);
    plays(0, good_a, 1);
    plays(1, good_b, 1);
    measure(0, 20);
    assert_string_equal(turn(), "Aa");
    expect_asked(1, 0, 0);
    close_scene();
}

static void extra_calls_keep_to_their_share(void **state) {
    (void)state;
    static const struct act slow[] = {{.pieces = {"A", ""}, .wait_ms = 15}};
    struct scene here;
    struct route_options options = usual;
    options.hedge = 0.2;
    open_scene(&here, &options, 2);
    plays(0, slow, 1);
    plays(1, hangs, 1);
    for (int i = 0; i < 20; i++) {
        measure(0, 2); /* always late */
        assert_string_equal(turn(), "A");
    }
    expect_asked(20, 4, 0);
    close_scene();
}

static void where_no_second_is_to_be_had_nothing_is_paid(void **state) {
    (void)state;
    static const struct act slow[] = {{.pieces = {"A", ""}, .wait_ms = 40}};
    struct scene here;
    struct route_options options = usual;
    options.hedge = 1;
    options.breaker_failures = 1;
    open_scene(&here, &options, 2);
    plays(0, slow, 1);
    struct route *route = here.route.element.state;
    target_end(route, &route->targets[1], false, BREAKER_FAILED, 0);
    measure(0, 5);
    route->targets[1].breaker.until_ms = INT64_MAX;
    assert_string_equal(turn(), "A");
    expect_asked(1, 0, 0);
    assert_true(route->hedges >= 1);
    close_scene();
}

static void when_both_fail_the_third_is_asked(void **state) {
    (void)state;
    static const struct act slow_bad[] = {{.pieces = {"!"}, .fault = RP_EUPSTREAM, .wait_ms = 50}};
    struct scene here;
    struct route_options options = usual;
    options.hedge = 1;
    open_scene(&here, &options, 3);
    plays(0, slow_bad, 1);
    plays(1, bad, 1);
    plays(2, good_b, 1);
    measure(0, 10);
    assert_string_equal(turn(), "Bb");
    expect_asked(1, 1, 1);
    close_scene();
}

/* ---- leaving, and options ---------------------------------------------------------------------------------------- */

static void who_leaves_leaves_nothing_open(void **state) {
    (void)state;
    static const struct act middle[] = {{.pieces = {"A", "?"}}};
    for (int i = 0; i < 4; i++) {
        struct scene here;
        struct rig_client client = {0};
        struct route_options options = usual;
        options.hedge = 1;
        options.retry_base = options.retry_max = 4000;
        open_scene(&here, &options, 2);
        plays(0, i == 0 ? hangs : i == 1 ? middle : i == 2 ? bad : hangs, 1);
        plays(1, i == 2 ? bad : hangs, 1);
        if (i == 3) measure(0, 5); /* a second is on its way too */
        rig_say(&here.rig, &client, "hi");
        int64_t give_up = rp_now_ns() + 5000000000; /* until it stands where it is to stand */
        while (here.fakes[1].asked < (i >= 2) && rp_now_ns() < give_up) rig_spin(&here.rig, 1);
        for (int64_t until = rp_now_ns() + 30000000; rp_now_ns() < until;) rig_spin(&here.rig, 1);
        assert_int_equal(here.fakes[1].asked, i >= 2);
        rp_turn_cancel(client.turn);
        rig_finish(&here.rig, &client);
        close_scene();
        rig_client_clear(&client);
    }
}

static void what_cannot_work_is_refused_at_load(void **state) {
    (void)state;
    static const struct {
        const char *targets, *expected;
    } rows[] = {
        {"{\"x\": {}}", "targets: 'x' is not among those that the route uses"},
        {"{\"a\": 3}", "targets: 'a' must be a table such as { weight = 3 }"},
        {"{\"a\": {\"wieght\": 3}}", "targets: 'a' has weight, connect, first and stall, no 'wieght' (did you mean 'weight'?)"},
        {"{\"a\": {\"weight\": -1}}", "targets: 'a': weight must be a number from 0 on"},
        {"{\"a\": {\"first\": \"soon\"}}", "targets: 'a': first must be a duration such as \"5s\""},
        {"{\"a\": {\"stall\": 0}}", "targets: 'a': stall must be a duration such as \"5s\""},
    };
    struct fake fake = {.model.element = {.type = &fake_type.type, .name = "a"}};
    struct rp_model *models[] = {&fake.model, &fake.model};
    struct route_options options = usual;
    struct rp_element element = {.type = &route_type.type, .name = "main", .options = &options};
    struct rp_error error = {0};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        options.use = (struct rp_model_list){models, 1};
        options.targets = json_loads(rows[i].targets, 0, NULL);
        assert_int_equal(route_open(&element, &error), -RP_ECONFIG);
        assert_string_equal(error.text, rows[i].expected);
        json_decref(options.targets);
    }
    options.targets = NULL;
    options.use.count = 2;
    assert_int_equal(route_open(&element, &error), -RP_ECONFIG);
    assert_string_equal(error.text, "use: 'a' stands there twice");
    options.breaker_failures = 11;
    assert_int_equal(route_check(&options, &error), -RP_ECONFIG);
    options.breaker_failures = 1;
    options.check_every = 99;
    assert_int_equal(route_check(&options, &error), -RP_ECONFIG);
    options.check_every = 100;
    assert_int_equal(route_check(&options, &error), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_replies_and_nobody_else_is_asked),
        cmocka_unit_test(a_failure_leads_to_the_next_at_once),
        cmocka_unit_test(rounds_share_one_number_of_retries),
        cmocka_unit_test(who_was_refused_is_not_asked_again),
        cmocka_unit_test(when_nobody_will_do_it_ends_at_once),
        cmocka_unit_test(a_route_in_a_route_tries_each_once),
        cmocka_unit_test(who_says_come_back_later_is_obeyed),
        cmocka_unit_test(who_has_asked_for_time_is_left_alone_as_long_as_others_are_there),
        cmocka_unit_test(what_one_cannot_do_is_not_what_went_wrong),
        cmocka_unit_test(who_keeps_limits_itself_is_told_them),
        cmocka_unit_test(a_turn_that_has_hours_is_not_held_to_seconds),
        cmocka_unit_test(who_hangs_is_left_after_its_time),
        cmocka_unit_test(targets_have_limits_of_their_own),
        cmocka_unit_test(who_stalls_in_mid_stream_fails_the_turn),
        cmocka_unit_test(a_reply_that_breaks_off_goes_on_with_another_where_allowed),
        cmocka_unit_test(it_may_break_off_more_than_once),
        cmocka_unit_test(what_it_goes_on_from_is_exact),
        cmocka_unit_test(what_it_goes_on_from_may_hold_a_nul),
        cmocka_unit_test(only_white_space_is_nothing_to_go_on_from),
        cmocka_unit_test(who_wants_it_whole_sees_nothing_of_what_was_cut),
        cmocka_unit_test(what_is_too_long_to_keep_is_given_out),
        cmocka_unit_test(where_nobody_can_go_on_the_cut_is_an_error),
        cmocka_unit_test(who_fails_too_often_is_left_alone_until_one_looks),
        cmocka_unit_test(who_lets_the_turns_time_pass_is_at_fault),
        cmocka_unit_test(when_all_are_left_alone_it_ends_at_once),
        cmocka_unit_test(requests_that_no_model_takes_are_not_held_against_it),
        cmocka_unit_test(who_fails_its_checks_is_passed_by_unless_nobody_else_is_there),
        cmocka_unit_test(a_check_hurries_a_look_only_where_it_brings_news),
        cmocka_unit_test(who_never_replies_is_not_the_quickest),
        cmocka_unit_test(a_second_is_asked_when_the_first_is_later_than_usual),
        cmocka_unit_test(the_first_may_still_win),
        cmocka_unit_test(who_is_not_late_has_no_second),
        cmocka_unit_test(extra_calls_keep_to_their_share),
        cmocka_unit_test(where_no_second_is_to_be_had_nothing_is_paid),
        cmocka_unit_test(when_both_fail_the_third_is_asked),
        cmocka_unit_test(who_leaves_leaves_nothing_open),
        cmocka_unit_test(what_cannot_work_is_refused_at_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
