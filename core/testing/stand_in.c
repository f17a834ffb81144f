/* The types that models get for a test, and the source that says what a script has for them. */
#include "core/testing/stand_in.h"

#include <stdlib.h>

#include "core/config/load.h"
#include "core/loop/worker.h"
#include "core/testing/json_part.h"

#define BODY_SHOWN ((size_t)4000)

struct stand_in {
    struct rp_model_type type; /* first: what the element has instead of its own */
    const struct rp_model_type *real;
    bool stays; /* asked when there is no script */
    struct cast *cast;
};

struct reply { /* in the turn's arena */
    struct rp_source source; /* first */
    struct cast *cast;
    const struct rp_call *call;
    const struct script_piece *next;
    struct rp_str text; /* what is left of the piece under way */
    struct rp_task task;
    unsigned delay;
    unsigned tools;
    size_t characters;
};

/* ---- text -------------------------------------------------------------------------------------------------------- */

/* What the model is to answer: the user's message, or a tool's result. A note of the system may stand behind it. */
static struct rp_str last_message(const struct rp_call *call) {
    for (size_t i = call->message_count; i > 0; i--)
        if (call->messages[i - 1].role != RP_ROLE_SYSTEM) return call->messages[i - 1].text;
    return RP_STR("");
}

static struct rp_str system_text(const struct rp_call *call) {
    bool there = call->message_count && call->messages[0].role == RP_ROLE_SYSTEM;
    return there ? call->messages[0].text : RP_STR("");
}

/* What stands at `text`: the length of the placeholder there, 0 for none. */
static size_t placeholder(const struct reply *reply, struct rp_str text, struct rp_str *out_value) {
    static const char *const names[] = {"{message}", "{system}", "{history}"};
    for (size_t i = 0; i < 3; i++) {
        size_t len = strlen(names[i]);
        if (text.len < len || memcmp(text.data, names[i], len) != 0) continue;
        if (i == 0) *out_value = last_message(reply->call);
        if (i == 1) *out_value = system_text(reply->call);
        if (i == 2) *out_value = rp_str(rp_arena_printf(reply->source.turn->arena, "%zu", reply->call->message_count));
        return len;
    }
    return 0;
}

static struct rp_str fill_in(const struct reply *reply, struct rp_str text) {
    struct rp_buf out;
    rp_buf_init(&out, SIZE_MAX / 2);
    for (size_t i = 0; i < text.len;) {
        struct rp_str value = rp_str_n(text.data + i, 1);
        size_t len = text.data[i] == '{' ? placeholder(reply, rp_str_n(text.data + i, text.len - i), &value) : 0;
        rp_buf_append_str(&out, value);
        i += len ? len : 1;
    }
    struct rp_str whole = rp_arena_str(reply->source.turn->arena, rp_buf_str(&out));
    rp_buf_finish(&out);
    return whole;
}

static size_t count_characters(struct rp_str text) {
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    return count;
}

/* ---- chunks ------------------------------------------------------------------------------------------------------ */

static void give_end(struct reply *reply) {
    size_t asked = 0;
    for (size_t i = 0; i < reply->call->message_count; i++) asked += count_characters(reply->call->messages[i].text);
    struct rp_chunk end = {.type = RP_CHUNK_USAGE, .finish = reply->tools ? RP_FINISH_TOOLS : RP_FINISH_STOP};
    end.usage = (struct rp_usage){.input_tokens = (int64_t)(asked + 3) / 4,
                                  .output_tokens = (int64_t)(reply->characters + 3) / 4};
    rp_source_write(&reply->source, &end, RP_END);
}

static void give_text(struct reply *reply) {
    struct shred *shred = reply->cast->shred;
    size_t len = shred ? shred_cut(shred, reply->text) : reply->text.len;
    struct rp_chunk chunk = {.type = RP_CHUNK_TEXT, .text = rp_str_n(reply->text.data, len)};
    reply->characters += count_characters(chunk.text);
    reply->text = rp_str_n(reply->text.data + len, reply->text.len - len);
    rp_source_write(&reply->source, &chunk, RP_MORE);
}

