/* Loads files, tells how far it is, and keeps the list of what is loaded. llama.cpp's own words go to our log. */
#include "weights.h"

#include <errno.h>
#include <ggml-backend.h>
#include <limits.h>
#include <repartee/log.h>
#include <repartee/metrics.h>
#include <stdlib.h>
#include <uv.h>

#define PROGRESS_NS 2000000000 /* between two lines of progress */

static struct weights *loaded; /* under the lock of the registry of engines */
static uv_once_t once = UV_ONCE_INIT;

/* ---- llama.cpp's log --------------------------------------------------------------------------------------------- */

static void on_log(enum ggml_log_level level, const char *text, void *arg) {
    size_t len = strlen(text);
    (void)arg;
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == ' ')) len--;
    if (len == 0 || level == GGML_LOG_LEVEL_CONT) return;
    enum rp_log_level ours = level == GGML_LOG_LEVEL_ERROR  ? RP_LOG_ERROR
                             : level == GGML_LOG_LEVEL_WARN ? RP_LOG_WARN
                                                            : RP_LOG_DEBUG;
    rp_log(ours, "llama", "%.*s", (int)len, text);
}

static void init(void) {
    llama_log_set(on_log, NULL);
    ggml_backend_load_all();
    llama_backend_init();
}

/* ---- loading ----------------------------------------------------------------------------------------------------- */

struct progress {
    const char *name;
    int64_t told_ns;
};

static bool on_progress(float share, void *arg) {
    struct progress *progress = arg;
    int64_t now = rp_now_ns();
    if (now - progress->told_ns < PROGRESS_NS) return true;
    progress->told_ns = now;
    rp_log(RP_LOG_INFO, "llama", "model '%s': %d %% loaded", progress->name, (int)(share * 100));
    return true;
}

static enum llama_load_mode load_mode(bool mmap, bool mlock) {
    if (mmap) return mlock ? LLAMA_LOAD_MODE_MMAP_MLOCK : LLAMA_LOAD_MODE_MMAP;
    return mlock ? LLAMA_LOAD_MODE_MLOCK : LLAMA_LOAD_MODE_NONE;
}

static int load(struct weights *weights, const char *name, struct rp_error *error) {
    struct progress progress = {name, rp_now_ns()};
    struct llama_model_params params = llama_model_default_params();
    int64_t start = rp_now_ns();
    params.n_gpu_layers = (int32_t)weights->gpu_layers;
    params.load_mode = load_mode(weights->mmap, weights->mlock);
    params.progress_callback = on_progress;
    params.progress_callback_user_data = &progress;
    weights->model = llama_model_load_from_file(weights->path, params);
    if (!weights->model)
        return rp_error_set(error, RP_ECONFIG, "'%s' cannot be loaded as a model; the log has llama.cpp's reason",
                            weights->path);
    if (!llama_model_has_decoder(weights->model) || llama_model_has_encoder(weights->model))
        return rp_error_set(error, RP_ECONFIG, "'%s' is no model that writes text by itself", weights->path);
    weights->load_ms = (rp_now_ns() - start) / 1000000;
    rp_log(RP_LOG_INFO, "llama", "model '%s': %.1f million parameters, %.1f MiB, loaded in %lld ms", name,
           (double)llama_model_n_params(weights->model) / 1e6, (double)llama_model_size(weights->model) / 1048576.0,
           (long long)weights->load_ms);
    return 0;
}

/* ---- the list ---------------------------------------------------------------------------------------------------- */

static void destroy(struct weights *weights) {
    if (weights->model) llama_model_free(weights->model);
    free(weights->path);
    free(weights);
}

static bool same_file(const struct file_id *a, const struct file_id *b) {
    return a->device == b->device && a->inode == b->inode && a->size == b->size && a->changed_ns == b->changed_ns;
}

static struct weights *find(const struct weights *wanted) {
    for (struct weights *at = loaded; at; at = at->next)
        if (same_file(&at->file, &wanted->file) && strcmp(at->path, wanted->path) == 0 && at->gpu_layers == wanted->gpu_layers && at->mmap == wanted->mmap &&
            at->mlock == wanted->mlock)
            return at;
    return NULL;
}

static void show_load_time(const struct weights *weights, const char *name) {
    rp_metric_set(rp_metric(RP_GAUGE, "repartee_model_load_milliseconds", "What loading the model's file took", "model",
                            name, NULL),
                  weights->load_ms);
}

/* 0, or -RP_ECONFIG: there is no such file. */
static int look(const char *path, char out_real[PATH_MAX], struct file_id *out, struct rp_error *error) {
    uv_fs_t request;
    if (!realpath(path, out_real)) return rp_error_set(error, RP_ECONFIG, "'%s': %s", path, strerror(errno));
    int rc = uv_fs_stat(NULL, &request, out_real, NULL);
    const uv_stat_t *stat = &request.statbuf;
    *out = (struct file_id){stat->st_dev, stat->st_ino, stat->st_size,
                            stat->st_mtim.tv_sec * INT64_C(1000000000) + stat->st_mtim.tv_nsec};
    uv_fs_req_cleanup(&request);
    return rc == 0 ? 0 : rp_error_set(error, RP_ECONFIG, "'%s': %s", path, uv_strerror(rc));
}

int weights_acquire(const char *path, int64_t gpu_layers, bool mmap, bool mlock, const char *name,
                    struct weights **out, struct rp_error *error) {
    char real[PATH_MAX];
    uv_once(&once, init);
    struct file_id file;
    if (look(path, real, &file, error) != 0) return -RP_ECONFIG;
    struct weights *weights = rp_calloc(1, sizeof(*weights));
    *weights = (struct weights){
        .path = rp_strdup(real), .file = file, .gpu_layers = gpu_layers, .mmap = mmap, .mlock = mlock};
    struct weights *same = find(weights);
    int rc = same ? 0 : load(weights, name, error);
    if (same || rc != 0) destroy(weights);
    if (rc != 0) return rc;
    if (!same) {
        weights->next = loaded;
        loaded = same = weights;
    }
    same->users++;
    show_load_time(same, name);
    *out = same;
    return 0;
}

void weights_release(struct weights *weights) {
    if (--weights->users > 0) return;
    struct weights **at = &loaded;
    while (*at != weights) at = &(*at)->next;
    *at = weights->next;
    destroy(weights);
}
