/* Renders a template around marks that stand for the messages' texts, and cuts the result at the marks. */
#include "prompt.h"

#include <stdio.h>
#include <stdlib.h>

#define MARK_SIZE 64 /* longest mark */
#define TEMPLATE_ROOM 512 /* bytes that a template adds to a message, at first guess */

static const char *const role_names[] = {"system", "user", "assistant", "tool"};

/* ---- marks ------------------------------------------------------------------------------------------------------- */

/* No template trims or changes it, and no text has it by chance: the nonce is new for each prompt. */
static void write_mark(char *out, const char *nonce, size_t number) {
    snprintf(out, MARK_SIZE, "{%s-%zu}", nonce, number);
}

static char *apply(const char *chat_template, const struct llama_chat_message *chat, size_t count) {
    int32_t room = (int32_t)(count * TEMPLATE_ROOM + 1024);
    char *text = rp_alloc((size_t)room + 1);
    int32_t len = llama_chat_apply_template(chat_template, chat, count, true, text, room);
    if (len > room) {
        text = rp_realloc(text, (size_t)len + 1);
        len = llama_chat_apply_template(chat_template, chat, count, true, text, len);
    }
    if (len < 0) {
        free(text);
        return NULL;
    }
    text[len] = '\0';
    return text;
}

/* ---- putting the messages in ------------------------------------------------------------------------------------- */

struct writer {
    struct prompt *prompt;
    size_t len, cap;
};

static void append(struct writer *writer, const char *data, size_t len, bool control) {
    struct prompt *prompt = writer->prompt;
    if (len == 0) return;
    if (writer->len + len > writer->cap) {
        writer->cap = 2 * (writer->len + len);
        prompt->text = rp_realloc(prompt->text, writer->cap);
    }
    memcpy(prompt->text + writer->len, data, len);
    prompt->parts[prompt->count++] = (struct prompt_part){writer->len, len, control};
    writer->len += len;
}

/* A template may leave messages out or move them; a mark stands for its message wherever it is. */
static void fill(struct writer *writer, const char *rendered, const char *nonce, const struct rp_message *messages,
                 size_t count) {
    char mark[MARK_SIZE];
    const char *at = rendered, *end = rendered + strlen(rendered);
    snprintf(mark, sizeof(mark), "{%s-", nonce);
    for (const char *next; (next = strstr(at, mark)); at = strchr(next, '}') + 1) {
        size_t number = strtoul(next + strlen(mark), NULL, 10);
        append(writer, at, (size_t)(next - at), true);
        if (number < count) append(writer, messages[number].text.data, messages[number].text.len, false);
    }
    append(writer, at, (size_t)(end - at), true);
}

int prompt_render(const char *chat_template, const struct rp_message *messages, size_t count, struct rp_str begun,
                  struct prompt *out) {
    char nonce[RP_ID_SIZE];
    struct llama_chat_message *chat = rp_calloc(count + 1, sizeof(*chat));
    char (*marks)[MARK_SIZE] = rp_calloc(count + 1, sizeof(*marks));
    rp_id(nonce);
    for (size_t i = 0; i < count; i++) {
        write_mark(marks[i], nonce, i);
        chat[i] = (struct llama_chat_message){role_names[messages[i].role], marks[i]};
    }
    char *rendered = apply(chat_template, chat, count);
    free(chat);
    free(marks);
    if (!rendered) return -RP_EINVALID;
    *out = (struct prompt){.parts = rp_calloc(2 * count + 3, sizeof(*out->parts))};
    struct writer writer = {.prompt = out};
    fill(&writer, rendered, nonce, messages, count);
    append(&writer, begun.data, begun.len, false);
    free(rendered);
    return 0;
}

void prompt_finish(struct prompt *prompt) {
    free(prompt->text);
    free(prompt->parts);
    *prompt = (struct prompt){0};
}

/* ---- tokens ------------------------------------------------------------------------------------------------------ */

size_t prompt_tokenize(const struct prompt *prompt, const struct llama_vocab *vocab, llama_token **out_tokens) {
    size_t room = 64, count = 0;
    for (size_t i = 0; i < prompt->count; i++) room += prompt->parts[i].len + 8; /* a token has a byte at least */
    llama_token *tokens = rp_alloc(room * sizeof(*tokens));
    for (size_t i = 0; i < prompt->count; i++) {
        const struct prompt_part *part = &prompt->parts[i];
        int32_t added = llama_tokenize(vocab, prompt->text + part->start, (int32_t)part->len, tokens + count,
                                       (int32_t)(room - count), i == 0, part->control);
        if (added > 0) count += (size_t)added;
    }
    *out_tokens = tokens;
    return count;
}
