/* Bot files, good and bad: each bad one with the complete list of what has to be said about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bot_file.h"

#define REST "transports { stdin {} }\n"

/* ---- mistakes ---------------------------------------------------------------------------------------------------- */

struct mistake {
    const char *what, *text, *report;
};

static const struct mistake mistakes[] = {
    {"an unknown stage is named with its place and the nearest name",
     "pipeline {\n  redact {},\n\n  redcat { \"email\" },\n}\n" REST,
     "bot.lua:4: pipeline stage 2: no stage called 'redcat' (did you mean 'redact'?)\n"},
    {"an option's own line is found, past strings and comments that look like it",
     "pipeline {\n  ratelimit { -- rate = 1\n    per = \"user\",\n    --[[ rate = ]]\n    rate = 5,\n  },\n}\n" REST,
     "bot.lua:5: pipeline stage 1 (ratelimit): option 'rate': expected a rate such as \"5/s\", got the number 5\n"},
    {"all mistakes are told, in the order of the file",
     "pipeline {\n  ratelimit { rat = \"5/s\", burst = 0, per = \"usr\" },\n  ask { model = \"mian\" },\n}\n"
     "models { main = openai {} }\ntransports { http { on = \"wbe\" } }\nlisteners { web = httpd { address = \"8080\" "
     "} }\n",
     "bot.lua:2: pipeline stage 1 (ratelimit): no option called 'rat' (did you mean 'rate'?)\n"
     "bot.lua:2: pipeline stage 1 (ratelimit): option 'rate' is missing: turns let through\n"
     "bot.lua:2: pipeline stage 1 (ratelimit): option 'burst': must be 1 to 1000, got the number 0\n"
     "bot.lua:2: pipeline stage 1 (ratelimit): option 'per': expected one of \"user\", \"session\", \"address\", got "
     "the string \"usr\" "
     "(did you mean 'user'?)\n"
     "bot.lua:3: pipeline stage 2 (ask): option 'model': no model called 'mian' (did you mean 'main'?)\n"
     "bot.lua:5: model 'main': option 'model' is missing: the model's name\n"
     "bot.lua:6: transport 1 (http): option 'on': no listener called 'wbe' (did you mean 'web'?)\n"
     "bot.lua:7: listener 'web': option 'address': expected an address such as \"127.0.0.1:8080\" or \"[::1]:8080\", "
     "got the string \"8080\"\n"},
    {"a misspelt section is told apart from an element",
     "pipline { redact {} }\npipeline { redact {} }\npipelin \"staff\" { redact {} }\n" REST,
     "bot.lua:1: 'pipline' is neither a section nor used in one (did you mean 'pipeline'?)\n"
     "bot.lua:3: 'pipelin' is neither a section nor used in one (did you mean 'pipeline'?)\n"},
    {"a syntax error has its line", "pipeline {\n  redact {}\n  ask {}\n}\n",
     "bot.lua:3: '}' expected (to close '{' at line 1) near 'ask'\n"},
    {"an error at run time has its line, and what was declared before is still checked",
     "pipeline { redcat {} }\nlocal x = nil + 1\n",
     "bot.lua:1: pipeline stage 1: no stage called 'redcat' (did you mean 'redact'?)\n"
     "bot.lua:2: attempt to perform arithmetic on a nil value\n"},
    {"a bot that never comes to an end is an error",
     "pipeline { redact {} }\nwhile true do pcall(function() while true do end end) end\n",
     "bot.lua:2: the script does not come to an end: it has used up its instructions\n"},
    {"a bot that takes all memory is an error", "local t = {}\nfor i = 1, 1e6 do t[i] = (\"x\"):rep(1000) .. i end\n",
     "bot.lua: the script needs more than 64 MiB\n"},
    {"a pattern that backtracks without end is refused",
     "local s = ((\"a\"):rep(120)):find((\".-\"):rep(4) .. \"b\")\n",
     "bot.lua:1: this pattern could take for ever on a text of 120 bytes\n"},
    {"an empty repetition without end is refused", "local s = (\"\"):rep(1 << 60)\n",
     "bot.lua:1: string.rep: more than 1000000 times\n"},
    {"an error in a library call has a line", "local s = (\"a\"):find(\"[\")\n",
     "bot.lua:1: malformed pattern (missing ']')\n"},
    {"what a bot file may not use is told by name", "local f = io.open(\"/etc/passwd\")\n",
     "bot.lua:1: 'io' is not available in a bot file\n"},
    {"bytecode cannot be loaded and string.dump is not there", "local f = string.dump(function() end)\n",
     "bot.lua:1: attempt to call a nil value (field 'dump')\n"},
    {"an empty file says what is missing", "",
     "bot.lua: there is no pipeline { … }, so nothing can answer\n"
     "bot.lua: warning: it has no transports, so only `repartee chat` can reach this bot\n"},
    {"a pipeline without stages cannot answer", "pipeline { nil, false }\n" REST,
     "bot.lua:1: pipeline: it has no stages, so nothing can answer\n"},
    {"a name that never got its stages", "pipeline \"staff\"\npipeline { redact {} }\n" REST,
     "bot.lua:1: pipeline 'staff': its stages are missing: pipeline \"staff\" { … }\n"},
    {"two pipelines of one name", "pipeline { redact {} }\npipeline { redact {} }\n" REST,
     "bot.lua:2: pipeline: there is one of this name already\n"},
    {"two models of one name",
     "models { a = openai { model = \"x\" } }\nmodels { a = openai { model = \"y\" } }\npipeline { redact {} }\n" REST,
     "bot.lua:2: model 'a': there is one called 'a' already, in line 1\n"},
    {"a section that stands twice", "bot { name = \"a\" }\nbot { language = \"en\" }\npipeline { redact {} }\n" REST,
     "bot.lua:2: bot: it stands in line 1 already\n"},
    {"the core's sections are checked like plugins",
     "bot {\n  nme = \"x\",\n  sessions = \"mian\",\n}\nstores { main = memory {} }\nlog { level = \"loud\" }\n"
     "limits { turns = \"many\",\n  drain = \"fast\" }\npipeline { redact {} }\n" REST,
     "bot.lua:2: bot: no option called 'nme' (did you mean 'name'?)\n"
     "bot.lua:3: bot: option 'sessions': no store called 'mian' (did you mean 'main'?)\n"
     "bot.lua:6: log: option 'level': expected one of \"debug\", \"info\", \"warn\", \"error\", \"off\", got the "
     "string \"loud\"\n"
     "bot.lua:7: limits: option 'turns': expected a whole number, got the string \"many\"\n"
     "bot.lua:8: limits: option 'drain': expected a duration such as \"5s\", got the string \"fast\"\n"},
    {"an element of another kind is sent where it belongs", "pipeline { openai { model = \"x\" } }\n" REST,
     "bot.lua:1: pipeline stage 1: no stage called 'openai': it is a model and belongs in models { … }\n"},
    {"an unknown type of a model is not taken for a model's name",
     "models { main = opnai { model = \"x\" } }\npipeline { ask {} }\n" REST,
     "bot.lua:1: model 'main': no model type called 'opnai' (did you mean 'openai'?)\n"},
    {"a default that names a model needs that model", "pipeline { ask {} }\n" REST,
     "bot.lua:1: pipeline stage 1 (ask): option 'model': no model called 'main'\n"},
    {"models that refer to one another in a circle",
     "models {\n  a = route { use = { \"b\" } },\n  b = route { use = { \"c\", \"a\" } },\n  c = route { use = \"c\" "
     "},\n}\n"
     "pipeline { redact {} }\n" REST,
     "bot.lua:2: model 'a': refers to itself: a → b → a\n"
     "bot.lua:4: model 'c': refers to itself: c → c\n"},
    {"a list with too few values", "models { a = route { use = {} } }\npipeline { redact {} }\n" REST,
     "bot.lua:1: model 'a': option 'use': must have 1 to 8 values, got 0\n"},
    {"a name without braces is no element", "pipeline {\n  redact,\n  \"ask\",\n}\n" REST,
     "bot.lua:1: pipeline stage 1: 'redact' stands without its braces: write redact {}\n"
     "bot.lua:1: pipeline stage 2: expected an element such as name { … }, got the string \"ask\"\n"},
    {"stages have no names", "pipeline { first = redact {}, redact {} }\n" REST,
     "bot.lua:1: pipeline: a pipeline is a list: its stages have no names such as 'first'\n"},
    {"values without a name where none are taken", "pipeline { ratelimit { \"5/s\", rate = \"5/s\" } }\n" REST,
     "bot.lua:1: pipeline stage 1 (ratelimit): the string \"5/s\" stands without a name: write option = value\n"},
    {"an option given with and without its name",
     "pipeline { ask { \"a\", model = \"a\" } }\nmodels { a = openai { model = \"x\" } }\n" REST,
     "bot.lua:1: pipeline stage 1 (ask): option 'model': given twice, with its name and without\n"},
    {"a name in place of a string", "models { main = openai { model = gpt } }\npipeline { redact {} }\n" REST,
     "bot.lua:1: model 'main': option 'model': expected a string, got the unknown name gpt, not in quotes\n"},
    {"an unset secret is a mistake where it is used",
     "models { main = openai {\n model = \"x\",\n api_key = secret \"TEST_UNSET\" } }\npipeline { redact {} }\n" REST,
     "bot.lua:3: model 'main': option 'api_key': the secret 'TEST_UNSET' is not set: set TEST_UNSET, or "
     "TEST_UNSET_FILE to a "
     "file that holds it\n"},
    {"a secret is not shown, nor is what stands in its place",
     "models { main = openai { model = secret \"TEST_SET\", api_key = 12345 } }\npipeline { redact {} }\n" REST,
     "bot.lua:1: model 'main': option 'api_key': expected secret \"NAME\" or a string, got a number\n"
     "bot.lua:1: model 'main': option 'model': expected a string, got a secret\n"},
    {"a secret cannot be taken apart", "local s = \"key: \" .. secret \"TEST_SET\"\n",
     "bot.lua:1: attempt to concatenate a secret value\n"},
    {"a transport's pipeline must be there",
     "pipeline { redact {} }\npipeline \"staff\" { redact {} }\ntransports { stdin {},\n  stdin { pipeline = \"staf\" "
     "} }\n",
     "bot.lua:4: transport 2 (stdin): option 'pipeline': no pipeline called 'staf' (did you mean 'staff'?)\n"},
    {"a transport must choose where no pipeline is the main one", "pipeline \"staff\" { redact {} }\n" REST,
     "bot.lua:2: transport 1 (stdin): every pipeline has a name, so it must say which one it takes: pipeline = "
     "\"staff\"\n"},
    {"an option that only the program sets is unknown to the bot file",
     "pipeline { redact {} }\ntransports { stdin { message = \"hello\" } }\n",
     "bot.lua:2: transport 1 (stdin): no option called 'message'\n"},
    {"what a type's own check says has its place", "pipeline {\n  redact {},\n  faulty \"check\",\n}\n" REST,
     "bot.lua:3: pipeline stage 2 (faulty): told to fail in check\n"},
    {"a section takes one table", "models \"x\"\n", "bot.lua:1: 'models' takes a table: models { … }\n"},
    {"an element takes one table", "pipeline { redact({}, {}) }\n",
     "bot.lua:1: 'redact' takes one table: redact { … }\n"},
    {"an element is not called twice", "pipeline { redact \"a\" { \"b\" } }\n" REST,
     "bot.lua:1: pipeline stage 1: 'redact' takes one table: redact { … }\n"},
    {"a table that holds itself is refused", "local t = {}\nt.t = t\npipeline { redact { t } }\n",
     "bot.lua:3: tables inside tables, more than 16 deep\n"},
    {"a trust setting that is no key", "plugins { trust = \"nothing\" }\npipeline { redact {} }\n" REST,
     "bot.lua:1: plugins: option 'trust': 'nothing' is neither a public key nor a file with one: No such file or "
     "directory\n"},
};

