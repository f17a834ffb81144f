/* The framing: messages in any cut, what is refused with which close code, and that nothing is kept while idle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugins/transports/websocket/stream.h"

#define MAX_MESSAGE 1000

struct peer {
    struct stream stream;
    struct rp_buf texts; /* each ended by '|' */
    struct rp_buf output;
};

static void on_text(void *arg, struct rp_str text) {
    struct peer *peer = arg;
    assert_int_equal(rp_buf_append_str(&peer->texts, text), 0);
    assert_int_equal(rp_buf_append_str(&peer->texts, RP_STR("|")), 0);
}

static void peer_init(struct peer *peer) {
    stream_init(&peer->stream, MAX_MESSAGE, on_text, peer);
    rp_buf_init(&peer->texts, 1 << 20);
    rp_buf_init(&peer->output, 1 << 20);
}

static void peer_finish(struct peer *peer) {
    stream_finish(&peer->stream);
    rp_buf_finish(&peer->texts);
    rp_buf_finish(&peer->output);
}

static void feed(struct peer *peer, struct rp_str data) {
    assert_int_equal(stream_read(&peer->stream, data), 0);
    assert_int_equal(stream_flush(&peer->stream, &peer->output), 0);
    stream_rest(&peer->stream);
}

/* Appends a frame as a client sends it: masked. `first` is the byte with FIN and opcode. */
static void add_frame(struct rp_buf *buf, unsigned first, const void *payload, size_t len) {
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    uint8_t head[14] = {(uint8_t)first};
    size_t size = 2;
    if (len < 126) {
        head[1] = (uint8_t)(0x80 | len);
    } else {
        head[1] = 0x80 | 126;
        head[2] = (uint8_t)(len >> 8);
        head[3] = (uint8_t)len;
        size = 4;
    }
    memcpy(head + size, mask, 4);
    assert_int_equal(rp_buf_append(buf, head, size + 4), 0);
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = ((const uint8_t *)payload)[i] ^ mask[i % 4];
        assert_int_equal(rp_buf_append(buf, &byte, 1), 0);
    }
}

static void add_text(struct rp_buf *buf, unsigned first, const char *text) {
    add_frame(buf, first, text, strlen(text));
}

static uint16_t sent_close_code(const struct peer *peer) {
    const uint8_t *bytes = (const uint8_t *)peer->output.data;
    assert_true(peer->output.len >= 4);
    assert_int_equal(bytes[0], 0x88);
    return (uint16_t)(bytes[2] << 8 | bytes[3]);
}

/* Two fragments with a ping between them, a whole message, and one of a length with two more bytes. */
static void add_conversation(struct rp_buf *buf) {
    char longer[300];
    memset(longer, 'x', sizeof longer);
    add_text(buf, 0x01, "hel");
    add_text(buf, 0x89, "?");
    add_text(buf, 0x80, "lo");
    add_text(buf, 0x81, "你好");
    add_frame(buf, 0x81, longer, sizeof longer);
    add_text(buf, 0x81, "");
}

static void messages_arrive_whole_however_they_are_cut(void **state) {
    (void)state;
    struct rp_buf bytes;
    rp_buf_init(&bytes, 1 << 16);
    add_conversation(&bytes);
    for (size_t cut = 0; cut <= bytes.len; cut++) {
        struct peer peer;
        peer_init(&peer);
        feed(&peer, rp_str_n(bytes.data, cut));
        feed(&peer, rp_str_n(bytes.data + cut, bytes.len - cut));
        assert_int_equal(peer.texts.len, strlen("hello|你好|") + 301 + 1);
        assert_memory_equal(peer.texts.data, "hello|你好|xxx", strlen("hello|你好|xxx"));
        assert_int_equal(peer.output.len, 3);
        assert_memory_equal(peer.output.data, "\x8a\x01?", 3); /* the pong */
        assert_null(peer.stream.context);
        assert_null(peer.stream.message.data);
        peer_finish(&peer);
    }
    rp_buf_finish(&bytes);
}

static void messages_arrive_whole_byte_by_byte(void **state) {
    (void)state;
    struct rp_buf bytes;
    struct peer peer;
    rp_buf_init(&bytes, 1 << 16);
    add_conversation(&bytes);
    peer_init(&peer);
    for (size_t i = 0; i < bytes.len; i++) feed(&peer, rp_str_n(bytes.data + i, 1));
    assert_memory_equal(peer.texts.data, "hello|你好|xxx", strlen("hello|你好|xxx"));
    assert_null(peer.stream.context);
    peer_finish(&peer);
    rp_buf_finish(&bytes);
}

