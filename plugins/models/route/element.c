/* A configured route: its targets with what the bot file says of each. */
#include <stdlib.h>

#include "route.h"

#define LIMIT_MAX_MS (60 * 60 * 1000)
#define CHECK_LEAST_MS 100

/* ---- what is said of a target -------------------------------------------------------------------------------------- */

static int wrong(struct rp_error *error, const char *name, const char *key, const char *what) {
    return rp_error_set(error, RP_ECONFIG, "targets: '%s': %s must be %s", name, key, what);
}

static int read_duration(const json_t *value, const char *name, const char *key, int64_t *out, struct rp_error *error) {
    int64_t ms = (int64_t)(json_number_value(value) * 1000 + 0.5); /* a number is seconds */
    if (json_is_string(value) && rp_duration(json_string_value(value), &ms) != 0) ms = 0;
    if (ms < 1 || ms > LIMIT_MAX_MS) return wrong(error, name, key, "a duration such as \"5s\"");
    *out = ms;
    return 0;
}

static int read_weight(const json_t *value, const char *name, double *out, struct rp_error *error) {
    double weight = json_number_value(value);
    if (!json_is_number(value) || weight < 0 || weight > 1e6) return wrong(error, name, "weight", "a number from 0 on");
    *out = weight;
    return 0;
}

static int read_target(struct target *target, json_t *said, struct rp_error *error) {
    static const char *const names[] = {"weight", "connect", "first", "stall"};
    const char *key;
    json_t *value;
    if (!json_is_object(said))
        return rp_error_set(error, RP_ECONFIG, "targets: '%s' must be a table such as { weight = 3 }", target->name);
    json_object_foreach(said, key, value) {
        int64_t *ms = strcmp(key, "connect") == 0 ? &target->connect_ms
                      : strcmp(key, "first") == 0 ? &target->first_ms
                      : strcmp(key, "stall") == 0 ? &target->stall_ms
                                                  : NULL;
        int rc = 0;
        if (ms) {
            rc = read_duration(value, target->name, key, ms, error);
        } else if (strcmp(key, "weight") == 0) {
            rc = read_weight(value, target->name, &target->weight, error);
        } else {
            const char *near = rp_nearest_name(key, names, 4);
            return rp_error_set(error, RP_ECONFIG, "targets: '%s' has weight, connect, first and stall, no '%s'%s%s%s",
                                target->name, key, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
        }
        if (rc) return rc;
    }
    return 0;
}

static bool is_target(const struct route *route, const char *name) {
    for (size_t i = 0; i < route->count; i++) {
        if (strcmp(route->targets[i].name, name) == 0) return true;
    }
    return false;
}

static int read_targets(struct route *route, struct rp_error *error) {
    const char *name;
    json_t *said;
    json_object_foreach(route->options->targets, name, said) {
        if (!is_target(route, name))
            return rp_error_set(error, RP_ECONFIG, "targets: '%s' is not among those that the route uses", name);
    }
    for (size_t i = 0; i < route->count; i++) {
        said = json_object_get(route->options->targets, route->targets[i].name);
        int rc = said ? read_target(&route->targets[i], said, error) : 0;
        if (rc) return rc;
    }
    return 0;
}

static int check_twice(const struct route *route, struct rp_error *error) {
    for (size_t i = 0; i < route->count; i++) {
        for (size_t other = 0; other < i; other++) {
            if (route->targets[i].model == route->targets[other].model)
                return rp_error_set(error, RP_ECONFIG, "use: '%s' stands there twice", route->targets[i].name);
        }
    }
    return 0;
}

/* ---- life ---------------------------------------------------------------------------------------------------------- */

int route_check(const void *data, struct rp_error *error) {
    const struct route_options *options = data;
    if (options->breaker_failures > options->breaker_window)
        return rp_error_set(error, RP_ECONFIG, "breaker_failures must not be more than breaker_window");
    if (options->check_every > 0 && options->check_every < CHECK_LEAST_MS)
        return rp_error_set(error, RP_ECONFIG, "check_every must be 0, or 100ms at least");
    return 0;
}

static void make_targets(struct route *route) {
    const struct route_options *options = route->options;
    route->count = options->use.count;
    route->targets = rp_calloc(route->count, sizeof(*route->targets));
    uv_mutex_init(&route->lock);
    for (size_t i = 0; i < route->count; i++) {
        struct target *target = &route->targets[i];
        *target = (struct target){.model = options->use.items[i], .weight = 1, .connect_ms = options->connect,
                                  .first_ms = options->first, .stall_ms = options->stall};
        target->name = target->model->element.name;
        uv_mutex_init(&target->lock);
    }
}

int route_open(struct rp_element *element, struct rp_error *error) {
    struct route *route = rp_calloc(1, sizeof(*route));
    route->options = element->options;
    route->element = element;
    route->rules = (struct breaker_rules){(unsigned)route->options->breaker_failures,
                                          (unsigned)route->options->breaker_window, route->options->breaker_rest};
    element->state = route;
    make_targets(route);
    int rc = check_twice(route, error);
    if (rc == 0) rc = read_targets(route, error);
    if (rc)
        route_close(element);
    else
        tell_open(route);
    return rc;
}

void route_close(struct rp_element *element) {
    struct route *route = element->state;
    for (size_t i = 0; i < route->count; i++) uv_mutex_destroy(&route->targets[i].lock);
    uv_mutex_destroy(&route->lock);
    free(route->targets);
    free(route);
}

/* What one of them takes, the route takes: who cannot is refused and passed by. A schema can be told in words to all. */
unsigned route_takes(const struct rp_model *model) {
    const struct route_options *options = model->element.options;
    unsigned takes = RP_TAKES_SCHEMA | RP_TAKES_LIMITS;
    for (size_t i = 0; i < options->use.count; i++) takes |= rp_model_takes(options->use.items[i]);
    return takes;
}
