/* The inside of a JSON string, for writers that would rather cut a text than fail. */
#ifndef CORE_BASE_JSON_ESCAPE_H
#define CORE_BASE_JSON_ESCAPE_H

#include <repartee/base.h>

/* Appends the escaped text, without quotes, as far as the buffer's ceiling admits. The bytes taken: `len`, or fewer,
 * and then only whole characters. */
size_t json_escape(struct rp_buf *buf, const char *data, size_t len);

#endif