static void check_refused(const char *what, struct rp_buf *bytes, uint16_t code, enum stream_state expected) {
    struct peer peer;
    peer_init(&peer);
    feed(&peer, rp_buf_str(bytes));
    if (peer.texts.len) fail_msg("%s: taken as a message", what);
    if (sent_close_code(&peer) != code) fail_msg("%s: closed with %u", what, sent_close_code(&peer));
    assert_int_equal(stream_close_code(&peer.stream), code);
    if (stream_state(&peer.stream) != expected) fail_msg("%s: state %d", what, stream_state(&peer.stream));
    size_t before = peer.output.len;
    rp_buf_clear(bytes);
    add_text(bytes, 0x81, "late");
    feed(&peer, rp_buf_str(bytes));
    assert_int_equal(peer.texts.len, 0);
    assert_int_equal(peer.output.len, before);
    peer_finish(&peer);
    rp_buf_finish(bytes);
}

static void a_binary_message_is_refused(void **state) {
    (void)state;
    struct rp_buf bytes;
    rp_buf_init(&bytes, 1 << 16);
    add_text(&bytes, 0x82, "\x01\x02");
    check_refused("binary", &bytes, 1003, STREAM_CLOSING);
    add_text(&bytes, 0x02, "\x01");
    add_text(&bytes, 0x80, "\x01");
    check_refused("fragmented binary", &bytes, 1003, STREAM_CLOSING);
}

static void broken_text_is_refused(void **state) {
    (void)state;
    struct rp_buf bytes;
    rp_buf_init(&bytes, 1 << 16);
    static const char *const broken[] = {"\xff", "a\xc3", "\xed\xa0\x80", "\xc0\xaf", "\xf4\x90\x80\x80", "\xe4\xbd"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        add_text(&bytes, 0x81, broken[i]);
        check_refused(broken[i], &bytes, 1007, STREAM_FAILED);
    }
    add_text(&bytes, 0x01, "\xe4");
    add_text(&bytes, 0x80, "\x41");
    check_refused("a broken character across fragments", &bytes, 1007, STREAM_FAILED);
}

static void a_character_may_be_cut_by_fragments(void **state) {
    (void)state;
    struct rp_buf bytes;
    struct peer peer;
    rp_buf_init(&bytes, 1 << 16);
    peer_init(&peer);
    add_text(&bytes, 0x01, "\xe4");
    add_text(&bytes, 0x00, "\xbd");
    add_text(&bytes, 0x80, "\xa0");
    feed(&peer, rp_buf_str(&bytes));
    assert_string_equal(peer.texts.data, "你|");
    peer_finish(&peer);
    rp_buf_finish(&bytes);
}

static void broken_framing_is_refused(void **state) {
    (void)state;
    struct rp_buf bytes;
    rp_buf_init(&bytes, 1 << 16);
    assert_int_equal(rp_buf_append(&bytes, "\x81\x02hi", 4), 0);
    check_refused("an unmasked frame", &bytes, 1002, STREAM_FAILED);
    add_text(&bytes, 0x80, "x");
    check_refused("a continuation of nothing", &bytes, 1002, STREAM_FAILED);
    add_text(&bytes, 0x01, "x");
    add_text(&bytes, 0x81, "y");
    check_refused("a message inside a message", &bytes, 1002, STREAM_FAILED);
    add_text(&bytes, 0xc1, "x");
    check_refused("a reserved bit", &bytes, 1002, STREAM_FAILED);
    add_text(&bytes, 0x83, "x");
    check_refused("an unknown opcode", &bytes, 1002, STREAM_FAILED);
    add_text(&bytes, 0x09, "x");
    check_refused("a fragmented ping", &bytes, 1002, STREAM_FAILED);
    assert_int_equal(rp_buf_append(&bytes, "\x81\xfe\0\x01mask?", 9), 0);
    check_refused("a length that is not the shortest", &bytes, 1002, STREAM_FAILED);
    add_frame(&bytes, 0x88, "\x03", 1);
    check_refused("half a close code", &bytes, 1002, STREAM_CLOSED);
}

