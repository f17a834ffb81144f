#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "server.h"

#include <arpa/inet.h>
#include <cmocka.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 32

const struct rp_plugin *rp_plugin(void);

struct options server_options;
struct store_rig server_rig;
static char folder[100], url[200];
static const char *words_before[WORDS_MAX];
static pid_t server;

const struct rp_store_type *server_type(void) {
    return rp_plugin()->stores[0];
}

const char *server_path(const char *name) {
    static char paths[4][160];
    static unsigned next;
    char *out = paths[next++ % 4];
    snprintf(out, sizeof paths[0], "%s/%s", folder, name);
    return out;
}

/* ---- the process ------------------------------------------------------------------------------------------------------- */

static bool takes_connections(int family, const void *address, socklen_t len) {
    int fd = socket(family, SOCK_STREAM, 0);
    bool taken = connect(fd, address, len) == 0;
    close(fd);
    return taken;
}

/* The first word is --port or --unixsocket, the second its value. */
static bool is_up(void) {
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct sockaddr_in tcp = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    snprintf(local.sun_path, sizeof local.sun_path, "%s", words_before[1]);
    tcp.sin_port = htons((uint16_t)atoi(words_before[1]));
    return strcmp(words_before[0], "--port") == 0 ? takes_connections(AF_INET, &tcp, sizeof tcp)
                                                  : takes_connections(AF_UNIX, &local, sizeof local);
}

static void await(void) {
    int64_t give_up = rp_now_ns() + INT64_C(20000000000);
    while (!is_up() && rp_now_ns() < give_up) usleep(2000);
    assert_true(is_up());
}

void server_start(const char *const *words) {
    for (int i = 0; i < WORDS_MAX; i++) {
        words_before[i] = words[i];
        if (!words[i]) break;
    }
    server_start_again();
}

void server_start_again(void) {
    const char *all[WORDS_MAX + 8] = {"redis-server", "--save", "", "--dir", folder, "--loglevel", "warning"};
    memcpy(all + 7, words_before, sizeof words_before);
    server = fork();
    if (server != 0) {
        await();
        return;
    }
    if (!freopen("/dev/null", "w", stdout)) _exit(1);
    execvp(all[0], (char *const *)all);
    perror("redis-server");
    _exit(127);
}

void server_signal(int number) {
    if (server <= 0) return;
    kill(server, number);
    if (number != SIGKILL) return;
    waitpid(server, NULL, 0);
    server = 0;
}

int server_free_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* ---- the folder -------------------------------------------------------------------------------------------------------- */

int server_make(void **state) {
    (void)state;
    signal(SIGPIPE, SIG_IGN); /* as the program does */
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.60s/redis-test-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(folder)) return -1;
    snprintf(url, sizeof url, "redis+unix://%s/redis.sock", folder);
    server_options = (struct options){
        .url = url, .prefix = "repartee:", .timeout = 5000, .connect_timeout = 5000, .queue = 16 << 20};
    static char socket_path[160];
    snprintf(socket_path, sizeof socket_path, "%s", server_path("redis.sock"));
    const char *words[] = {"--unixsocket", socket_path, "--port", "0", NULL};
    server_start(words);
    return 0;
}

static int remove_one(const char *name, const struct stat *info, int flag, struct FTW *ftw) {
    (void)info, (void)flag, (void)ftw;
    return remove(name);
}

int server_remove(void **state) {
    (void)state;
    server_signal(SIGKILL);
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- the store --------------------------------------------------------------------------------------------------------- */

void server_open_only(void) {
    if (store_rig_open(&server_rig, server_type(), "main", &server_options, 1) != 0)
        fail_msg("open: %s", server_rig.error.text);
}

bool server_connects(int64_t ms) {
    int64_t give_up = rp_now_ns() + ms * 1000000;
    while (rp_now_ns() < give_up) {
        if (store_rig_code(&server_rig, "no such key") == -RP_ENOTFOUND) return true;
        usleep(5000);
        worker_turn_loop(server_rig.worker);
    }
    return false;
}

void server_open(void) {
    server_open_only();
    assert_true(server_connects(20000));
}

void server_close(void) {
    store_rig_close(&server_rig);
}
