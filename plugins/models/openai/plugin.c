/* Models behind the chat completions API: OpenAI's, and the many servers that speak like it. */
#include <stddef.h>

#include "openai.h"

static const char *const limit_fields[] = {"max_tokens", "max_completion_tokens", NULL};

static const char *const goings[] = {"no", "message", "prefix", "echo", "partial", "final", NULL};

#define FIELD(field) .offset = offsetof(struct openai_options, field)

static const struct rp_option options[] = {
    RP_REMOTE_OPTIONS("https://api.openai.com/v1"),
    RP_BULK_OPTIONS(50000, "190MiB"),
    {.name = "organization", .type = RP_OPTION_STRING, FIELD(organization), .help = "sent as OpenAI-Organization"},
    {.name = "max_tokens_field",
     .type = RP_OPTION_CHOICE,
     FIELD(max_tokens_field),
     .text = "max_tokens",
     .choices = limit_fields,
     .help = "how the server calls the limit of tokens"},
    {.name = "goes_on",
     .type = RP_OPTION_CHOICE,
     FIELD(goes_on),
     .text = "no",
     .choices = goings,
     .help = "whether, and how, the server goes on from the beginning of a reply: it takes it as the last message "
             "(llama-server), with prefix = true (DeepSeek), the same but the reply begins with it again (echo: Mistral), with "
             "partial = true (Qwen, Moonshot), or with continue_final_message (vLLM)"},
    {.name = "needs_done",
     .type = RP_OPTION_BOOL,
     FIELD(needs_done),
     .text = "true",
     .help = "a stream that ends without [DONE] was cut off; false for a server that never sends it"},
    {.name = "tools", .type = RP_OPTION_BOOL, FIELD(tools), .text = "true", .help = "the model can call tools"},
    {.name = "schema",
     .type = RP_OPTION_BOOL,
     FIELD(schema),
     .text = "true",
     .help = "the server takes a JSON schema as response_format; false: it is told in words"},
    {.name = "grammar",
     .type = RP_OPTION_BOOL,
     FIELD(grammar),
     .text = "false",
     .help = "the server takes a grammar in GBNF, as llama-server does"},
    {0},
};

static bool echoes(const void *data) {
    return ((const struct openai_options *)data)->goes_on == GOES_ON_ECHO;
}

static const struct rp_protocol protocol = {
    .name = "openai",
    .path = "/chat/completions",
    .probe = "/models",
    .stream_type = "text/event-stream",
    .frames = RP_FRAMES_EVENTS,
    .end = "[DONE]",
    .head = request_head,
    .write = request_write,
    .read = answer_read,
    .echoes = echoes,
    .bulk = &bulk_protocol,
};

static int check(const void *data, struct rp_error *error) {
    const struct openai_options *openai = data;
    for (const char *at = openai->organization; at && *at; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7F)
            return rp_error_set(error, RP_ECONFIG, "organization must not contain control characters");
    }
    return rp_remote_check(data, error);
}

static int open_model(struct rp_element *element, struct rp_error *error) {
    return rp_remote_open(element, &protocol, error);
}

static unsigned takes(const struct rp_model *model) {
    const struct openai_options *openai = model->element.options;
    return (openai->tools ? RP_TAKES_TOOLS : 0) | (openai->schema ? RP_TAKES_SCHEMA : 0) |
           (openai->grammar ? RP_TAKES_GRAMMAR : 0) | RP_TAKES_IMAGES | RP_TAKES_LIMITS |
           (openai->goes_on ? RP_TAKES_PREFIX : 0);
}

static const struct rp_model_type openai = {
    .type = {.name = "openai",
             .summary = "a model behind the chat completions API, of OpenAI or any server like it",
             .options_size = sizeof(struct openai_options),
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
};

RP_PLUGIN(.name = "openai", .version = "0.1.0", .summary = "Models behind the chat completions API",
          .models = RP_LIST(&openai));
