/* A configured model: its options checked, and what every request repeats made once. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "core/remote/internal.h"

static bool has_control(const char *text) {
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7F) return true;
    }
    return false;
}

static bool is_field_name(const char *name) {
    return *name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == strlen(name);
}

static int check_headers(json_t *headers, struct rp_error *error) {
    const char *name;
    json_t *value;
    json_object_foreach(headers, name, value) {
        if (!is_field_name(name)) return rp_error_set(error, RP_ECONFIG, "headers: '%s' is not a header name", name);
        if (!json_is_string(value) || has_control(json_string_value(value)))
            return rp_error_set(error, RP_ECONFIG, "headers: the value of '%s' must be a text on one line", name);
    }
    return 0;
}

int rp_remote_check(const void *data, struct rp_error *error) {
    const struct rp_remote_options *options = data;
    const char *url = options->base_url;
    if ((strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) || strpbrk(url, " ?#") ||
        has_control(url) || !rp_url_valid(url))
        return rp_error_set(error, RP_ECONFIG, "base_url must look like https://host/v1, without query");
    if (!*options->model) return rp_error_set(error, RP_ECONFIG, "model must not be empty");
    for (size_t i = 0; i < options->api_key.count; i++) {
        if (has_control(options->api_key.items[i]))
            return rp_error_set(error, RP_ECONFIG, "api_key must not contain line breaks or control characters");
    }
    return check_headers(options->headers, error);
}

/* "https://host/v1" and "/v1/messages" are "https://host/v1/messages": what both have in common stands there once. */
char *element_url(const struct remote *remote, const char *path) {
    const char *base = remote->options->base_url;
    size_t len = strlen(base);
    while (len > 0 && base[len - 1] == '/') len--;
    size_t shared = 0;
    while (path[shared + 1] && path[shared + 1] != '/') shared++;
    shared = path[shared + 1] ? shared + 1 : 0; /* the first of several segments */
    if (shared && len > shared && memcmp(base + len - shared, path, shared) == 0) len -= shared;
    size_t size = len + strlen(path) + 1;
    char *url = rp_alloc(size);
    snprintf(url, size, "%.*s%s", (int)len, base, path);
    return url;
}

static bool is_loopback(const char *host) {
    static const char *const names[] = {"localhost", "127.", "[::1]"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strncasecmp(host, names[i], strlen(names[i])) == 0) return true;
    }
    return false;
}

static void warn_of_plain_keys(const struct rp_element *element, const struct rp_remote_options *options) {
    static const char plain[] = "http://";
    if (options->api_key.count == 0 || strncmp(options->base_url, plain, strlen(plain)) != 0) return;
    if (is_loopback(options->base_url + strlen(plain))) return;
    rp_element_report(element, true, element->file, element->line,
                      "model '%s': base_url begins with http://, so the api_key goes over the network unencrypted",
                      element->name);
}

const char *element_proxy(const struct remote *remote) {
    return remote->options->proxy && *remote->options->proxy ? remote->options->proxy : NULL;
}

const char *element_ca_file(const struct remote *remote) {
    return remote->options->ca_file && *remote->options->ca_file ? remote->options->ca_file : NULL;
}

int rp_remote_open(struct rp_element *element, const struct rp_protocol *protocol, struct rp_error *error) {
    struct remote *remote = rp_calloc(1, sizeof(*remote));
    remote->protocol = protocol;
    remote->options = element->options;
    remote->element = element;
    tell_open(remote);
    warn_of_plain_keys(element, remote->options);
    remote->url = element_url(remote, protocol->path);
    remote->probe_url = element_url(remote, protocol->probe);
    element->state = remote;
    if (keys_open(remote) == 0) return 0;
    rp_remote_close(element);
    return rp_error_set(error, RP_ECONFIG, "api_key and headers are too long together");
}

void rp_remote_close(struct rp_element *element) {
    struct remote *remote = element->state;
    keys_close(remote);
    free(remote->url);
    free(remote->probe_url);
    free(remote);
}

int64_t rp_remote_context(const struct rp_model *model) {
    const struct rp_remote_options *options = model->element.options;
    return options->context;
}
