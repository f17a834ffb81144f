/* A declaration being read: `rule "name" { … }`. One declare_*.c for each kind reads its fields with these. */
#ifndef RULES_FORM_H
#define RULES_FORM_H

#include "ruleset.h"

#define FORM_LIST_MAX 256 /* patterns, replies, examples, stop texts of one declaration */

struct vm;

struct form {
    lua_State *L;
    struct vm *vm;
    struct rp_arena *arena; /* for what is read */
    struct mistakes *mistakes;
    const char *kind; /* "rule" */
    struct origin origin;
    int table; /* where on the stack its contents are, plain to read */
    bool at_run_time; /* a table that a function gives, not a declaration */
};

void form_wrong(const struct form *form, const char *format, ...) RP_PRINTF(2, 3); /* one mistake more */
struct rp_arena *form_arena(const struct form *form);
int form_push(const struct form *form, const char *name);                          /* pushes a field; its type */
struct rp_str form_copy_top(const struct form *form); /* the text on the top of the stack, copied */
void form_check_names(const struct form *form, const char *const *known);
void form_check_names_of(const struct form *form, const char *const *some, const char *const *more);
int form_function(const struct form *form, const char *name); /* an optional function's reference, or LUA_NOREF */
int64_t form_integer(const struct form *form, const char *name, int64_t least, int64_t most); /* 0: not there */
double form_number(const struct form *form, const char *name, double least, double most);     /* NAN: not there */
bool form_flag(const struct form *form, const char *name); /* false: not there */
void form_check_text(const struct form *form, const char *name);
const char *form_text(const struct form *form, const char *name); /* an optional text, copied; NULL: not there */
int64_t form_duration(const struct form *form, const char *name); /* in ms: "10m", or seconds; 0: not there */
/* The value on the top of the stack, a text or a list of texts: the number of texts, copied; the value may be replaced
 * by its contents. */
size_t form_texts(const struct form *form, const char *name, struct rp_str **out_items);

/* One for each kind; declare.c calls them. */
void declare_rule(const struct form *form);
void declare_match(const struct form *form, struct rule *rule); /* the field `match` of a rule or dialog */
void declare_dialog(const struct form *form);
void declare_generate(const struct form *form);
void declare_guard(const struct form *form);
/* declare_guard.c: the names in the field `guards`, which every kind that makes replies may have. */
void form_guards(const struct form *form, struct guard_names *out);
void declare_tool(const struct form *form);

#endif
