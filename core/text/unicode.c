/* Asks utf8proc, and keeps the answer to the one question that is asked for every character. */
#include <repartee/unicode.h>

#include <pthread.h>
#include <utf8proc.h>

#define OPTIONS (UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_STABLE | UTF8PROC_IGNORE)

static uint8_t table[RP_UNICODE_TABLE / 4];
static pthread_once_t once = PTHREAD_ONCE_INIT;

size_t rp_unicode_write(int32_t character, char out[4]) {
    return (size_t)utf8proc_encode_char(character, (utf8proc_uint8_t *)out);
}

bool rp_unicode_is_mark(int32_t character) {
    int category = utf8proc_category(character);
    return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC || category == UTF8PROC_CATEGORY_ME;
}

int rp_unicode_combining_class(int32_t character) {
    return utf8proc_get_property(character)->combining_class;
}

size_t rp_unicode_decompose(int32_t character, bool fold, int32_t out[RP_UNICODE_EXPANSION]) {
    int options = OPTIONS | (fold ? UTF8PROC_CASEFOLD : 0), boundary = 0;
    utf8proc_ssize_t count = utf8proc_decompose_char(character, out, RP_UNICODE_EXPANSION, options, &boundary);
    return count < 0 ? 0 : (size_t)count;
}

size_t rp_unicode_compose(int32_t *characters, size_t count) {
    return (size_t)utf8proc_normalize_utf32(characters, (utf8proc_ssize_t)count, OPTIONS);
}

/* Besides marks, what composes with the character in front of it: the second and third parts of a Hangul syllable, and
 * the vowels of Kirat Rai, which are letters. */
static bool joins_the_one_before(int32_t first) {
    return rp_unicode_is_mark(first) || (first >= 0x1160 && first <= 0x11FF) || (first >= 0x16D40 && first <= 0x16D7F);
}

enum rp_unicode_class rp_unicode_look_up(int32_t character) {
    int32_t parts[RP_UNICODE_EXPANSION];
    size_t count = rp_unicode_decompose(character, false, parts);
    if (count == 0 || joins_the_one_before(parts[0])) return RP_UNICODE_JOINS;
    bool stable = rp_unicode_compose(parts, count) == 1 && parts[0] == character;
    return stable ? RP_UNICODE_STABLE : RP_UNICODE_STARTS;
}

static void fill_table(void) {
    for (int32_t c = 0; c < RP_UNICODE_TABLE; c++) table[c / 4] |= (uint8_t)(rp_unicode_look_up(c) << c % 4 * 2);
}

const uint8_t *rp_unicode_table(void) {
    pthread_once(&once, fill_table);
    return table;
}
