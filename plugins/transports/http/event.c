/* POST /v1/events {"session", "event", "data"}: an event of a session from outside, for those who have the token: what a
 * person says who has taken a conversation over, and that the bot has it back. Answered like a chat. */
#include "http.h"

#include <sodium.h>

#define BEARER "Bearer "

static bool allowed(const struct options *options, struct rp_http_exchange *exchange) {
    struct rp_str field = rp_http(options->on)->field(exchange, "Authorization");
    size_t prefix = sizeof(BEARER) - 1, len = options->event_token ? strlen(options->event_token) : 0;
    return len > 0 && field.len == prefix + len && memcmp(field.data, BEARER, prefix) == 0 &&
           sodium_memcmp(field.data + prefix, options->event_token, len) == 0;
}

static struct rp_str text_of(const json_t *body, const char *name) {
    const json_t *value = json_object_get(body, name);
    return json_is_string(value) ? rp_str_n(json_string_value(value), json_string_length(value)) : RP_STR("");
}

/* 0, or -RP_EINVALID. "timeout" is the server's own. */
static int check(const json_t *body, struct rp_error *error) {
    const json_t *data = json_object_get(body, "data");
    struct rp_str name = text_of(body, "event");
    if (text_of(body, "session").len == 0) return rp_error_set(error, RP_EINVALID, "the field 'session' is missing");
    if (name.len == 0) return rp_error_set(error, RP_EINVALID, "the field 'event' is missing");
    if (rp_str_equal(name, RP_STR("timeout"))) return rp_error_set(error, RP_EINVALID, "'timeout' comes from nobody else");
    if (data && !json_is_object(data)) return rp_error_set(error, RP_EINVALID, "the field 'data' must be an object");
    return 0;
}

static void begin(struct rp_transport *transport, struct rp_http_exchange *exchange,
                  const struct rp_http_request *request, const json_t *body) {
    const struct rp_turn_start start = {
        .id = request->id,
        .session = text_of(body, "session"),
        .address = request->address,
        .metadata = json_object_get(body, "data"),
        .event = json_string_value(json_object_get(body, "event")),
    };
    chat_begin(transport, exchange, request, &start);
}

void event_request(void *arg, struct rp_http_exchange *exchange, const struct rp_http_request *request) {
    struct rp_transport *transport = arg;
    const struct options *options = transport->element.options;
    struct local *local = rp_local(&transport->element, request->worker);
    struct rp_error error = {0};
    json_t *body = NULL;
    if (!allowed(options, exchange))
        rp_error_set(&error, RP_EUNAUTHORIZED, "events are for those who have the transport's 'event_token'");
    else if (rp_json_parse(request->body.data, request->body.len, &body, &error) == 0 && check(body, &error) == 0)
        begin(transport, exchange, request, body);
    json_decref(body);
    if (!error.code) return;
    const struct rp_fault fault = {.code = error.code, .message = error.text};
    chat_refuse(rp_http(options->on), exchange, local, &fault, request->id);
}
