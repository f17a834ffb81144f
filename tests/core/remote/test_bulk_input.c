/* What a batch hands in: a file in a multipart body or one JSON text, without the requests that nobody waits for any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/remote/bulk.h"

static int line(const void *options, struct rp_str id, struct rp_str body, struct rp_buf *out) {
    (void)options, (void)id;
    return rp_buf_append_str(out, body);
}

static const struct rp_bulk_protocol as_file = {.files = "/files",
                                                .open = "",
                                                .between = "\n",
                                                .close = "\n",
                                                .line = line},
                                     as_json = {.open = "[", .between = ",", .close = "]", .line = line};

struct scene {
    struct rp_protocol protocol;
    struct rp_remote_options options;
    struct remote remote;
    struct bulk bulk;
    struct bulk_batch batch;
    struct bulk_item items[4];
};

static void open_scene(struct scene *scene, const struct rp_bulk_protocol *protocol) {
    *scene = (struct scene){.protocol = {.bulk = protocol}, .options = {.bulk_size = 1000}};
    scene->remote = (struct remote){.protocol = &scene->protocol, .options = &scene->options};
    scene->bulk.remote = &scene->remote;
    scene->batch.bulk = &scene->bulk;
    assert_int_equal(bulk_input_begin(&scene->batch), 0);
}

static void add(struct scene *scene, size_t at, const char *body) {
    struct bulk_item *item = &scene->items[at];
    assert_int_equal(bulk_input_add(&scene->batch, item, rp_str(body)), 0);
    item->prev = scene->batch.last;
    if (item->prev)
        item->prev->next = item;
    else
        scene->batch.items = item;
    scene->batch.last = item;
}

static void leave(struct scene *scene, size_t at) {
    struct bulk_item *item = &scene->items[at];
    scene->batch.dead += item->len;
    if (item->prev)
        item->prev->next = item->next;
    else
        scene->batch.items = item->next;
    if (item->next)
        item->next->prev = item->prev;
    else
        scene->batch.last = item->prev;
}

static void requests_stand_in_one_json_text(void **state) {
    struct scene scene;
    (void)state;
    open_scene(&scene, &as_json);
    add(&scene, 0, "1");
    add(&scene, 1, "22");
    assert_int_equal(bulk_input_end(&scene.batch), 0);
    assert_string_equal(scene.batch.input.data, "[1,22]");
    assert_string_equal(scene.batch.type, "");
    rp_buf_finish(&scene.batch.input);
}

static void requests_are_a_file_in_a_multipart_body(void **state) {
    struct scene scene;
    char expected[1000], *mark = scene.batch.boundary;
    (void)state;
    open_scene(&scene, &as_file);
    add(&scene, 0, "{}");
    add(&scene, 1, "[]");
    assert_int_equal(bulk_input_end(&scene.batch), 0);
    snprintf(expected, sizeof(expected),
             "--%s\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"
             "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"repartee.jsonl\"\r\n"
             "Content-Type: application/jsonl\r\n\r\n{}\n[]\n\r\n--%s--\r\n",
             mark, mark, mark);
    assert_string_equal(scene.batch.input.data, expected);
    snprintf(expected, sizeof(expected), "Content-Type: multipart/form-data; boundary=%s", mark);
    assert_string_equal(scene.batch.type, expected);
    rp_buf_finish(&scene.batch.input);
}

static void who_has_left_is_cut_out_wherever_it_stands(void **state) {
    static const char *const left[] = {"[22,333,4444]", "[1,333,4444]", "[1,22,4444]", "[1,22,333]"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct scene scene;
        open_scene(&scene, &as_json);
        add(&scene, 0, "1");
        add(&scene, 1, "22");
        add(&scene, 2, "333");
        add(&scene, 3, "4444");
        leave(&scene, i);
        assert_int_equal(bulk_input_end(&scene.batch), 0);
        assert_string_equal(scene.batch.input.data, left[i]);
        rp_buf_finish(&scene.batch.input);
    }
}

static void what_does_not_fit_leaves_no_trace(void **state) {
    struct scene scene;
    static char long_body[8000];
    (void)state;
    open_scene(&scene, &as_json);
    memset(long_body, '1', sizeof(long_body) - 1);
    add(&scene, 0, "1");
    assert_int_equal(bulk_input_add(&scene.batch, &scene.items[1], rp_str(long_body)), -RP_ETOOLARGE);
    assert_int_equal(bulk_input_end(&scene.batch), 0);
    assert_string_equal(scene.batch.input.data, "[1]");
    rp_buf_finish(&scene.batch.input);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_stand_in_one_json_text),
        cmocka_unit_test(requests_are_a_file_in_a_multipart_body),
        cmocka_unit_test(who_has_left_is_cut_out_wherever_it_stands),
        cmocka_unit_test(what_does_not_fit_leaves_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
