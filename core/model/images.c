/* Images that a client sends along: what may be handed on to a model, and nothing that only looks like it. */
#include <repartee/talk.h>

static bool begins(struct rp_str text, const char *with) {
    size_t len = strlen(with);
    return text.len > len && memcmp(text.data, with, len) == 0;
}

/* Types that every model with eyes can read. */
static size_t data_head(struct rp_str url) {
    static const char *const heads[] = {"data:image/png;base64,", "data:image/jpeg;base64,", "data:image/gif;base64,",
                                        "data:image/webp;base64,"};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        if (begins(url, heads[i])) return strlen(heads[i]);
    }
    return 0;
}

static bool is_base64(const char *data, size_t len) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    while (len > 0 && data[len - 1] == '=') len--;
    return len > 0 && strspn(data, letters) >= len; /* a text of jansson's ends in NUL */
}

static bool is_image(struct rp_str url) {
    size_t head = data_head(url);
    if (head) return is_base64(url.data + head, url.len - head);
    if (!begins(url, "https://") && !begins(url, "http://")) return false;
    for (size_t i = 0; i < url.len; i++) {
        if ((unsigned char)url.data[i] <= 0x20 || url.data[i] == 0x7F) return false;
    }
    return true;
}

int rp_turn_images(struct rp_turn *turn, const struct rp_str **out_images, size_t *out_count, const char **out_why) {
    const json_t *list = json_object_get(turn->metadata, "images");
    size_t count = json_array_size(list);
    *out_why = "metadata.images must be a list of https:// or data:image/…;base64, URLs (png, jpeg, gif, webp)";
    if (list && !json_is_array(list) && !json_is_null(list)) return -RP_EINVALID;
    struct rp_str *images = rp_arena_alloc(turn->arena, (count + 1) * sizeof(*images));
    for (size_t i = 0; i < count; i++) {
        const json_t *url = json_array_get(list, i);
        if (!json_is_string(url)) return -RP_EINVALID;
        images[i] = rp_str_n(json_string_value(url), json_string_length(url)); /* as long as the turn */
        if (!is_image(images[i])) return -RP_EINVALID;
    }
    *out_images = images;
    *out_count = count;
    return 0;
}
