/* Stands in for libFuzzer where that is not there: gives a fuzz target its seeds, every beginning of each, and a fixed
 * number of mutations of them. The same inputs in every run; finding new ones is left to scripts/fuzz. */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_SEEDS = 256, MAX_SIZE = 4096, MUTATIONS = 20000, MAX_SECONDS = 20 };

struct seed {
    uint8_t bytes[MAX_SIZE];
    size_t size;
};

static struct seed *seeds[MAX_SEEDS];
static size_t seed_count;
static uint64_t state = 0x9e3779b97f4a7c15u;

static size_t pick(size_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return below ? (size_t)(state % below) : 0;
}

/* An allocation of just this size, so that AddressSanitizer sees the first byte read behind it. */
static void give(const uint8_t *bytes, size_t size) {
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy) abort();
    memcpy(copy, bytes, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static bool add_seed(const char *path) {
    struct seed *seed = calloc(1, sizeof(*seed));
    FILE *file = path ? fopen(path, "rb") : NULL;
    if (!seed || (path && !file)) return false;
    if (file) {
        seed->size = fread(seed->bytes, 1, sizeof(seed->bytes), file);
        fclose(file);
    }
    seeds[seed_count++] = seed;
    return true;
}

static bool load(const char *folder) {
    DIR *dir = opendir(folder);
    struct dirent *entry;
    bool good = true;
    while (good && dir && seed_count < MAX_SEEDS && (entry = readdir(dir)) != NULL) {
        char path[4096];
        if (entry->d_name[0] == '.') continue;
        good = snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) < (int)sizeof(path) && add_seed(path);
        if (!good) fprintf(stderr, "replay: cannot read the seed %s\n", entry->d_name);
    }
    if (dir) closedir(dir);
    return good && (seed_count > 0 || add_seed(NULL));
}

/* One of: a byte changed, a bit turned, a piece taken out, a piece doubled, a byte put in. */
static void mutate(struct seed *input) {
    size_t at = pick(input->size), len = 1 + pick(input->size - at < 16 ? input->size - at : 16);
    size_t what = input->size ? pick(5) : 4;
    if (what == 0) input->bytes[at] = (uint8_t)pick(256);
    if (what == 1) input->bytes[at] ^= (uint8_t)(1u << pick(8));
    if (what == 2 && at + len <= input->size) {
        memmove(input->bytes + at, input->bytes + at + len, input->size - at - len);
        input->size -= len;
    }
    if (what == 3 && at + len <= input->size && input->size + len <= MAX_SIZE) {
        memmove(input->bytes + at + len, input->bytes + at, input->size - at);
        input->size += len;
    }
    if (what == 4 && input->size < MAX_SIZE) {
        memmove(input->bytes + at + 1, input->bytes + at, input->size - at);
        input->bytes[at] = (uint8_t)pick(256);
        input->size++;
    }
}

int main(int argc, char **argv) {
    if (argc != 2 || !load(argv[1])) return 1;
    time_t end = time(NULL) + MAX_SECONDS;
    for (size_t i = 0; i < seed_count; i++)
        for (size_t size = 0; size <= seeds[i]->size; size++) give(seeds[i]->bytes, size);
    for (size_t i = 0; i < MUTATIONS && time(NULL) < end; i++) {
        struct seed input = *seeds[pick(seed_count)];
        for (size_t steps = 1 + pick(16); steps > 0; steps--) mutate(&input);
        give(input.bytes, input.size);
    }
    for (size_t i = 0; i < seed_count; i++) free(seeds[i]);
    return 0;
}
