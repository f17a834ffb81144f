/* The text of a question in the shape that the model was trained on, cut into parts: what the chat template says may hold
 * the model's control tokens, what people and rules have written may not. A user who types "<|im_end|>" ends nothing. */
#ifndef LLAMA_PROMPT_H
#define LLAMA_PROMPT_H

#include <llama.h>
#include <repartee/plugin.h>

struct prompt_part {
    size_t start, len; /* in the text */
    bool control;      /* of the template */
};
struct prompt {
    char *text;
    struct prompt_part *parts;
    size_t count;
};

/* `begun`: how the reply begins, which the model is to go on with; empty: it begins itself. 0, or -RP_EINVALID when the
 * template cannot be applied. */
int prompt_render(const char *chat_template, const struct rp_message *messages, size_t count, struct rp_str begun,
                  struct prompt *out);
void prompt_finish(struct prompt *prompt);
/* The tokens, with what the model wants at the start; free() them. The count. */
size_t prompt_tokenize(const struct prompt *prompt, const struct llama_vocab *vocab, llama_token **out_tokens);

#endif