static void each_mistake_is_told(void **state) {
    struct bot_file *file = *state;
    setenv("TEST_SET", "hush", 1);
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        bot_file_load(file, mistakes[i].text, NULL);
        char *report = bot_file_report(file);
        if (strcmp(report, mistakes[i].report) != 0)
            fail_msg("%s:\n%s\nexpected:\n%s", mistakes[i].what, report, mistakes[i].report);
        assert_null(file->bot);
        free(report);
    }
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static void assert_report(const struct bot_file *file, const char *expected) {
    char *report = bot_file_report(file);
    assert_string_equal(report, expected);
    free(report);
}

static void a_missing_file_is_told(void **state) {
    struct report report = {0};
    struct bot *bot = NULL;
    (void)state;
    assert_int_equal(bot_load("nowhere/bot.lua", NULL, &bot, &report), -RP_ECONFIG);
    assert_string_equal(report.entries[0].error.file, "nowhere/bot.lua");
    assert_string_equal(report.entries[0].error.text, "cannot be read: No such file or directory");
    report_finish(&report);
}

static void mistakes_of_included_files_carry_their_names(void **state) {
    struct bot_file *file = *state;
    if (system("mkdir -p parts") != 0) fail();
    bot_file_write(file, "parts/models.lua", "models {\n  main = openai { modl = \"x\" },\n}\ninclude \"more.lua\"\n");
    bot_file_write(file, "parts/more.lua", "-- a comment\nlocal = 5\n");
    bot_file_load(file, "include \"parts/models.lua\"\npipeline { ask { model = \"main\" }, redcat {} }\n" REST, NULL);
    assert_report(file, "bot.lua:2: pipeline stage 2: no stage called 'redcat' (did you mean 'redact'?)\n"
                        "parts/models.lua:2: model 'main': no option called 'modl' (did you mean 'model'?)\n"
                        "parts/models.lua:2: model 'main': option 'model' is missing: the model's name\n"
                        "parts/more.lua:2: <name> expected near '='\n");
}

