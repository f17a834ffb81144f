/* The sections prices and budgets: what they come to, and what is said of each mistake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bot_file.h"
#include "core/config/load.h"
#include "core/model/terms.h"

#define REST "pipeline { ask {} }\ntransports { stdin {} }\n"
#define STORE "stores { main = ledger {} }\n"

static const struct model_terms *terms_of(const struct bot *bot, const char *name) {
    for (size_t i = 0; i < bot->model_count; i++)
        if (strcmp(bot->models[i]->element.name, name) == 0) return bot->models[i]->terms;
    return NULL;
}

/* ---- what they come to ------------------------------------------------------------------------------------------- */

static void load(struct bot_file *file, const char *text, const char *expected) {
    bot_file_load(file, text, NULL);
    char *report = bot_file_report(file);
    assert_string_equal(report, expected);
    free(report);
}

static void a_row_goes_to_the_model_of_that_name_or_of_that_provider_s_name(void **state) {
    struct bot_file *file = *state;
    load(file,
         "prices {\n  currency = 'EUR',\n  ['gpt-x'] = { input = 0.15, output = 0.6, cached = 0.075 },\n  here = { "
         "input = 1, output = 0 },\n"
         "  ['not-used'] = { input = 9, output = 9 },\n}\n"
         "models { main = openai { model = 'gpt-x' }, here = openai { model = 'gpt-x' }, all = route { use = { 'main' "
         "} } }\n"
         "pipeline { ask {} }\ntransports { stdin {} }\n",
         "");
    assert_string_equal(file->bot->currency, "EUR");
    assert_null(file->bot->budgets);
    assert_int_equal(terms_of(file->bot, "main")->price.input, 150000);
    assert_int_equal(terms_of(file->bot, "main")->price.output, 600000);
    assert_int_equal(terms_of(file->bot, "main")->price.cached, 75000);
    assert_int_equal(terms_of(file->bot, "here")->price.cached, 1000000);
    assert_int_equal(terms_of(file->bot, "here")->price.input, 1000000);
    assert_int_equal(terms_of(file->bot, "here")->price.output, 0);
    assert_false(terms_of(file->bot, "all")->priced);
}

static void limits_are_for_users_first_and_several_at_once(void **state) {
    struct bot_file *file = *state;
    load(file,
         STORE "prices { main = { input = 0, output = 0 } }\n"
               "budgets {\n  bot = { '20/day', '300/month' },\n  user = '0.50/day',\n  user_tokens = '100k/hour',\n}\n"
               "models { main = openai { model = 'm' } }\n" REST,
         "");
    const struct budgets *budgets = file->bot->budgets;
    assert_non_null(budgets);
    assert_int_equal(budgets->count, 4);
    assert_int_equal(budgets->user_count, 2);
    assert_int_equal(budgets->limits[0].amount, MONEY_ONE / 2);
    assert_int_equal(budgets->limits[1].amount, 100000);
    assert_int_equal(budgets->limits[1].unit, BUDGET_TOKENS);
    assert_int_equal(budgets->limits[3].period, PERIOD_MONTH);
    assert_ptr_equal(budgets->store, file->bot->sessions);
    assert_int_equal(budgets->reply_tokens, 4096);
    assert_false(budgets->open);
    assert_string_equal(budgets->bot, "bot");
}

static void another_store_and_the_open_door_can_be_chosen(void **state) {
    struct bot_file *file = *state;
    load(file,
         "stores { main = memory {}, money = ledger {} }\nbot { sessions = 'main' }\n"
         "budgets { bot_tokens = '1M/day', store = 'money', when_store_fails = 'allow', reply_tokens = 100 }\n"
         "models { main = openai { model = 'm' } }\n" REST,
         "");
    assert_string_equal(file->bot->budgets->store->element.name, "money");
    assert_true(file->bot->budgets->open);
    assert_int_equal(file->bot->budgets->reply_tokens, 100);
}

static void without_the_sections_there_is_nothing(void **state) {
    struct bot_file *file = *state;
    load(file, "models { main = openai { model = 'm' } }\n" REST, "");
    assert_null(file->bot->currency);
    assert_null(file->bot->budgets);
    assert_null(terms_of(file->bot, "main"));
}

/* ---- mistakes ---------------------------------------------------------------------------------------------------- */

struct mistake {
    const char *what, *text, *report;
};

#define MODEL "models { main = openai { model = 'gpt-x' } }\n"

