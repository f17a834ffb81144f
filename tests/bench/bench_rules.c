/* scripts/bench rules: how long rules take to load and messages to be decided, and what a rule costs in memory, beside a
 * plain loop over the same patterns, compiled by PCRE2's JIT. Both run in turns, in one process, on one thread. */
#define _GNU_SOURCE
#include <malloc.h>
#include <repartee/log.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <repartee/normalise.h>
#include "plugins/stages/rules/program.h"
#include "rule_writer.h"

#define RULES_A_FILE 50
#define MESSAGES 400 /* of each kind */
#define ROUNDS 7

struct side { /* one way to decide messages */
    const char *name;
    double hit[ROUNDS], miss[ROUNDS]; /* microseconds a message */
};
struct bench {
    size_t count; /* of rules */
    char folder[64];
    struct rp_buf hits, misses;
    struct rp_str hit[MESSAGES], miss[MESSAGES];
    struct program *program;
    struct vm *vm;
    struct rp_regex **plain; /* every pattern */
    size_t plain_count;
    struct rp_arena *arena;
    double load_ms;
    size_t shared, worker, code; /* bytes */
};

/* Of the processor, so that what else the machine does counts little. */
static double now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *values) {
    double sorted[ROUNDS];
    memcpy(sorted, values, sizeof(sorted));
    qsort(sorted, ROUNDS, sizeof(*sorted), by_value);
    return sorted[ROUNDS / 2];
}

static void fail(const char *what) {
    fprintf(stderr, "bench_rules: %s\n", what);
    exit(1);
}

