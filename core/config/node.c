/* Values of the bot file as C sees them: looking up, describing, to and from JSON. script_value.c makes them. */
#include "core/config/node.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/config/script.h"

#define SHOWN_TEXT 40 /* bytes of a string that a message shows */

const struct node *node_get(const struct node *table, const char *key) {
    if (table->type != NODE_TABLE) return NULL;
    for (size_t i = table->table.numbered; i < table->table.count; i++)
        if (strcmp(table->table.entries[i].key, key) == 0) return &table->table.entries[i].value;
    return NULL;
}

bool node_is_text(const struct node *node) {
    return node->type == NODE_STRING && !memchr(node->text.data, '\0', node->text.len);
}

static void describe_text(struct rp_str text, char *space) {
    char shown[SHOWN_TEXT + 1];
    size_t len = text.len < SHOWN_TEXT ? text.len : rp_utf8_whole(text.data, SHOWN_TEXT);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        shown[i] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
    }
    shown[len] = '\0';
    snprintf(space, NODE_TEXT_SIZE, "the string \"%s%s\"", shown, len < text.len ? "…" : "");
}

static void describe_value(const struct node *node, char *space) {
    switch (node->type) {
    case NODE_BOOL: snprintf(space, NODE_TEXT_SIZE, "%s", node->truth ? "true" : "false"); return;
    case NODE_INT: snprintf(space, NODE_TEXT_SIZE, "the number %" PRId64, node->integer); return;
    case NODE_NUMBER: snprintf(space, NODE_TEXT_SIZE, "the number %.14g", node->number); return;
    case NODE_STRING: describe_text(node->text, space); return;
    case NODE_WORD:
        snprintf(space, NODE_TEXT_SIZE, "the unknown name %.*s, not in quotes", SHOWN_TEXT, node->text.data);
        return;
    case NODE_ELEMENT: snprintf(space, NODE_TEXT_SIZE, "%.*s { … }", SHOWN_TEXT, node->element->type); return;
    default: return;
    }
}

const char *node_describe(const struct node *node, bool hide, char space[NODE_TEXT_SIZE]) {
    static const char *const kinds[] = {"nothing",  "a boolean",  "a number", "a number", "a string",
                                        "a secret", "a table", "an element", "a name", "a function"};
    snprintf(space, NODE_TEXT_SIZE, "%s", kinds[node->type]);
    if (!hide) describe_value(node, space);
    return space;
}

/* ---- from JSON --------------------------------------------------------------------------------------------------- */

static int compare_entries(const void *left, const void *right) {
    const struct node_entry *a = left, *b = right;
    if (!a->key || !b->key) return a->key ? 1 : b->key ? -1 : (a->index > b->index) - (a->index < b->index);
    return strcmp(a->key, b->key);
}

void node_sort(struct node *table) {
    if (table->table.count > 0)
        qsort(table->table.entries, table->table.count, sizeof *table->table.entries, compare_entries);
}

static struct node node_from_object(struct rp_arena *arena, const json_t *object) {
    struct node node = {.type = NODE_TABLE};
    node.table.entries = rp_arena_zalloc(arena, (json_object_size(object) + 1) * sizeof *node.table.entries);
    for (void *at = json_object_iter((json_t *)object); at; at = json_object_iter_next((json_t *)object, at)) {
        const char *key = json_object_iter_key(at);
        node.table.entries[node.table.count++] = (struct node_entry){
            .key = rp_arena_copy(arena, key, strlen(key)),
            .value = node_from_json(arena, json_object_iter_value(at)),
        };
    }
    node_sort(&node);
    return node;
}

static struct node node_from_array(struct rp_arena *arena, const json_t *array) {
    struct node node = {.type = NODE_TABLE};
    size_t count = json_array_size(array);
    node.table.entries = rp_arena_zalloc(arena, (count + 1) * sizeof *node.table.entries);
    for (size_t i = 0; i < count; i++)
        node.table.entries[i] =
            (struct node_entry){.index = (int64_t)i + 1, .value = node_from_json(arena, json_array_get(array, i))};
    node.table.count = node.table.numbered = count;
    return node;
}

struct node node_from_json(struct rp_arena *arena, const json_t *value) {
    switch (json_typeof(value)) {
    case JSON_OBJECT: return node_from_object(arena, value);
    case JSON_ARRAY: return node_from_array(arena, value);
    case JSON_STRING:
        return (struct node){.type = NODE_STRING,
                             .text =
                                 rp_arena_str(arena, rp_str_n(json_string_value(value), json_string_length(value)))};
    case JSON_INTEGER: return (struct node){.type = NODE_INT, .integer = json_integer_value(value)};
    case JSON_REAL: return (struct node){.type = NODE_NUMBER, .number = json_real_value(value)};
    case JSON_TRUE:
    case JSON_FALSE: return (struct node){.type = NODE_BOOL, .truth = json_is_true(value)};
    default: return (struct node){.type = NODE_NIL};
    }
}

/* ---- to JSON ----------------------------------------------------------------------------------------------------- */

static json_t *table_to_json(const struct node *node, const char **out_why) {
    bool array = node->table.numbered > 0;
    if (array && node->table.numbered < node->table.count) {
        *out_why = "a table with both numbered and named values";
        return NULL;
    }
    json_t *json = array ? json_array() : json_object();
    for (size_t i = 0; i < node->table.count; i++) {
        const struct node_entry *entry = &node->table.entries[i];
        json_t *value = node_to_json(&entry->value, out_why);
        int failed = !value  ? -1
                     : array ? json_array_append_new(json, value)
                             : json_object_set_new(json, entry->key, value);
        if (failed) {
            if (!*out_why) *out_why = "a name that is not valid UTF-8";
            json_decref(json);
            return NULL;
        }
    }
    return json;
}

static json_t *text_to_json(const char *data, size_t len, const char **out_why) {
    json_t *json = json_stringn(data, len);
    if (!json) *out_why = "a string that is not valid UTF-8";
    return json;
}

static json_t *number_to_json(double number, const char **out_why) {
    json_t *json = isfinite(number) ? json_real(number) : NULL;
    if (!json) *out_why = "a number that is not finite";
    return json;
}

json_t *node_to_json(const struct node *node, const char **out_why) {
    switch (node->type) {
    case NODE_BOOL: return json_boolean(node->truth);
    case NODE_INT: return json_integer(node->integer);
    case NODE_NUMBER: return number_to_json(node->number, out_why);
    case NODE_STRING: return text_to_json(node->text.data, node->text.len, out_why);
    case NODE_SECRET:
        if (node->secret.value) return text_to_json(node->secret.value, strlen(node->secret.value), out_why);
        *out_why = "a secret that is not set";
        return NULL;
    case NODE_TABLE: return table_to_json(node, out_why);
    default: *out_why = "something that is neither text, number, boolean nor table"; return NULL;
    }
}
