/* Values of the bot file, copied out of Lua so that its state can go before anything is bound.
 *
 * Everything lives in the bot's arena. A table keeps its numbered entries in order (holes stay holes: their entries are
 * absent) and in front of its named ones, which are sorted by name. */
#ifndef CORE_CONFIG_NODE_H
#define CORE_CONFIG_NODE_H

#include <repartee/base.h>

struct declared;

enum node_type {
    NODE_NIL,
    NODE_BOOL,
    NODE_INT,
    NODE_NUMBER,
    NODE_STRING,
    NODE_SECRET,  /* from secret "NAME" */
    NODE_TABLE,
    NODE_ELEMENT, /* redact { … } */
    NODE_WORD,    /* redact, without a call: an unknown identifier */
    NODE_FUNCTION,
};

struct node {
    enum node_type type;
    union {
        bool truth;
        int64_t integer;
        double number;
        struct rp_str text; /* STRING and WORD; ends in a NUL that len does not count */
        struct {
            const char *name, *value; /* value NULL: not set */
        } secret;
        struct {
            struct node_entry *entries;
            size_t count, numbered; /* the first `numbered` entries have an index */
        } table;
        struct declared *element;
    };
};

struct node_entry {
    const char *key; /* NULL: numbered */
    int64_t index;
    struct node value;
};

/* The named entry, or NULL. */
const struct node *node_get(const struct node *table, const char *key);
/* "the number 5", "the string \"x\"", "a table": for messages, in `space`. Text from the file is cut and made
 * printable; `hide` leaves values out. */
#define NODE_TEXT_SIZE 128
const char *node_describe(const struct node *node, bool hide, char space[NODE_TEXT_SIZE]);
/* True for a string without a NUL in it. */
bool node_is_text(const struct node *node);
/* Brings the entries of a table into their order. */
void node_sort(struct node *table);
/* A JSON value as the bot file would have it. */
struct node node_from_json(struct rp_arena *arena, const json_t *value);
/* A new reference, or NULL with `out_why` set: a value that JSON cannot hold. Secrets count as text. */
json_t *node_to_json(const struct node *node, const char **out_why);

#endif
