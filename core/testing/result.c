/* Keeps results; what they are is for others. */
#include "core/testing/result.h"

#include <stdio.h>
#include <stdlib.h>

struct result *result_create(const struct chat_file *file) {
    struct result *result = rp_calloc(1, sizeof(*result));
    result->file = file;
    result->arena = rp_arena_create();
    result->last_failure = &result->failures;
    result->last_outcome = &result->outcomes;
    return result;
}

void result_destroy(struct result *result) {
    if (!result) return;
    rp_arena_destroy(result->arena);
    free(result);
}

struct failure *result_fail(struct result *result, unsigned line, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    struct failure *failure = rp_arena_zalloc(result->arena, sizeof(*failure));
    failure->line = line;
    failure->what = rp_arena_copy(result->arena, text, rp_utf8_whole(text, strlen(text)));
    *result->last_failure = failure;
    result->last_failure = &failure->next;
    return failure;
}

struct failure *result_differ(struct result *result, unsigned line, const char *what, struct rp_str expected, struct rp_str got) {
    struct failure *failure = result_fail(result, line, "%s", what);
    failure->compared = true;
    failure->expected = rp_arena_str(result->arena, expected);
    failure->got = rp_arena_str(result->arena, got);
    return failure;
}