static void includes_stay_inside_and_make_no_circles(void **state) {
    struct bot_file *file = *state;
    bot_file_write(file, "a.lua", "include \"b.lua\"\n");
    bot_file_write(file, "b.lua", "\ninclude \"a.lua\"\n");
    bot_file_load(file, "include \"a.lua\"\ninclude \"/etc/hostname\"\ninclude \"none.lua\"\n", NULL);
    assert_report(file, "bot.lua:2: cannot include '/etc/hostname': it lies outside the bot's folder\n"
                        "bot.lua:3: cannot include 'none.lua': No such file or directory\n"
                        "b.lua:2: cannot include 'a.lua': it is being included already\n");
}

static void a_loop_in_an_included_file_is_told_once(void **state) {
    struct bot_file *file = *state;
    bot_file_write(file, "loop.lua", "while true do end\n");
    bot_file_load(file, "include \"loop.lua\"\npipeline { redact {} }\n", NULL);
    assert_report(file, "loop.lua:1: the script does not come to an end: it has used up its instructions\n");
}

/* ---- good files -------------------------------------------------------------------------------------------------- */

static const char whole[] =
    "bot { name = \"acme\", sessions = \"main\" }\n"
    "limits { turn = \"5s\", message = 100 }\n"
    "log { level = \"debug\", prompts = \"none\", file = \"bot.log\" }\n"
    "listeners { web = httpd { address = \"127.0.0.1:0\" } }\n"
    "stores { other = memory {}, main = memory() }\n"
    "models {\n"
    "  main = route { use = { \"here\", \"cloud\" } },\n"
    "  cloud = openai { model = env(\"TEST_MODEL\", \"gpt\"), api_key = secret \"TEST_KEY\" },\n"
    "  here = openai { model = \"local\" },\n"
    "}\n"
    "transports { http { on = \"web\" }, stdin { pipeline = \"staff\" } }\n"
    "pipeline { nil, ratelimit { rate = \"5/s\" }, false, ask { \"main\" } }\n"
    "pipeline \"staff\" { env \"TEST_NONE\" and redact {} or nil, ask {} }\n";

