/* What the rule files declare, and what of it turns have reached: for the coverage of conversation tests. It is counted
 * from the first time that somebody asks. */
#ifndef RULES_INVENTORY_H
#define RULES_INVENTORY_H

#include <lua.h>
#include <repartee/base.h>

struct inventory;
struct origin;
struct source;
struct vm;

/* While the files are loaded: a file that is run; a declaration, with the line where its last function ends. Lives in the
 * ruleset's arena. */
void inventory_add_file(struct vm *vm, const struct source *source);
void inventory_add(struct vm *vm, const char *kind, const struct origin *origin, int last_line);

/* A turn has reached this one: it answered, shaped a prompt, gave a verdict, was called. */
void inventory_reached(const struct vm *vm, const struct origin *origin);

/* All of it as JSON, the form of rp_stage_type's inventory; a new reference. */
json_t *inventory_read(struct vm *vm);

#endif
