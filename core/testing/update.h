/* `repartee test --update`: writes into a test what came, where that is not what it expects. */
#ifndef CORE_TESTING_UPDATE_H
#define CORE_TESTING_UPDATE_H

#include "core/testing/result.h"

/* The file's text with other expectation lines; everything else stays, byte by byte. False: there is nothing to change.
 * Steps whose scripts were missing or left over stay as they are, and so do `*` lines. */
bool update_text(const struct chat_file *file, const struct outcome *outcomes, struct rp_buf *out);
/* Puts the text in the file's place at once, or not at all; not when the file has changed since it was read. 0, or
 * -RP_EIO with `error` filled. */
int update_write(const struct chat_file *file, struct rp_str text, struct rp_error *error);

#endif
