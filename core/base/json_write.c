/* Values into JSON text; strings are for json_escape.c. */
#include <math.h>

#include <repartee/base.h>

static int on_part(const char *data, size_t len, void *arg) {
    return rp_buf_append(arg, data, len) == 0 ? 0 : -1;
}

static void cut_back(struct rp_buf *buf, size_t len) {
    buf->len = len;
    if (buf->data) buf->data[len] = '\0';
}

int rp_buf_json_value(struct rp_buf *buf, const json_t *value) {
    size_t before = buf->len;
    if (json_dump_callback(value, on_part, buf, JSON_COMPACT | JSON_ENCODE_ANY) == 0) return 0;
    cut_back(buf, before);
    bool writable = json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY) > 0;
    return writable ? -RP_ETOOLARGE : -RP_EINVALID;
}

int rp_buf_json_number(struct rp_buf *buf, double number) {
    long long millionths = llround(fabs(number) * 1e6);
    return rp_buf_printf(buf, "%s%lld.%06lld", number < 0 ? "-" : "", millionths / 1000000, millionths % 1000000);
}
