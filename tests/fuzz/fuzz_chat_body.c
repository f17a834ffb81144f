/* The body of a chat: read in one walk, it says the same as the tree that the other parser builds of it. */
#include <stdlib.h>

#include <repartee/chat_body.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(struct rp_str text, const json_t *value) {
    return rp_str_equal(text, rp_str_n(json_string_value(value), json_string_length(value)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rp_str body = {(const char *)data, size};
    struct rp_buf space;
    struct rp_chat_body message;
    json_t *tree = NULL;
    rp_buf_init(&space, size);
    int status = rp_chat_body_parse(body, "the body", &space, &message, NULL);
    bool json = rp_json_parse(body.data, body.len, &tree, NULL) == 0;
    if (json && status == -RP_EJSON) abort();
    if (status == 0) {
        const json_t *text = json_object_get(tree, "message");
        if (!json_is_string(text)) text = json_object_get(tree, "prompt");
        if (json && (!same(message.text, text) || !same(message.session, json_object_get(tree, "session")) ||
                     !same(message.user, json_object_get(tree, "user"))))
            abort();
        rp_chat_body_finish(&message);
    }
    json_decref(tree);
    rp_buf_finish(&space);
    return 0;
}