static void a_whole_bot_is_bound(void **state) {
    struct bot_file *file = *state;
    setenv("TEST_KEY", "hush", 1);
    bot_file_load(file, whole, NULL);
    assert_report(file, "");
    const struct bot *bot = file->bot;
    assert_string_equal(bot->name, "acme");
    assert_string_equal(bot->language, "en");
    assert_string_equal(file->bot->pipelines[0]->stages[0]->element.language, file->bot->language);
    assert_int_equal(bot->limits.turn_ms, 5000);
    assert_int_equal(bot->limits.message, 100);
    assert_int_equal(bot->limits.turns, 4096);
    assert_int_equal(bot->limits.session_ttl_ms, 3600 * 1000);
    assert_int_equal(bot->log.level, RP_LOG_DEBUG);
    assert_int_equal(bot->log.prompts, 0);
    assert_int_equal(bot->log.file[0], '/');
    assert_string_equal(strrchr(bot->log.file, '/'), "/bot.log");
    assert_int_equal(bot->pipeline_count, 2);
    assert_int_equal(bot->pipelines[0]->count, 2);
    assert_string_equal(bot->pipelines[1]->name, "staff");
    assert_int_equal(bot->pipelines[1]->count, 1);
    assert_int_equal(bot->transport_count, 2);
    assert_ptr_equal(bot->transports[0]->pipeline, bot->pipelines[0]);
    assert_ptr_equal(bot->transports[1]->pipeline, bot->pipelines[1]);
    assert_string_equal(bot->sessions->element.name, "main");
}

