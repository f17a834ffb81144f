/* A copy of bytes in a file that nobody else can reach, for the loader to open. */
#ifndef CORE_HOST_PRIVATE_COPY_H
#define CORE_HOST_PRIVATE_COPY_H

#include <limits.h>
#include <repartee/base.h>

struct private_copy {
    int fd; /* -1: none. Open as long as the copy is in use, so that no other copy gets its path */
    char path[PATH_MAX];
    char folder[PATH_MAX]; /* made for the copy; empty: none */
};

int private_copy_make(struct rp_str bytes, struct private_copy *out, struct rp_error *error);
void private_copy_drop(struct private_copy *copy);

#endif