static void a_message_over_the_limit_is_refused(void **state) {
    (void)state;
    char text[MAX_MESSAGE + 1];
    struct rp_buf bytes;
    struct peer peer;
    memset(text, 'a', sizeof text);
    rp_buf_init(&bytes, 1 << 16);
    add_frame(&bytes, 0x81, text, MAX_MESSAGE + 1);
    check_refused("one long frame", &bytes, 1009, STREAM_FAILED);
    add_frame(&bytes, 0x01, text, MAX_MESSAGE);
    add_frame(&bytes, 0x80, text, 1);
    check_refused("fragments", &bytes, 1009, STREAM_CLOSING);
    assert_int_equal(rp_buf_append(&bytes, "\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xffmask!", 15), 0);
    check_refused("a frame of 2^63 bytes", &bytes, 1009, STREAM_FAILED);
    peer_init(&peer);
    add_frame(&bytes, 0x01, text, MAX_MESSAGE - 1);
    add_frame(&bytes, 0x00, text, 0);
    add_frame(&bytes, 0x80, text, 1);
    feed(&peer, rp_buf_str(&bytes));
    assert_int_equal(peer.texts.len, MAX_MESSAGE + 1);
    peer_finish(&peer);
    rp_buf_finish(&bytes);
}

static void the_client_s_close_is_answered(void **state) {
    (void)state;
    struct rp_buf bytes;
    struct peer peer;
    rp_buf_init(&bytes, 1 << 16);
    peer_init(&peer);
    add_text(&bytes, 0x88, "\x03\xe8");
    feed(&peer, rp_buf_str(&bytes));
    assert_int_equal(sent_close_code(&peer), 1000);
    assert_int_equal(stream_state(&peer.stream), STREAM_CLOSED);
    peer_finish(&peer);
    rp_buf_finish(&bytes);
}

static void our_close_waits_for_the_client_s(void **state) {
    (void)state;
    struct rp_buf bytes;
    struct peer peer;
    rp_buf_init(&bytes, 1 << 16);
    peer_init(&peer);
    assert_int_equal(stream_close(&peer.stream, 1001, "bye"), 0);
    assert_int_equal(stream_text(&peer.stream, RP_STR("too late")), 0);
    assert_int_equal(stream_flush(&peer.stream, &peer.output), 0);
    assert_int_equal(sent_close_code(&peer), 1001);
    assert_int_equal(peer.output.len, 2 + 2 + 3);
    assert_int_equal(stream_state(&peer.stream), STREAM_CLOSING);
    add_text(&bytes, 0x81, "what?");
    feed(&peer, rp_buf_str(&bytes));
    assert_int_equal(stream_state(&peer.stream), STREAM_CLOSING);
    rp_buf_clear(&bytes);
    add_text(&bytes, 0x88, "\x03\xe9");
    feed(&peer, rp_buf_str(&bytes));
    assert_int_equal(stream_state(&peer.stream), STREAM_CLOSED);
    assert_int_equal(peer.texts.len, 0);
    peer_finish(&peer);
    rp_buf_finish(&bytes);
}

static void frames_go_out_unmasked_and_in_order(void **state) {
    (void)state;
    char text[70000];
    struct peer peer;
    peer_init(&peer);
    memset(text, 'z', sizeof text);
    assert_int_equal(stream_text(&peer.stream, RP_STR("one")), 0);
    assert_int_equal(stream_ping(&peer.stream), 0);
    assert_int_equal(stream_text(&peer.stream, rp_str_n(text, sizeof text)), 0);
    assert_int_equal(stream_flush(&peer.stream, &peer.output), 0);
    stream_rest(&peer.stream);
    assert_null(peer.stream.context);
    /* control frames overtake what has not begun to go out */
    assert_memory_equal(peer.output.data, "\x89\0\x81\x03one\x81\x7f\0\0\0\0\0\x01\x11\x70zzz", 20);
    assert_int_equal(peer.output.len, 2 + 5 + 10 + sizeof text);
    peer_finish(&peer);
}

static void a_full_output_is_reported(void **state) {
    (void)state;
    struct peer peer;
    peer_init(&peer);
    peer.output.max = 10;
    assert_int_equal(stream_text(&peer.stream, RP_STR("0123456789")), 0);
    assert_int_equal(stream_flush(&peer.stream, &peer.output), -RP_ETOOLARGE);
    peer_finish(&peer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_arrive_whole_however_they_are_cut),
        cmocka_unit_test(messages_arrive_whole_byte_by_byte),
        cmocka_unit_test(a_binary_message_is_refused),
        cmocka_unit_test(broken_text_is_refused),
        cmocka_unit_test(a_character_may_be_cut_by_fragments),
        cmocka_unit_test(broken_framing_is_refused),
        cmocka_unit_test(a_message_over_the_limit_is_refused),
        cmocka_unit_test(the_client_s_close_is_answered),
        cmocka_unit_test(our_close_waits_for_the_client_s),
        cmocka_unit_test(frames_go_out_unmasked_and_in_order),
        cmocka_unit_test(a_full_output_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
