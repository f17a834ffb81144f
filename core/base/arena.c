/* The arena: memory that ends all at once, with the turn.
 *
 * The arena and its first block are one allocation, which outlives rp_arena_reset: a turn of usual size needs no heap
 * at all. Further blocks double up to a ceiling; what is larger gets a block of its own, and the block in use stays. */
#include <repartee/base.h>

#include <stdio.h>
#include <stdlib.h>

#ifdef __SANITIZE_ADDRESS__
#define ARENA_POISON
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISON
#endif
#endif
#ifdef ARENA_POISON
#include <sanitizer/asan_interface.h>
#define POISON(data, size) ASAN_POISON_MEMORY_REGION(data, size)
#define UNPOISON(data, size) ASAN_UNPOISON_MEMORY_REGION(data, size)
#define GAP 16 /* between allocations, so that an overrun is seen */
#else
#define POISON(data, size) ((void)0)
#define UNPOISON(data, size) ((void)0)
#define GAP 0
#endif

#define ALIGNMENT _Alignof(max_align_t)
#define ALIGNED(size) (((size) + ALIGNMENT - 1) & ~(ALIGNMENT - 1))
#define FIRST_SIZE ((size_t)4096)
#define LARGEST_STEP ((size_t)64 * 1024)

struct block {
    struct block *next;
    size_t size; /* the header included */
};

struct deferred {
    struct deferred *next;
    void (*fn)(void *arg);
    void *arg;
};

struct rp_arena {
    char *free, *end; /* what is left of the block in use */
    size_t step;      /* size of the next block */
    struct block *blocks;
    struct deferred *deferred;
};

#define ARENA_HEADER ALIGNED(sizeof(struct rp_arena))
#define BLOCK_HEADER ALIGNED(sizeof(struct block))

static void arena_init(struct rp_arena *arena) {
    *arena = (struct rp_arena){
        .free = (char *)arena + ARENA_HEADER,
        .end = (char *)arena + FIRST_SIZE,
        .step = 2 * FIRST_SIZE,
    };
    POISON(arena->free, FIRST_SIZE - ARENA_HEADER);
}

struct rp_arena *rp_arena_create(void) {
    struct rp_arena *arena = rp_alloc(FIRST_SIZE);

    arena_init(arena);
    return arena;
}

/* A deferred call may allocate and defer as well. */
static void run_deferred(struct rp_arena *arena) {
    while (arena->deferred) {
        struct deferred *last = arena->deferred;
        arena->deferred = last->next;
        last->fn(last->arg);
    }
}

static void free_blocks(struct rp_arena *arena) {
    while (arena->blocks) {
        struct block *block = arena->blocks;
        arena->blocks = block->next;
        UNPOISON(block, block->size);
        free(block);
    }
}

void rp_arena_reset(struct rp_arena *arena) {
    run_deferred(arena);
    free_blocks(arena);
    arena_init(arena);
}

void rp_arena_destroy(struct rp_arena *arena) {
    if (!arena) return;
    run_deferred(arena);
    free_blocks(arena);
    UNPOISON(arena, FIRST_SIZE);
    free(arena);
}

static char *block_add(struct rp_arena *arena, size_t size) {
    struct block *block = rp_alloc(size);

    block->size = size;
    block->next = arena->blocks;
    arena->blocks = block;
    POISON((char *)block + BLOCK_HEADER, size - BLOCK_HEADER);
    return (char *)block + BLOCK_HEADER;
}

/* `need` bytes, aligned, that the block in use does not have. */
static char *arena_grow(struct rp_arena *arena, size_t need) {
    if (need > arena->step / 2) return block_add(arena, BLOCK_HEADER + need);

    char *start = block_add(arena, arena->step);
    arena->free = start + need;
    arena->end = start - BLOCK_HEADER + arena->step;
    if (arena->step < LARGEST_STEP) arena->step *= 2;
    return start;
}

void *rp_arena_alloc(struct rp_arena *arena, size_t size) {
    char *data;

    if (size > PTRDIFF_MAX / 2) abort(); /* no caller means that: a length went wrong */
    size_t need = ALIGNED((size ? size : 1) + GAP);
    if (need <= (size_t)(arena->end - arena->free)) {
        data = arena->free;
        arena->free += need;
    } else {
        data = arena_grow(arena, need);
    }
    UNPOISON(data, size);
    return data;
}

void *rp_arena_zalloc(struct rp_arena *arena, size_t size) {
    return memset(rp_arena_alloc(arena, size), 0, size);
}

char *rp_arena_copy(struct rp_arena *arena, const void *data, size_t len) {
    char *copy = rp_arena_alloc(arena, len + 1);

    if (len) memcpy(copy, data, len);
    copy[len] = '\0';
    return copy;
}

struct rp_str rp_arena_str(struct rp_arena *arena, struct rp_str text) {
    return (struct rp_str){rp_arena_copy(arena, text.data, text.len), text.len};
}

struct rp_str rp_arena_join(struct rp_arena *arena, struct rp_str front, struct rp_str back) {
    char *both = rp_arena_alloc(arena, front.len + back.len + 1);

    if (front.len) memcpy(both, front.data, front.len);
    if (back.len) memcpy(both + front.len, back.data, back.len);
    both[front.len + back.len] = '\0';
    return (struct rp_str){both, front.len + back.len};
}

char *rp_arena_printf(struct rp_arena *arena, const char *format, ...) {
    char space[512];
    va_list args;

    va_start(args, format);
    int len = vsnprintf(space, sizeof space, format, args);
    va_end(args);
    if (len < 0) return rp_arena_copy(arena, "", 0);
    if ((size_t)len < sizeof space) return rp_arena_copy(arena, space, (size_t)len);

    char *text = rp_arena_alloc(arena, (size_t)len + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return text;
}

void rp_arena_defer(struct rp_arena *arena, void (*fn)(void *arg), void *arg) {
    struct deferred *deferred = rp_arena_alloc(arena, sizeof *deferred);

    *deferred = (struct deferred){.next = arena->deferred, .fn = fn, .arg = arg};
    arena->deferred = deferred;
}
