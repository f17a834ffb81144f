/* Generations on two workers that the test drives by hand: who follows whom, the switch, who may leave when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/config/bot_file.h"
#include "core/config/load.h"
#include "core/turn/generation.h"

#define WORKERS 2
#define DOOR "listeners { door = door {} }\n"
#define LINE "transports { line {} }\n"

static struct bot_file file;
static struct worker_group group;
static struct session_hub *hub;
static unsigned steps;

static void on_step(void *arg) {
    (*(unsigned *)arg)++;
}

/* A bot that is open; `before` NULL: it follows none. */
static struct generation *make(unsigned number, const struct generation *before, const char *text) {
    char whole[2000];
    struct bot *bot = NULL;
    snprintf(whole, sizeof whole, "bot { language = \"g%u\" }\n%s", number, text);
    bot_file_write(&file, "bot.lua", whole);
    if (bot_load("bot.lua", NULL, &bot, &file.report) != 0) fail_msg("%s", bot_file_report(&file));
    bot_follow(bot, before ? before->bot : NULL);
    assert_int_equal(bot_open(bot, WORKERS, &file.report), 0);
    struct generation *generation = generation_create(bot, number, WORKERS, hub);
    generation->on_step = on_step;
    generation->arg = &steps;
    return generation;
}

static void end(struct generation *generation) {
    bot_close(generation->bot);
    generation_destroy(generation);
}

static void attach(struct generation *generation) {
    for (unsigned i = 0; i < WORKERS; i++) generation_attach(generation, group.workers[i]);
    assert_int_equal(generation->refused, 0);
}

static void enter(struct generation *generation) {
    for (unsigned i = 0; i < WORKERS; i++) generation_enter(generation, group.workers[i]);
    bot_follow(generation->bot, NULL);
}

static void spin(void) {
    for (int pass = 0; pass < 10; pass++)
        for (unsigned i = 0; i < WORKERS; i++) worker_turn_loop(group.workers[i]);
}

static void assert_trace(const char *expected) {
    char trace[8192];
    bot_file_trace(trace, sizeof trace);
    assert_string_equal(trace, expected);
}

static void forget_trace(void) {
    char trace[8192];
    bot_file_trace(trace, sizeof trace);
}

static int setup(void **state) {
    (void)state;
    bot_file_init(&file);
    worker_group_init(&group, WORKERS);
    hub = session_hub_create(4);
    for (unsigned i = 0; i < WORKERS; i++) group.workers[i]->turns = turn_table_create();
    steps = 0;
    forget_trace();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    for (unsigned i = 0; i < WORKERS; i++) turn_table_destroy(group.workers[i]->turns);
    worker_group_finish(&group);
    session_hub_destroy(hub);
    bot_file_finish(&file);
    return 0;
}

/* ---- who follows whom ----------------------------------------------------------------------------------------------- */

static struct rp_element *stage(const struct generation *generation, size_t pipeline, size_t place) {
    return &generation->bot->pipelines[pipeline]->stages[place]->element;
}

static void elements_follow_those_of_their_name_and_place(void **state) {
    (void)state;
    struct generation *old = make(1, NULL, DOOR LINE "pipeline { keep \"a\", shy {}, keep \"b\" }\n"
                                                     "pipeline \"staff\" { keep \"c\" }\n");
    struct generation *new = make(2, old, "listeners { door = door {}, back = door {} }\n" LINE
                                          "pipeline \"staff\" { shy {}, keep \"c\" }\n"
                                          "pipeline { keep \"a\", keep \"b\", keep \"new\" }\n");
    assert_ptr_equal(new->bot->listeners[0]->element.before, &old->bot->listeners[0]->element);
    assert_null(new->bot->listeners[1]->element.before);
    assert_ptr_equal(new->bot->sessions->element.before, &old->bot->sessions->element);
    assert_ptr_equal(new->bot->transports[0]->element.before, &old->bot->transports[0]->element);
    assert_null(stage(new, 0, 0)->before); /* a shy one was not in this pipeline */
    assert_ptr_equal(stage(new, 0, 1)->before, stage(old, 1, 0));
    assert_ptr_equal(stage(new, 1, 0)->before, stage(old, 0, 0));
    assert_ptr_equal(stage(new, 1, 1)->before, stage(old, 0, 2)); /* the second follows the second */
    assert_null(stage(new, 1, 2)->before);
    end(old);
    end(new);
}

static void the_code_must_be_the_very_same(void **state) {
    (void)state;
    struct generation *old = make(1, NULL, DOOR LINE "pipeline { keep \"a\" }\n");
    struct item *item = NULL;
    for (size_t i = 0; i < old->bot->private->count; i++)
        if (old->bot->private->items[i]->kind == KIND_STAGE) item = old->bot->private->items[i];
    assert_non_null(item);
    struct rp_stage_type other = *(const struct rp_stage_type *)(const void *)item->type; /* as another build has it */
    item->type = item->element->type = &other.type;
    struct generation *new = make(2, old, DOOR LINE "pipeline { keep \"a\" }\n");
    assert_null(stage(new, 0, 0)->before);
    end(old);
    end(new);
}

