/* Models behind Ollama's own API. */
#include <stddef.h>

#include "ollama.h"

static const char *const thoughts[] = {"default", "off", "on", "low", "medium", "high", NULL};

#define FIELD(field) .offset = offsetof(struct ollama_options, field)

static const struct rp_option options[] = {
    RP_REMOTE_OPTIONS("http://127.0.0.1:11434"),
    {.name = "keep_alive",
     .type = RP_OPTION_STRING,
     FIELD(keep_alive),
     .help = "how long the model stays loaded after a reply, such as 30m; -1 for ever"},
    {.name = "think",
     .type = RP_OPTION_CHOICE,
     FIELD(think),
     .text = "default",
     .choices = thoughts,
     .help = "whether, or how hard, the model thinks before it replies; the thinking is not shown"},
    {0},
};

static const struct rp_protocol protocol = {
    .name = "ollama",
    .path = "/api/chat",
    .probe = "/api/version",
    .stream_type = "application/x-ndjson",
    .frames = RP_FRAMES_LINES,
    .end = "\"done\":true",
    .head = request_head,
    .write = request_write,
    .read = answer_read,
};

static int open_model(struct rp_element *element, struct rp_error *error) {
    return rp_remote_open(element, &protocol, error);
}

static unsigned takes(const struct rp_model *model) {
    (void)model;
    return RP_TAKES_TOOLS | RP_TAKES_SCHEMA | RP_TAKES_IMAGES | RP_TAKES_PREFIX | RP_TAKES_LIMITS;
}

static const struct rp_model_type ollama = {
    .type = {.name = "ollama",
             .summary = "a model behind Ollama's own API",
             .options_size = sizeof(struct ollama_options),
             .options = options,
             .check = rp_remote_check,
             .open = open_model,
             .attach = rp_remote_attach,
             .detach = rp_remote_detach,
             .close = rp_remote_close},
    .ask = rp_remote_ask,
    .probe = rp_remote_probe,
    .probe_cancel = rp_remote_probe_cancel,
    .takes = takes,
    .context = rp_remote_context,
};

RP_PLUGIN(.name = "ollama", .version = "0.1.0", .summary = "Models behind Ollama's own API",
          .models = RP_LIST(&ollama));
