/* Replies that must be JSON of a certain form: judged, and sent back with what is wrong. */
#include <repartee/schema.h>
#include <stdlib.h>

#include "core/model/talk.h"

#define MISTAKES_MAX 2000   /* bytes that the model, the log and the explanation get to see */
#define SAID_MAX (16 << 10) /* bytes of a wrong answer that the model gets to see again */

static struct rp_str trim(struct rp_str text) {
    while (text.len && strchr(" \t\r\n", text.data[0])) text = rp_str_n(text.data + 1, text.len - 1);
    while (text.len && strchr(" \t\r\n", text.data[text.len - 1])) text.len--;
    return text;
}

/* ```json … ``` around all of it is a habit of models, not a mistake. */
static struct rp_str without_fence(struct rp_str text) {
    text = trim(text);
    if (text.len < 7 || memcmp(text.data, "```", 3) != 0 || memcmp(text.data + text.len - 3, "```", 3) != 0)
        return text;
    const char *line = memchr(text.data, '\n', text.len);
    if (!line || line + 1 > text.data + text.len - 3) return text;
    return trim(rp_str_n(line + 1, (size_t)(text.data + text.len - 3 - (line + 1))));
}

static bool judge(const struct rp_schema *schema, struct rp_str json, enum rp_finish finish, struct rp_buf *mistakes) {
    struct rp_error error;
    json_t *value;
    if (finish == RP_FINISH_FILTER) {
        rp_buf_printf(mistakes, "the model refused to answer");
        return false;
    }
    if (rp_json_parse(json.data, json.len, &value, &error) != 0) {
        rp_buf_printf(mistakes, finish == RP_FINISH_LENGTH ? "it is cut off: be briefer" : "it is not JSON: %s",
                      error.text);
        return false;
    }
    int rc = rp_schema_check(schema, value, mistakes);
    json_decref(value);
    return rc == 0;
}

bool form_fits(struct rp_turn *turn, const struct rp_schema *schema, struct rp_str text, enum rp_finish finish,
               struct rp_str *out_text, struct rp_str *out_mistakes) {
    struct rp_str json = without_fence(text);
    struct rp_buf mistakes;
    rp_buf_init(&mistakes, MISTAKES_MAX);
    bool fits = judge(schema, json, finish, &mistakes);
    if (fits)
        *out_text = rp_arena_str(turn->arena, json);
    else
        *out_mistakes = rp_arena_str(turn->arena, rp_buf_str(&mistakes));
    rp_buf_finish(&mistakes);
    return fits;
}

struct rp_str form_first(struct rp_str mistakes) {
    const char *end = mistakes.len ? memchr(mistakes.data, '\n', mistakes.len) : NULL;
    return rp_str_n(mistakes.data, end ? (size_t)(end - mistakes.data) : mistakes.len);
}

void form_tell(struct rp_turn *turn, struct rp_str said, struct rp_str mistakes, struct rp_call *call) {
    if (said.len > SAID_MAX) said.len = rp_utf8_whole(said.data, SAID_MAX);
    const char *words = rp_arena_printf(turn->arena,
                                        "That answer cannot be used:\n%.*s\n"
                                        "Answer again, with the corrected JSON value and nothing else.",
                                        RP_STR_ARG(mistakes));
    struct rp_message messages[] = {
        {.role = RP_ROLE_ASSISTANT, .text = rp_arena_str(turn->arena, said)},
        {.role = RP_ROLE_USER, .text = rp_str(words)},
    };
    talk_append(turn, call, messages, 2);
}
