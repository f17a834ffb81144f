/* A schema, compiled: what schema_compile.c makes and schema.c checks values against. Immutable once made. */
#ifndef CORE_TEXT_SCHEMA_NODE_H
#define CORE_TEXT_SCHEMA_NODE_H

#include <repartee/regex.h>
#include <repartee/schema.h>
#include <stdatomic.h>

#define SCHEMA_NODES_MAX 10000
#define SCHEMA_NESTED_MAX 64  /* schemas inside one another */
#define SCHEMA_INPLACE_MAX 32 /* schemas that look at the same value by way of $ref, allOf, anyOf, oneOf and not */

enum schema_type {
    TYPE_NULL = 1 << 0,
    TYPE_BOOLEAN = 1 << 1,
    TYPE_INTEGER = 1 << 2,
    TYPE_NUMBER = 1 << 3,
    TYPE_STRING = 1 << 4,
    TYPE_ARRAY = 1 << 5,
    TYPE_OBJECT = 1 << 6,
};
extern const char *const schema_type_names[]; /* by bit; NULL-terminated */

struct node;
struct node_list {
    const struct node **items;
    size_t count;
};
struct property {
    const char *name;
    const struct node *node;
};
struct bounds { /* on a count; both inclusive, -1: none */
    int64_t least, most;
};

struct node {
    bool never;     /* the schema `false` */
    unsigned types; /* 0: any */
    const json_t *constant, *values;
    struct property *properties;
    size_t property_count;
    const json_t *declared;                           /* the schema's "properties"; NULL: none */
    const json_t *required;                           /* a list of names, or NULL */
    const struct node *additional, *rest, *negated, *ref; /* rest: of the items behind `prefix` */
    struct node_list prefix, all, any, one;
    struct bounds items, characters, members;
    const json_t *minimum, *maximum, *above, *below, *multiple;
    struct rp_regex *pattern;
    const char *pattern_text;
    const char *ref_text; /* while it is compiled */
    unsigned height;      /* of the schemas that look at the same value; 0: not known yet */
    bool visiting;
};

struct rp_schema {
    json_t *json;
    struct rp_arena *arena;
    const struct node *root;
    struct rp_regex **patterns;
    size_t pattern_count;
    atomic_int references;
};

/* A place in a schema or a value, as a list up to the root. */
struct spot {
    const struct spot *up; /* NULL: the root */
    const char *name;      /* NULL: `index` */
    size_t index;
};
/* "/items/2/price"; names are cut where they are very long. Nothing for the root. */
void spot_print(struct rp_buf *out, const struct spot *spot);

#endif
