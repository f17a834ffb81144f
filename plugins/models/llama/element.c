/* Opens a model: loads the file, and finds out whether its chat template can be used, before anybody asks anything. */
#include "element.h"

#include <stdlib.h>

int element_check(const void *arg, struct rp_error *error) {
    const struct llama_options *options = arg;
    if (options->slots > (int64_t)llama_max_parallel_sequences())
        return rp_error_set(error, RP_ECONFIG, "'slots': this llama.cpp takes at most %zu",
                            llama_max_parallel_sequences());
    if (options->batch < options->slots)
        return rp_error_set(error, RP_ECONFIG, "'batch' must be at least as large as 'slots'");
    return 0;
}

/* A short conversation is put through it. */
static int try_template(const struct element *element, struct rp_error *error) {
    static const struct rp_message messages[] = {{.role = RP_ROLE_SYSTEM, .text = {"a", 1}},
                                                 {.role = RP_ROLE_USER, .text = {"b", 1}},
                                                 {.role = RP_ROLE_ASSISTANT, .text = {"c", 1}},
                                                 {.role = RP_ROLE_USER, .text = {"d", 1}}};
    struct prompt prompt;
    if (!element->chat_template)
        return rp_error_set(error, RP_ECONFIG, "the file has no chat template; name one with 'template'");
    if (prompt_render(element->chat_template, messages, 4, RP_STR(""), &prompt) != 0)
        return rp_error_set(error, RP_ECONFIG,
                            "the chat template is not one that llama.cpp knows; name the closest with 'template'");
    prompt_finish(&prompt);
    return 0;
}

int element_open(struct rp_element *base, struct rp_error *error) {
    const struct llama_options *options = base->options;
    const struct engine_settings settings = {.path = options->path,
                                             .context = options->context,
                                             .slots = options->slots,
                                             .batch = options->batch,
                                             .threads = options->threads,
                                             .gpu_layers = options->gpu_layers,
                                             .queue = options->queue,
                                             .mmap = options->mmap,
                                             .mlock = options->mlock};
    struct engine *engine;
    int rc = engine_acquire(&settings, base->name, &engine, error);
    if (rc != 0) return rc;
    struct element *element = rp_calloc(1, sizeof(*element));
    *element = (struct element){.options = options, .name = base->name, .engine = engine};
    element->chat_template = options->chat_template && *options->chat_template
                                 ? options->chat_template
                                 : llama_model_chat_template(engine_model(engine), NULL);
    base->state = element;
    rc = try_template(element, error);
    if (rc != 0) element_close(base);
    return rc;
}

void element_close(struct rp_element *base) {
    struct element *element = base->state;
    engine_release(element->engine);
    free(element);
    base->state = NULL;
}

/* The text is what people and rules have written, so it holds no control tokens. The vocabulary is only read. */
int64_t element_tokens(const struct rp_model *model, struct rp_str text) {
    const struct element *element = model->element.state;
    const struct llama_vocab *vocab = llama_model_get_vocab(engine_model(element->engine));
    if (text.len == 0) return 0;
    int32_t count = llama_tokenize(vocab, text.data, (int32_t)text.len, NULL, 0, false, false);
    return count < 0 ? -(int64_t)count : count;
}

int64_t element_context(const struct rp_model *model) {
    const struct element *element = model->element.state;
    return engine_context(element->engine);
}
