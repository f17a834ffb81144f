/* redact: what the plugin declares. */
#include "redact.h"

static const char *const on_choices[] = {"both", "message", "reply", NULL};

const struct rp_option redact_table[] = {
    {.name = "patterns",
     .type = RP_OPTION_PATTERNS,
     .offset = offsetof(struct redact_options, patterns),
     .flags = RP_OPTION_POSITIONAL | RP_OPTION_REQUIRED,
     .help = "phone_cn, id_card_cn, bank_card, email, ipv4, or { name = \"…\", match = [[PCRE2]], mask = \"…\" }"},
    {.name = "mask",
     .type = RP_OPTION_STRING,
     .offset = offsetof(struct redact_options, mask),
     .help = "what appears instead, {name} being the pattern's name; without it \"[phone]\", \"[email]\" and so on"},
    {.name = "on",
     .type = RP_OPTION_CHOICE,
     .offset = offsetof(struct redact_options, on),
     .text = "both",
     .choices = on_choices,
     .help = "what is masked: the message, the reply, or both; the log is masked in any case"},
    {.name = "hold",
     .type = RP_OPTION_SIZE,
     .offset = offsetof(struct redact_options, hold),
     .text = "4KiB",
     .min = 1024,
     .max = 1 << 20,
     .help = "how much of a streamed reply may wait until a pattern is decided; a reply that needs more fails"},
    {0},
};

RP_PLUGIN(.name = "redact", .version = "1.0.0", .summary = "Masks personal data in messages, replies and the log",
          .stages = RP_LIST(&redact_stage));
