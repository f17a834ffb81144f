/* A loaded file: the weights, shared by all engines of the process that ask for them in the same way. Any thread that
 * opens and closes elements; loading takes as long as the disk. */
#ifndef LLAMA_WEIGHTS_H
#define LLAMA_WEIGHTS_H

#include <llama.h>
#include <repartee/base.h>

struct file_id {
    uint64_t device, inode, size;
    int64_t changed_ns;
};
struct weights {
    struct llama_model *model;
    char *path;           /* as the system knows it, links followed */
    struct file_id file;  /* another file at the same path is another model */
    int64_t gpu_layers;
    bool mmap, mlock;
    unsigned users;
    int64_t load_ms;
    struct weights *next;
};

/* 0, or -RP_ECONFIG. `name`: for the log and the metric. The caller holds the lock of the registry of engines. */
int weights_acquire(const char *path, int64_t gpu_layers, bool mmap, bool mlock, const char *name,
                    struct weights **out, struct rp_error *error);
void weights_release(struct weights *weights);

#endif
