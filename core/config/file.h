/* Small files read whole at load time: bot files, secrets, keys. */
#ifndef CORE_CONFIG_FILE_H
#define CORE_CONFIG_FILE_H

#include <repartee/base.h>

/* The text of a regular file of at most `max` bytes, in the arena, with a NUL behind it. 0, or -RP_EIO and why. */
int file_read(struct rp_arena *arena, const char *path, size_t max, struct rp_str *out_text, const char **out_why);

#endif
