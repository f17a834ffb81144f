/* Models behind the chat completions API: OpenAI's, and the many servers that speak like it. */
#include <stddef.h>

#include "openai.h"

static const char *const limit_fields[] = {"max_tokens", "max_completion_tokens", NULL};

#define FIELD(field) .offset = offsetof(struct openai_options, field)

static const struct rp_option options[] = {
    {.name = "base_url", .type = RP_OPTION_STRING, FIELD(base_url), .text = "https://api.openai.com/v1",
     .help = "where the API is; /chat/completions is added"},
    {.name = "api_key", .type = RP_OPTION_SECRET, FIELD(api_key), .help = "sent as a bearer token; local servers need none"},
    {.name = "model", .type = RP_OPTION_STRING, FIELD(model), .flags = RP_OPTION_REQUIRED,
     .help = "the model's name as the server knows it"},
    {.name = "organization", .type = RP_OPTION_STRING, FIELD(organization), .help = "sent as OpenAI-Organization"},
    {.name = "headers", .type = RP_OPTION_MAP, FIELD(headers), .help = "more header fields of the request"},
    {.name = "system", .type = RP_OPTION_STRING, FIELD(system), .help = "the system text where no rule gives one"},
    {.name = "temperature", .type = RP_OPTION_NUMBER, FIELD(temperature), .text = "-1", .min = -1, .max = 2,
     .help = "0 to 2; -1 leaves it to the server"},
    {.name = "top_p", .type = RP_OPTION_NUMBER, FIELD(top_p), .text = "-1", .min = -1, .max = 1,
     .help = "0 to 1; -1 leaves it to the server"},
    {.name = "max_tokens", .type = RP_OPTION_INT, FIELD(max_tokens), .text = "0", .min = 0, .max = 1e7,
     .help = "tokens of a reply; 0 leaves it to the server"},
    {.name = "max_tokens_field", .type = RP_OPTION_CHOICE, FIELD(max_tokens_field), .text = "max_tokens",
     .choices = limit_fields, .help = "how the server calls that limit"},
    {.name = "stream", .type = RP_OPTION_BOOL, FIELD(stream), .text = "true",
     .help = "ask for a stream when the client streams; false: the whole reply comes at once"},
    {.name = "timeout_connect", .type = RP_OPTION_DURATION, FIELD(timeout_connect), .text = "10s", .min = 1, .max = 6e5,
     .help = "until the connection stands"},
    {.name = "timeout_first", .type = RP_OPTION_DURATION, FIELD(timeout_first), .text = "30s", .min = 1, .max = 36e5,
     .help = "from the request to the first byte of the response"},
    {.name = "timeout_stall", .type = RP_OPTION_DURATION, FIELD(timeout_stall), .text = "30s", .min = 1, .max = 36e5,
     .help = "between two bytes of the response"},
    {.name = "timeout", .type = RP_OPTION_DURATION, FIELD(timeout), .text = "120s", .min = 1, .max = 36e5,
     .help = "for the whole reply, all attempts together"},
    {.name = "retries", .type = RP_OPTION_INT, FIELD(retries), .text = "2", .min = 0, .max = 10,
     .help = "more attempts after a failure, as long as no text has come"},
    {.name = "retry_base", .type = RP_OPTION_DURATION, FIELD(retry_base), .text = "500ms", .min = 1, .max = 6e4,
     .help = "the wait before the second attempt; it doubles with each"},
    {.name = "retry_max", .type = RP_OPTION_DURATION, FIELD(retry_max), .text = "8s", .min = 1, .max = 6e5,
     .help = "the longest such wait"},
    {.name = "buffer", .type = RP_OPTION_SIZE, FIELD(buffer), .text = "64KiB", .min = 1024, .max = 1 << 24,
     .help = "text that may wait for a slow client before the transfer is paused"},
    {.name = "proxy", .type = RP_OPTION_STRING, FIELD(proxy), .help = "an HTTP proxy; else the environment's"},
    {.name = "ca_file", .type = RP_OPTION_FILE, FIELD(ca_file), .help = "certificates to trust; else the system's"},
    {0},
};

static const struct rp_model_type openai = {
    .type = {.name = "openai",
             .summary = "a model behind the chat completions API, of OpenAI or any server like it",
             .options_size = sizeof(struct openai_options),
             .options = options,
             .check = openai_check,
             .open = openai_open,
             .close = openai_close},
    .ask = openai_ask,
};

RP_PLUGIN(.name = "openai", .version = "0.1.0", .summary = "Models behind the chat completions API",
          .models = RP_LIST(&openai));
