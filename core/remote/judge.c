/* What a finished transfer came to: the reply is whole, or why it is not. */
#include "core/remote/internal.h"

struct outcome judge_answer(struct ask *ask, int status) {
    if (ask->answer.error.present)
        return (struct outcome){fault_of_event(&ask->answer.error), status, "the model reported an error"};
    if (!rp_answer_tools_valid(&ask->answer))
        return (struct outcome){RP_EUPSTREAM, status, "the model sent a tool call that is not valid"};
    return (struct outcome){.status = status};
}

/* Not cut off: another attempt would bring the same. */
static bool is_nonsense(int code) {
    return code == -RP_ETOOLARGE || code == -RP_EUNSUPPORTED;
}

static struct outcome judge_stream(struct ask *ask, int code, const char *detail, int status) {
    if (ask->answer.whole || ask->answer.error.present) return judge_answer(ask, status);
    if (code == -RP_EUPTIMEOUT) return (struct outcome){RP_EUPTIMEOUT, status, detail};
    if (is_nonsense(code)) return (struct outcome){RP_EUPSTREAM, status, detail};
    if (code == 0)
        detail = rp_arena_printf(ask->source.turn->arena, "the stream ended without %s",
                                 ask->answer.done ? "a reason" : ask->remote->protocol->end);
    return (struct outcome){RP_ETRUNCATED, status, detail};
}

static struct outcome judge_body(struct ask *ask, int code, const char *detail, int status) {
    const struct remote *remote = ask->remote;
    if (is_nonsense(code)) return (struct outcome){RP_EUPSTREAM, status, detail};
    if (code == -RP_EUPTIMEOUT) return (struct outcome){RP_EUPTIMEOUT, status, detail};
    if (code != 0) return (struct outcome){RP_ETRUNCATED, status, detail};
    if (remote->protocol->read(remote->options, &ask->answer, rp_buf_str(&ask->body)) != 0)
        return (struct outcome){RP_EUPSTREAM, status, "the response is not what this API answers"};
    if (!ask->answer.has_reply && !ask->answer.error.present)
        return (struct outcome){RP_EUPSTREAM, status, "the response holds no reply"};
    ask->started = ask->answer.text.len > 0 || ask->answer.tool_count > 0;
    return judge_answer(ask, status);
}

/* The body of a refusal may be anything; then the status has to do. */
static struct outcome judge_refusal(struct ask *ask, int status) {
    const struct remote *remote = ask->remote;
    remote->protocol->read(remote->options, &ask->answer, rp_buf_str(&ask->body));
    return (struct outcome){fault_of_status(status, &ask->answer.error), status, "the model's server refused"};
}

/* Nothing of a body that is no whole reply counts as part of one. */
static void drop_answer(struct ask *ask) {
    rp_buf_clear(&ask->answer.text);
    ask->tools_given = ask->answer.tool_count;
    ask->started = false;
}

struct outcome judge(struct ask *ask, int code, const char *detail, int status) {
    if (status == 0) {
        bool telling = code == -RP_EUPTIMEOUT || code == -RP_EUPCERT;
        return (struct outcome){telling ? -code : RP_EUPSTREAM, 0, detail};
    }
    bool good = status >= 200 && status <= 299;
    if (good && ask->framed) return judge_stream(ask, code, detail, status);
    struct outcome outcome = good ? judge_body(ask, code, detail, status) : judge_refusal(ask, status);
    if (outcome.code != 0) drop_answer(ask);
    return outcome;
}
