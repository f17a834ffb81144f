/* Random bytes and ids. Small amounts come from a pool per thread, which a system call fills now and then; what was
 * handed out is wiped, and a forked child starts with an empty pool. */
#include <repartee/base.h>

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>

#define POOL_SIZE 4096
#define LARGE 128 /* from here on the pool is not worth it */

struct pool {
    unsigned fork; /* the value of `forks` that the bytes belong to */
    size_t left;   /* unused bytes, at the front */
    unsigned char bytes[POOL_SIZE];
};

static _Thread_local struct pool pool;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_uint forks = 1;

static void count_fork(void) {
    atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
}

static void prepare(void) {
    if (sodium_init() < 0 || pthread_atfork(NULL, NULL, count_fork)) abort();
}

static void pool_fill(unsigned fork) {
    pthread_once(&once, prepare);
    randombytes_buf(pool.bytes, sizeof pool.bytes);
    pool.left = sizeof pool.bytes;
    pool.fork = fork;
}

void rp_random(void *out_bytes, size_t len) {
    unsigned fork = atomic_load_explicit(&forks, memory_order_relaxed);

    if (len >= LARGE) {
        pthread_once(&once, prepare);
        randombytes_buf(out_bytes, len);
        return;
    }
    if (pool.left < len || pool.fork != fork) pool_fill(fork);
    pool.left -= len;
    memcpy(out_bytes, pool.bytes + pool.left, len);
    memset(pool.bytes + pool.left, 0, len);
}

void rp_id(char out_id[RP_ID_SIZE]) {
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz"; /* none that is easily read as another */
    uint64_t random[2];

    rp_random(random, sizeof random);
    for (int i = 0; i < 13; i++) {
        out_id[i] = digits[random[0] >> 5 * i & 31];
        out_id[13 + i] = digits[random[1] >> 5 * i & 31];
    }
    out_id[26] = '\0';
}
