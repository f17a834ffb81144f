/* Models behind the Messages API: Anthropic's, and servers that speak like it. */
#include <ctype.h>
#include <stddef.h>

#include "anthropic.h"

static const char *const auths[] = {"x-api-key", "bearer", NULL};

#define FIELD(field) .offset = offsetof(struct anthropic_options, field)

static const struct rp_option options[] = {
    RP_REMOTE_OPTIONS("https://api.anthropic.com/v1"),
    RP_BULK_OPTIONS(100000, "240MiB"),
    {.name = "version",
     .type = RP_OPTION_STRING,
     FIELD(version),
     .text = "2023-06-01",
     .help = "sent as anthropic-version; from 2026-10-21 on, temperature and top_p are left out, since they are refused"},
    {.name = "auth",
     .type = RP_OPTION_CHOICE,
     FIELD(auth),
     .text = "x-api-key",
     .choices = auths,
     .help = "how the key is sent: as x-api-key, or as Authorization: Bearer"},
    {.name = "goes_on",
     .type = RP_OPTION_BOOL,
     FIELD(goes_on),
     .text = "false",
     .help = "the model goes on from the beginning of a reply, as older ones do"},
    {0},
};

static const struct rp_protocol protocol = {
    .name = "anthropic",
    .path = "/v1/messages",
    .probe = "/v1/models",
    .stream_type = "text/event-stream",
    .frames = RP_FRAMES_EVENTS,
    .end = "message_stop",
    .head = request_head,
    .write = request_write,
    .read = answer_read,
    .bulk = &bulk_protocol,
};

static bool is_date(const char *text) {
    static const char form[] = "dddd-dd-dd";
    for (size_t i = 0; form[i]; i++) {
        if (form[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != form[i]) return false;
    }
    return text[sizeof(form) - 1] == '\0';
}

static int check(const void *data, struct rp_error *error) {
    const struct anthropic_options *anthropic = data;
    if (!is_date(anthropic->version))
        return rp_error_set(error, RP_ECONFIG, "version must be a date such as 2023-06-01");
    return rp_remote_check(data, error);
}

static int open_model(struct rp_element *element, struct rp_error *error) {
    return rp_remote_open(element, &protocol, error);
}

static unsigned takes(const struct rp_model *model) {
    const struct anthropic_options *anthropic = model->element.options;
    return RP_TAKES_TOOLS | RP_TAKES_SCHEMA | RP_TAKES_IMAGES | RP_TAKES_LIMITS | (anthropic->goes_on ? RP_TAKES_PREFIX : 0);
}

static const struct rp_model_type anthropic = {
    .type = {.name = "anthropic",
             .summary = "a model behind the Messages API, of Anthropic or any server like it",
             .options_size = sizeof(struct anthropic_options),
             .options = options,
             .check = check,
             .open = open_model,
             .attach = rp_remote_attach,
             .detach = rp_remote_detach,
             .close = rp_remote_close},
    .ask = rp_remote_ask,
    .probe = rp_remote_probe,
    .probe_cancel = rp_remote_probe_cancel,
    .takes = takes,
    .context = rp_remote_context,
    .reply = request_reply,
};

RP_PLUGIN(.name = "anthropic", .version = "0.1.0", .summary = "Models behind the Messages API",
          .models = RP_LIST(&anthropic));
