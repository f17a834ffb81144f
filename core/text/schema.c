/* Checks values against compiled schemas. Each check_* returns whether the value fits and says what does not. */
#include <math.h>

#include "core/text/schema_node.h"

#define STEPS_MAX 1000000   /* values looked at, again and again where there are alternatives */
#define TOLD_MAX 10         /* mistakes that are said */
#define DEPTH_MAX 128       /* of the value; what rp_json_parse makes is much flatter */
#define SHOWN_MAX 200       /* bytes of a constant or a list of values in a sentence */
#define ALTERNATIVE_MAX 160 /* bytes of what is wrong with one alternative */

struct check {
    struct rp_buf *out; /* NULL: nobody wants to know */
    size_t told;
    int64_t *steps; /* left */
    unsigned depth;
    bool given_up;
};

static bool fits(struct check *check, const struct node *node, const struct spot *at, const json_t *value);

/* ---- saying what is wrong ---------------------------------------------------------------------------------------- */

static bool wrong(struct check *check, const struct spot *at, const char *format, ...) RP_PRINTF(3, 4);
static bool wrong(struct check *check, const struct spot *at, const char *format, ...) {
    struct rp_buf line;
    char text[600];
    va_list args;
    if (!check->out || ++check->told > TOLD_MAX) return false;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len >= (int)sizeof(text)) text[rp_utf8_whole(text, sizeof(text) - 1)] = '\0';
    rp_buf_init(&line, 8192);
    spot_print(&line, at);
    rp_buf_printf(&line, "%s%s", line.len ? ": " : "the value: ", text);
    size_t before = check->out->len;
    if (line.data && rp_buf_printf(check->out, "%s%s", before ? "\n" : "", line.data) != 0) check->out->len = before;
    rp_buf_finish(&line);
    return false;
}

static const char *type_name(const json_t *value) {
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_NULL:
        return "null";
    default:
        return "a boolean";
    }
}

/* A value as JSON on one line, cut where it is long. */
static void show(char *out, size_t size, const json_t *value) {
    memset(out, 0, size);
    if (json_dumpb(value, out, size - 4, JSON_COMPACT | JSON_ENCODE_ANY) <= size - 4) return;
    size_t len = rp_utf8_whole(out, strlen(out)); /* what did not fit was left out */
    memcpy(out + len, "...", 4);
}

/* ---- equal values ------------------------------------------------------------------------------------------------ */

static bool spend(struct check *check) {
    if (--*check->steps >= 0 && check->depth <= DEPTH_MAX) return true;
    check->given_up = true;
    return false;
}

/* Whole numbers exactly; the others as the machine has them. */
static int compare(const json_t *a, const json_t *b) {
    if (json_is_integer(a) && json_is_integer(b)) {
        json_int_t x = json_integer_value(a), y = json_integer_value(b);
        return (x > y) - (x < y);
    }
    long double x = json_is_integer(a) ? (long double)json_integer_value(a) : (long double)json_real_value(a);
    long double y = json_is_integer(b) ? (long double)json_integer_value(b) : (long double)json_real_value(b);
    return (x > y) - (x < y);
}

static bool same(struct check *check, const json_t *a, const json_t *b);

static bool same_arrays(struct check *check, const json_t *a, const json_t *b) {
    if (json_array_size(a) != json_array_size(b)) return false;
    for (size_t i = 0; i < json_array_size(a); i++)
        if (!same(check, json_array_get(a, i), json_array_get(b, i))) return false;
    return true;
}

static bool same_objects(struct check *check, const json_t *a, const json_t *b) {
    const char *name;
    json_t *item;
    if (json_object_size(a) != json_object_size(b)) return false;
    json_object_foreach((json_t *)(uintptr_t)a, name, item) {
        const json_t *other = json_object_get(b, name);
        if (!other || !same(check, item, other)) return false;
    }
    return true;
}

/* As the schema draft means it: 1 and 1.0 are equal. */
static bool same(struct check *check, const json_t *a, const json_t *b) {
    if (!spend(check)) return false;
    if (json_is_number(a) && json_is_number(b)) return compare(a, b) == 0;
    if (json_typeof(a) != json_typeof(b)) return false;
    if (json_is_array(a)) return same_arrays(check, a, b);
    if (json_is_object(a)) return same_objects(check, a, b);
    return json_equal(a, b);
}

