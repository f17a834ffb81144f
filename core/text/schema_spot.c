/* Writes places as JSON pointers, on one line whatever the names hold. */
#include "core/text/schema_node.h"

#define NAME_MAX 80 /* bytes of one name that are shown */

static void print_name(struct rp_buf *out, const char *name) {
    size_t len = strlen(name), shown = len > NAME_MAX ? rp_utf8_whole(name, NAME_MAX) : len;
    for (size_t i = 0; i < shown; i++) {
        if (name[i] == '~')
            rp_buf_append(out, "~0", 2);
        else if (name[i] == '/')
            rp_buf_append(out, "~1", 2);
        else
            rp_buf_append(out, (unsigned char)name[i] < ' ' ? "?" : name + i, 1);
    }
    if (shown < len) rp_buf_append(out, "...", 3);
}

void spot_print(struct rp_buf *out, const struct spot *spot) {
    if (!spot->up) return;
    spot_print(out, spot->up);
    rp_buf_append(out, "/", 1);
    if (spot->name)
        print_name(out, spot->name);
    else
        rp_buf_printf(out, "%zu", spot->index);
}
