/* The table of routes. A handful of entries: comparing lengths first makes the walk cheaper than a hash. */
#include "httpd.h"

#include <stdlib.h>

static bool answers(const struct route *route, struct rp_str method) {
    if (rp_str_equal(route->method, method)) return true;
    return rp_str_equal(route->method, RP_STR("GET")) && rp_str_equal(method, RP_STR("HEAD"));
}

/* A path that ends in a slash stands for all below it, but for "/" itself. */
static bool leads_to(const struct route *route, struct rp_str path) {
    struct rp_str own = route->path;
    if (own.len > 1 && own.data[own.len - 1] == '/')
        return path.len > own.len && memcmp(path.data, own.data, own.len) == 0;
    return rp_str_equal(own, path);
}

int routes_add(struct httpd *httpd, const struct rp_http_route *route, struct rp_error *error) {
    struct rp_str method = rp_str(route->method), path = rp_str(route->path);
    for (size_t i = 0; i < httpd->route_count; i++) {
        struct route *other = &httpd->routes[i];
        if (!rp_str_equal(other->path, path)) continue;
        if (!rp_str_equal(other->method, method)) continue;
        return rp_error_set(error, RP_ECONFLICT, "listener '%s' already has a route for %s %s",
                            httpd->listener->element.name, route->method, route->path);
    }
    httpd->routes = rp_realloc(httpd->routes, (httpd->route_count + 1) * sizeof(*httpd->routes));
    struct route *added = &httpd->routes[httpd->route_count++];
    added->route = *route;
    added->route.method = rp_strdup(route->method);
    added->route.path = rp_strdup(route->path);
    added->method = rp_str(added->route.method);
    added->path = rp_str(added->route.path);
    return 0;
}

void routes_free(struct httpd *httpd) {
    for (size_t i = 0; i < httpd->route_count; i++) {
        free((char *)httpd->routes[i].route.method);
        free((char *)httpd->routes[i].route.path);
    }
    free(httpd->routes);
}

static void refuse_method(const struct httpd *httpd, struct rp_http_exchange *exchange) {
    struct rp_buf allow;
    rp_buf_init(&allow, 1024);
    for (size_t i = 0; i < httpd->route_count; i++) {
        const struct route *route = &httpd->routes[i];
        if (!leads_to(route, exchange->request.path)) continue;
        bool get = rp_str_equal(route->method, RP_STR("GET"));
        rp_buf_printf(&allow, "%s%s%s", allow.len ? ", " : "Allow: ", route->route.method, get ? ", HEAD" : "");
    }
    rp_buf_append(&allow, "\r\n", 2);
    response_error(exchange, 405, RP_EMETHOD, NULL, allow.data, false);
    rp_buf_finish(&allow);
}

void routes_serve(const struct httpd *httpd, struct rp_http_exchange *exchange) {
    const struct rp_http_request *request = &exchange->request;
    bool known = false;
    for (size_t i = 0; i < httpd->route_count; i++) {
        const struct route *route = &httpd->routes[i];
        if (!leads_to(route, request->path)) continue;
        known = true;
        if (!answers(route, request->method)) continue;
        route->route.on_request(route->route.arg, exchange, request);
        return;
    }
    if (known)
        refuse_method(httpd, exchange);
    else
        response_error(exchange, 404, RP_ENOTFOUND, NULL, NULL, false);
}
