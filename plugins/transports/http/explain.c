/* How a reply came about, for callers that may know: with the reply, or later by its request id. */
#include "http.h"

bool explain_allowed(const struct rp_transport *transport, struct rp_http_exchange *exchange,
                     const struct rp_http_request *request, struct rp_fault *out_fault) {
    const struct options *options = transport->element.options;
    struct rp_str token = rp_http(options->on)->field(exchange, "X-Explain-Token");
    if (rp_may_explain(&options->explain, request->address, token)) return true;
    *out_fault = (struct rp_fault){
        .code = RP_EFORBIDDEN,
        .message = "explanations are not for this caller: see the options 'explain' and 'explain_token' of the transport"};
    return false;
}

static struct rp_fault give(struct rp_transport *transport, struct rp_http_exchange *exchange,
                            const struct rp_http_request *request, struct rp_buf *out) {
    struct rp_str prefix = RP_STR("/v1/trace/");
    struct rp_str id = rp_str_n(request->path.data + prefix.len, request->path.len - prefix.len);
    struct rp_fault fault = {0};
    if (!explain_allowed(transport, exchange, request, &fault)) return fault;
    int code = rp_trace_text(id, out);
    if (code == -RP_ENOTFOUND) fault.message = "no record of this turn is kept: see trace { } in the bot file";
    fault.code = -code;
    return fault;
}

void trace_request(void *arg, struct rp_http_exchange *exchange, const struct rp_http_request *request) {
    struct rp_transport *transport = arg;
    const struct options *options = transport->element.options;
    const struct rp_http_ops *http = rp_http(options->on);
    struct local *local = rp_local(&transport->element, request->worker);
    struct rp_buf out;
    rp_buf_init(&out, OUT_MAX);
    struct rp_fault fault = give(transport, exchange, request, &out);
    if (fault.code)
        chat_refuse(http, exchange, local, &fault, request->id);
    else
        http->respond(exchange, 200, "application/json", NULL, rp_buf_str(&out));
    rp_buf_finish(&out);
}