/* ---- the switch ------------------------------------------------------------------------------------------------------- */

#define BOT DOOR LINE "pipeline { keep {} }\n"

static void the_switch_adopts_starts_and_drains(void **state) {
    (void)state;
    struct generation *old = make(1, NULL, BOT);
    attach(old);
    enter(old);
    assert_trace("open door.g1, open line.g1, attach door.g1, attach line.g1, attach door.g1, attach line.g1, "
                 "start line.g1, start door.g1, start line.g1, start door.g1");
    struct generation *new = make(2, old, BOT);
    attach(new);
    spin();
    assert_trace("follow door.g2, follow line.g2, attach door.g2, attach line.g2, attach door.g2, attach line.g2");
    generation_enter(new, group.workers[0]);
    assert_trace("adopt door.g2, start line.g2, drain line.g1"); /* and nothing on the other worker */
    assert_ptr_equal(group.workers[0]->runtime, &new->runtime);
    assert_ptr_equal(group.workers[1]->runtime, &old->runtime);
    spin();
    assert_trace("detach line.g1, detach door.g1");
    assert_int_equal(old->detached, 1);
    generation_enter(new, group.workers[1]);
    spin();
    assert_trace("adopt door.g2, start line.g2, drain line.g1, detach line.g1, detach door.g1");
    assert_int_equal(old->detached, WORKERS);
    end(old);
    assert_trace("close line.g1, close door.g1");
    for (unsigned i = 0; i < WORKERS; i++) generation_detach_all(group.workers[i]);
    spin();
    assert_int_equal(new->detached, WORKERS);
    assert_int_equal(steps, 2 * 3 * WORKERS);
    end(new);
}

static void what_is_no_longer_there_is_drained(void **state) {
    (void)state;
    struct generation *old = make(1, NULL, BOT);
    attach(old);
    enter(old);
    struct generation *new = make(2, old, LINE "pipeline { keep {} }\n");
    attach(new);
    forget_trace();
    generation_enter(new, group.workers[0]);
    assert_trace("start line.g2, drain door.g1, drain line.g1");
    generation_enter(new, group.workers[1]);
    spin();
    for (unsigned i = 0; i < WORKERS; i++) generation_detach_all(group.workers[i]);
    spin();
    end(old);
    end(new);
}

static void a_generation_waits_for_what_holds_it(void **state) {
    (void)state;
    struct generation *old = make(1, NULL, BOT);
    const struct rp_element *element = &old->bot->listeners[0]->element;
    attach(old);
    enter(old);
    rp_element_hold(element, group.workers[0]);
    rp_element_hold(element, group.workers[0]);
    struct generation *new = make(2, old, BOT);
    attach(new);
    enter(new);
    spin();
    assert_int_equal(old->detached, 1); /* the other worker's */
    assert_int_equal(generation_holds(old), 2);
    rp_element_release(element, group.workers[0]);
    spin();
    assert_int_equal(old->detached, 1);
    rp_element_release(element, group.workers[0]);
    rp_element_hold(element, group.workers[0]); /* before anybody has looked */
    spin();
    assert_int_equal(old->detached, 1);
    rp_element_release(element, group.workers[0]);
    spin();
    assert_int_equal(old->detached, WORKERS);
    for (unsigned i = 0; i < WORKERS; i++) generation_detach_all(group.workers[i]);
    spin();
    end(old);
    end(new);
}

static void an_element_without_a_bot_holds_nothing(void **state) {
    (void)state;
    const struct rp_element element = {.name = "none"};
    rp_element_hold(&element, group.workers[0]);
    rp_element_release(&element, group.workers[0]);
}

/* ---- what does not attach ------------------------------------------------------------------------------------------------ */

static void a_worker_that_refuses_leaves_nothing_behind(void **state) {
    (void)state;
    struct generation *old = make(1, NULL, BOT);
    attach(old);
    enter(old);
    struct generation *new = make(2, old, DOOR LINE "pipeline {\n  shy { after = 1 } }\n");
    forget_trace();
    generation_attach(new, group.workers[0]);
    assert_int_equal(new->refused, 0);
    generation_attach(new, group.workers[1]);
    assert_int_equal(new->refused, 1);
    assert_int_equal(new->attached, WORKERS);
    assert_trace("attach door.g2, attach shy.g2, attach line.g2, attach door.g2, detach door.g2");
    generation_report(new, &file.report);
    char *report = bot_file_report(&file);
    assert_string_equal(report, "bot.lua:5: pipeline stage 1 (shy): it is too shy for more\n");
    free(report);
    generation_detach(new, group.workers[0]);
    generation_detach(new, group.workers[1]); /* is not attached */
    spin();
    assert_trace("detach line.g2, detach shy.g2, detach door.g2");
    assert_int_equal(new->detached, 1);
    end(new);
    assert_ptr_equal(group.workers[0]->runtime, &old->runtime);
    assert_int_equal(old->detached, 0);
    for (unsigned i = 0; i < WORKERS; i++) generation_detach_all(group.workers[i]);
    spin();
    end(old);
}

