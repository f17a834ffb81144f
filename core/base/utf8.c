/* UTF-8: is it valid, and where does the last whole character end. */
#include "core/base/utf8_sequence.h"

#include <repartee/base.h>

bool rp_utf8_valid(const char *data, size_t len) {
    size_t at = 0;

    while (at < len) {
        if ((unsigned char)data[at] < 0x80 && len - at >= 8 && !(utf8_load(data + at) & UTF8_HIGH)) {
            at += 8;
            continue;
        }
        size_t step = utf8_sequence(data + at, len - at);
        if (step == 0) return false;
        at += step;
    }
    return true;
}

size_t rp_utf8_whole(const char *data, size_t len) {
    const unsigned char *bytes = (const unsigned char *)data;

    for (size_t back = 1; back <= 3 && back <= len; back++) {
        unsigned char lead = bytes[len - back];
        if ((lead & 0xc0) == 0x80) continue;
        if (utf8_promise(lead) <= back) return len;
        return back == 1 || utf8_second_fits(lead, bytes[len - back + 1]) ? len - back : len;
    }
    return len;
}
