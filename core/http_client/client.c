/* Drives one curl multi handle on a worker's loop: when curl runs, what its results lead to, and the end of it all. */
#include <stdlib.h>

#include <repartee/log.h>

#include "core/http_client/internal.h"
#include "core/loop/worker.h"

#define CONNECTIONS_KEPT 512L /* idle connections in curl's cache, a worker */
#define HOST_CONNECTIONS 512L /* to one host, where the bot file does not say */

static void drive(struct http_client *client, curl_socket_t fd, int events) {
    int running;
    client_enter(client);
    curl_multi_socket_action(client->multi, fd, events, &running);
    client_leave(client);
}

static void on_drive(struct rp_task *task) {
    struct http_client *client = (struct http_client *)((char *)task - offsetof(struct http_client, drive));
    client_leave(client);
    if (!client->due) return;
    client->due = false;
    drive(client, CURL_SOCKET_TIMEOUT, 0);
}

static void on_timer(struct rp_timer *timer) {
    drive((struct http_client *)((char *)timer - offsetof(struct http_client, timer)), CURL_SOCKET_TIMEOUT, 0);
}

/* Called by curl, also from within calls that are ours: only notes when curl wants to run. */
static int on_curl_timer(CURLM *multi, long ms, void *arg) {
    struct http_client *client = arg;
    (void)multi;
    client->due = ms == 0;
    if (ms > 0)
        rp_timer_start(client->worker, &client->timer, ms);
    else
        rp_timer_stop(client->worker, &client->timer);
    if (ms == 0) rp_task_schedule(client->worker, &client->drive);
    return 0;
}

void client_enter(struct http_client *client) {
    client->inside = true;
}

void client_mark(struct rp_fetch *fetch) {
    struct http_client *client = fetch->client;
    if (!fetch->marked) {
        fetch->marked = true;
        fetch->next_marked = NULL;
        *client->marked_end = fetch;
        client->marked_end = &fetch->next_marked;
    }
    if (!client->inside) rp_task_schedule(client->worker, &client->drive);
}

void client_unmark(struct rp_fetch *fetch) {
    struct http_client *client = fetch->client;
    struct rp_fetch **link = &client->marked;
    while (*link != fetch) link = &(*link)->next_marked;
    *link = fetch->next_marked;
    if (!*link) client->marked_end = link;
    fetch->marked = false;
}

static void meet_marks(struct http_client *client) {
    while (client->marked) {
        struct rp_fetch *fetch = client->marked;
        client_unmark(fetch);
        fetch_meet_mark(fetch);
    }
}

static void report_finished(struct http_client *client) {
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(client->multi, &left))) {
        struct rp_fetch *fetch = NULL;
        CURLcode result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&fetch);
        fetch_on_message(fetch, result);
    }
}

void client_leave(struct http_client *client) {
    client->inside = false;
    meet_marks(client);
    report_finished(client);
}

static bool environment_names_proxy(void) {
    static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);
        if (value && *value) return true;
    }
    return false;
}

static void global_init(void) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        rp_log(RP_LOG_ERROR, "http_client", "libcurl cannot be initialised");
        abort();
    }
}

struct http_client *http_client_create(struct rp_worker *worker) {
    static uv_once_t once = UV_ONCE_INIT;
    uv_once(&once, global_init);
    struct http_client *client = rp_calloc(1, sizeof(*client));
    client->worker = worker;
    client->marked_end = &client->marked;
    client->drive.run = on_drive;
    client->timer.run = on_timer;
    client->env_proxy = environment_names_proxy();
    client->multi = curl_multi_init();
    client->share = curl_share_init();
    if (!client->multi || !client->share) abort(); /* out of memory */
    curl_share_setopt(client->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION); /* all on one thread: no locks */
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, socket_on_change);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
    long most = worker->group && worker->group->host_connections ? (long)worker->group->host_connections : HOST_CONNECTIONS;
    curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS, most);
    return client;
}

void http_client_stand_in(struct http_client *client, const struct http_stand_in *stand_in) {
    client->stand_in = stand_in;
}

void http_client_destroy(struct http_client *client) {
    if (!client) return;
    while (client->active) fetch_drop(client->active);
    while (client->idle) {
        struct rp_fetch *fetch = client->idle;
        client->idle = fetch->next;
        fetch_free(fetch);
    }
    client_enter(client);
    curl_multi_cleanup(client->multi);
    curl_share_cleanup(client->share);
    rp_timer_stop(client->worker, &client->timer);
    rp_task_cancel(client->worker, &client->drive);
    socket_table_finish(&client->sockets);
    free(client);
}
