/* ratelimit, the stage: refuses a turn whose user, session or address has written too often. */
#include "ratelimit.h"

#include "limiter.h"

static int on_open(struct rp_element *element, struct rp_error *error) {
    const struct ratelimit_options *options = element->options;
    (void)error;
    int64_t second = options->rate > 1 ? (int64_t)options->rate : 1;
    int64_t burst = options->burst ? options->burst : second;
    size_t entries = (size_t)options->entries;
    element->state = element->before ? limiter_follow(element->before->state, options->rate, burst, entries)
                                     : limiter_create(options->rate, burst, entries);
    return 0;
}

/* Nobody gets a fresh allowance out of a reload. */
static void on_adopt(struct rp_element *element, struct rp_worker *worker) {
    (void)worker;
    limiter_inherit(element->state, element->before->state, rp_steady_ns());
}

static void on_close(struct rp_element *element) {
    limiter_destroy(element->state);
}

/* Who the turn counts for. Without a user it is the address, so that nobody gets around the limit by being nobody. */
static struct rp_str key_of(const struct rp_turn *turn, enum ratelimit_per *per) {
    if (*per == RATELIMIT_SESSION) return turn->session;
    if (*per == RATELIMIT_USER && turn->user.len) return turn->user;
    *per = RATELIMIT_ADDRESS;
    return turn->address;
}

static int seconds(int64_t ns) {
    int64_t rounded = (ns + 999999999) / 1000000000;
    return rounded < INT32_MAX ? (int)rounded : INT32_MAX;
}

static void tell(struct rp_stage *stage, struct rp_turn *turn, enum ratelimit_per per, int64_t wait) {
    static const char *const names[] = {
        [RATELIMIT_USER] = "user", [RATELIMIT_SESSION] = "session", [RATELIMIT_ADDRESS] = "address"};
    json_t *detail = json_pack("{s:s}", "per", names[per]);
    if (wait) json_object_set_new(detail, "wait_s", json_integer(seconds(wait)));
    rp_turn_note(turn, &stage->element, wait ? "over the limit" : "within the limit", detail);
}

static enum rp_outcome on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    const struct ratelimit_options *options = stage->element.options;
    enum ratelimit_per per = (enum ratelimit_per)options->per;
    struct rp_str key = key_of(turn, &per);
    int64_t wait = limiter_take(stage->element.state, per, key, rp_steady_ns());
    if (rp_turn_explained(turn)) tell(stage, turn, per, wait);
    if (wait == 0) return RP_PASS;
    struct rp_fault fault = {.code = RP_ERATE, .retry_after = seconds(wait)};
    rp_turn_fail(turn, &fault);
    return RP_KEEP;
}

const struct rp_stage_type ratelimit_stage = {
    .type = {.name = "ratelimit",
             .summary = "limits how often users may write",
             .options_size = sizeof(struct ratelimit_options),
             .options = ratelimit_table,
             .open = on_open,
             .close = on_close,
             .adopt = on_adopt},
    .on_turn = on_turn,
};
