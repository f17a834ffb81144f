/* The URL of a server: redis://[user:password@]host[:port][/database], redis+unix:///path[?db=database]. Its text goes
 * into no message, as there may be a password in it. */
#include <stdlib.h>

#include "redis.h"

#define PORT 6379
#define DATABASE_MAX 100000

static int wrong(struct rp_error *error, const char *what) {
    return rp_error_set(error, RP_ECONFIG,
                        "the url %s: expected redis://[user:password@]host[:port][/database] or "
                        "redis+unix:///path/to/socket[?db=database]",
                        what);
}

static int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A copy with %41 made into A; NULL: a % without two digits, or a NUL. */
static char *decode(struct rp_str text) {
    char *out = rp_alloc(text.len + 1), *end = out;
    for (size_t i = 0; i < text.len; i++) {
        *end = text.data[i];
        if (*end++ != '%') continue;
        int high = i + 2 < text.len ? digit(text.data[i + 1]) : -1;
        int low = i + 2 < text.len ? digit(text.data[i + 2]) : -1;
        if (high < 0 || low < 0 || (high | low) == 0) {
            free(out);
            return NULL;
        }
        end[-1] = (char)(high << 4 | low);
        i += 2;
    }
    *end = '\0';
    return out;
}

static int take_number(struct rp_str text, int max, int *out) {
    int number = 0;
    if (text.len == 0 || text.len > 6) return -RP_EINVALID;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return -RP_EINVALID;
        number = 10 * number + text.data[i] - '0';
    }
    if (number > max) return -RP_EINVALID;
    *out = number;
    return 0;
}

/* Cuts the text at the mark; false: there is none. */
static bool split(struct rp_str *text, const char *at, struct rp_str *out_rest) {
    if (!at) return false;
    *out_rest = rp_str_n(at + 1, (size_t)(text->data + text->len - at - 1));
    text->len = (size_t)(at - text->data);
    return true;
}

static const char *first(struct rp_str text, char mark) {
    return text.len ? memchr(text.data, mark, text.len) : NULL;
}

static const char *last(struct rp_str text, char mark) {
    for (size_t i = text.len; i > 0; i--)
        if (text.data[i - 1] == mark) return text.data + i - 1;
    return NULL;
}

static int take_login(struct url *url, struct rp_str login, struct rp_error *error) {
    struct rp_str password;
    if (!split(&login, first(login, ':'), &password)) return wrong(error, "has a user without a password");
    url->user = login.len ? decode(login) : NULL;
    url->password = decode(password);
    if ((login.len && !url->user) || !url->password) return wrong(error, "has a % that is not followed by two digits");
    return 0;
}

static int take_host(struct url *url, struct rp_str host, struct rp_error *error) {
    struct rp_str port;
    bool six = host.len > 0 && host.data[0] == '[';
    const char *end = six ? first(host, ']') : NULL;
    if (six && !end) return wrong(error, "has a [ without a ]");
    struct rp_str behind = six ? rp_str_n(end + 1, (size_t)(host.data + host.len - end - 1)) : host;
    if (six && behind.len > 0 && behind.data[0] != ':') return wrong(error, "has text between ] and the port");
    const char *colon = last(behind, ':');
    url->port = PORT;
    if (split(&host, colon, &port) && (take_number(port, 65535, &url->port) != 0 || url->port == 0))
        return wrong(error, "has no valid port");
    if (six) host = rp_str_n(host.data + 1, (size_t)(end - host.data - 1));
    if (host.len == 0 || (!six && first(host, ':'))) return wrong(error, "has no valid host");
    url->host = decode(host);
    return url->host ? 0 : wrong(error, "has no valid host");
}

static int take_server(struct url *url, struct rp_str rest, struct rp_error *error) {
    struct rp_str database, host;
    if (first(rest, '?')) return wrong(error, "has a ? behind a host");
    const char *at = last(rest, '@');
    struct rp_str login = rest;
    if (split(&login, at, &host)) {
        int code = take_login(url, login, error);
        if (code) return code;
        rest = host;
    }
    if (split(&rest, first(rest, '/'), &database) && database.len > 0 &&
        take_number(database, DATABASE_MAX, &url->database) != 0)
        return wrong(error, "has no valid database number");
    return take_host(url, rest, error);
}

static int take_socket(struct url *url, struct rp_str rest, struct rp_error *error) {
    struct rp_str query;
    if (split(&rest, first(rest, '?'), &query)) {
        if (query.len < 3 || memcmp(query.data, "db=", 3) != 0 ||
            take_number(rp_str_n(query.data + 3, query.len - 3), DATABASE_MAX, &url->database) != 0)
            return wrong(error, "may have ?db=number behind the path, nothing else");
    }
    if (rest.len < 2 || rest.data[0] != '/') return wrong(error, "has no absolute path");
    url->socket = decode(rest);
    return url->socket ? 0 : wrong(error, "has a % that is not followed by two digits");
}

static bool take_scheme(struct rp_str *rest, const char *scheme) {
    size_t len = strlen(scheme);
    if (rest->len < len || memcmp(rest->data, scheme, len) != 0) return false;
    *rest = rp_str_n(rest->data + len, rest->len - len);
    return true;
}

int url_parse(const char *text, struct url *out_url, struct rp_error *error) {
    struct rp_str rest = rp_str(text);
    struct url url = {0};
    int code;
    if (take_scheme(&rest, "redis://"))
        code = take_server(&url, rest, error);
    else if (take_scheme(&rest, "redis+unix://") || take_scheme(&rest, "unix://"))
        code = take_socket(&url, rest, error);
    else if (take_scheme(&rest, "rediss://"))
        code = rp_error_set(error, RP_ECONFIG, "TLS to Redis is not supported: use a tunnel, and redis:// to it");
    else
        code = wrong(error, "does not begin with redis://");
    if (code)
        url_finish(&url);
    else
        *out_url = url;
    return code;
}

void url_finish(struct url *url) {
    free(url->host);
    free(url->socket);
    free(url->user);
    free(url->password);
    *url = (struct url){0};
}
