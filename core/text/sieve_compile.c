/* Patterns for sieves: what is taken, what is refused, and how far a pattern looks back. */
#include <repartee/sieve.h>

#include "core/text/sieve_lint.h"

#define PROSE_LEN 8192

int rp_sieve_compile(const char *pattern, struct rp_sieve_set *set, struct rp_regex **out_regex,
                     struct rp_error *error) {
    struct sieve_lint lint;
    const char *refused = sieve_lint(pattern, &lint);
    if (refused) return rp_error_set(error, RP_ECONFIG, "'%s' cannot be used where text comes in pieces", refused);
    int code = rp_regex_compile(rp_str(pattern), RP_REGEX_STREAM, out_regex, error);
    if (code) return code;
    /* Nested look-behinds add up. One character more tells the text's beginning from the place where it was cut. */
    size_t context = 1 + rp_regex_lookbehind(*out_regex) * (1 + lint.lookbehinds);
    if (context > set->context) set->context = context;
    set->lines |= lint.lines;
    return 0;
}

/* `out` filled with the sentences, again and again, from the one at `first` on; whole characters. */
static size_t write_prose(const char *const *sentences, size_t count, size_t first, char *out) {
    size_t len = 0;
    for (size_t i = first;; i++) {
        size_t more = strlen(sentences[i % count]);
        if (len + more > PROSE_LEN) return len;
        memcpy(out + len, sentences[i % count], more);
        len += more;
    }
}

/* Held from its first character on, whichever sentence comes first: so it is not a word of the sentence that did it. */
static bool holds_prose(const struct rp_regex *regex, const char *const *sentences, size_t count) {
    char prose[PROSE_LEN];
    for (size_t first = 0; first < count; first++) {
        struct rp_match match;
        struct rp_str text = rp_str_n(prose, write_prose(sentences, count, first, prose));
        int found = rp_regex_match(regex, text, 0, RP_MATCH_TRUSTED | RP_MATCH_PARTIAL, &match);
        if (found != RP_MATCH_UNDECIDED || match.group[0].start > 0) return false;
    }
    return true;
}

bool rp_sieve_holds_all(const struct rp_regex *regex) {
    static const char *const english[] = {
        "Your parcel left us on 3 May; it should be with you by Friday, or (at the latest) on Monday. ",
        "How can I help you? We're open 9:00-17:30, \"except\" on holidays! ",
        "Please write to help@shop.example, or call +1 555 0100. ",
        "It costs $12.50 (5% off), so that's fine. ",
    };
    static const char *const chinese[] = {
        "您的包裹已于5月3日发出，预计周五送达；最晚下周一。",
        "请问有什么可以帮您？我们的营业时间是9:00至17:30，“节假日”除外！",
        "退换货请在7天内联系客服（电话400-555-0100），谢谢。",
        "这件商品售价¥88.00，可以享受95折。",
    };
    return holds_prose(regex, english, sizeof(english) / sizeof(english[0])) ||
           holds_prose(regex, chinese, sizeof(chinese) / sizeof(chinese[0]));
}
