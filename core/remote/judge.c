/* What a finished transfer came to: the reply is whole, or why it is not. */
#include "core/remote/internal.h"

struct outcome judge_answer(struct ask *ask, int status) {
    if (ask->answer.error.present)
        return (struct outcome){fault_of_event(&ask->answer.error), status, "the model reported an error"};
    if (!rp_answer_tools_valid(&ask->answer))
        return (struct outcome){RP_EUPSTREAM, status, "the model sent a tool call that is not valid"};
    return (struct outcome){.status = status};
}

static struct outcome judge_stream(struct ask *ask, int code, const char *detail, int status) {
    if (ask->answer.whole || ask->answer.error.present) return judge_answer(ask, status);
    if (code == -RP_EUPTIMEOUT) return (struct outcome){RP_EUPTIMEOUT, status, detail};
    if (code == -RP_ETOOLARGE) return (struct outcome){RP_EUPSTREAM, status, detail};
    if (code == 0)
        detail = rp_arena_printf(ask->source.turn->arena, "the stream ended without %s",
                                 ask->answer.done ? "a reason" : ask->remote->protocol->end);
    return (struct outcome){RP_ETRUNCATED, status, detail};
}

static struct outcome judge_body(struct ask *ask, int code, const char *detail, int status) {
    const struct remote *remote = ask->remote;
    if (code == -RP_ETOOLARGE) return (struct outcome){RP_EUPSTREAM, status, detail};
    if (code == -RP_EUPTIMEOUT) return (struct outcome){RP_EUPTIMEOUT, status, detail};
    if (code != 0) return (struct outcome){RP_ETRUNCATED, status, detail};
    if (remote->protocol->read(remote->options, &ask->answer, rp_buf_str(&ask->body)) != 0)
        return (struct outcome){RP_EUPSTREAM, status, "the response is not what this API answers"};
    if (!ask->answer.has_reply && !ask->answer.error.present)
        return (struct outcome){RP_EUPSTREAM, status, "the response holds no reply"};
    ask->started = ask->answer.text.len > 0 || ask->answer.tool_count > 0;
    return judge_answer(ask, status);
}

/* The body of a refusal may be anything; then the status has to do. Nothing in it counts as part of a reply. */
static struct outcome judge_refusal(struct ask *ask, int status) {
    const struct remote *remote = ask->remote;
    remote->protocol->read(remote->options, &ask->answer, rp_buf_str(&ask->body));
    rp_buf_clear(&ask->answer.text);
    ask->tools_given = ask->answer.tool_count;
    return (struct outcome){fault_of_status(status, &ask->answer.error), status, "the model's server refused"};
}

struct outcome judge(struct ask *ask, int code, const char *detail, int status) {
    if (status == 0) return (struct outcome){code == -RP_EUPTIMEOUT ? RP_EUPTIMEOUT : RP_EUPSTREAM, 0, detail};
    if (status < 200 || status > 299) return judge_refusal(ask, status);
    return ask->framed ? judge_stream(ask, code, detail, status) : judge_body(ask, code, detail, status);
}
