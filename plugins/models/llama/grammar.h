/* A JSON schema as a grammar (GBNF): what the engine may say is then JSON of that shape.
 *
 * The grammar is as tight as grammars can be and never tighter than it must: properties come in the order of the schema
 * and no others do; bounds of numbers, patterns, formats, `allOf` and `not` are left to whoever checks the reply. */
#ifndef LLAMA_GRAMMAR_H
#define LLAMA_GRAMMAR_H

#include <repartee/base.h>

/* free() it. NULL: the schema is no object, refers to what is not there, or makes a grammar that is too large. */
char *grammar_from_schema(const json_t *schema);
/* A reply that is a call of one of these tools ([{"name", "parameters": schema}]), or any text that does not begin like
 * one; the same. */
char *grammar_from_tools(const json_t *tools);

#endif
