/* Which conversation tests there are. */
#ifndef CORE_TESTING_FIND_H
#define CORE_TESTING_FIND_H

#include <repartee/base.h>

struct found { /* zero-initialise */
    char **paths; /* sorted within each folder, in the order in which files and folders were asked for; none twice */
    size_t count;
};

/* A file as it is, or a folder with all `*.chat` files in it and below. 0, or -RP_ENOTFOUND or -RP_EIO with `error`
 * filled. A folder that may be missing (`optional`) is no mistake. */
int find_tests(struct found *found, const char *path, bool optional, struct rp_error *error);
void found_finish(struct found *found);

#endif
