/* How a model shall be asked: the fields that `generate`, a rule's `generate`, t:pass and t:generate have in common. */
#ifndef RULES_SHAPE_H
#define RULES_SHAPE_H

#include <lua.h>
#include <repartee/turn.h>

struct form;
struct run;
struct ruleset;
struct tool;

struct shape {
    struct rp_str system; /* empty: unset */
    int system_ref;       /* a function instead; LUA_NOREF: none */
    struct rp_message *examples;
    size_t example_count;
    double temperature, top_p; /* NAN: unset */
    int64_t max_tokens;        /* 0: unset */
    const char **stop;         /* NULL-terminated, or NULL */
    struct rp_str *tool_names;
    const struct tool **tools; /* the same, by shape_resolve */
    size_t tool_count;
    json_t *offered;          /* the tools as models are told of them; NULL: none */
    struct rp_schema *schema; /* NULL: any text will do */
    int corrections;
    const char *grammar;    /* NULL: none */
    const char *model_name; /* NULL: unset */
    struct rp_model *model; /* the same, by shape_resolve */
};

extern const char *const shape_fields[]; /* the names of all fields, NULL-terminated */

/* Reads the fields of a form's table. What is wrong becomes the form's mistakes. Memory is the form's arena's. */
void shape_read(const struct form *form, struct shape *shape);
struct rp_schema *shape_read_schema(const struct form *form, const char *name); /* NULL: not there, or wrong */
/* Looks up tools and the model, once everything is declared. */
void shape_resolve(const struct form *form, struct shape *shape);
/* Puts it into a prompt. `system` empty leaves the prompt's own. */
void shape_apply(struct run *run, const struct shape *shape, struct rp_str system, struct rp_prompt *prompt);

#endif
