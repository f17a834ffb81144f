/* JSON Schema: does a value have the form that was asked for? Draft 2020-12, the part of it that models are given.
 *
 * Checked: type, enum, const, properties, required, additionalProperties, items, prefixItems, minItems, maxItems,
 * minProperties, maxProperties, minLength, maxLength (characters), pattern (PCRE2, anywhere in the text, with limits),
 * minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, allOf, anyOf, oneOf, not, true, false, and $ref to a
 * place in the same schema. Accepted and not checked: title, description, default, examples, format, deprecated,
 * readOnly, writeOnly, $comment, $schema of that draft. Any other keyword is a mistake when the schema is compiled:
 * nothing is left unchecked in silence.
 *
 * A compiled schema never changes and may be used by all threads. */
#ifndef REPARTEE_SCHEMA_H
#define REPARTEE_SCHEMA_H

#include <repartee/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rp_schema;

/* 0 and a schema with one reference, or -RP_ECONFIG with one line for each mistake in `out_mistakes`:
 * "/properties/price: there is no keyword 'minumum' (did you mean 'minimum'?)". Keeps `json`, which must not change. */
RP_EXPORT int rp_schema_compile(json_t *json, struct rp_schema **out, struct rp_buf *out_mistakes);
RP_EXPORT struct rp_schema *rp_schema_ref(struct rp_schema *schema);
RP_EXPORT void rp_schema_unref(struct rp_schema *schema); /* takes NULL */
RP_EXPORT const json_t *rp_schema_json(const struct rp_schema *schema);

/* 0 when the value fits. Else -RP_EINVALID with a line for each mistake ("/items/2/price: must be a number, not a
 * string"), the first ten and as many as fit into `out_mistakes`, which may be NULL; -RP_EREGEX when a pattern hit its
 * limit, or the schema takes too many steps for this value: then nobody knows. */
RP_EXPORT int rp_schema_check(const struct rp_schema *schema, const json_t *value, struct rp_buf *out_mistakes);

#ifdef __cplusplus
}
#endif
#endif
