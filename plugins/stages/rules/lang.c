/* Scripts decide first: kana is Japanese, Hangul Korean, ideographs alone Chinese. Latin letters say little; there the
 * words that a language uses in nearly every sentence are counted, and a tie says nothing. */
#include "lang.h"

#define SCAN_BYTES 2048 /* of a message; the rest tells nothing new */
#define WORD_BYTES 16

struct range {
    uint32_t first, last;
    const char *lang;
};
/* In the order of their weight: a Japanese sentence has ideographs too. */
static const struct range scripts[] = {
    {0x3040, 0x30FF, "ja"}, {0xAC00, 0xD7A3, "ko"}, {0x1100, 0x11FF, "ko"}, {0x4E00, 0x9FFF, "zh"},
    {0x3400, 0x4DBF, "zh"}, {0x0E00, 0x0E7F, "th"}, {0x0900, 0x097F, "hi"}, {0x0590, 0x05FF, "he"},
    {0x0600, 0x06FF, "ar"}, {0x0370, 0x03FF, "el"}, {0x0400, 0x04FF, "ru"},
};
#define SCRIPTS (sizeof(scripts) / sizeof(scripts[0]))

static const struct {
    const char *lang, *words; /* each word with a space on both sides */
} common[] = {
    {"en", " the and is are you i my what where when how do does can not have would please hello hi thanks of to in "},
    {"de", " der die das und ist sind ich du sie mein was wo wann wie kann nicht haben bitte hallo danke ein eine für "},
    {"fr", " le la les et est sont je vous mon ma que où quand comment peux pas bonjour merci un une des pour avec "},
    {"es", " el los las y es son yo usted mi qué que dónde cuándo cómo puedo no hola gracias un una por para con "},
    {"it", " il lo gli e è sono io lei mio che dove quando come posso non ciao grazie un una di per con "},
    {"pt", " o os as e é são eu você meu que onde quando como posso não olá obrigado um uma de por para com "},
    {"nl", " de het een en is zijn ik jij mijn wat waar wanneer hoe kan niet hebben hallo dank voor met van "},
};
#define LANGS (sizeof(common) / sizeof(common[0]))

static uint32_t next_character(const unsigned char **at) {
    const unsigned char *p = *at;
    unsigned len = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    uint32_t character = len == 1 ? p[0] : p[0] & (0xFFu >> (len + 1));
    for (unsigned i = 1; i < len; i++) character = character << 6 | (p[i] & 0x3F);
    *at = p + len;
    return character;
}

static const char *by_script(struct rp_str text) {
    bool seen[SCRIPTS] = {false};
    const unsigned char *at = (const unsigned char *)text.data, *end = at + text.len;
    while (at < end) {
        uint32_t character = next_character(&at);
        if (character < scripts[SCRIPTS - 2].first) continue; /* Latin */
        for (size_t i = 0; i < SCRIPTS; i++) seen[i] |= character >= scripts[i].first && character <= scripts[i].last;
    }
    for (size_t i = 0; i < SCRIPTS; i++)
        if (seen[i]) return scripts[i].lang;
    return NULL;
}

static bool is_letter(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

/* " word ", in small letters as far as ASCII goes; the bytes used of the text. */
static size_t take_word(struct rp_str text, char out[WORD_BYTES + 3]) {
    size_t start = 0, len = 0;
    while (start < text.len && !is_letter((unsigned char)text.data[start])) start++;
    while (start + len < text.len && is_letter((unsigned char)text.data[start + len])) len++;
    size_t kept = len <= WORD_BYTES ? len : 0;
    out[0] = ' ';
    for (size_t i = 0; i < kept; i++) {
        char c = text.data[start + i];
        out[i + 1] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    memcpy(out + kept + 1, " ", 2);
    if (kept == 0) out[0] = '\0';
    return start + len;
}

static const char *by_words(struct rp_str text) {
    unsigned score[LANGS] = {0}, best = 0, second = 0;
    char word[WORD_BYTES + 3];
    while (text.len > 0) {
        size_t used = take_word(text, word);
        text = rp_str_n(text.data + used, text.len - used);
        for (size_t i = 0; word[0] && i < LANGS; i++) score[i] += strstr(common[i].words, word) != NULL;
    }
    for (size_t i = 1; i < LANGS; i++)
        if (score[i] > score[best]) best = (unsigned)i;
    for (size_t i = 0; i < LANGS; i++)
        if (i != best && score[i] > second) second = score[i];
    return score[best] > second ? common[best].lang : NULL;
}

const char *lang_guess(struct rp_str text) {
    if (text.len > SCAN_BYTES) text.len = rp_utf8_whole(text.data, SCAN_BYTES);
    const char *lang = by_script(text);
    return lang ? lang : by_words(text);
}

bool lang_valid(struct rp_str tag) {
    if (tag.len < 2 || tag.len > LANG_CODE_MAX) return false;
    for (size_t i = 0; i < tag.len; i++) {
        char c = tag.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && (i < 2 || ((c < '0' || c > '9') && c != '-'))) return false;
    }
    return true;
}