static void models_come_behind_those_they_refer_to(void **state) {
    struct bot_file *file = *state;
    bot_file_load(file, whole, NULL);
    assert_int_equal(file->bot->model_count, 3);
    assert_string_equal(file->bot->models[0]->element.name, "here");
    assert_string_equal(file->bot->models[1]->element.name, "cloud");
    assert_string_equal(file->bot->models[2]->element.name, "main");
    struct rp_model *const *use = ((const struct rp_model_list *)file->bot->models[2]->element.options)->items;
    assert_ptr_equal(use[0], file->bot->models[0]);
    assert_ptr_equal(use[1], file->bot->models[1]);
    const char *const *cloud = file->bot->models[1]->element.options; /* base_url, api_key, model */
    assert_string_equal(cloud[1], "hush");
    assert_string_equal(cloud[2], "gpt");
}

static void a_secret_is_read_from_a_file_without_its_line_end(void **state) {
    struct bot_file *file = *state;
    bot_file_write(file, "key.txt", "from a file\n");
    unsetenv("TEST_FILED");
    setenv("TEST_FILED_FILE", "key.txt", 1);
    bot_file_load(file,
                  "assert(tostring(secret \"TEST_FILED\") == \"secret\")\nmodels { main = openai { model = \"x\", "
                  "api_key = secret \"TEST_FILED\" } }\n"
                  "pipeline { redact {} }\n" REST,
                  NULL);
    assert_report(file, "");
    assert_string_equal(((const char *const *)file->bot->models[0]->element.options)[1], "from a file");
}

static void a_memory_store_is_made_where_none_is(void **state) {
    struct bot_file *file = *state;
    bot_file_load(file, "pipeline { redact \"email\" }\n" REST, NULL);
    assert_report(file, "");
    assert_int_equal(file->bot->store_count, 1);
    assert_ptr_equal(file->bot->sessions, file->bot->stores[0]);
    assert_string_equal(file->bot->sessions->element.type->name, "memory");
}

struct stdin_options {
    const char *message;
    bool json;
};

static void a_wish_makes_its_transport_and_sets_hidden_options(void **state) {
    struct bot_file *file = *state;
    json_t *options = json_pack("{s:s, s:b}", "message", "hello", "json", 1);
    struct bot_wish wish = {.transport = "stdin", .options = options};
    bot_file_load(file, "pipeline { redact {} }\n", &wish);
    assert_report(file, "");
    assert_int_equal(file->bot->transport_count, 1);
    const struct stdin_options *made = file->bot->transports[0]->element.options;
    assert_string_equal(made->message, "hello");
    assert_true(made->json);
    assert_ptr_equal(file->bot->transports[0]->pipeline, file->bot->pipelines[0]);
    bot_file_load(file,
                  "pipeline { redact {} }\npipeline \"b\" { redact {} }\ntransports { stdin { json = false, pipeline = "
                  "\"b\" } }\n",
                  &wish);
    assert_report(file, "");
    assert_int_equal(file->bot->transport_count, 1);
    made = file->bot->transports[0]->element.options;
    assert_string_equal(made->message, "hello");
    assert_true(made->json);
    assert_ptr_equal(file->bot->transports[0]->pipeline, file->bot->pipelines[1]);
    json_decref(options);
}

static int setup(void **state) {
    static struct bot_file file;
    bot_file_init(&file);
    *state = &file;
    return 0;
}

static int teardown(void **state) {
    bot_file_finish(*state);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_mistake_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_file_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(mistakes_of_included_files_carry_their_names, setup, teardown),
        cmocka_unit_test_setup_teardown(includes_stay_inside_and_make_no_circles, setup, teardown),
        cmocka_unit_test_setup_teardown(a_loop_in_an_included_file_is_told_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_whole_bot_is_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(models_come_behind_those_they_refer_to, setup, teardown),
        cmocka_unit_test_setup_teardown(a_secret_is_read_from_a_file_without_its_line_end, setup, teardown),
        cmocka_unit_test_setup_teardown(a_memory_store_is_made_where_none_is, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wish_makes_its_transport_and_sets_hidden_options, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
