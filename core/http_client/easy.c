/* Prepares a transfer. An easy handle keeps what is the same for all transfers, and its URL and fields for as long as
 * requests repeat them, so that the usual request sets a handful of options. Everything that a request could smuggle
 * into the header is refused here. */
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "core/http_client/internal.h"

#define URL_MAX (16 * 1024)
#define FIELDS_MAX (64 * 1024)

/* A bomb can unfold while the transfer is paused, where max_body does not see it yet; so only encodings whose ratio is
 * bounded: 16 KiB of deflate are 16 MiB at most. */
#define ENCODINGS "gzip, deflate"

CURL *easy_create(struct rp_fetch *fetch) {
    CURL *easy = curl_easy_init();
    if (!easy) abort(); /* out of memory */
    curl_easy_setopt(easy, CURLOPT_PRIVATE, fetch);
    curl_easy_setopt(easy, CURLOPT_SHARE, fetch->client->share);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->error);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, response_on_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, response_on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, response_on_connected);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, socket_on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, socket_on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, fetch->client);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    /* The window of a stream is curl's own: what a server has sent into it when its reader pauses waits here, 32 MiB at
     * the very most, though a server that streams has never been seen to be ahead by more than a few. */
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, ENCODINGS);
    if (!fetch->client->env_proxy) {
        curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* spares curl the look into the environment, each time */
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    }
    char *ca_file = NULL;
    curl_easy_getinfo(easy, CURLINFO_CAINFO, &ca_file);
    fetch->default_ca = ca_file ? rp_strdup(ca_file) : NULL;
    return easy;
}

static bool same(const struct rp_buf *buf, struct rp_str text) {
    return rp_str_equal(rp_buf_str(buf), text);
}

/* ---- URL --------------------------------------------------------------------------------------------------------- */

static bool scheme_is_http(CURLU *url) {
    char *scheme = NULL;
    if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK) return false;
    bool http = strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0;
    curl_free(scheme);
    return http;
}

bool rp_url_valid(const char *text) {
    CURLU *parsed = curl_url();
    if (!parsed) abort(); /* out of memory */
    bool good = strlen(text) <= URL_MAX && curl_url_set(parsed, CURLUPART_URL, text, 0) == CURLUE_OK &&
                scheme_is_http(parsed);
    curl_url_cleanup(parsed);
    return good;
}

static int set_url(struct rp_fetch *fetch, const char *text) {
    struct rp_str url = rp_str(text);
    if (url.len == 0) return -RP_EINVALID;
    if (same(&fetch->url, url)) return 0;
    rp_buf_clear(&fetch->url);
    CURLU *parsed = curl_url();
    if (!parsed) abort(); /* out of memory */
    bool good =
        url.len <= URL_MAX && curl_url_set(parsed, CURLUPART_URL, text, 0) == CURLUE_OK && scheme_is_http(parsed);
    if (!good || rp_buf_append_str(&fetch->url, url) != 0) {
        curl_url_cleanup(parsed);
        return -RP_EINVALID;
    }
    curl_easy_setopt(fetch->easy, CURLOPT_URL, text);     /* for messages */
    curl_easy_setopt(fetch->easy, CURLOPT_CURLU, parsed); /* what counts: parsed once for many transfers */
    /* over HTTP/2 many share one connection: rather wait for the first one than open one for each */
    curl_easy_setopt(fetch->easy, CURLOPT_PIPEWAIT, strncasecmp(text, "https:", 6) == 0 ? 1L : 0L);
    curl_url_cleanup(fetch->parsed);
    fetch->parsed = parsed;
    return 0;
}

/* ---- fields ------------------------------------------------------------------------------------------------------ */

static size_t token_length(const char *text) {
    size_t len = 0;
    while (isalnum((unsigned char)text[len]) || (text[len] && strchr("!#$%&'*+-.^_`|~", text[len]))) len++;
    return len;
}

/* Appends one field as curl wants it: "Name;" is how it sends a field without a value. */
static int add_field(struct rp_buf *head, const char *field) {
    size_t name = token_length(field);
    if (name == 0 || field[name] != ':' || strpbrk(field, "\r\n")) return -RP_EINVALID;
    const char *value = field + name + 1;
    bool blank = value[strspn(value, " \t")] == '\0';
    int rc = blank ? rp_buf_append(head, field, name) : rp_buf_append(head, field, strlen(field));
    if (rc == 0 && blank) rc = rp_buf_append(head, ";", 1);
    return rc == 0 && rp_buf_append(head, "", 1) == 0 ? 0 : -RP_EINVALID;
}