static size_t heap(void) {
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static size_t resident(void) {
    size_t all, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%zu %zu", &all, &pages) != 2) pages = 0;
    if (file) fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* ---- loading ----------------------------------------------------------------------------------------------------- */

static void write_rules(struct bench *bench) {
    struct rp_buf text;
    char path[128];
    rp_buf_init(&text, 1 << 24);
    for (size_t i = 0; i < bench->count; i++) {
        writer_rule(&text, i);
        if (i % RULES_A_FILE != RULES_A_FILE - 1 && i != bench->count - 1) continue;
        snprintf(path, sizeof(path), "%s/topics-%05zu.lua", bench->folder, i / RULES_A_FILE);
        FILE *file = fopen(path, "wb");
        if (!file || fwrite(text.data, 1, text.len, file) != text.len || fclose(file) != 0) fail("cannot write rules");
        rp_buf_clear(&text);
    }
    rp_buf_finish(&text);
}

static void load(struct bench *bench) {
    struct program_options options = {.vm = {.memory = 64 << 20}, .folder = bench->folder, .dir = bench->folder};
    struct rp_error error;
    size_t before = heap();
    double start = now_us();
    if (program_create(&options, &bench->program, &error) != 0) fail(error.text);
    size_t between = heap();
    if (program_attach(bench->program, &bench->vm, &error) != 0) fail(error.text);
    bench->load_ms = (now_us() - start) / 1000;
    bench->shared = between - before;
    bench->worker = heap() - between;
}

static void compile_plain(struct bench *bench) {
    struct rp_buf pattern;
    rp_buf_init(&pattern, 4096);
    bench->plain = rp_alloc(2 * bench->count * sizeof(struct rp_regex *));
    for (size_t i = 0; i < 2 * bench->count; i++) {
        rp_buf_clear(&pattern);
        if (!writer_pattern(&pattern, i / 2, (int)(i % 2))) continue;
        if (rp_regex_compile(rp_buf_str(&pattern), 0, &bench->plain[bench->plain_count++], NULL) != 0) fail("a pattern");
    }
    rp_buf_finish(&pattern);
}

static void write_messages(struct rp_buf *buf, struct rp_str *items, void (*write)(struct rp_buf *, size_t), size_t count,
                           size_t step) {
    size_t ends[MESSAGES + 1] = {0};
    rp_buf_init(buf, 1 << 22);
    for (size_t i = 0; i < MESSAGES; i++) {
        write(buf, i * step % count);
        ends[i + 1] = buf->len;
    }
    for (size_t i = 0; i < MESSAGES; i++) items[i] = rp_str_n(buf->data + ends[i], ends[i + 1] - ends[i]);
}

/* ---- deciding ---------------------------------------------------------------------------------------------------- */

static bool decide(struct bench *bench, struct rp_str message) {
    struct rp_regex_budget budget = {.ns = 1000000000};
    struct matcher_cursor cursor;
    struct rp_normalised text;
    struct rp_match match;
    size_t pattern;
    rp_normalise(bench->arena, message, &text);
    matcher_start(bench->program->matcher, text.text, bench->arena, &budget, &cursor);
    bool found = matcher_next(&cursor, &pattern, &match) == RP_MATCH_FOUND;
    rp_arena_reset(bench->arena);
    return found;
}

static bool decide_plainly(struct bench *bench, struct rp_str message) {
    struct rp_normalised text;
    struct rp_match match;
    bool found = false;
    rp_normalise(bench->arena, message, &text);
    for (size_t i = 0; i < bench->plain_count && !found; i++) {
        found = rp_regex_match(bench->plain[i], text.text, 0, RP_MATCH_TRUSTED, &match) == RP_MATCH_FOUND;
    }
    rp_arena_reset(bench->arena);
    return found;
}

/* Microseconds a message. */
static double measure(struct bench *bench, bool (*way)(struct bench *, struct rp_str), const struct rp_str *messages,
                      size_t step, int times, bool expected) {
    size_t count = 0;
    double start = now_us();
    for (int n = 0; n < times; n++) {
        for (size_t i = 0; i < MESSAGES; i += step, count++) {
            if (way(bench, messages[i]) != expected) {
                fprintf(stderr, "bench_rules: '%.*s' is decided wrongly\n", RP_STR_ARG(messages[i]));
                exit(1);
            }
        }
    }
    return (now_us() - start) / (double)count;
}

static void compare(struct bench *bench, struct side *ours, struct side *plain) {
    size_t step = bench->count >= 1000 ? 10 : 1; /* the plain loop is slow */
    measure(bench, decide, bench->hit, 1, 8, true);
    measure(bench, decide, bench->miss, 1, 8, false);
    for (int round = 0; round < ROUNDS; round++) {
        ours->hit[round] = measure(bench, decide, bench->hit, 1, 20, true);
        plain->hit[round] = measure(bench, decide_plainly, bench->hit, step, 1, true);
        ours->miss[round] = measure(bench, decide, bench->miss, 1, 20, false);
        plain->miss[round] = measure(bench, decide_plainly, bench->miss, step, 1, false);
    }
}

/* Memory for machine code, once each rule has been met a few times. */
static void use_all(struct bench *bench) {
    struct rp_buf message;
    size_t before = resident();
    rp_buf_init(&message, 4096);
    for (size_t i = 0; i < 4 * bench->count; i++) {
        rp_buf_clear(&message);
        writer_hit(&message, i / 4);
        decide(bench, rp_buf_str(&message));
    }
    rp_buf_finish(&message);
    bench->code = resident() - before;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static void print_row(const struct bench *bench, const struct side *ours, const struct side *plain) {
    double hit = median(ours->hit), miss = median(ours->miss), plain_hit = median(plain->hit), plain_miss = median(plain->miss);
    printf("%7zu %9.1f %8zu %8zu %8zu %8.2f %8.2f %10.1f %10.1f %8.1f %8.1f\n", bench->count, bench->load_ms,
           bench->shared / bench->count, bench->worker / bench->count, bench->code / bench->count, hit, miss, plain_hit,
           plain_miss, plain_hit / hit, plain_miss / miss);
    fflush(stdout);
}

static void remove_rules(const struct bench *bench) {
    char path[128];
    for (size_t i = 0; i < bench->count; i += RULES_A_FILE) {
        snprintf(path, sizeof(path), "%s/topics-%05zu.lua", bench->folder, i / RULES_A_FILE);
        remove(path);
    }
    rmdir(bench->folder);
}

static void run(size_t count) {
    struct bench bench = {.count = count, .folder = "/tmp/repartee-bench-XXXXXX", .arena = rp_arena_create()};
    struct side ours, plain;
    if (!mkdtemp(bench.folder)) fail("no folder for the rules");
    write_rules(&bench);
    load(&bench);
    remove_rules(&bench);
    write_messages(&bench.hits, bench.hit, writer_hit, count, 37);
    write_messages(&bench.misses, bench.miss, writer_miss, MESSAGES, 1);
    use_all(&bench);
    compile_plain(&bench);
    compare(&bench, &ours, &plain);
    print_row(&bench, &ours, &plain);
    for (size_t i = 0; i < bench.plain_count; i++) rp_regex_free(bench.plain[i]);
    free(bench.plain);
    vm_destroy(bench.vm);
    program_destroy(bench.program);
    rp_buf_finish(&bench.hits);
    rp_buf_finish(&bench.misses);
    rp_arena_destroy(bench.arena);
}

int main(int argc, char **argv) {
    static const size_t counts[] = {10, 100, 1000, 10000};
    printf("                  ---- bytes a rule ----- --- us a message -- ---- plain loop, us --- --- ratio ----\n"
           "  rules   load ms   shared  +worker     +JIT      hit     miss        hit       miss      hit     miss\n");
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        if (argc < 2 || strtoul(argv[1], NULL, 10) == counts[i]) run(counts[i]);
    }
    return 0;
}
