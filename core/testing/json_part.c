/* Walks two JSON values side by side. */
#include "core/testing/json_part.h"

bool json_part_of(const json_t *part, const json_t *whole) {
    const char *key;
    json_t *value;
    size_t index;
    if (json_is_object(part) && json_is_object(whole)) {
        json_object_foreach((json_t *)(uintptr_t)part, key, value) {
            const json_t *other = json_object_get(whole, key);
            if (!other || !json_part_of(value, other)) return false;
        }
        return true;
    }
    if (!json_is_array(part) || !json_is_array(whole)) return json_equal(part, whole);
    if (json_array_size(part) != json_array_size(whole)) return false;
    json_array_foreach(part, index, value) {
        if (!json_part_of(value, json_array_get(whole, index))) return false;
    }
    return true;
}
