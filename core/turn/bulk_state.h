/* Where models may remember what they have handed in to their provider's batch endpoint, so that a later run of the same
 * batch finds it again: a folder beside the output of `repartee batch --bulk`. Set once, before any turn starts; read on
 * any thread. The folder need not exist: whoever writes into it first makes it, and takes away what is settled. */
#ifndef CORE_TURN_BULK_STATE_H
#define CORE_TURN_BULK_STATE_H

#include <stdbool.h>

void bulk_state_set(const char *path); /* copied; NULL: nowhere */
const char *bulk_state(void);          /* absolute; NULL: there is no such place, nothing outlives the process */
/* Takes away the folder. `whole`: with all notes in it, since every message has its reply and nobody needs them. */
void bulk_state_forget(bool whole);

#endif
