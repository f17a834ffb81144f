/* A schema being compiled: schema_compile.c reads the keywords, schema_refs.c what they refer to. */
#ifndef CORE_TEXT_SCHEMA_COMPILE_H
#define CORE_TEXT_SCHEMA_COMPILE_H

#include "core/text/schema_node.h"

struct made {
    const json_t *json;
    struct node *node;
    const struct spot *spot;
};
struct compiler {
    struct rp_schema *schema;
    struct rp_buf *out;
    size_t mistakes;
    struct made *made; /* every schema inside the schema */
    size_t count, cap;
    unsigned depth;
};
void compiler_wrong(struct compiler *compiler, const struct spot *at, const char *format, ...) RP_PRINTF(3, 4);

void schema_resolve(struct compiler *compiler);       /* $ref */
void schema_check_heights(struct compiler *compiler); /* what looks at the same value for ever */

#endif