static void give_fault(struct reply *reply, const struct script_piece *piece) {
    struct rp_chunk chunk = {.type = RP_CHUNK_ERROR, .fault = {.code = piece->fault}};
    rp_source_write(&reply->source, &chunk, RP_ERROR);
}

static void give_tool(struct reply *reply, const struct script_piece *piece) {
    struct rp_chunk chunk = {.type = RP_CHUNK_TOOL};
    chunk.tool.id = rp_str(rp_arena_printf(reply->source.turn->arena, "call-%u", ++reply->tools));
    chunk.tool.name = piece->tool;
    chunk.tool.arguments = piece->text;
    rp_source_write(&reply->source, &chunk, RP_MORE);
}

static void give(struct reply *reply) {
    while (reply->text.len == 0 && reply->next && reply->next->kind == PIECE_TEXT) {
        reply->text = fill_in(reply, reply->next->text);
        reply->next = reply->next->next;
    }
    const struct script_piece *piece = reply->next;
    if (reply->text.len > 0) {
        give_text(reply);
    } else if (!piece) {
        give_end(reply);
    } else {
        reply->next = piece->next;
        if (piece->kind == PIECE_FAULT)
            give_fault(reply, piece);
        else
            give_tool(reply, piece);
    }
}

static void on_task(struct rp_task *task) {
    struct reply *reply = (struct reply *)((char *)task - offsetof(struct reply, task));
    if (reply->delay-- > 0)
        rp_task_schedule(reply->source.turn->worker, task);
    else
        give(reply);
}

static void more(struct rp_source *source) {
    struct reply *reply = (struct reply *)source;
    reply->delay = reply->cast->shred ? shred_delay(reply->cast->shred) : 0;
    if (reply->delay > 0)
        rp_task_schedule(source->turn->worker, &reply->task);
    else
        give(reply);
}

static void close(struct rp_source *source) {
    rp_task_cancel(source->turn->worker, &((struct reply *)source)->task);
}

static const struct rp_source_ops ops = {.more = more, .close = close};

/* ---- models ------------------------------------------------------------------------------------------------------ */

static const struct model_script *take_script(struct cast *cast, struct rp_str model) {
    struct model_script *script = cast->step ? cast->step->models : NULL;
    while (script && (script->used || !rp_str_equal(script->model, model))) script = script->next;
    if (script) script->used = true;
    return script;
}

static struct rp_source *nobody(struct cast *cast, const struct rp_model *model, struct rp_turn *turn) {
    struct rp_fault fault = {.code = RP_EUPSTREAM, .message = "the test has no reply for this model"};
    cast->on_missing(cast->arg, rp_arena_printf(turn->arena, "the model '%s' is asked, and no line `model %s: …` answers",
                                                model->element.name, model->element.name));
    return rp_source_fault(turn, &fault);
}

static struct rp_source *ask(struct rp_model *model, struct rp_turn *turn, const struct rp_call *call) {
    const struct stand_in *stand_in = (const struct stand_in *)(const void *)model->element.type;
    const struct model_script *script = take_script(stand_in->cast, rp_str(model->element.name));
    if (!script && stand_in->stays) return stand_in->real->ask(model, turn, call);
    if (!script) return nobody(stand_in->cast, model, turn);
    struct reply *reply = rp_arena_zalloc(turn->arena, sizeof(*reply));
    rp_source_init(&reply->source, &ops, turn);
    reply->cast = stand_in->cast;
    reply->call = call;
    reply->next = script->pieces;
    reply->task.run = on_task;
    return &reply->source;
}

/* Whatever a prompt may ask for: what the real one can do may not be known before it is open. */
static unsigned takes(const struct rp_model *model) {
    (void)model;
    return RP_TAKES_TOOLS | RP_TAKES_SCHEMA | RP_TAKES_GRAMMAR;
}

static void take_model(struct cast *cast, struct item *item, struct stand_in *stand_in) {
    const struct rp_model_type *real = (const struct rp_model_type *)(const void *)item->type;
    *stand_in = (struct stand_in){.real = real, .cast = cast};
    stand_in->stays = real->forwards || strcmp(real->type.name, "scripted") == 0;
    stand_in->type = (struct rp_model_type){.type.name = real->type.name, .takes = takes};
    if (stand_in->stays) stand_in->type = *real;
    stand_in->type.ask = ask;
    item->type = item->element->type = &stand_in->type.type;
}

