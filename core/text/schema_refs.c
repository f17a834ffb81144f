/* What a schema refers to: $ref is looked up among all schemas that were compiled, and what refers to itself without
 * looking further into the value is refused. */
#include <stdlib.h>

#include "core/text/schema_compile.h"

static int by_json(const void *left, const void *right) {
    uintptr_t a = (uintptr_t)((const struct made *)left)->json, b = (uintptr_t)((const struct made *)right)->json;
    return (a > b) - (a < b);
}

static struct node *node_of(const struct compiler *compiler, const json_t *json) {
    struct made wanted = {.json = json};
    struct made *found = bsearch(&wanted, compiler->made, compiler->count, sizeof(wanted), by_json);
    return found ? found->node : NULL;
}

static int hex(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* One step of a pointer, up to the next slash: ~0, ~1 and %XX are undone. The number of bytes that it took. */
static size_t read_step(const char *text, char *out, size_t size) {
    size_t at = 0, used = 0;
    while (text[at] && text[at] != '/') {
        char next = text[at++];
        if (next == '%' && hex(text[at]) >= 0 && hex(text[at + 1]) >= 0) {
            next = (char)(hex(text[at]) * 16 + hex(text[at + 1]));
            at += 2;
        } else if (next == '~' && (text[at] == '0' || text[at] == '1')) {
            next = text[at++] == '0' ? '~' : '/';
        }
        if (used + 1 < size) out[used++] = next;
    }
    out[used] = '\0';
    return at;
}

static const json_t *place_of(const json_t *root, const char *pointer) {
    const json_t *at = root;
    char step[256];
    while (at && *pointer == '/') {
        pointer += 1 + read_step(pointer + 1, step, sizeof(step));
        if (json_is_array(at))
            at = step[0] && strspn(step, "0123456789") == strlen(step) ? json_array_get(at, strtoul(step, NULL, 10))
                                                                       : NULL;
        else
            at = json_object_get(at, step);
    }
    return at;
}

void schema_resolve(struct compiler *compiler) {
    qsort(compiler->made, compiler->count, sizeof(struct made), by_json);
    for (size_t i = 0; i < compiler->count; i++) {
        struct node *node = compiler->made[i].node;
        if (!node->ref_text) continue;
        const json_t *place = place_of(compiler->schema->json, node->ref_text + 1);
        node->ref = place ? node_of(compiler, place) : NULL;
        if (!node->ref)
            compiler_wrong(compiler, compiler->made[i].spot, "$ref: there is no schema at '%.200s'", node->ref_text);
    }
}

/* How many schemas look at the same value, this one included; 0: too many, perhaps without end. */
static unsigned height_of(const struct node *pointer, unsigned depth) {
    struct node *node = (struct node *)(uintptr_t)pointer; /* still being made */
    unsigned highest = 0;
    if (node->visiting || depth + (node->height ? node->height : 1) > SCHEMA_INPLACE_MAX) return 0;
    if (node->height) return node->height;
    const struct node *single[] = {node->ref, node->negated };
    const struct node_list lists[] = {{single, 2}, node->all, node->any, node->one};
    node->visiting = true;
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < lists[i].count; k++) {
            unsigned height = lists[i].items[k] ? height_of(lists[i].items[k], depth + 1) : 0;
            if (lists[i].items[k] && height == 0) return 0;
            if (height > highest) highest = height;
        }
    }
    node->visiting = false;
    return node->height = highest + 1;
}

void schema_check_heights(struct compiler *compiler) {
    for (size_t i = 0; i < compiler->count; i++) {
        if (height_of(compiler->made[i].node, 0) != 0) continue;
        compiler_wrong(compiler, compiler->made[i].spot,
                       "refers to itself without looking further into the value, or by way of "
                       "more than %d schemas",
                       SCHEMA_INPLACE_MAX);
        return;
    }
}
