/* The parser of server-sent events: any cut, any line end, the ceilings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <repartee/http_client.h>

/* Writes each event as `name=data;`, with line feeds as "~". */
static int on_event(void *arg, struct rp_str event, struct rp_str data) {
    struct rp_buf *out = arg;
    rp_buf_append_str(out, event);
    rp_buf_append(out, "=", 1);
    for (size_t i = 0; i < data.len; i++) rp_buf_append(out, data.data[i] == '\n' ? "~" : data.data + i, 1);
    return rp_buf_append(out, ";", 1);
}

static const char corpus[] = "\xEF\xBB\xBF"
                             ": hello\n"
                             "data: one\n\n"
                             "event: delta\ndata: two\ndata:three\n\n"
                             "data\n\n"
                             ":\n\n"
                             "id: 7\nretry: 10\ndata:  four: five\n\n"
                             "event: lonely\n\n"
                             "data: s\xC3\xBCß\xF0\x9F\x98\x80\n\n"
                             "nonsense\nnon: sense\ndata: \n\n"
                             "data: [DONE]\n\n"
                             "data: half an event\n";
static const char expected[] =
    "message=one;delta=two~three;message=;message= four: five;message=s\xC3\xBCß\xF0\x9F\x98\x80;"
    "message=;message=[DONE];";

/* Feeds the text in the parts that `cuts` marks: a part ends before each i with cuts[i]. */
static void expect(const char *text, size_t len, const bool *cuts) {
    struct rp_sse sse;
    struct rp_buf out;
    rp_sse_init(&sse, 4096);
    rp_buf_init(&out, 4096);
    for (size_t start = 0; start < len;) {
        size_t end = start + 1;
        while (end < len && !cuts[end]) end++;
        char *part = malloc(end - start); /* of just this size, for the sanitizer */
        memcpy(part, text + start, end - start);
        assert_int_equal(rp_sse_feed(&sse, part, end - start, on_event, &out), 0);
        free(part);
        start = end;
    }
    assert_string_equal(out.data, expected);
    rp_sse_finish(&sse);
    rp_buf_finish(&out);
}

/* The corpus with each line feed written as `line_end`. */
static size_t with_line_ends(char *out, const char *line_end) {
    size_t len = 0;
    for (const char *at = corpus; *at; at++) {
        if (*at == '\n')
            len += (size_t)snprintf(out + len, 3, "%s", line_end);
        else
            out[len++] = *at;
    }
    return len;
}

static const char *const line_ends[] = {"\n", "\r", "\r\n"};

static void any_cut_gives_the_same_events(void **state) {
    (void)state;
    char text[1024];
    bool cuts[1024] = {0};
    for (size_t kind = 0; kind < 3; kind++) {
        size_t len = with_line_ends(text, line_ends[kind]);
        expect(text, len, cuts);
        for (size_t a = 1; a < len; a++) {
            cuts[a] = true;
            expect(text, len, cuts);
            for (size_t b = a + 1; b < len; b += 3) {
                cuts[b] = true;
                expect(text, len, cuts);
                cuts[b] = false;
            }
            cuts[a] = false;
        }
    }
}

static void one_byte_at_a_time_gives_the_same_events(void **state) {
    (void)state;
    char text[1024];
    bool cuts[1024];
    memset(cuts, true, sizeof(cuts));
    for (size_t kind = 0; kind < 3; kind++) expect(text, with_line_ends(text, line_ends[kind]), cuts);
}

static void random_cuts_give_the_same_events(void **state) {
    (void)state;
    char text[1024];
    bool cuts[1024];
    uint32_t random = 12345;
    for (int round = 0; round < 3000; round++) {
        size_t len = with_line_ends(text, line_ends[round % 3]);
        unsigned rarity = 2 + (unsigned)round % 40;
        for (size_t i = 0; i < len; i++) {
            random = random * 1664525 + 1013904223;
            cuts[i] = (random >> 16) % rarity == 0;
        }
        expect(text, len, cuts);
    }
}

static int feed_all(struct rp_sse *sse, struct rp_buf *out, const char *text) {
    return rp_sse_feed(sse, text, strlen(text), on_event, out);
}

