/* A JSON schema and a value, a line each: whatever compiles decides, with and without a place for mistakes alike, and
 * `not` turns the decision round. */
#include <repartee/schema.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
    if (!holds) abort();
}

static void check(const struct rp_schema *schema, const struct rp_schema *negated, const json_t *value) {
    struct rp_buf mistakes;
    rp_buf_init(&mistakes, 2000);
    int loud = rp_schema_check(schema, value, &mistakes), quiet = rp_schema_check(schema, value, NULL);
    must(rp_utf8_valid(mistakes.data, mistakes.len));
    if (loud != -RP_EREGEX && quiet != -RP_EREGEX) { /* saying what is wrong takes more steps */
        must(loud == quiet);
        int turned = negated ? rp_schema_check(negated, value, NULL) : -RP_EREGEX;
        must(turned == -RP_EREGEX || (turned == 0) == (quiet != 0));
    }
    rp_buf_finish(&mistakes);
}

/* Those would point to another place when the schema stands inside another. */
static bool has_reference(json_t *json) {
    char *text = json_dumps(json, JSON_ENCODE_ANY);
    bool found = text && strstr(text, "$ref");
    free(text);
    return found;
}

static void run(json_t *json, const json_t *value) {
    struct rp_schema *schema = NULL, *negated = NULL;
    struct rp_buf mistakes;
    rp_buf_init(&mistakes, 2000);
    int rc = rp_schema_compile(json, &schema, &mistakes);
    must((rc == 0) == (mistakes.len == 0) && rp_utf8_valid(mistakes.data, mistakes.len));
    if (rc == 0) {
        json_t *around = json_pack("{s:O}", "not", json);
        if (!has_reference(json)) rp_schema_compile(around, &negated, NULL);
        check(schema, negated, value);
        rp_schema_unref(negated);
        rp_schema_unref(schema);
        json_decref(around);
    }
    rp_buf_finish(&mistakes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data, *line = size ? memchr(text, '\n', size) : NULL;
    json_t *schema = NULL, *value = NULL;
    if (!line) return 0;
    size_t len = (size_t)(line - text);
    if (rp_json_parse(text, len, &schema, NULL) == 0 && rp_json_parse(line + 1, size - len - 1, &value, NULL) == 0)
        run(schema, value);
    json_decref(schema);
    json_decref(value);
    return 0;
}
