/* UTF-8 against a reading byte by byte, and at every cut. */
#include <repartee/base.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
    if (!holds) abort();
}

/* The definition, decoded and compared: slow and plain. The character's length, or 0. */
static size_t character(const uint8_t *data, size_t size) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = data[0] < 0x80 ? 1 : data[0] >> 5 == 6 ? 2 : data[0] >> 4 == 14 ? 3 : data[0] >> 3 == 30 ? 4 : 0;
    uint32_t code = len > 1 ? data[0] & (0x7fu >> len) : data[0];

    if (len == 0 || len > size) return 0;
    for (size_t i = 1; i < len; i++) {
        if (data[i] >> 6 != 2) return 0;
        code = code << 6 | (data[i] & 0x3fu);
    }
    return code < least[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? 0 : len;
}

static bool valid(const uint8_t *data, size_t size) {
    for (size_t at = 0; at < size;) {
        size_t len = character(data + at, size - at);
        if (len == 0) return false;
        at += len;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    bool good = valid(data, size);

    must(rp_utf8_valid(text, size) == good);
    for (size_t cut = 0; cut <= size && cut < 64; cut++) {
        size_t whole = rp_utf8_whole(text, cut);
        must(whole <= cut && cut - whole <= 3);
        if (good) must(valid(data, whole) && (whole == cut || !valid(data, cut)));
    }
    return 0;
}
