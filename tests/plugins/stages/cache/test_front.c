/* Answers in memory: what is found, what the ceiling costs, and who goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#include "plugins/stages/cache/front.h"
#include "plugins/stages/cache/sketch.h"

#define MIB ((size_t)1 << 20)

static char text[1 << 20];

static struct key key_of(unsigned number) {
    struct key key;
    crypto_generichash(key.bytes, sizeof key.bytes, (const unsigned char *)&number, sizeof number, NULL, 0);
    return key;
}

static void put(struct front *front, unsigned number, size_t len) {
    struct key key = key_of(number);
    struct answer *answer =
        answer_create(&key, number, (struct rp_usage){0}, RP_STR("model:main"), rp_str_n(text, len));
    front_put(front, answer);
    answer_unref(answer);
}

static bool has(struct front *front, unsigned number) {
    struct key key = key_of(number);
    struct answer *answer = front_get(front, &key);
    bool right = answer && answer->created_ms == number;
    if (answer) assert_true(right);
    answer_unref(answer);
    return answer != NULL;
}

static void what_was_put_is_found_until_it_is_deleted(void **state) {
    (void)state;
    struct front *front = front_create(MIB);
    struct key first = key_of(1);
    assert_false(has(front, 1));
    for (unsigned i = 0; i < 500; i++) put(front, i, 100);
    for (unsigned i = 0; i < 500; i++) assert_true(has(front, i));
    front_del(front, &first);
    front_del(front, &first);
    assert_false(has(front, 1));
    assert_true(has(front, 2));
    front_unref(front);
}

static void a_new_answer_takes_the_place_of_the_old_one(void **state) {
    (void)state;
    struct front *front = front_create(MIB);
    put(front, 1, 100);
    size_t bytes = front_bytes(front);
    put(front, 1, 300);
    assert_int_equal(front_bytes(front), bytes + 200);
    put(front, 1, 100);
    assert_int_equal(front_bytes(front), bytes);
    front_unref(front);
}

static void the_ceiling_holds(void **state) {
    (void)state;
    struct front *front = front_create(MIB);
    for (unsigned i = 0; i < 20000; i++) {
        has(front, i % 3000);
        put(front, i % 3000, i % 5000);
        if (i % 100 == 0) assert_true(front_bytes(front) <= MIB);
    }
    assert_true(front_bytes(front) > MIB / 2);
    put(front, 1, MIB);
    assert_true(front_bytes(front) <= MIB);
    front_resize(front, MIB / 4);
    assert_true(front_bytes(front) <= MIB / 4);
    front_unref(front);
}

/* Fifty questions that are asked all the time, and a flood of others that are asked once. */
static void a_flood_does_not_wash_out_what_is_asked_often(void **state) {
    (void)state;
    struct front *front = front_create(MIB);
    for (unsigned round = 0; round < 5; round++)
        for (unsigned i = 0; i < 50; i++)
            if (!has(front, i)) put(front, i, 1000);
    for (unsigned i = 0; i < 20000; i++)
        if (!has(front, 1000 + i)) put(front, 1000 + i, 1000);
    unsigned left = 0;
    for (unsigned i = 0; i < 50; i++) left += has(front, i);
    assert_true(left >= 48);
    front_unref(front);
}

/* What was popular yesterday has to go some time. */
static void what_is_asked_no_more_goes_in_the_end(void **state) {
    (void)state;
    struct front *front = front_create(MIB);
    for (unsigned round = 0; round < 15; round++)
        for (unsigned i = 0; i < 800; i++)
            if (!has(front, i)) put(front, i, 1000);
    for (unsigned round = 0; round < 60; round++)
        for (unsigned i = 0; i < 800; i++)
            if (!has(front, 5000 + i)) put(front, 5000 + i, 1000);
    unsigned left = 0;
    for (unsigned i = 0; i < 800; i++) left += has(front, 5000 + i);
    assert_true(left >= 700);
    front_unref(front);
}

/* ---- against LRU, on a trace as users make one ----------------------------------------------------------------------- */

#define QUESTIONS 20000
#define ASKED 100000
#define PLACES 800 /* about what fits into the front */

