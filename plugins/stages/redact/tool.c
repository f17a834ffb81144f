/* The arguments of a tool call. Masking their JSON text would miss what is written with \u escapes and could leave
 * something that is no JSON, so each value is masked by itself; text that does not parse is masked as text. */
#include "redact.h"

#include <stdio.h>
#include <stdlib.h>

struct masking {
    const struct mask *mask;
    struct rp_arena *arena;
    int code; /* the first error */
};

static json_t *mask_value(struct masking *masking, json_t *value);

static struct rp_str mask_one(struct masking *masking, struct rp_str text) {
    struct rp_str masked = text;
    int code = mask_text(masking->mask, masking->arena, text, &masked);
    if (code && masking->code == 0) masking->code = code;
    return masked;
}

static json_t *mask_string(struct masking *masking, struct rp_str text) {
    struct rp_str masked = mask_one(masking, text);
    return json_stringn(masked.data, masked.len);
}

/* A number that is a card's or a phone's becomes a string. */
static json_t *mask_integer(struct masking *masking, json_t *value) {
    char text[32];
    int len = snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    struct rp_str masked = mask_one(masking, rp_str_n(text, (size_t)len));
    return masked.data == text ? json_incref(value) : json_stringn(masked.data, masked.len);
}

static json_t *mask_array(struct masking *masking, json_t *array) {
    json_t *masked = json_array(), *item;
    size_t i;
    json_array_foreach(array, i, item) json_array_append_new(masked, mask_value(masking, item));
    return masked;
}

static json_t *mask_object(struct masking *masking, json_t *object) {
    json_t *masked = json_object(), *item;
    const char *key;
    json_object_foreach(object, key, item) {
        struct rp_str name = rp_arena_str(masking->arena, mask_one(masking, rp_str(key)));
        json_object_set_new(masked, name.data, mask_value(masking, item));
    }
    return masked;
}

static json_t *mask_value(struct masking *masking, json_t *value) {
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return mask_object(masking, value);
    case JSON_ARRAY:
        return mask_array(masking, value);
    case JSON_STRING:
        return mask_string(masking, rp_str_n(json_string_value(value), json_string_length(value)));
    case JSON_INTEGER:
        return mask_integer(masking, value);
    default:
        return json_incref(value);
    }
}

static void free_text(void *pointer) {
    free(pointer);
}

int tool_mask(const struct mask *mask, struct rp_arena *arena, struct rp_str arguments, struct rp_str *out_arguments) {
    struct masking masking = {.mask = mask, .arena = arena};
    json_t *value;
    if (rp_json_parse(arguments.data, arguments.len, &value, NULL)) {
        return mask_text(mask, arena, arguments, out_arguments);
    }
    json_t *masked = mask_value(&masking, value);
    *out_arguments = arguments;
    if (masking.code == 0 && !json_equal(value, masked)) {
        char *text = json_dumps(masked, JSON_COMPACT | JSON_ENCODE_ANY);
        if (text) rp_arena_defer(arena, free_text, text);
        if (text) *out_arguments = rp_str(text);
        if (!text) masking.code = -RP_ENOMEM;
    }
    json_decref(masked);
    json_decref(value);
    return masking.code;
}