/* ---- any value --------------------------------------------------------------------------------------------------- */

static unsigned types_of(const json_t *value) {
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return TYPE_OBJECT;
    case JSON_ARRAY:
        return TYPE_ARRAY;
    case JSON_STRING:
        return TYPE_STRING;
    case JSON_INTEGER:
        return TYPE_INTEGER | TYPE_NUMBER;
    case JSON_REAL:
        return TYPE_NUMBER | (json_real_value(value) == floor(json_real_value(value)) ? TYPE_INTEGER : 0);
    case JSON_NULL:
        return TYPE_NULL;
    default:
        return TYPE_BOOLEAN;
    }
}

static bool check_type(struct check *check, const struct node *node, const struct spot *at, const json_t *value) {
    char names[80] = "";
    size_t len = 0;
    if (!node->types || node->types & types_of(value)) return true;
    for (unsigned i = 0; schema_type_names[i]; i++) {
        if (!(node->types & 1u << i)) continue;
        const char *article = 1u << i == TYPE_NULL ? "" : strchr("aeiou", schema_type_names[i][0]) ? "an " : "a ";
        len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s%s", len ? " or " : "", article,
                                schema_type_names[i]);
    }
    if (node->types & TYPE_INTEGER && !(node->types & TYPE_NUMBER) && json_is_real(value))
        return wrong(check, at, "must be %s, not a number with a fraction", names);
    return wrong(check, at, "must be %s, not %s", names, type_name(value));
}

static bool check_values(struct check *check, const struct node *node, const struct spot *at, const json_t *value) {
    char shown[SHOWN_MAX];
    for (size_t i = 0; i < json_array_size(node->values); i++)
        if (same(check, json_array_get(node->values, i), value)) return true;
    if (check->out) show(shown, sizeof(shown), node->values);
    return wrong(check, at, "must be one of %s", check->out ? shown : "");
}

static bool check_constant(struct check *check, const struct node *node, const struct spot *at, const json_t *value) {
    char shown[SHOWN_MAX];
    if (same(check, node->constant, value)) return true;
    if (check->out) show(shown, sizeof(shown), node->constant);
    return wrong(check, at, "must be %s", check->out ? shown : "");
}

static bool check_bounds(struct check *check, struct bounds bounds, const struct spot *at, size_t count,
                         const char *what) {
    if (bounds.least >= 0 && count < (size_t)bounds.least)
        return wrong(check, at, "must have at least %lld %s, not %zu", (long long)bounds.least, what, count);
    if (bounds.most >= 0 && count > (size_t)bounds.most)
        return wrong(check, at, "must have at most %lld %s, not %zu", (long long)bounds.most, what, count);
    return true;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

/* 19.99 is a multiple of 0.01, although the machine's numbers are not. */
static bool is_multiple(const json_t *value, const json_t *of) {
    if (json_is_integer(value) && json_is_integer(of)) return json_integer_value(value) % json_integer_value(of) == 0;
    double number = json_number_value(value), part = json_number_value(of);
    double times = number / part;
    if (remainder(number, part) == 0) return true;
    return isfinite(times) && fabs(times - round(times)) <= fabs(times) * 1e-15;
}

static bool check_number(struct check *check, const struct node *node, const struct spot *at, const json_t *value) {
    char shown[SHOWN_MAX];
    const struct {
        const json_t *limit;
        bool good;
        const char *words;
    } rules[] = {
        {node->minimum, !node->minimum || compare(value, node->minimum) >= 0, "at least"},
        {node->maximum, !node->maximum || compare(value, node->maximum) <= 0, "at most"},
        {node->above, !node->above || compare(value, node->above) > 0, "more than"},
        {node->below, !node->below || compare(value, node->below) < 0, "less than"},
        {node->multiple, !node->multiple || is_multiple(value, node->multiple), "a multiple of"},
    };
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (rules[i].good) continue;
        if (check->out) show(shown, sizeof(shown), rules[i].limit);
        return wrong(check, at, "must be %s %s", rules[i].words, check->out ? shown : "");
    }
    return true;
}

