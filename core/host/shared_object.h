/* A shared object in memory. Generations of a bot share one as long as its file has the same contents. When the file has been
 * replaced, the new one is loaded beside the old one, which stays until its last user has gone. Main thread only. */
#ifndef CORE_HOST_SHARED_OBJECT_H
#define CORE_HOST_SHARED_OBJECT_H

#include <sys/stat.h>

#include "core/host/private_copy.h"

struct shared_object;

/* `path` is resolved, and had the status `checked` when it was found to be trusted. `bytes`: all of the file. `exactly`: what
 * is loaded must be these very bytes, whatever happens to the file meanwhile. 0, or -RP_EPLUGIN with one sentence. */
int shared_object_open(const char *path, const struct stat *checked, struct rp_str bytes, bool exactly,
                       struct shared_object **out, struct rp_error *error);
void *shared_object_symbol(const struct shared_object *object, const char *name); /* NULL: it has none */
void shared_object_close(struct shared_object *object); /* one user less; takes NULL */

#endif
