/* The heap calls that never return NULL. */
#include <repartee/base.h>

#include <stdio.h>
#include <stdlib.h>

static void *checked(void *pointer) {
    if (pointer) return pointer;
    fputs("repartee: out of memory\n", stderr);
    abort();
}

void *rp_alloc(size_t size) {
    return checked(malloc(size ? size : 1));
}

void *rp_calloc(size_t count, size_t size) {
    return checked(count && size ? calloc(count, size) : calloc(1, 1));
}

void *rp_realloc(void *pointer, size_t size) {
    return checked(realloc(pointer, size ? size : 1));
}

char *rp_strdup(const char *text) {
    return checked(strdup(text));
}
