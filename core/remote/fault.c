/* What an upstream's refusal means for the client: by its status, and by the words that providers use. */
#include "core/remote/retry.h"

/* What stands as "code" or "type" of an error. */
static const struct {
    const char *word;
    int code;
} words[] = {
    {"insufficient_quota", RP_EUPQUOTA},
    {"credit_balance_exhausted", RP_EUPQUOTA},
    {"billing_hard_limit_reached", RP_EUPQUOTA},
    {"billing_not_active", RP_EUPQUOTA},
    {"billing_error", RP_EUPQUOTA},
    {"access_terminated", RP_EUPQUOTA},
    {"enforced_spend_limit_reached", RP_EUPQUOTA},
    {"exceeded_current_quota_error", RP_EUPQUOTA},
    {"Arrearage", RP_EUPQUOTA},
    {"1113", RP_EUPQUOTA},
    {"rate_limit_exceeded", RP_EUPRATE},
    {"rate_limit_error", RP_EUPRATE},
    {"rate_limit_reached_error", RP_EUPRATE},
    {"rate_limited", RP_EUPRATE},
    {"slow_down", RP_EUPRATE},
    {"token_limit_exceeded", RP_EUPRATE}, /* too many tokens are queued in batches */
    {"overloaded_error", RP_EUPRATE},
    {"engine_overloaded_error", RP_EUPRATE},
    {"requests", RP_EUPRATE},
    {"tokens", RP_EUPRATE},
    {"429", RP_EUPRATE},
    {"invalid_api_key", RP_EUPAUTH},
    {"authentication_error", RP_EUPAUTH},
    {"permission_error", RP_EUPAUTH},
    {"timeout_error", RP_EUPTIMEOUT},
    {"context_length_exceeded", RP_EUPREQUEST},
    {"request_too_large", RP_EUPREQUEST},
    {"invalid_request_error", RP_EUPREQUEST},
};

/* Some say only in a sentence what it is about. */
static const char *const quota_phrases[] = {
    "credit balance is too low", "exceeded your current quota", "insufficient balance", "Insufficient Balance"};
static const char *const busy_phrases[] = {"server busy", "maximum pending requests exceeded"};

static bool says(const struct rp_buf *message, const char *const *phrases, size_t count) {
    for (size_t i = 0; message->len && i < count; i++) {
        if (strstr(message->data, phrases[i])) return true; /* a buffer ends in NUL */
    }
    return false;
}
#define SAYS(message, phrases) says(message, phrases, sizeof(phrases) / sizeof(phrases[0]))

static int code_of_word(const struct rp_buf *text) {
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (rp_str_is(rp_buf_str(text), words[i].word)) return words[i].code;
    }
    return 0;
}

/* 0: nothing is known from its words. The code is the closer one; the type often names only a class. */
static int code_of_words(const struct rp_answer_error *error) {
    if (SAYS(&error->message, quota_phrases)) return RP_EUPQUOTA;
    if (SAYS(&error->message, busy_phrases)) return RP_EUPRATE;
    int type = code_of_word(&error->type);
    if (type == RP_EUPQUOTA) return type;
    int code = code_of_word(&error->code);
    return code ? code : type;
}

int fault_of_status(int status, const struct rp_answer_error *error) {
    int told = code_of_words(error);
    if (told == RP_EUPQUOTA && status >= 400 && status < 500) return told;
    switch (status) {
    case 400:
    case 413:
    case 422:
        return RP_EUPREQUEST;
    case 401:
    case 403:
        return RP_EUPAUTH;
    case 402:
        return RP_EUPQUOTA;
    case 408:
    case 504:
        return RP_EUPTIMEOUT;
    case 429:
    case 529:
        return RP_EUPRATE;
    default:
        return told == RP_EUPRATE ? told : RP_EUPSTREAM;
    }
}

int fault_of_event(const struct rp_answer_error *error) {
    int told = code_of_words(error);
    return told ? told : RP_EUPSTREAM;
}
