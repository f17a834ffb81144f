/* Between plugin.c, which declares the stage, and stage.c, which is the stage. */
#ifndef STAGE_H
#define STAGE_H

#include <repartee/repartee.h>

struct options {
    const char *line;
    const char *about; /* NULL: not set */
};

enum rp_outcome myplugin_on_turn(struct rp_stage *stage, struct rp_turn *turn);

#endif
