/* The hooks of the stage, for its descriptor in plugin.c. */
#ifndef RULES_STAGE_H
#define RULES_STAGE_H

#include <repartee/plugin.h>

int stage_check(const void *options, struct rp_error *error);
int stage_open(struct rp_element *element, struct rp_error *error);
int stage_attach(struct rp_element *element, struct rp_worker *worker, void **out_local, struct rp_error *error);
void stage_detach(struct rp_element *element, struct rp_worker *worker, void *local);
void stage_close(struct rp_element *element);
enum rp_outcome stage_on_turn(struct rp_stage *stage, struct rp_turn *turn);
enum rp_outcome stage_on_event(struct rp_stage *stage, struct rp_turn *turn);
json_t *stage_inventory(struct rp_stage *stage, struct rp_worker *worker);
void stage_cancel(struct rp_stage *stage, struct rp_turn *turn);

#endif
