/* Case as utf8proc knows it: the small letter of the capital, so that letters with several small forms meet. */
#include "fold.h"

#include <utf8proc.h>

int32_t fold_beyond_ascii(int32_t character) {
    return fold_plain(character) ? character : utf8proc_tolower(utf8proc_toupper(character));
}

static bool has_case(int32_t c) {
    return utf8proc_tolower(c) != c || utf8proc_toupper(c) != c;
}

static bool is_letter_block(int32_t c) {
    return (c >= 0xC0 && c <= 0x24F) || (c >= 0x370 && c <= 0x587) || (c >= 0x1E00 && c <= 0x1FFF);
}

static bool is_sign(int category) {
    return category == UTF8PROC_CATEGORY_ND || category == UTF8PROC_CATEGORY_ZS ||
           (category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_SC);
}

bool fold_sure(int32_t character) {
    if (character < 0x80 || fold_plain(character)) return true;
    return has_case(character) ? is_letter_block(character) : is_sign(utf8proc_category(character));
}
