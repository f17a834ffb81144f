/* What each worker has of a model: connections that are kept warm, requests that wait for a batch. */
#include <stdlib.h>

#include "core/remote/bulk.h"

int rp_remote_attach(struct rp_element *element, struct rp_worker *worker, void **out_local, struct rp_error *error) {
    struct bulk *bulk = NULL;
    int rc = bulk_open(element, worker, &bulk, error);
    if (rc != 0) return rc;
    struct remote_local *local = rp_calloc(1, sizeof(*local));
    local->bulk = bulk;
    local->warm = warm_open(element, worker);
    *out_local = local;
    return 0;
}

void rp_remote_detach(struct rp_element *element, struct rp_worker *worker, void *data) {
    struct remote_local *local = data;
    (void)element, (void)worker;
    if (!local) return;
    warm_close(local->warm);
    bulk_close(local->bulk);
    free(local);
}
