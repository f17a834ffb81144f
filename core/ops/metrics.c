/* Holds the metrics of the process and writes them as text. Families are kept by name; a series is never freed. */
#include <repartee/metrics.h>

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <uv.h>

#define SERIES_MAX 20000
#define LABELS_MAX ((size_t)4096) /* bytes of one series' labels, as they are written */

/* Upper bounds in ns. */
static const int64_t bounds[] = {100000,    250000,    500000,     1000000,    2500000,    5000000,
                                 10000000,  25000000,  50000000,   100000000,  250000000,  500000000,
                                 1000000000, 2500000000, 5000000000, 10000000000, 30000000000, 60000000000};
#define BOUNDS (sizeof(bounds) / sizeof(bounds[0]))

struct rp_metric {
    struct rp_metric *next;
    const struct family *family;
    char *labels;              /* rule="a",code="b"; empty: none */
    atomic_int_fast64_t value; /* a histogram's: observations */
    atomic_int_fast64_t sum_ns;
    atomic_int_fast64_t *buckets; /* of a histogram; not cumulative */
};
struct family {
    struct family *next;
    enum rp_metric_kind kind;
    char *name, *help;
    struct rp_metric *first, **last;
};

static uv_once_t once = UV_ONCE_INIT;
static uv_mutex_t lock;
static struct family *families, **last_family = &families; /* under the lock; what has been made is never changed */
static size_t series_count;

static void init(void) {
    uv_mutex_init(&lock);
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

/* Backslash, quote and newline are escaped; what does not fit is cut. */
static void append_label(struct rp_buf *out, const char *name, const char *value) {
    int rc = rp_buf_printf(out, "%s%s=\"", out->len ? "," : "", name);
    for (; *value && rc == 0; value++) {
        if (*value == '\n')
            rc = rp_buf_append(out, "\\n", 2);
        else if (*value == '\\' || *value == '"')
            rc = rp_buf_printf(out, "\\%c", *value);
        else
            rc = rp_buf_append(out, value, 1);
    }
    out->max++; /* so that the closing quote always fits */
    rp_buf_append(out, "\"", 1);
}

static char *read_labels(va_list args) {
    struct rp_buf text;
    const char *name;
    rp_buf_init(&text, LABELS_MAX);
    while ((name = va_arg(args, const char *))) append_label(&text, name, va_arg(args, const char *));
    char *labels = rp_strdup(text.data ? text.data : "");
    rp_buf_finish(&text);
    return labels;
}

static struct family *find_family(enum rp_metric_kind kind, const char *name, const char *help) {
    for (struct family *family = families; family; family = family->next)
        if (strcmp(family->name, name) == 0) return family;
    struct family *family = rp_calloc(1, sizeof(*family));
    *family = (struct family){.kind = kind, .name = rp_strdup(name), .help = rp_strdup(help)};
    family->last = &family->first;
    *last_family = family;
    last_family = &family->next;
    return family;
}

static struct rp_metric *make(struct family *family, char *labels) {
    struct rp_metric *metric = rp_calloc(1, sizeof(*metric));
    metric->family = family;
    metric->labels = labels;
    if (family->kind == RP_HISTOGRAM) metric->buckets = rp_calloc(BOUNDS, sizeof(*metric->buckets));
    return metric;
}

/* Takes `labels`. */
static struct rp_metric *find_series(struct family *family, char *labels) {
    static struct rp_metric *surplus[3]; /* by kind */
    for (struct rp_metric *metric = family->first; metric; metric = metric->next) {
        if (strcmp(metric->labels, labels) != 0) continue;
        free(labels);
        return metric;
    }
    if (series_count >= SERIES_MAX) {
        if (surplus[family->kind])
            free(labels);
        else
            surplus[family->kind] = make(family, labels);
        return surplus[family->kind];
    }
    struct rp_metric *metric = make(family, labels);
    *family->last = metric;
    family->last = &metric->next;
    series_count++;
    return metric;
}

struct rp_metric *rp_metric(enum rp_metric_kind kind, const char *name, const char *help, ...) {
    va_list args;
    va_start(args, help);
    char *labels = read_labels(args);
    va_end(args);
    uv_once(&once, init);
    uv_mutex_lock(&lock);
    struct rp_metric *metric = find_series(find_family(kind, name, help), labels);
    uv_mutex_unlock(&lock);
    return metric;
}

/* ---- counting ---------------------------------------------------------------------------------------------------- */

void rp_metric_add(struct rp_metric *metric, int64_t n) {
    atomic_fetch_add_explicit(&metric->value, n, memory_order_relaxed);
}

void rp_metric_set(struct rp_metric *metric, int64_t value) {
    atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

void rp_metric_observe(struct rp_metric *metric, int64_t ns) {
    size_t at = 0;
    while (at < BOUNDS && ns > bounds[at]) at++;
    if (metric->buckets && at < BOUNDS) atomic_fetch_add_explicit(&metric->buckets[at], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metric->sum_ns, ns, memory_order_relaxed);
    atomic_fetch_add_explicit(&metric->value, 1, memory_order_relaxed);
}

int64_t rp_metric_value(const struct rp_metric *metric) {
    return atomic_load_explicit(&metric->value, memory_order_relaxed);
}

/* ---- as text ----------------------------------------------------------------------------------------------------- */

static int write_histogram(const struct rp_metric *metric, struct rp_buf *out) {
    const char *name = metric->family->name, *labels = metric->labels, *comma = *labels ? "," : "";
    const char *open = *labels ? "{" : "", *close = *labels ? "}" : "";
    int64_t below = 0, sum = atomic_load_explicit(&metric->sum_ns, memory_order_relaxed);
    int rc = 0;
    for (size_t i = 0; i < BOUNDS && rc == 0; i++) {
        below += atomic_load_explicit(&metric->buckets[i], memory_order_relaxed);
        rc = rp_buf_printf(out, "%s_bucket{%s%sle=\"%g\"} %" PRId64 "\n", name, labels, comma, (double)bounds[i] / 1e9,
                           below);
    }
    int64_t count = rp_metric_value(metric); /* counted last, so it may lag behind the buckets */
    if (count < below) count = below;
    if (rc == 0) rc = rp_buf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRId64 "\n", name, labels, comma, count);
    if (rc == 0) rc = rp_buf_printf(out, "%s_sum%s%s%s %.9g\n", name, open, labels, close, (double)sum / 1e9);
    if (rc == 0) rc = rp_buf_printf(out, "%s_count%s%s%s %" PRId64 "\n", name, open, labels, close, count);
    return rc;
}

static int write_series(const struct rp_metric *metric, struct rp_buf *out) {
    const char *labels = metric->labels;
    if (metric->family->kind == RP_HISTOGRAM) return write_histogram(metric, out);
    return rp_buf_printf(out, "%s%s%s%s %" PRId64 "\n", metric->family->name, *labels ? "{" : "", labels,
                         *labels ? "}" : "", rp_metric_value(metric));
}

static int write_family(const struct family *family, struct rp_buf *out) {
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    int rc = rp_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name,
                           kinds[family->kind]);
    for (const struct rp_metric *metric = family->first; metric && rc == 0; metric = metric->next)
        rc = write_series(metric, out);
    return rc;
}

int rp_metrics_text(struct rp_buf *out) {
    int rc = 0;
    uv_once(&once, init);
    uv_mutex_lock(&lock);
    for (const struct family *family = families; family && rc == 0; family = family->next)
        if (family->first) rc = write_family(family, out);
    uv_mutex_unlock(&lock);
    return rc;
}
