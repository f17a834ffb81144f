/* Whether what came is what was expected. */
#include <repartee/regex.h>
#include <stdlib.h>

#include "core/testing/json_part.h"
#include "core/testing/result.h"

static bool expects(const struct chat_step *step, enum expect_kind kind) {
    for (const struct chat_expect *expect = step->expects; expect; expect = expect->next)
        if (expect->kind == kind) return true;
    return false;
}

static struct rp_str error_text(struct result *result, const struct outcome *outcome) {
    return rp_str(rp_arena_printf(result->arena, "! %s: %s", rp_error_code(outcome->code), outcome->message));
}

/* What came instead of a reply, or the reply. */
static struct rp_str got(struct result *result, const struct outcome *outcome) {
    return outcome->code ? error_text(result, outcome) : outcome->reply;
}

static void check_text(struct result *result, const struct outcome *outcome, const struct chat_expect *expect) {
    bool refused = outcome->code && !expects(outcome->step, EXPECT_ERROR);
    if (!refused && rp_str_equal(outcome->reply, expect->text)) return;
    struct rp_str came = refused ? got(result, outcome) : outcome->reply;
    const char *what = refused ? "there is no reply" : "the reply is another one";
    result_differ(result, expect->line, what, expect->text, came)->words = !refused;
}

static void check_pattern(struct result *result, const struct outcome *outcome, const struct chat_expect *expect) {
    struct rp_match match;
    bool refused = outcome->code && !expects(outcome->step, EXPECT_ERROR);
    int found = refused ? RP_MATCH_NONE : rp_regex_match(expect->regex, outcome->reply, 0, 0, &match);
    if (found == RP_MATCH_FOUND) return;
    struct rp_str came = refused ? got(result, outcome) : outcome->reply;
    result_differ(result, expect->line, found < 0 ? "the pattern needs too many steps" : "the pattern does not match",
                  expect->text, came);
}

static void check_by(struct result *result, const struct outcome *outcome, const struct chat_expect *expect) {
    if (rp_str_equal(rp_str(outcome->by), expect->text)) return;
    struct rp_str came = *outcome->by ? rp_str(outcome->by) : outcome->code ? got(result, outcome) : RP_STR("(nobody)");
    result_differ(result, expect->line, "something else made the reply", expect->text, came);
}

static void check_error(struct result *result, const struct outcome *outcome, const struct chat_expect *expect) {
    if (outcome->code && rp_str_equal(rp_str(rp_error_code(outcome->code)), expect->text)) return;
    result_differ(result, expect->line, outcome->code ? "another error came" : "it was not refused", expect->text,
                  got(result, outcome));
}

static struct rp_str sent_text(struct result *result, const struct sent_event *sent) {
    struct rp_str text = RP_STR("");
    for (; sent; sent = sent->next) {
        char *data = sent->data ? json_dumps(sent->data, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
        text = rp_str(rp_arena_printf(result->arena, "%.*s%s%s%s%s", RP_STR_ARG(text), text.len ? "\n" : "", sent->name,
                                      data ? " " : "", data ? data : ""));
        free(data);
    }
    return text.len ? text : RP_STR("(nothing)");
}

static void check_sent(struct result *result, const struct outcome *outcome, const struct chat_expect *expect) {
    for (const struct sent_event *sent = outcome->sent; sent; sent = sent->next) {
        if (!rp_str_equal(rp_str(sent->name), expect->text)) continue;
        if (!expect->data || (sent->data && json_part_of(expect->data, sent->data))) return;
    }
    char *data = expect->data ? json_dumps(expect->data, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    struct rp_str wanted = rp_str(rp_arena_printf(result->arena, "%.*s%s%s", RP_STR_ARG(expect->text), data ? " " : "",
                                                  data ? data : ""));
    free(data);
    result_differ(result, expect->line, "the event was not sent", wanted, sent_text(result, outcome->sent));
}

/* A refusal that nobody asked about. */
static void check_refusal(struct result *result, const struct outcome *outcome) {
    const struct chat_step *step = outcome->step;
    if (!outcome->code || expects(step, EXPECT_ERROR) || expects(step, EXPECT_TEXT) || expects(step, EXPECT_PATTERN))
        return;
    result_differ(result, step->line, "there is no reply", RP_STR("(any)"), error_text(result, outcome));
}

static void hint(const struct outcome *outcome, struct failure *failure) {
    if (outcome->code != RP_ERATE || !failure || expects(outcome->step, EXPECT_ERROR)) return;
    failure->hint = "time stands still in a test: `pace 1s` at the top, or `clock +1s`, moves it";
}

void verdict(struct result *result, const struct outcome *outcome) {
    static void (*const checks[])(struct result *result, const struct outcome *outcome,
                                  const struct chat_expect *expect) = {
        [EXPECT_TEXT] = check_text,   [EXPECT_PATTERN] = check_pattern, [EXPECT_BY] = check_by,
        [EXPECT_ERROR] = check_error, [EXPECT_EVENT] = check_sent,
    };
    struct failure **first = result->last_failure;
    check_refusal(result, outcome);
    for (const struct chat_expect *expect = outcome->step->expects; expect; expect = expect->next)
        checks[expect->kind](result, outcome, expect);
    hint(outcome, *first);
}
