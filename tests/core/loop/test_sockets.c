/* Listening sockets: a port in use is found, and generations hand theirs on without losing a connection. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <repartee/sockets.h>

#include "core/config/bot.h"
#include "core/loop/worker.h"

static struct bot first, second;
static struct rp_worker workers[2] = {{.index = 0}, {.index = 1}};

static struct rp_element listener(struct bot *bot, const char *name) {
    return (struct rp_element){.name = name, .bot = bot};
}

static struct rp_sockets *open_for(struct bot *bot, const char *name, const char *address) {
    struct rp_element element = listener(bot, name);
    struct rp_sockets *sockets = NULL;
    struct rp_error error = {0};
    if (rp_sockets_open(&element, address, 2, &sockets, &error) != 0) fail_msg("%s", error.text);
    return sockets;
}

static void assert_refused(struct bot *bot, const char *name, const char *address, int code) {
    struct rp_element element = listener(bot, name);
    struct rp_sockets *sockets = NULL;
    struct rp_error error = {0};
    assert_int_equal(rp_sockets_open(&element, address, 2, &sockets, &error), code);
    assert_non_null(strstr(error.text, address));
    assert_null(sockets);
}

static int take(struct rp_sockets *sockets, unsigned index) {
    int fd = rp_sockets_take(sockets, &workers[index]);
    assert_true(fd >= 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

static void leave(struct rp_sockets *sockets) {
    for (unsigned i = 0; i < 2; i++) rp_sockets_leave(sockets, &workers[i]);
}

static int dial(const char *address) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(strchr(address, ':') + 1))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0) return fd;
    close(fd);
    return -1;
}

static void what_is_no_address_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"", "8080", ":80", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "host:80",
                                      "[::1:80", "::1:80", "[127.0.0.1]:80"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) assert_refused(&first, "web", bad[i], -RP_EINVALID);
}

static void a_port_in_use_is_an_error(void **state) {
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    char text[32];
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)); /* another server of the same user */
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size) | listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    snprintf(text, sizeof(text), "127.0.0.1:%d", ntohs(address.sin_port));
    assert_refused(&first, "web", text, -RP_EIO);
    close(fd);
}

static void one_generation_takes_an_address_once(void **state) {
    (void)state;
    struct rp_sockets *any = open_for(&first, "web", "127.0.0.1:0");
    struct rp_sockets *other = open_for(&first, "other", "127.0.0.1:0");
    char address[64];
    snprintf(address, sizeof(address), "%s", rp_sockets_address(any));
    assert_string_not_equal(address, rp_sockets_address(other));
    rp_sockets_close(any);
    any = open_for(&first, "web", address);
    assert_refused(&first, "third", address, -RP_EIO);
    rp_sockets_close(any);
    rp_sockets_close(other);
    rp_sockets_close(NULL);
}

static void the_next_generation_gets_the_same_sockets(void **state) {
    (void)state;
    struct rp_sockets *old = open_for(&first, "web", "127.0.0.1:0");
    char address[64];
    snprintf(address, sizeof(address), "%s", rp_sockets_address(old));
    int listening[] = {take(old, 0), take(old, 1)}, client = -1;
    client = dial(address); /* waits in one of them */
    assert_true(client >= 0);
    struct rp_sockets *new = open_for(&second, "web", "127.0.0.1:0");
    assert_string_equal(rp_sockets_address(new), address);
    close(listening[0]);
    close(listening[1]);
    leave(old);
    rp_sockets_close(old);

    int fds[] = {take(new, 0), take(new, 1)};
    struct timeval soon = {.tv_usec = 200000};
    int accepted = -1;
    for (int i = 0; i < 2 && accepted < 0; i++) {
        setsockopt(fds[i], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
        accepted = accept(fds[i], NULL, NULL);
    }
    assert_true(accepted >= 0);
    assert_int_equal(write(client, "x", 1), 1);
    char byte;
    assert_int_equal(read(accepted, &byte, 1), 1);
    close(accepted);
    close(client);
    close(fds[0]);
    close(fds[1]);
    leave(new);
    assert_int_equal(dial(address), -1); /* nobody has it any more */
    rp_sockets_close(new);
}

static void names_may_change_hands(void **state) {
    (void)state;
    struct rp_sockets *web = open_for(&first, "web", "127.0.0.1:0");
    char address[64];
    snprintf(address, sizeof(address), "%s", rp_sockets_address(web));
    rp_sockets_close(web);
    web = open_for(&first, "web", address);
    struct rp_sockets *shop = open_for(&second, "shop", address); /* the same address under another name */
    assert_refused(&second, "third", address, -RP_EIO);
    struct rp_sockets *any = open_for(&second, "any", "127.0.0.1:0"); /* any port is not an old one */
    assert_string_not_equal(rp_sockets_address(any), address);
    rp_sockets_close(any);
    rp_sockets_close(web);
    rp_sockets_close(shop);
}

static void who_has_left_is_not_followed(void **state) {
    (void)state;
    struct rp_sockets *old = open_for(&first, "web", "127.0.0.1:0");
    leave(old);
    struct rp_sockets *new = open_for(&second, "web", "127.0.0.1:0");
    assert_string_not_equal(rp_sockets_address(new), rp_sockets_address(old));
    assert_int_equal(rp_sockets_take(old, &workers[0]), -1);
    rp_sockets_close(old);
    rp_sockets_close(new);
}

static void another_address_on_the_same_port_can_follow(void **state) {
    (void)state;
    struct rp_sockets *old = open_for(&first, "web", "127.0.0.1:0");
    int listening = take(old, 0);
    char address[64];
    snprintf(address, sizeof(address), "0.0.0.0%s", strchr(rp_sockets_address(old), ':'));
    struct rp_sockets *new = open_for(&second, "web", address);
    close(take(new, 0));
    close(listening);
    rp_sockets_close(old);
    rp_sockets_close(new);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(a_port_in_use_is_an_error),
        cmocka_unit_test(one_generation_takes_an_address_once),
        cmocka_unit_test(the_next_generation_gets_the_same_sockets),
        cmocka_unit_test(names_may_change_hands),
        cmocka_unit_test(who_has_left_is_not_followed),
        cmocka_unit_test(another_address_on_the_same_port_can_follow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
