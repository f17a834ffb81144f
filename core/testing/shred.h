/* Random cuts and delays, the same again for the same seed: so that what sees a reply in pieces meets the worst pieces. */
#ifndef CORE_TESTING_SHRED_H
#define CORE_TESTING_SHRED_H

#include <repartee/base.h>

struct shred {
    uint64_t state;
};

void shred_seed(struct shred *shred, uint64_t seed, struct rp_str name); /* `name`: each file has its own cuts */
uint64_t shred_below(struct shred *shred, uint64_t bound);               /* from 0 to bound - 1; bound > 0 */
/* How many bytes of the text, which is not empty, come next: whole characters, often just one. */
size_t shred_cut(struct shred *shred, struct rp_str text);
/* How many passes of the ready list the next chunk is late; mostly none. */
unsigned shred_delay(struct shred *shred);

#endif
