/* The opening handshake: what is taken, what is refused and how, and the accept key of RFC 6455. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "plugins/transports/websocket/handshake.h"
#include "plugins/transports/websocket/sha1.h"

static struct handshake good(void) {
    return (struct handshake){.method = RP_STR("GET"),
                              .upgrade = RP_STR("websocket"),
                              .connection = RP_STR("keep-alive, Upgrade"),
                              .version = RP_STR("13"),
                              .key = RP_STR("dGhlIHNhbXBsZSBub25jZQ==")};
}

static int status_of(const struct handshake *handshake, const struct rp_option_list *origins) {
    struct refusal refusal = {0};
    int code = handshake_check(handshake, origins, &refusal);
    assert_int_equal(code, -refusal.code);
    return code ? refusal.status : 101;
}

static const struct rp_option_list anywhere;

static void sha1_gives_the_digests_of_the_standard(void **state) {
    (void)state;
    static const struct {
        const char *text, *hex;
    } cases[] = {
        {"", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
        {"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
         "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
         "a49b2446a02c645bf419f995b67091253a04a259"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t digest[SHA1_SIZE];
        char hex[2 * SHA1_SIZE + 1];
        sha1(rp_str(cases[i].text), digest);
        for (size_t k = 0; k < SHA1_SIZE; k++) snprintf(hex + 2 * k, 3, "%02x", digest[k]);
        assert_string_equal(hex, cases[i].hex);
    }
}

static void the_key_of_the_rfc_gets_the_answer_of_the_rfc(void **state) {
    (void)state;
    char accept[HANDSHAKE_ACCEPT_SIZE];
    handshake_accept(RP_STR("dGhlIHNhbXBsZSBub25jZQ=="), accept);
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void a_proper_request_is_taken_in_any_case(void **state) {
    (void)state;
    struct handshake handshake = good();
    assert_int_equal(status_of(&handshake, &anywhere), 101);
    handshake.upgrade = RP_STR("h2c,\tWebSocket ");
    handshake.connection = RP_STR("UPGRADE");
    assert_int_equal(status_of(&handshake, &anywhere), 101);
}

static void a_plain_request_is_told_to_upgrade(void **state) {
    (void)state;
    struct handshake handshake = good();
    handshake.upgrade = (struct rp_str){0};
    assert_int_equal(status_of(&handshake, &anywhere), 426);
    handshake = good();
    handshake.connection = RP_STR("keep-alive, Upgrade2");
    assert_int_equal(status_of(&handshake, &anywhere), 426);
    handshake = good();
    handshake.upgrade = RP_STR("websockets");
    assert_int_equal(status_of(&handshake, &anywhere), 426);
    handshake = good();
    handshake.method = RP_STR("HEAD");
    assert_int_equal(status_of(&handshake, &anywhere), 426);
}

static void another_version_is_told_ours(void **state) {
    (void)state;
    static const char *const versions[] = {NULL, "", "8", "013", "13, 8", "131"};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        struct handshake handshake = good();
        struct refusal refusal;
        handshake.version = rp_str(versions[i]);
        assert_int_equal(handshake_check(&handshake, &anywhere, &refusal), -RP_EINVALID);
        assert_int_equal(refusal.status, 426);
        assert_non_null(strstr(refusal.fields, "Sec-WebSocket-Version: 13\r\n"));
    }
}

static void a_wrong_key_is_refused(void **state) {
    (void)state;
    static const char *const keys[] = {
        NULL, "", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZSBub25jZQAA",
        "dGhlIHNhbXBs ZSBub25jZQ=", "dGhlIHNhbXBsZSBub2*jZQ==", "dGhlIHNhbXBsZSBub25jZ===",
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct handshake handshake = good();
        handshake.key = rp_str(keys[i]);
        assert_int_equal(status_of(&handshake, &anywhere), 400);
    }
    struct handshake handshake = good();
    handshake.key = rp_str_n("dGhlIHNhbXBs\0SBub25jZQ==", 24);
    assert_int_equal(status_of(&handshake, &anywhere), 400);
}

static void only_listed_origins_may_connect(void **state) {
    (void)state;
    static const char *const items[] = {"https://shop.example", "http://localhost:3000"};
    const struct rp_option_list origins = {items, 2};
    static const struct {
        const char *origin;
        int status;
    } cases[] = {
        {"https://shop.example", 101},      {"HTTPS://Shop.Example", 101},      {"http://localhost:3000", 101},
        {NULL, 101},                        {"", 403},                          {"null", 403},
        {"https://shop.example.evil", 403}, {"http://shop.example", 403},       {"https://shop.exampl", 403},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct handshake handshake = good();
        handshake.origin = rp_str(cases[i].origin);
        assert_int_equal(status_of(&handshake, &origins), cases[i].status);
        assert_int_equal(status_of(&handshake, &anywhere), 101);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha1_gives_the_digests_of_the_standard),
        cmocka_unit_test(the_key_of_the_rfc_gets_the_answer_of_the_rfc),
        cmocka_unit_test(a_proper_request_is_taken_in_any_case),
        cmocka_unit_test(a_plain_request_is_told_to_upgrade),
        cmocka_unit_test(another_version_is_told_ours),
        cmocka_unit_test(a_wrong_key_is_refused),
        cmocka_unit_test(only_listed_origins_may_connect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
