/* Who may see explanations. */
#include <repartee/explain.h>

#include <sodium.h>

static bool is_local(struct rp_str address) {
    return (address.len > 4 && memcmp(address.data, "127.", 4) == 0) || rp_str_equal(address, RP_STR("::1")) ||
           rp_str_equal(address, RP_STR("::ffff:127.0.0.1")) || rp_str_equal(address, RP_STR("local"));
}

/* The time that it takes tells nothing of the token but its length. */
static bool same(const char *token, struct rp_str given) {
    return strlen(token) == given.len && sodium_memcmp(token, given.data, given.len) == 0;
}

bool rp_may_explain(const struct rp_explain_options *options, struct rp_str address, struct rp_str token) {
    if (options->to == RP_EXPLAIN_ALL) return true;
    if (options->to == RP_EXPLAIN_LOCAL && is_local(address)) return true;
    return options->token && token.len > 0 && same(options->token, token);
}