static bool names_field(const char *const *fields, const char *name, size_t len) {
    for (; fields && *fields; fields++) {
        if (strncasecmp(*fields, name, len) == 0 && (*fields)[len] == ':') return true;
    }
    return false;
}

/* Fields that curl would write by itself cost it twice as much as those it is given. Without a value it leaves its own
 * out: no wait for "100 Continue", no invented type. */
static const char *const usual_fields[] = {"User-Agent: repartee/" REPARTEE_VERSION, "Accept-Encoding: " ENCODINGS};
static const char *const body_fields[] = {"Expect:", "Content-Type:"};

static int add_unless_given(struct rp_buf *head, const struct rp_fetch_request *request, const char *field) {
    if (names_field(request->fields, field, strcspn(field, ":"))) return 0;
    return rp_buf_append(head, field, strlen(field) + 1) == 0 ? 0 : -RP_EINVALID;
}

static int write_fields(struct rp_buf *head, const struct rp_fetch_request *request, bool has_body) {
    int rc = 0;
    for (const char *const *field = request->fields; rc == 0 && field && *field; field++) rc = add_field(head, *field);
    for (size_t i = 0; rc == 0 && i < 2; i++) rc = add_unless_given(head, request, usual_fields[i]);
    for (size_t i = 0; rc == 0 && has_body && i < 2; i++) rc = add_unless_given(head, request, body_fields[i]);
    return rc;
}

/* Curl only reads the list, so one array does. */
static void link_fields(struct rp_fetch *fetch) {
    size_t count = 0;
    for (size_t at = 0; at < fetch->head.len; at += strlen(fetch->head.data + at) + 1) count++;
    if (count > fetch->field_cap) {
        fetch->fields = rp_realloc(fetch->fields, count * sizeof(fetch->fields[0]));
        fetch->field_cap = count;
    }
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        fetch->fields[i].data = fetch->head.data + at;
        fetch->fields[i].next = i + 1 < count ? &fetch->fields[i + 1] : NULL;
        at += strlen(fetch->head.data + at) + 1;
    }
    curl_easy_setopt(fetch->easy, CURLOPT_HTTPHEADER, count ? fetch->fields : NULL);
}

static int set_fields(struct rp_fetch *fetch, const struct rp_fetch_request *request, bool has_body) {
    fetch->head.max = FIELDS_MAX;
    rp_buf_clear(&fetch->head);
    if (write_fields(&fetch->head, request, has_body) != 0) return -RP_EINVALID;
    link_fields(fetch);
    return 0;
}

/* ---- the rest ---------------------------------------------------------------------------------------------------- */

static bool carries_body(const char *method, struct rp_str body) {
    return body.len > 0 || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
}

static void set_method(CURL *easy, const char *method, struct rp_str body, bool has_body) {
    const char *implied = has_body ? "POST" : "GET";
    if (has_body) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.len ? body.data : "");
    } else if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        implied = "HEAD";
    } else {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, strcmp(method, implied) == 0 ? NULL : method);
}

/* Seldom given; set back when the last transfer of this handle had them. */
static void set_route(struct rp_fetch *fetch, const struct rp_fetch_request *request) {
    curl_easy_setopt(fetch->easy, CURLOPT_FRESH_CONNECT, request->once ? 1L : 0L);
    if (request->proxy || fetch->own_proxy)
        curl_easy_setopt(fetch->easy, CURLOPT_PROXY,
                         request->proxy             ? request->proxy
                         : fetch->client->env_proxy ? NULL
                                                    : "");
    if (request->ca_file || fetch->own_ca)
        curl_easy_setopt(fetch->easy, CURLOPT_CAINFO, request->ca_file ? request->ca_file : fetch->default_ca);
    fetch->own_proxy = request->proxy != NULL;
    fetch->own_ca = request->ca_file != NULL;
}

int easy_prepare(struct rp_fetch *fetch, const struct rp_fetch_request *request) {
    const char *method = request->method ? request->method : request->body.len ? "POST" : "GET";
    if (!*method || method[token_length(method)] != '\0') return -RP_EINVALID;
    bool has_body = carries_body(method, request->body);
    if (set_url(fetch, request->url ? request->url : "") != 0) return -RP_EINVALID;
    if (set_fields(fetch, request, has_body) != 0) return -RP_EINVALID;
    set_method(fetch->easy, method, request->body, has_body);
    set_route(fetch, request);
    return 0;
}
