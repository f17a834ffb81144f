/* Replaces the texts in a JSON text. Working on its bytes would miss what is written with \u escapes and could leave
 * something that is no JSON, so each value is taken out, mapped, and put back. */
#include <repartee/base.h>

#include <stdio.h>
#include <stdlib.h>

struct mapping {
    int (*map)(void *arg, struct rp_str text, struct rp_str *out_text);
    void *arg;
    struct rp_arena *arena;
    int code; /* the first error */
};

static json_t *map_value(struct mapping *mapping, json_t *value);

static struct rp_str map_one(struct mapping *mapping, struct rp_str text) {
    struct rp_str mapped = text;
    if (mapping->code == 0) mapping->code = mapping->map(mapping->arg, text, &mapped);
    return mapped;
}

static json_t *map_string(struct mapping *mapping, json_t *value) {
    struct rp_str mapped = map_one(mapping, rp_str_n(json_string_value(value), json_string_length(value)));
    return json_stringn(mapped.data, mapped.len);
}

static json_t *map_integer(struct mapping *mapping, json_t *value) {
    char text[32];
    int len = snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    struct rp_str mapped = map_one(mapping, rp_str_n(text, (size_t)len));
    return mapped.data == text ? json_incref(value) : json_stringn(mapped.data, mapped.len);
}

static json_t *map_array(struct mapping *mapping, json_t *array) {
    json_t *mapped = json_array(), *item;
    size_t i;
    json_array_foreach(array, i, item) json_array_append_new(mapped, map_value(mapping, item));
    return mapped;
}

static json_t *map_object(struct mapping *mapping, json_t *object) {
    json_t *mapped = json_object(), *item;
    const char *key;
    json_object_foreach(object, key, item) {
        struct rp_str name = rp_arena_str(mapping->arena, map_one(mapping, rp_str(key)));
        json_object_set_new(mapped, name.data, map_value(mapping, item));
    }
    return mapped;
}

static json_t *map_value(struct mapping *mapping, json_t *value) {
    switch (json_typeof(value)) {
    case JSON_OBJECT: return map_object(mapping, value);
    case JSON_ARRAY: return map_array(mapping, value);
    case JSON_STRING: return map_string(mapping, value);
    case JSON_INTEGER: return map_integer(mapping, value);
    default: return json_incref(value);
    }
}

static void free_text(void *pointer) {
    free(pointer);
}

static int write_out(struct rp_arena *arena, const json_t *value, struct rp_str *out_json) {
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!text) return -RP_ENOMEM;
    rp_arena_defer(arena, free_text, text);
    *out_json = rp_str(text);
    return 0;
}

int rp_json_map(struct rp_arena *arena, struct rp_str json,
                int (*map)(void *arg, struct rp_str text, struct rp_str *out_text), void *arg,
                struct rp_str *out_json) {
    struct mapping mapping = {.map = map, .arg = arg, .arena = arena};
    json_t *value;
    if (rp_json_parse(json.data, json.len, &value, NULL)) return -RP_EJSON;
    json_t *mapped = map_value(&mapping, value);
    *out_json = json;
    if (mapping.code == 0 && !json_equal(value, mapped)) mapping.code = write_out(arena, mapped, out_json);
    json_decref(mapped);
    json_decref(value);
    return mapping.code;
}