/* ---- strings ----------------------------------------------------------------------------------------------------- */

static size_t characters_of(const json_t *value) {
    const char *text = json_string_value(value);
    size_t count = 0;
    for (size_t i = 0; i < json_string_length(value); i++) count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

static bool check_pattern(struct check *check, const struct node *node, const struct spot *at, const json_t *value) {
    struct rp_match match;
    struct rp_str text = rp_str_n(json_string_value(value), json_string_length(value));
    *check->steps -= 100;
    int found = rp_regex_match(node->pattern, text, 0, RP_MATCH_TRUSTED, &match);
    if (found < 0) check->given_up = true;
    if (found == RP_MATCH_FOUND) return true;
    return wrong(check, at, "must match the pattern %.200s", node->pattern_text);
}

static bool check_string(struct check *check, const struct node *node, const struct spot *at, const json_t *value) {
    bool good = true, counted = node->characters.least >= 0 || node->characters.most >= 0;
    if (counted && !check_bounds(check, node->characters, at, characters_of(value), "characters")) good = false;
    if ((good || check->out) && node->pattern && !check_pattern(check, node, at, value)) good = false;
    return good;
}

/* ---- arrays and objects ------------------------------------------------------------------------------------------ */

static bool check_array(struct check *check, const struct node *node, const struct spot *at, const json_t *value) {
    size_t count = json_array_size(value);
    bool good = check_bounds(check, node->items, at, count, "items");
    for (size_t i = 0; i < count && (good || check->out) && !check->given_up; i++) {
        struct spot spot = {.up = at, .index = i};
        const struct node *item = i < node->prefix.count ? node->prefix.items[i] : node->rest;
        if (!item) break;
        if (!fits(check, item, &spot, json_array_get(value, i))) good = false;
    }
    return good;
}

static bool check_required(struct check *check, const struct node *node, const struct spot *at, const json_t *value) {
    bool good = true;
    for (size_t i = 0; i < json_array_size(node->required) && (good || check->out); i++) {
        const char *name = json_string_value(json_array_get(node->required, i));
        if (!json_object_get(value, name)) good = wrong(check, at, "'%.80s' is missing", name);
    }
    return good;
}

static bool not_allowed(struct check *check, const struct node *node, const struct spot *at, const char *name) {
    const char *near = NULL;
    if (check->out && node->property_count > 0 && node->property_count <= 64) {
        const char *names[64];
        for (size_t i = 0; i < node->property_count; i++) names[i] = node->properties[i].name;
        near = rp_nearest_name(name, names, node->property_count);
    }
    return wrong(check, at, "is not allowed here%s%s%s", near ? " (did you mean '" : "", near ? near : "",
                 near ? "'?)" : "");
}

static bool check_others(struct check *check, const struct node *node, const struct spot *at, const json_t *value) {
    const char *name;
    json_t *item;
    bool good = true;
    json_object_foreach((json_t *)(uintptr_t)value, name, item) {
        struct spot spot = {.up = at, .name = name};
        if ((!good && !check->out) || check->given_up) break;
        if (node->declared && json_object_get(node->declared, name)) continue;
        if (node->additional->never)
            good = not_allowed(check, node, &spot, name);
        else if (!fits(check, node->additional, &spot, item))
            good = false;
    }
    return good;
}

static bool check_object(struct check *check, const struct node *node, const struct spot *at, const json_t *value) {
    bool good = check_bounds(check, node->members, at, json_object_size(value), "properties");
    if (good || check->out) good = check_required(check, node, at, value) && good;
    for (size_t i = 0; i < node->property_count && (good || check->out) && !check->given_up; i++) {
        struct spot spot = {.up = at, .name = node->properties[i].name};
        const json_t *item = json_object_get(value, spot.name);
        if (item && !fits(check, node->properties[i].node, &spot, item)) good = false;
    }
    if (node->additional && (good || check->out)) good = check_others(check, node, at, value) && good;
    return good;
}

/* ---- alternatives ------------------------------------------------------------------------------------------------ */

/* Whether one of them fits, in silence; what is wrong goes into `out` where that is given. */
static bool fits_alone(struct check *check, const struct node *node, const struct spot *at, const json_t *value,
                       struct rp_buf *out) {
    struct check alone = {.out = out, .steps = check->steps, .depth = check->depth};
    bool good = fits(&alone, node, at, value);
    if (alone.given_up) check->given_up = true;
    return good;
}

/* "…: must be a string; …" for the reader who has to choose: the first mistake of each alternative. */
static bool none_fits(struct check *check, const struct node_list *list, const struct spot *at, const json_t *value) {
    struct rp_buf all, line;
    if (!check->out) return false;
    rp_buf_init(&all, 400);
    for (size_t i = 0; i < list->count && !check->given_up; i++) {
        rp_buf_init(&line, ALTERNATIVE_MAX);
        fits_alone(check, list->items[i], at, value, &line);
        const char *end = line.len ? memchr(line.data, '\n', line.len) : NULL;
        int len = end ? (int)(end - line.data) : (int)line.len;
        if (len) rp_buf_printf(&all, "%s%.*s", all.len ? "; " : "", len, line.data);
        rp_buf_finish(&line);
    }
    wrong(check, at, "fits none of the %zu alternatives (%.*s)", list->count, RP_STR_ARG(rp_buf_str(&all)));
    rp_buf_finish(&all);
    return false;
}

static size_t count_fitting(struct check *check, const struct node_list *list, const struct spot *at,
                            const json_t *value, size_t enough) {
    size_t count = 0;
    for (size_t i = 0; i < list->count && count < enough && !check->given_up; i++)
        count += fits_alone(check, list->items[i], at, value, NULL);
    return count;
}

static bool check_alternatives(struct check *check, const struct node *node, const struct spot *at,
                               const json_t *value) {
    bool good = true;
    for (size_t i = 0; i < node->all.count && (good || check->out) && !check->given_up; i++)
        good = fits(check, node->all.items[i], at, value) && good;
    if (good && node->any.count && count_fitting(check, &node->any, at, value, 1) == 0)
        good = none_fits(check, &node->any, at, value);
    if (good && node->one.count) {
        size_t count = count_fitting(check, &node->one, at, value, 2);
        if (count == 0) good = none_fits(check, &node->one, at, value);
        if (count > 1) good = wrong(check, at, "fits more than one of the alternatives, of which exactly one is meant");
    }
    if (good && node->negated && fits_alone(check, node->negated, at, value, NULL))
        good = wrong(check, at, "has a form that is not allowed");
    return good;
}

/* ---- a value ----------------------------------------------------------------------------------------------------- */

static bool check_contents(struct check *check, const struct node *node, const struct spot *at, const json_t *value) {
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return check_object(check, node, at, value);
    case JSON_ARRAY:
        return check_array(check, node, at, value);
    case JSON_STRING:
        return check_string(check, node, at, value);
    case JSON_INTEGER:
    case JSON_REAL:
        return check_number(check, node, at, value);
    default:
        return true;
    }
}

static bool fits(struct check *check, const struct node *node, const struct spot *at, const json_t *value) {
    if (check->given_up || !spend(check)) return false;
    if (node->never) return wrong(check, at, "is not allowed here");
    if (!check_type(check, node, at, value)) return false;
    if (node->values && !check_values(check, node, at, value)) return false;
    if (node->constant && !check_constant(check, node, at, value)) return false;
    check->depth++;
    bool good = check_contents(check, node, at, value);
    if (node->ref && (good || check->out)) good = fits(check, node->ref, at, value) && good;
    if (good || check->out) good = check_alternatives(check, node, at, value) && good;
    check->depth--;
    return good && !check->given_up;
}

int rp_schema_check(const struct rp_schema *schema, const json_t *value, struct rp_buf *out_mistakes) {
    static const struct spot root;
    int64_t steps = STEPS_MAX;
    struct check check = {.out = out_mistakes, .steps = &steps};
    bool good = fits(&check, schema->root, &root, value);
    if (check.given_up) return -RP_EREGEX;
    return good ? 0 : -RP_EINVALID;
}
