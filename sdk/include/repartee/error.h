/* Errors: one list of codes, and the record that load-time calls fill in.
 *
 * A function that can fail returns 0 or a negative code, `-RP_ETIMEOUT` for example. Calls made while a bot is
 * loaded also fill a `struct rp_error`; what goes wrong in a turn travels in its reply as an error chunk, which
 * carries the code, a sentence for the client, and the seconds after which another try makes sense.
 *
 * Thread-safe throughout. */
#ifndef REPARTEE_ERROR_H
#define REPARTEE_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define RP_EXPORT __attribute__((visibility("default")))
#define RP_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define RP_EXPORT
#define RP_PRINTF(text, first)
#endif

/* name, number, code as clients see it, HTTP status, sentence. Numbers never change their meaning. */
#define RP_ERRORS(X)                                                                                                   \
    X(EINTERNAL, 1, "internal_error", 500, "something went wrong inside the server")                                   \
    X(EINVALID, 2, "invalid_request", 400, "the request is not valid")                                                 \
    X(EJSON, 3, "invalid_json", 400, "the body is not valid JSON")                                                     \
    X(EUTF8, 4, "invalid_utf8", 400, "the text is not valid UTF-8")                                                    \
    X(ETOOLARGE, 5, "too_large", 413, "the request is too large")                                                      \
    X(ENOTFOUND, 6, "not_found", 404, "there is nothing here")                                                         \
    X(EMETHOD, 7, "method_not_allowed", 405, "this method is not allowed here")                                        \
    X(EUNAUTHORIZED, 8, "unauthorized", 401, "who are you?")                                                           \
    X(EFORBIDDEN, 9, "forbidden", 403, "this is not allowed")                                                          \
    X(ECONFLICT, 10, "conflict", 409, "this is in use")                                                                \
    X(ERATE, 11, "rate_limited", 429, "too many messages, please slow down")                                           \
    X(EBUSY, 12, "overloaded", 503, "the server is busy, please try again")                                            \
    X(EDRAINING, 13, "shutting_down", 503, "the server is shutting down")                                              \
    X(EDEADLINE, 14, "deadline_exceeded", 504, "the reply took too long")                                              \
    X(ECANCELLED, 15, "cancelled", 499, "the turn was cancelled")                                                      \
    X(ENOREPLY, 16, "no_reply", 500, "no stage of the pipeline answered")                                              \
    X(EREPLYSIZE, 17, "reply_too_long", 502, "the reply grew too long")                                                \
    X(EUPSTREAM, 18, "upstream_error", 502, "the model could not be reached or gave no usable answer")                 \
    X(EUPTIMEOUT, 19, "upstream_timeout", 504, "the model did not answer in time")                                     \
    X(EUPRATE, 20, "upstream_rate_limited", 503, "the model is busy, please try again")                                \
    X(EUPAUTH, 21, "upstream_refused", 502, "the model refused the server's credentials or request")                   \
    X(EUPQUOTA, 22, "upstream_quota", 502, "the model's quota is used up")                                             \
    X(ETRUNCATED, 23, "upstream_truncated", 502, "the model's reply was cut off")                                      \
    X(ERULE, 24, "rule_error", 500, "a rule of the bot failed")                                                        \
    X(EBUDGET, 25, "rule_budget", 500, "a rule of the bot used up its budget")                                         \
    X(EREGEX, 26, "regex_limit", 500, "a pattern needed too many steps")                                               \
    X(ENOMEM, 27, "out_of_memory", 503, "the server is out of memory")                                                 \
    X(ECONFIG, 28, "bad_configuration", 500, "the configuration is not valid")                                         \
    X(EPLUGIN, 29, "bad_plugin", 500, "a plugin cannot be loaded")                                                     \
    X(EIO, 30, "io_error", 500, "reading or writing failed")                                                           \
    X(ESTATE, 31, "bad_state", 500, "this cannot be done now")                                                         \
    X(EHEADSIZE, 32, "head_too_large", 431, "the request's head is too large")                                         \
    X(ESLOW, 33, "request_timeout", 408, "the request took too long to arrive")                                        \
    X(EUNSUPPORTED, 34, "unsupported", 501, "this is not supported")                                                   \
    X(EUPREQUEST, 35, "upstream_rejected", 502, "the model could not take this request")                               \
    X(EMISFIT, 36, "upstream_misfit", 502, "the model's answer does not have the form that was asked for")             \
    X(ETOOLS, 37, "tool_limit", 502, "the model called tools too often")                                               \
    X(ESPENT, 38, "budget_spent", 429, "the budget for this is used up")                                               \
    X(EUPCERT, 39, "upstream_untrusted", 502, "the model's server could not prove who it is")

enum {
#define RP_ERROR_NUMBER(name, number, code, status, text) RP_##name = number,
    RP_ERRORS(RP_ERROR_NUMBER)
#undef RP_ERROR_NUMBER
};

/* What a load-time call leaves behind when it fails. `file` is empty and `line` 0 where none is known. */
struct rp_error {
    int code; /* RP_E…, positive */
    int line; /* from 1 */
    char file[256];
    char text[768]; /* one sentence, no full stop, no line break */
};

/* Fills `error` (which may be NULL) and returns -code, so that a function can end with `return rp_error_set(…)`. */
RP_EXPORT int rp_error_set(struct rp_error *error, int code, const char *format, ...) RP_PRINTF(3, 4);
RP_EXPORT int rp_error_at(struct rp_error *error, int code, const char *file, int line, const char *format, ...)
    RP_PRINTF(5, 6);

/* The three take a code of either sign; an unknown one counts as RP_EINTERNAL. */
RP_EXPORT const char *rp_error_code(int code);   /* "rate_limited" */
RP_EXPORT const char *rp_error_text(int code);   /* "too many messages, please slow down" */
RP_EXPORT int rp_error_http_status(int code);    /* 429 */

#ifdef __cplusplus
}
#endif
#endif
