/* The record of a turn as a tree for people. */
#ifndef CORE_EXPLAIN_TREE_H
#define CORE_EXPLAIN_TREE_H

#include <stdio.h>

#include <repartee/base.h>

/* `reply`: what the client got; NULL: it is not known any more. `colour`: the output is a terminal. What a bot or a model says cannot command it. */
void tree_write(const json_t *record, const struct rp_str *reply, bool colour, FILE *out);

#endif
