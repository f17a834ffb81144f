/* One value of the bot file into one field: the types that hold a single thing. Lists and what refers to other elements
 * are in bind_list.c. */
#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/config/bind.h"
#include "core/config/option_table.h"
#include "core/text/units.h"

static int check_range(struct binding *binding, const struct rp_option *option, double amount,
                       const struct node *value) {
    char range[OPTION_TEXT_SIZE], got[NODE_TEXT_SIZE];
    if (!option_is_bounded(option)) return 0;
    if (amount >= option->min && (amount <= option->max || option->max < option->min)) return 0;
    bind_mistake(binding, option->name, "must be %s, got %s", option_range(option, range),
                 node_describe(value, false, got));
    return -RP_ECONFIG;
}

/* Text has its length as its amount. */
static int check_length(struct binding *binding, const struct rp_option *option, size_t len) {
    char range[OPTION_TEXT_SIZE];
    if (!option_is_bounded(option)) return 0;
    if ((double)len >= option->min && ((double)len <= option->max || option->max < option->min)) return 0;
    bind_mistake(binding, option->name, "must be %s bytes long, got %zu", option_range(option, range), len);
    return -RP_ECONFIG;
}

static int bind_string(struct binding *binding, const struct rp_option *option, const struct node *value, void *field) {
    if (!node_is_text(value)) return bind_wrong(binding, option, value);
    if (check_length(binding, option, value->text.len)) return -RP_ECONFIG;
    *(const char **)field = value->text.data;
    return 0;
}

int bind_secret(struct binding *binding, const struct rp_option *option, const struct node *value, void *field) {
    if (value->type != NODE_SECRET) return bind_string(binding, option, value, field);
    const char *name = value->secret.name;
    if (!value->secret.value && binding->offline) {
        *(const char **)field = name;
        return 0;
    }
    if (!value->secret.value) {
        bind_mistake(binding, option->name, "the secret '%s' is not set: set %s, or %s_FILE to a file that holds it",
                     name, name, name);
        return -RP_ECONFIG;
    }
    if (check_length(binding, option, strlen(value->secret.value))) return -RP_ECONFIG;
    *(const char **)field = value->secret.value;
    return 0;
}

static int bind_bool(struct binding *binding, const struct rp_option *option, const struct node *value, void *field) {
    if (value->type != NODE_BOOL) return bind_wrong(binding, option, value);
    *(bool *)field = value->truth;
    return 0;
}

/* Whole floats count: 1e6 is one in Lua. */
static bool whole_number(const struct node *value, int64_t *out) {
    if (value->type == NODE_INT) {
        *out = value->integer;
        return true;
    }
    if (value->type != NODE_NUMBER || !(fabs(value->number) < 9e18) || value->number != floor(value->number))
        return false;
    *out = (int64_t)value->number;
    return true;
}

static bool any_number(const struct node *value, double *out) {
    if (value->type != NODE_INT && value->type != NODE_NUMBER) return false;
    *out = value->type == NODE_INT ? (double)value->integer : value->number;
    return isfinite(*out);
}

static int bind_int(struct binding *binding, const struct rp_option *option, const struct node *value, void *field) {
    int64_t number;
    if (!whole_number(value, &number)) return bind_wrong(binding, option, value);
    if (check_range(binding, option, (double)number, value)) return -RP_ECONFIG;
    *(int64_t *)field = number;
    return 0;
}

static int bind_number(struct binding *binding, const struct rp_option *option, const struct node *value, void *field) {
    double number;
    if (!any_number(value, &number)) return bind_wrong(binding, option, value);
    if (check_range(binding, option, number, value)) return -RP_ECONFIG;
    *(double *)field = number;
    return 0;
}

static int bind_size(struct binding *binding, const struct rp_option *option, const struct node *value, void *field) {
    int64_t bytes;
    bool good = node_is_text(value) ? units_size(value->text.data, &bytes) == 0 : whole_number(value, &bytes);
    if (!good || bytes < 0) return bind_wrong(binding, option, value);
    if (check_range(binding, option, (double)bytes, value)) return -RP_ECONFIG;
    *(int64_t *)field = bytes;
    return 0;
}

static bool seconds(const struct node *value, int64_t *out_ms) {
    double number;
    if (!any_number(value, &number) || number < 0 || number > 9e15) return false;
    *out_ms = (int64_t)llround(number * 1000);
    return true;
}