static const struct mistake mistakes[] = {
    {"money needs a price for every model",
     STORE "prices { ['gpt-y'] = { input = 1, output = 2 } }\nbudgets { bot = '1/day' }\n" MODEL REST,
     "bot.lua:4: model 'main': budgets of money need its price: prices { ['gpt-x'] = { input = …, output = … } } (did "
     "you "
     "mean 'gpt-y'?)\n"},
    {"tokens need none", STORE "budgets { bot_tokens = '10k/day' }\n" MODEL REST, ""},
    {"a price that is missing is told where there is a table",
     "prices { other = { input = 1, output = 2 } }\n" MODEL REST,
     "bot.lua:2: warning: model 'main': it has no price in prices { }, so it counts as free of charge\n"},
    {"rows are checked",
     "prices {\n  a = 5,\n  b = { input = 1 },\n  c = { input = -1, output = 2, outputs = 3 },\n  { input = 1 },\n"
     "  main = { input = 0, output = 0 },\n}\n" MODEL REST,
     "bot.lua:1: prices: each row needs the name of a model in front: [\"gpt-…\"] = { input = …, output = … }\n"
     "bot.lua:2: prices: 'a': expected { input = …, output = … }, got the number 5\n"
     "bot.lua:3: prices: 'b': option 'output' is missing: the price of a million tokens that it writes\n"
     "bot.lua:4: prices: 'c': no option called 'outputs' (did you mean 'output'?)\n"
     "bot.lua:4: prices: 'c': option 'input': must be 0 to 1000000, got the number -1\n"},
    {"limits are checked",
     STORE "prices { main = { input = 1, output = 2 } }\nbudgets {\n  user = '5/week',\n  bot = { '1/day', '2/day' },\n"
           "  bot_tokens = '0.50€/day',\n  tokens = '10k/day',\n}\n" MODEL REST,
     "bot.lua:4: budgets: option 'user': '5/week' is no budget: write \"0.50/day\", with /hour, /day or /month\n"
     "bot.lua:5: budgets: option 'bot': there are two for each day\n"
     "bot.lua:6: budgets: option 'bot_tokens': '0.50€/day' is no budget: write \"100k/day\", with /hour, /day or "
     "/month\n"
     "bot.lua:7: budgets: no option called 'tokens'\n"},
    {"a store that cannot count will not do",
     "budgets {\n  bot_tokens = '10k/day',\n}\nstores { main = memory {} }\n" MODEL REST,
     "bot.lua:1: budgets: the store 'main' (memory) cannot count: name another one, store = \"…\"\n"},
    {"a store that is not there is told",
     STORE "budgets {\n  bot_tokens = '10k/day',\n  store = 'mani',\n}\n" MODEL REST,
     "bot.lua:4: budgets: option 'store': no store called 'mani' (did you mean 'main'?)\n"},
    {"a section stands once",
     STORE "budgets { bot_tokens = '10k/day' }\nbudgets { bot_tokens = '20k/day' }\nprices {}\nprices {}\n" MODEL REST,
     "bot.lua:3: budgets: it stands in line 2 already\nbot.lua:5: prices: it stands in line 4 already\n"
     "bot.lua:6: warning: model 'main': it has no price in prices { }, so it counts as free of charge\n"},
    {"a budget that no call fits into is told",
     STORE "budgets { bot_tokens = '1M/day', user_tokens = '4095/hour' }\n" MODEL REST,
     "bot.lua:3: warning: model 'main': a reply of 4096 tokens, which each call reserves, is more than the whole budget "
     "of 4095/hour: lower max_tokens, or reply_tokens in budgets { }\n"},
    {"no limit is no budget", STORE "budgets {}\n" MODEL REST,
     "bot.lua:2: warning: budgets: it has no limit, so it does nothing\n"},
};

static void each_mistake_is_told(void **state) {
    struct bot_file *file = *state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        bot_file_load(file, mistakes[i].text, NULL);
        char *report = bot_file_report(file);
        if (strcmp(report, mistakes[i].report) != 0)
            fail_msg("%s:\n--- got\n%s--- wanted\n%s", mistakes[i].what, report, mistakes[i].report);
        free(report);
    }
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
#define MONEY_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        MONEY_TEST(a_row_goes_to_the_model_of_that_name_or_of_that_provider_s_name),
        MONEY_TEST(limits_are_for_users_first_and_several_at_once),
        MONEY_TEST(another_store_and_the_open_door_can_be_chosen),
        MONEY_TEST(without_the_sections_there_is_nothing),
        MONEY_TEST(each_mistake_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
