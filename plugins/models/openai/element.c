/* A configured model: its options checked, and what every request repeats made once. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "openai.h"

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

int openai_check(const void *data, struct rp_error *error) {
    const struct openai_options *options = data;
    const char *url = options->base_url;
    if ((strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) || strpbrk(url, " ?#") ||
        has_control(url))
        return rp_error_set(error, RP_ECONFIG, "base_url must look like https://host/v1, without query");
    if (!*options->model) return rp_error_set(error, RP_ECONFIG, "model must not be empty");
    if (options->api_key && has_control(options->api_key))
        return rp_error_set(error, RP_ECONFIG, "api_key must not contain line breaks or control characters");
    if (options->organization && has_control(options->organization))
        return rp_error_set(error, RP_ECONFIG, "organization must not contain control characters");
    return check_headers(options->headers, error);
}

static char *join(const char *a, const char *b, const char *c) {
    size_t size = strlen(a) + strlen(b) + strlen(c) + 1;
    char *text = rp_alloc(size);
    snprintf(text, size, "%s%s%s", a, b, c);
    return text;
}

static char *make_url(const char *base) {
    char *trimmed = rp_strdup(base);
    for (size_t len = strlen(trimmed); len > 0 && trimmed[len - 1] == '/'; len--) trimmed[len - 1] = '\0';
    char *url = join(trimmed, "/chat/completions", "");
    free(trimmed);
    return url;
}

static char **make_fields(const struct openai_options *options) {
    char **fields = rp_calloc(json_object_size(options->headers) + 4, sizeof(*fields));
    size_t count = 0;
    const char *name;
    json_t *value;
    bool own_authorization = false;
    fields[count++] = rp_strdup("Content-Type: application/json");
    json_object_foreach(options->headers, name, value) {
        fields[count++] = join(name, ": ", json_string_value(value));
        if (strcasecmp(name, "authorization") == 0) own_authorization = true;
    }
    if (options->api_key && *options->api_key && !own_authorization)
        fields[count++] = join("Authorization", ": Bearer ", options->api_key);
    if (options->organization && *options->organization)
        fields[count++] = join("OpenAI-Organization", ": ", options->organization);
    return fields;
}

int openai_open(struct rp_element *element, struct rp_error *error) {
    (void)error;
    struct openai *openai = rp_calloc(1, sizeof(*openai));
    openai->options = element->options;
    openai->name = element->name;
    openai->url = make_url(openai->options->base_url);
    openai->fields = make_fields(openai->options);
    element->state = openai;
    return 0;
}

void openai_close(struct rp_element *element) {
    struct openai *openai = element->state;
    for (char **field = openai->fields; *field; field++) free(*field);
    free(openai->fields);
    free(openai->url);
    free(openai);
}
