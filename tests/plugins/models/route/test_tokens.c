/* What a route tells of the room that its targets have: whoever replies, it must fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugins/models/route/route.h"

/* Of a target: tokens for each byte, 0: it cannot count; its context; its longest reply. */
struct room {
    struct rp_model model; /* first */
    int64_t each, context, reply;
};

static int64_t tokens(const struct rp_model *model, struct rp_str text) {
    return (int64_t)text.len * ((const struct room *)model)->each;
}
static int64_t context(const struct rp_model *model) {
    return ((const struct room *)model)->context;
}
static int64_t reply(const struct rp_model *model) {
    return ((const struct room *)model)->reply;
}
static const struct rp_model_type counting = {
    .type = {.name = "counting"}, .tokens = tokens, .context = context, .reply = reply};
static const struct rp_model_type estimating = {.type = {.name = "estimating"}, .context = context, .reply = reply};
static const struct rp_model_type route_type = {
    .type = {.name = "route"}, .tokens = route_tokens, .context = route_context, .reply = route_reply};

static void expect(const struct room *rooms, size_t count, const char *text, int64_t tokens, int64_t context,
                   int64_t reply) {
    struct room own[4];
    struct rp_model *models[4];
    for (size_t i = 0; i < count; i++) {
        own[i] = rooms[i];
        own[i].model.element.type = own[i].each ? &counting.type : &estimating.type;
        models[i] = &own[i].model;
    }
    struct route_options options = {.use = {.items = models, .count = count}};
    struct rp_model route = {.element = {.type = &route_type.type, .options = &options}};
    assert_int_equal(rp_model_tokens(&route, rp_str(text)), tokens);
    assert_int_equal(rp_model_context(&route), context);
    assert_int_equal(rp_model_reply(&route), reply);
}

static void the_largest_count_the_smallest_context_the_longest_reply(void **state) {
    (void)state;
    expect((struct room[]){{.each = 1, .context = 100, .reply = 9}, {.each = 3, .context = 80}}, 2, "abcd", 12, 80, 9);
    expect((struct room[]){{.each = 2, .reply = 5}, {.each = 1, .context = 80, .reply = 7}}, 2, "abcd", 8, 80, 7);
    expect((struct room[]){{.each = 1}, {.each = 1}}, 2, "abcd", 4, 0, 0);
}

static void an_estimate_counts_too(void **state) {
    (void)state;
    expect((struct room[]){{.context = 100}, {.context = 90}}, 2, "aaaaaaaa", 2, 90, 0);
    expect((struct room[]){{.context = 100}, {.each = 1}}, 2, "aaaaaaaa", 8, 100, 0);
    expect((struct room[]){{.each = 1}, {.each = 0}}, 2, "!!!", 3, 0, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_count_the_smallest_context_the_longest_reply),
        cmocka_unit_test(an_estimate_counts_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
