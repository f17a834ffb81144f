/* The patterns that redact knows by name, and the making of a mask from those and the operator's own. */
#include "check.h"
#include "mask.h"

#include <stdio.h>
#include <stdlib.h>

/* A digit, as Chinese keyboards have it too; what people and models put between digits: spaces, hyphens and dashes of
 * all kinds, and characters without width, which would otherwise be a way around. */
#define D "[0-9\\x{FF10}-\\x{FF19}]"
#define S "[ \\-\\x{A0}\\x{AD}\\x{200B}-\\x{200D}\\x{2010}-\\x{2015}\\x{2060}\\x{2212}\\x{3000}\\x{FEFF}\\x{FF0D}]"
#define NO_DIGIT_BEFORE "(?<!" D ")"
#define NO_DIGIT_BEHIND "(?!" D ")"

#define PHONE_CN                                                                                                       \
    NO_DIGIT_BEFORE "(?:(?:\\+|00)?86" S "{0,2})?[1\\x{FF11}][3-9\\x{FF13}-\\x{FF19}]" D "(?:" S "?" D                 \
                    "){8}" NO_DIGIT_BEHIND
#define ID_CARD_CN                                                                                                     \
    NO_DIGIT_BEFORE "[1-9\\x{FF11}-\\x{FF19}]" D "{5}" S "?" D "{4}" S "?" D "{2}" S "?" D "{2}" S "?" D "{3}"         \
                    "[0-9Xx\\x{FF10}-\\x{FF19}\\x{FF38}\\x{FF58}]" NO_DIGIT_BEHIND
#define BANK_CARD NO_DIGIT_BEFORE D "(?:" S "?" D "){12,18}" NO_DIGIT_BEHIND
/* RFC 5321's lengths: 64 characters before the @, 63 in a label; eight labels bound the whole. */
#define EMAIL                                                                                                          \
    "(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}+@(?:[A-Za-z0-9-]{1,63}+\\.){1,8}"                                     \
    "(?:xn--[A-Za-z0-9-]{1,59}|[A-Za-z]{2,63})"
#define OCTET "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define IPV4 "(?<![0-9])(?<![0-9]\\.)" OCTET "(?:\\." OCTET "){3}(?!\\.?[0-9])"

struct pattern {
    const char *name, *word, *match;
    size_t (*check)(struct rp_str match);
    unsigned starts, needs; /* enum mask_class */
};
static const struct pattern built_in[] = {
    {"phone_cn", "[phone]", PHONE_CN, NULL, MASK_DIGIT | MASK_PLUS, MASK_DIGIT},
    {"id_card_cn", "[id card]", ID_CARD_CN, check_id_card, MASK_DIGIT, MASK_DIGIT},
    {"bank_card", "[bank card]", BANK_CARD, check_bank_card, MASK_DIGIT, MASK_DIGIT},
    {"email", "[email]", EMAIL, NULL, MASK_LOCAL, MASK_AT | MASK_LOCAL},
    {"ipv4", "[ip address]", IPV4, NULL, MASK_DIGIT, MASK_DIGIT},
};
#define BUILT_IN_COUNT (sizeof(built_in) / sizeof(built_in[0]))

static const struct pattern *find_built_in(const char *name) {
    for (size_t i = 0; i < BUILT_IN_COUNT; i++) {
        if (strcmp(built_in[i].name, name) == 0) return &built_in[i];
    }
    return NULL;
}

static int refuse_name(const char *name, struct rp_error *error) {
    char known[256] = "";
    size_t len = 0;
    for (size_t i = 0; i < BUILT_IN_COUNT && len < sizeof(known); i++) {
        len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s", i ? ", " : "", built_in[i].name);
    }
    return rp_error_set(error, RP_ECONFIG,
                        "there is no built-in pattern '%s'; there are %s, and your own as "
                        "{ name = \"…\", match = [[…]] }",
                        name, known);
}

/* The template with each {name} replaced. */
static char *expand(const char *template, const char *name) {
    struct rp_buf word;
    rp_buf_init(&word, 64u << 10);
    int code = 0;
    for (const char *hole; code == 0 && (hole = strstr(template, "{name}")); template = hole + strlen("{name}")) {
        code = rp_buf_append(&word, template, (size_t)(hole - template));
        if (code == 0) code = rp_buf_append_str(&word, rp_str(name));
    }
    if (code == 0) code = rp_buf_append(&word, template, strlen(template) + 1);
    if (code == 0) return word.data;
    rp_buf_finish(&word);
    return NULL;
}

static int set_word(struct mask_rule *rule, const struct rp_pattern *pattern, const char *word, const char *fallback,
                    struct rp_error *error) {
    const char *template = pattern->mask ? pattern->mask : word ? word : fallback;
    rule->word = expand(template, pattern->name);
    if (!rule->word) return rp_error_set(error, RP_ECONFIG, "pattern '%s': its mask is too long", pattern->name);
    if (!rp_utf8_valid(rule->word, strlen(rule->word)))
        return rp_error_set(error, RP_ECONFIG, "pattern '%s': its mask is not valid UTF-8", pattern->name);
    return 0;
}

static int set_regex(struct mask *mask, struct mask_rule *rule, const char *match, struct rp_error *error) {
    struct rp_error cause = {0};
    int code = rp_sieve_compile(match, &mask->set, &rule->regex, &cause);
    if (code) return rp_error_set(error, RP_ECONFIG, "pattern '%s': %s", rule->name, cause.text);
    mask->patterns[rule - mask->rules].regex = rule->regex;
    return 0;
}

static int add_rule(struct mask *mask, const struct rp_pattern *pattern, const char *word, struct rp_error *error) {
    const struct pattern *known = pattern->match ? NULL : find_built_in(pattern->name);
    if (!pattern->match && !known) return refuse_name(pattern->name, error);
    struct rp_sieve_pattern *sifted = &mask->patterns[mask->set.count];
    struct mask_rule *rule = &mask->rules[mask->set.count++];
    rule->name = rp_strdup(pattern->name);
    if (known) {
        *sifted = (struct rp_sieve_pattern){.check = known->check, .starts = known->starts, .needs = known->needs};
    }
    int code = set_word(rule, pattern, word, known ? known->word : "[{name}]", error);
    return code ? code : set_regex(mask, rule, known ? known->match : pattern->match, error);
}

int mask_create(const struct rp_pattern_list *patterns, const char *word, size_t hold, struct mask **out_mask,
                struct rp_error *error) {
    struct mask *mask = rp_calloc(1, sizeof(*mask));
    mask->rules = rp_calloc(patterns->count + 1, sizeof(mask->rules[0]));
    mask->patterns = rp_calloc(patterns->count + 1, sizeof(mask->patterns[0]));
    mask->set = (struct rp_sieve_set){.patterns = mask->patterns, .hold = hold, .classes = mask_classes};
    for (size_t i = 0; i < patterns->count; i++) {
        int code = add_rule(mask, &patterns->items[i], word, error);
        if (code == 0) continue;
        mask_free(mask);
        return code;
    }
    *out_mask = mask;
    return 0;
}

void mask_free(struct mask *mask) {
    if (!mask) return;
    for (size_t i = 0; i < mask->set.count; i++) {
        free(mask->rules[i].name);
        free(mask->rules[i].word);
        rp_regex_free(mask->rules[i].regex);
    }
    free(mask->rules);
    free(mask->patterns);
    free(mask);
}
