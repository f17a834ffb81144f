/* The records of the turns that ended last, of all workers and generations of the process. Any thread. */
#ifndef CORE_OPS_TRACE_H
#define CORE_OPS_TRACE_H

#include <repartee/explain.h>

/* How many records are kept, and how many bytes of them, whichever is less. 0: none, and what was kept goes. */
void trace_limit(int64_t keep, int64_t bytes);
/* The oldest make room. One that is larger than an eighth of all is not kept, and only said to have been there. */
void trace_keep(const char *id, struct rp_str record);

#endif
