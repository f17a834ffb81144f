/* What the files of a call share: history.c chooses what of the history goes along, call.c puts the call together. */
#ifndef CORE_MODEL_HISTORY_H
#define CORE_MODEL_HISTORY_H

#include <repartee/talk.h>

/* Whether the message goes along, which is at or behind the first that does. Ask in order: `*round` remembers, from one
 * message to the next, whether a round of tools does; it begins as false. */
bool history_takes(const struct rp_call *call, const struct rp_call_parts *parts, const struct rp_history *history,
                   size_t at, bool *round);

#endif
