/* What an upstream's refusal means for the client. */
#include "fault.h"

static bool says(const struct rp_buf *text, const char *const *names) {
    for (; *names; names++) {
        if (rp_str_equal(rp_buf_str(text), rp_str(*names))) return true;
    }
    return false;
}

static bool is_quota(const struct upstream_error *error) {
    static const char *const names[] = {"insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached",
                                        "billing_not_active", "access_terminated",        NULL};
    return says(&error->type, names) || says(&error->code, names);
}

static bool is_rate(const struct upstream_error *error) {
    static const char *const names[] = {
        "rate_limit_exceeded", "rate_limit_error", "rate_limited", "slow_down", "requests", "tokens", "429", NULL};
    return says(&error->type, names) || says(&error->code, names);
}

int fault_of_status(int status, const struct upstream_error *error) {
    switch (status) {
    case 401:
    case 403:
        return is_quota(error) ? RP_EUPQUOTA : RP_EUPAUTH;
    case 402:
        return RP_EUPQUOTA;
    case 408:
        return RP_EUPTIMEOUT;
    case 429:
        return is_quota(error) ? RP_EUPQUOTA : RP_EUPRATE;
    default:
        return RP_EUPSTREAM;
    }
}

int fault_of_event(const struct upstream_error *error) {
    if (is_quota(error)) return RP_EUPQUOTA;
    return is_rate(error) ? RP_EUPRATE : RP_EUPSTREAM;
}