static unsigned zipf(uint64_t *random) {
    static double sums[QUESTIONS];
    if (sums[0] == 0)
        for (unsigned i = 0; i < QUESTIONS; i++) sums[i] = (i ? sums[i - 1] : 0) + 1 / pow(i + 1, 0.9);
    *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    double wanted = (double)(*random >> 11) / (double)(UINT64_C(1) << 53) * sums[QUESTIONS - 1];
    unsigned low = 0, high = QUESTIONS - 1;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (sums[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The ideal one: as many answers as the front has room for. A ring in the order of use, by number; 0 is its knot. */
static unsigned lru_hits(void) {
    static unsigned newer[QUESTIONS + 1], older[QUESTIONS + 1];
    static bool kept[QUESTIONS + 1];
    uint64_t random = 7;
    unsigned hits = 0, count = 0;
    for (unsigned now = 0; now < ASKED; now++) {
        unsigned question = 1 + zipf(&random);
        hits += kept[question];
        if (!kept[question] && count++ == PLACES) {
            unsigned oldest = newer[0];
            newer[0] = newer[oldest];
            older[newer[oldest]] = 0;
            kept[oldest] = false;
            count--;
        } else if (kept[question]) {
            newer[older[question]] = newer[question];
            older[newer[question]] = older[question];
        }
        kept[question] = true;
        newer[question] = 0;
        older[question] = older[0];
        newer[older[0]] = question;
        older[0] = question;
    }
    return hits;
}

static unsigned front_hits(void) {
    struct front *front = front_create(MIB);
    uint64_t random = 7;
    unsigned hits = 0;
    size_t len = MIB / PLACES - 280; /* with what keeping one costs */
    for (unsigned i = 0; i < ASKED; i++) {
        unsigned question = zipf(&random);
        if (has(front, question))
            hits++;
        else
            put(front, question, len);
    }
    front_unref(front);
    return hits;
}

static void it_finds_more_than_lru_would(void **state) {
    (void)state;
    unsigned ours = front_hits(), lru = lru_hits();
    print_message("of %d questions: W-TinyLFU finds %u, LRU %u\n", ASKED, ours, lru);
    assert_true(ours > lru + lru / 10);
}

/* ---- the sketch -------------------------------------------------------------------------------------------------------- */

static void the_sketch_counts_and_forgets(void **state) {
    (void)state;
    struct sketch sketch;
    struct key often = key_of(1), other = key_of(2);
    sketch_init(&sketch, 64);
    for (int i = 0; i < 20; i++) sketch_add(&sketch, key_hash(&often));
    sketch_add(&sketch, key_hash(&other));
    assert_int_equal(sketch_count(&sketch, key_hash(&often)), 15);
    assert_in_range(sketch_count(&sketch, key_hash(&other)), 1, 2);
    for (unsigned i = 0; i < 5000; i++) {
        struct key key = key_of(100 + i);
        sketch_add(&sketch, key_hash(&key));
    }
    assert_true(sketch_count(&sketch, key_hash(&often)) < 15);
    sketch_finish(&sketch);
}

/* ---- many threads ------------------------------------------------------------------------------------------------------ */

static void *hammer(void *arg) {
    struct front *front = arg;
    uint64_t random = (uintptr_t)&random;
    for (int i = 0; i < 20000; i++) {
        random = random * UINT64_C(6364136223846793005) + 1;
        unsigned number = (unsigned)(random >> 40) % 3000;
        struct key key = key_of(number);
        if (random >> 60 == 0)
            front_del(front, &key);
        else if (!has(front, number))
            put(front, number, number);
    }
    return NULL;
}

/* As a reload does, under the hands of the workers. */
static void resize(struct front *front) {
    for (size_t i = 0; i < 200; i++) front_resize(front, i % 2 ? MIB : MIB / 2);
}

static void many_threads_never_see_a_wrong_answer(void **state) {
    (void)state;
    pthread_t threads[4];
    struct front *front = front_create(MIB);
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, hammer, front);
    resize(front);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    assert_true(front_bytes(front) <= MIB);
    front_unref(front);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_found_until_it_is_deleted),
        cmocka_unit_test(a_new_answer_takes_the_place_of_the_old_one),
        cmocka_unit_test(the_ceiling_holds),
        cmocka_unit_test(a_flood_does_not_wash_out_what_is_asked_often),
        cmocka_unit_test(what_is_asked_no_more_goes_in_the_end),
        cmocka_unit_test(it_finds_more_than_lru_would),
        cmocka_unit_test(the_sketch_counts_and_forgets),
        cmocka_unit_test(many_threads_never_see_a_wrong_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