static void a_byte_order_mark_counts_only_at_the_start(void **state) {
    (void)state;
    struct rp_sse sse;
    struct rp_buf out;
    rp_sse_init(&sse, 100);
    rp_buf_init(&out, 1000);
    assert_int_equal(feed_all(&sse, &out,
                              "data: a\n\n\xEF\xBB\xBF"
                              "data: b\n\ndata: c\n\n"),
                     0);
    assert_string_equal(out.data, "message=a;message=c;");
    rp_sse_finish(&sse);
    rp_buf_finish(&out);
}

static void a_line_at_the_ceiling_passes_and_one_byte_more_fails(void **state) {
    (void)state;
    for (size_t cut = 1; cut < 20; cut++) {
        for (size_t extra = 0; extra < 2; extra++) {
            char text[64] = "data: 0123456789\n\n";
            struct rp_sse sse;
            struct rp_buf out;
            rp_sse_init(&sse, 16 - extra);
            rp_buf_init(&out, 1000);
            size_t len = strlen(text), first = cut < len ? cut : len;
            int rc = rp_sse_feed(&sse, text, first, on_event, &out);
            if (rc == 0) rc = rp_sse_feed(&sse, text + first, len - first, on_event, &out);
            assert_int_equal(rc, extra ? -RP_ETOOLARGE : 0);
            rp_sse_finish(&sse);
            rp_buf_finish(&out);
        }
    }
}

static void many_lines_of_data_meet_the_ceiling_of_an_event(void **state) {
    (void)state;
    struct rp_sse sse;
    struct rp_buf out;
    rp_sse_init(&sse, 64);
    rp_buf_init(&out, 1000);
    int rc = 0;
    int lines = 0;
    while (rc == 0 && lines++ < 1000) rc = feed_all(&sse, &out, "data: 0123456789\n");
    assert_int_equal(rc, -RP_ETOOLARGE);
    assert_in_range(lines, 5, 7);
    rp_sse_finish(&sse);
    rp_buf_finish(&out);
}

static void a_line_without_end_holds_no_more_than_the_ceiling(void **state) {
    (void)state;
    struct rp_sse sse;
    struct rp_buf out;
    char part[1000];
    memset(part, 'x', sizeof(part));
    rp_sse_init(&sse, 4096);
    rp_buf_init(&out, 10);
    int rc = 0;
    int parts = 0;
    while (rc == 0 && parts++ < 100) rc = rp_sse_feed(&sse, part, sizeof(part), on_event, &out);
    assert_int_equal(rc, -RP_ETOOLARGE);
    assert_int_equal(parts, 5);
    assert_in_range(sse.line.len, 0, 4096);
    rp_sse_finish(&sse);
    rp_buf_finish(&out);
}

static void a_name_of_an_event_is_bounded(void **state) {
    (void)state;
    struct rp_sse sse;
    struct rp_buf out;
    char text[1000] = "event: ";
    memset(text + 7, 'n', 900);
    strcpy(text + 907, "\ndata: x\n\n");
    rp_sse_init(&sse, 4096);
    rp_buf_init(&out, 10);
    assert_int_equal(feed_all(&sse, &out, text), -RP_ETOOLARGE);
    rp_sse_finish(&sse);
    rp_buf_finish(&out);
}

static int stop_at_once(void *arg, struct rp_str event, struct rp_str data) {
    (void)event, (void)data;
    ++*(int *)arg;
    return 42;
}

static void the_callback_can_stop_the_feeding(void **state) {
    (void)state;
    struct rp_sse sse;
    int calls = 0;
    rp_sse_init(&sse, 100);
    assert_int_equal(rp_sse_feed(&sse, "data: a\n\ndata: b\n\n", 18, stop_at_once, &calls), 42);
    assert_int_equal(calls, 1);
    rp_sse_finish(&sse);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_cut_gives_the_same_events),
        cmocka_unit_test(one_byte_at_a_time_gives_the_same_events),
        cmocka_unit_test(random_cuts_give_the_same_events),
        cmocka_unit_test(a_byte_order_mark_counts_only_at_the_start),
        cmocka_unit_test(a_line_at_the_ceiling_passes_and_one_byte_more_fails),
        cmocka_unit_test(many_lines_of_data_meet_the_ceiling_of_an_event),
        cmocka_unit_test(a_line_without_end_holds_no_more_than_the_ceiling),
        cmocka_unit_test(a_name_of_an_event_is_bounded),
        cmocka_unit_test(the_callback_can_stop_the_feeding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