static int bind_duration(struct binding *binding, const struct rp_option *option, const struct node *value,
                         void *field) {
    int64_t ms;
    bool good = node_is_text(value) ? units_duration(value->text.data, &ms) == 0 : seconds(value, &ms);
    if (!good) return bind_wrong(binding, option, value);
    if (check_range(binding, option, (double)ms, value)) return -RP_ECONFIG;
    *(int64_t *)field = ms;
    return 0;
}

static int bind_rate(struct binding *binding, const struct rp_option *option, const struct node *value, void *field) {
    double rate;
    if (!node_is_text(value) || units_rate(value->text.data, &rate)) return bind_wrong(binding, option, value);
    if (check_range(binding, option, rate, value)) return -RP_ECONFIG;
    *(double *)field = rate;
    return 0;
}

static int bind_choice(struct binding *binding, const struct rp_option *option, const struct node *value, void *field) {
    if (!node_is_text(value)) return bind_wrong(binding, option, value);
    int count = 0;
    for (; option->choices[count]; count++) {
        if (strcmp(option->choices[count], value->text.data) != 0) continue;
        *(int *)field = count;
        return 0;
    }
    char expected[OPTION_TEXT_SIZE], got[NODE_TEXT_SIZE];
    bind_mistake(binding, option->name, "expected %s, got %s%s", option_expected(option, expected),
                 node_describe(value, false, got),
                 bind_hint(binding->arena, value->text.data, option->choices, (size_t)count));
    return -RP_ECONFIG;
}

static int bind_file(struct binding *binding, const struct rp_option *option, const struct node *value, void *field) {
    if (!node_is_text(value) || value->text.len == 0) return bind_wrong(binding, option, value);
    const char *path = value->text.data;
    while (strncmp(path, "./", 2) == 0) path += 2;
    if (*path != '/') path = rp_arena_printf(binding->arena, "%s/%s", binding->folder, path);
    *(const char **)field = path;
    return 0;
}

/* ---- addresses --------------------------------------------------------------------------------------------------- */

static bool good_port(const char *text) {
    char *end;
    if (*text < '0' || *text > '9') return false;
    long port = strtol(text, &end, 10);
    return *end == '\0' && port <= 65535;
}

static bool good_address(const char *text) {
    char host[64];
    struct in6_addr binary;
    const char *colon = strrchr(text, ':');
    if (!colon || !good_port(colon + 1)) return false;
    bool six = text[0] == '[';
    if (six && (colon - text < 2 || colon[-1] != ']')) return false;
    size_t len = (size_t)(colon - text) - (six ? 2 : 0);
    if (len == 0 || len >= sizeof host) return false;
    memcpy(host, text + six, len);
    host[len] = '\0';
    return inet_pton(six ? AF_INET6 : AF_INET, host, &binary) == 1;
}

static int bind_address(struct binding *binding, const struct rp_option *option, const struct node *value,
                        void *field) {
    if (!node_is_text(value) || !good_address(value->text.data)) return bind_wrong(binding, option, value);
    *(const char **)field = value->text.data;
    return 0;
}

int bind_value(struct binding *binding, const struct rp_option *option, const struct node *value, void *field) {
    static int (*const binders[])(struct binding *, const struct rp_option *, const struct node *, void *) = {
        [RP_OPTION_STRING] = bind_string,
        [RP_OPTION_BOOL] = bind_bool,
        [RP_OPTION_INT] = bind_int,
        [RP_OPTION_NUMBER] = bind_number,
        [RP_OPTION_SIZE] = bind_size,
        [RP_OPTION_DURATION] = bind_duration,
        [RP_OPTION_RATE] = bind_rate,
        [RP_OPTION_CHOICE] = bind_choice,
        [RP_OPTION_LIST] = bind_list,
        [RP_OPTION_SECRET] = bind_secret,
        [RP_OPTION_FILE] = bind_file,
        [RP_OPTION_MAP] = bind_map,
        [RP_OPTION_PATTERNS] = bind_patterns,
        [RP_OPTION_MODEL] = bind_reference,
        [RP_OPTION_MODELS] = bind_models,
        [RP_OPTION_STORE] = bind_reference,
        [RP_OPTION_LISTENER] = bind_reference,
        [RP_OPTION_ADDRESS] = bind_address,
        [RP_OPTION_SECRETS] = bind_secrets,
    };
    return binders[option->type](binding, option, value, field);
}
