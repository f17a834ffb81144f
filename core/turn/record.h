/* The record of a turn that is to be explained. */
#ifndef CORE_TURN_RECORD_H
#define CORE_TURN_RECORD_H

#include "core/turn/turn.h"

struct record;

void record_begin(struct turn *turn);                  /* makes turn->record, in the turn's arena */
/* What follows takes turns without a record too, and does nothing then. */
void record_enter(struct turn *turn);                  /* before the stage turn->index is called */
void record_leave(struct turn *turn, const char *how); /* "passed", "answered", "kept" */
void record_text(struct turn *turn);                   /* the first text is about to go out */
void record_pay(struct turn *turn, const char *how);   /* the stage that kept the turn has let it go: "passed", "answered" */
void record_keep(struct turn *turn);                   /* the turn has ended: for `trace { }` */

#endif