/* ---- turns ---------------------------------------------------------------------------------------------------------------- */

struct visitor {
    struct rp_sink sink;
    struct rp_turn *turn;
    bool done;
};
static void on_write(struct rp_sink *sink, const struct rp_chunk *chunk, enum rp_flow flow) {
    (void)sink, (void)chunk, (void)flow;
}
static void on_done(struct rp_sink *sink) {
    ((struct visitor *)sink)->done = true;
}
static const struct rp_sink_ops sink_ops = {.write = on_write, .done = on_done};

static void say(struct generation *generation, struct visitor *visitor, const char *session) {
    struct rp_turn_start start = {.message = RP_STR("hi"), .session = rp_str(session)};
    *visitor = (struct visitor){.sink = {&sink_ops}};
    assert_int_equal(rp_turn_start(generation->bot->transports[0], group.workers[0], &start, &visitor->sink,
                                   &visitor->turn), 0);
}

static void a_turn_keeps_the_generation_of_its_transport(void **state) {
    (void)state;
    struct visitor first, waiting, late, young;
    struct generation *old = make(1, NULL, BOT);
    attach(old);
    enter(old);
    say(old, &first, "s");
    spin();
    say(old, &waiting, "s"); /* in line behind the first when the switch comes */
    spin();
    assert_int_equal(session_hub_waiting(hub), 1);
    struct generation *new = make(2, old, BOT "limits { message = 1 }\n");
    attach(new);
    enter(new);
    forget_trace();
    struct rp_turn *none;
    struct rp_turn_start start = {.message = RP_STR("hi")};
    assert_int_equal(rp_turn_start(new->bot->transports[0], group.workers[0], &start, &first.sink, &none), -RP_ETOOLARGE);
    say(old, &late, "t"); /* a transport that has not been adopted goes on as it was */
    spin();
    assert_trace("turn keep.g1, detach line.g1, detach door.g1"); /* the detaching is the other worker's */
    assert_int_equal(old->detached, 1);
    assert_int_equal(generation_holds(old), 3);
    rp_turn_cancel(first.turn);
    spin();
    assert_trace("cancel keep.g1, turn keep.g1"); /* the one that waited has its session, and its generation */
    assert_int_equal(session_hub_waiting(hub), 0);
    rp_turn_cancel(waiting.turn);
    rp_turn_cancel(late.turn);
    spin();
    assert_true(first.done && waiting.done && late.done);
    assert_int_equal(old->detached, WORKERS);
    end(old);
    new->runtime.limits.message = 100;
    forget_trace();
    say(new, &young, "s");
    spin();
    assert_trace("turn keep.g2");
    rp_turn_cancel(young.turn);
    spin();
    assert_int_equal(group.turns, 0);
    for (unsigned i = 0; i < WORKERS; i++) generation_detach_all(group.workers[i]);
    spin();
    end(new);
}

static void at_the_end_of_a_worker_all_generations_leave(void **state) {
    (void)state;
    struct generation *old = make(1, NULL, BOT), *new, *third;
    attach(old);
    enter(old);
    rp_element_hold(&old->bot->listeners[0]->element, group.workers[0]);
    new = make(2, old, BOT);
    attach(new);
    enter(new);
    third = make(3, new, BOT);
    generation_attach(third, group.workers[0]); /* a reload that the end comes upon */
    spin();
    forget_trace();
    generation_drain_all(group.workers[0]);
    assert_trace("drain door.g2, drain line.g2, drain door.g1, drain line.g1"); /* the third has not begun */
    for (unsigned i = 0; i < WORKERS; i++) {
        generation_detach_all(group.workers[i]);
        worker_end(group.workers[i]); /* what was still to be told comes back by this */
    }
    assert_int_equal(old->detached, WORKERS);
    assert_int_equal(new->detached, WORKERS);
    assert_int_equal(third->detached, 1);
    end(old);
    end(new);
    end(third);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(elements_follow_those_of_their_name_and_place),
        TEST(the_code_must_be_the_very_same),
        TEST(the_switch_adopts_starts_and_drains),
        TEST(what_is_no_longer_there_is_drained),
        TEST(a_generation_waits_for_what_holds_it),
        TEST(an_element_without_a_bot_holds_nothing),
        TEST(a_worker_that_refuses_leaves_nothing_behind),
        TEST(a_turn_keeps_the_generation_of_its_transport),
        TEST(at_the_end_of_a_worker_all_generations_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
