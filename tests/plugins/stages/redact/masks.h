/* Masks for the tests: made out of a list, fed whole or in pieces. */
#ifndef TESTS_REDACT_MASKS_H
#define TESTS_REDACT_MASKS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugins/stages/redact/mask.h"

#define ALL_BUILT_IN                                                                                                   \
    {.name = "phone_cn"}, {.name = "id_card_cn"}, {.name = "bank_card"}, {.name = "email"}, {                          \
        .name = "ipv4"                                                                                                 \
    }

/* Fails the test where the patterns are refused. */
struct mask *masks_of(const struct rp_pattern *patterns, size_t count);
struct mask *masks_all(void);
struct mask *masks_own(const char *match); /* one pattern of one's own, named "own" */

char *masks_whole(const struct mask *mask, const char *text); /* free it */

/* Cuts `text` behind each byte that `cut` is true for, and checks that what has left at any time is a beginning of
 * `whole`, and all of it in the end. */
void masks_expect_pieces(const struct mask *mask, const char *text, const bool *cut, const char *whole);

bool masks_is_boundary(const char *text, size_t at); /* a character begins here */

#endif