void cast_take_models(struct cast *cast, struct bot *bot) {
    const struct bot_private *private = bot->private;
    cast->models = rp_calloc(bot->model_count + 1, sizeof(*cast->models));
    for (size_t i = 0; i < private->count; i++)
        if (private->items[i]->kind == KIND_MODEL)
            take_model(cast, private->items[i], &cast->models[cast->model_count++]);
}

void cast_leave(struct cast *cast) {
    free(cast->models);
    cast->models = NULL;
    cast->model_count = 0;
}

/* ---- http -------------------------------------------------------------------------------------------------------- */

/* A star stands for any text. */
static bool url_fits(struct rp_str pattern, struct rp_str url) {
    size_t at = 0, star = SIZE_MAX, again = 0, i = 0;
    while (i < url.len) {
        if (at < pattern.len && pattern.data[at] == '*') {
            star = at++;
            again = i;
        } else if (at < pattern.len && pattern.data[at] == url.data[i]) {
            at++;
            i++;
        } else if (star != SIZE_MAX) {
            at = star + 1;
            i = ++again;
        } else {
            return false;
        }
    }
    while (at < pattern.len && pattern.data[at] == '*') at++;
    return at == pattern.len;
}

static bool body_fits(const json_t *wanted, struct rp_str body) {
    json_t *value;
    if (!wanted) return true;
    if (rp_json_parse(body.data, body.len, &value, NULL) != 0) return false;
    bool fits = json_part_of(wanted, value);
    json_decref(value);
    return fits;
}

static const char *method_of(const struct rp_fetch_request *request) {
    return request->method ? request->method : request->body.len ? "POST" : "GET";
}

/* JSON with its fields in order: the same request looks the same each time. */
static struct rp_str readable_body(struct rp_str body, char **out_memory) {
    json_t *value;
    *out_memory = NULL;
    if (rp_json_parse(body.data, body.len, &value, NULL) == 0) {
        *out_memory = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
        json_decref(value);
    }
    struct rp_str text = *out_memory ? rp_str(*out_memory) : body;
    return rp_str_n(text.data, text.len > BODY_SHOWN ? rp_utf8_whole(text.data, BODY_SHOWN) : text.len);
}

static void call_is_missing(struct cast *cast, const char *method, const struct rp_fetch_request *request,
                            bool other_body) {
    struct rp_buf text;
    char *memory;
    struct rp_str body = readable_body(request->body, &memory);
    rp_buf_init(&text, 2 * BODY_SHOWN);
    rp_buf_printf(&text, "%s %.1000s is called, and no line `http` answers", method, request->url);
    if (other_body)
        rp_buf_printf(&text, ": the one for it wants another body than %.*s", RP_STR_ARG(body));
    free(memory);
    cast->on_missing(cast->arg, text.data);
    rp_buf_finish(&text);
}

static const struct http_answer *on_request(void *arg, const struct rp_fetch_request *request) {
    static const struct http_answer none = {.code = -RP_EUPSTREAM, .detail = "the test has no answer for this call"};
    struct cast *cast = arg;
    struct rp_str method = rp_str(method_of(request)), url = rp_str(request->url);
    bool other_body = false;
    for (struct http_script *script = cast->step ? cast->step->https : NULL; script; script = script->next) {
        if (script->used || !rp_str_equal(script->method, method) || !url_fits(script->url, url)) continue;
        other_body = !body_fits(script->body, request->body);
        if (other_body) continue;
        script->used = true;
        return &script->answer;
    }
    call_is_missing(cast, method.data, request, other_body);
    return &none;
}

static size_t on_piece(void *arg, size_t left) {
    struct cast *cast = arg;
    return cast->shred ? 1 + (size_t)shred_below(cast->shred, left < 64 ? left : 64) : left;
}

void cast_take_http(struct cast *cast, struct rp_worker *worker) {
    cast->http = (struct http_stand_in){.answer = on_request, .piece = on_piece, .arg = cast};
    http_client_stand_in(worker_http(worker), &cast->http);
}
