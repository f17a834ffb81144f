/* t:form: values in any order and from one sentence, in English and Chinese; questions only for what is missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dialogs.h"

static void both_ways(const char *rules, const char *transcript) {
    bot_rules(rules);
    dialogs_talk(transcript);
    test_store_finish(&bot.store);
    dialogs_talk_forgetting(transcript);
}

/* The values in the order of their names, or why there are none. */
#define SHOW                                                                                                           \
    "local function show(data, why) if not data then return \"none: \" .. why end local s = {}\n"                      \
    "  for k, v in pairs(data) do s[#s + 1] = k .. \"=\" .. tostring(v) end return table.concat(s, \" \") end\n"

#define TABLE                                                                                                          \
    SHOW "dialog \"table\" { match = { \"(?i)table\", \"订位\" }, run = function(t) return show(t:form {\n"            \
         "  { name = \"persons\", ask = \"How many?\", match = [=[\\d+|[一二三四五六七八九十两]]=], again = \"A number, please.\" },\n" \
         "  { name = \"date\", ask = \"When?\", match = { [[\\d{4}-\\d\\d-\\d\\d]], \"明天\", \"(?i)tomorrow\" } },\n" \
         "  { name = \"email\", ask = \"E-mail?\", match = [=[[A-Za-z0-9.]+@[A-Za-z0-9.]+]=] },\n"                                \
         "}) end }\n"

static void values_are_asked_for_one_by_one(void **state) {
    (void)state;
    both_ways(TABLE, "> a table please\n< How many?\n= dialog:table\n> hm\n< A number, please.\n> 4\n< When?\n> 2025-05-05\n"
                     "< E-mail?\n> it is a.b@c.org\n< date=2025-05-05 email=a.b@c.org persons=4\n");
}

static void one_sentence_fills_many(void **state) {
    (void)state;
    both_ways(TABLE, "> a table on 2025-05-05 for 4, a@b.org\n< date=2025-05-05 email=a@b.org persons=4\n"
                     "> a table for 2\n< When?\n> tomorrow, write to a@b.org\n< date=tomorrow email=a@b.org persons=2\n"
                     "> a table\n< How many?\n> 2025-01-02 would be good\n< How many?\n> for 3\n< E-mail?\n> no\n< E-mail?\n"
                     "> a@b.org\n< date=2025-01-02 email=a@b.org persons=3\n");
}

static void in_chinese_as_well(void **state) {
    (void)state;
    both_ways(TABLE, "> 我要订位，明天四位，邮箱是ａ@b.org\n< date=明天 email=ａ@b.org persons=四\n"
                     "> 订位\n< How many?\n> 明天\n< How many?\n> 两个人，a@b.org谢谢\n< date=明天 email=a@b.org persons=两\n");
}

#define PERSON                                                                                                         \
    SHOW "dialog \"p\" { match = \"(?i)contact\", cancel = \"^stop$\", cancelled = \"Stopped.\", run = function(t) return show(t:form {\n" \
         "  { name = \"name\", ask = \"Name?\", find = { [[(?i)my name is (?<value>\\w+)]], [[我叫(?<value>\\p{Han}{2,3})]] },\n" \
         "    match = [[^\\s*(?<value>\\p{L}+)\\s*$]] },\n"                                                            \
         "  { name = \"size\", ask = \"Size?\", choices = { s = \"(?i)small|小\", l = \"(?i)large|大\" } },\n"         \
         "  { name = \"note\", ask = \"Note?\" },\n"                                                                   \
         "  { name = \"phone\", optional = true, match = [[\\d{7,}]] },\n"                                             \
         "  confirm = \"{name}, {size}, {note}: right?\" }) end }\n"

static void what_is_found_and_what_is_asked_may_differ(void **state) {
    (void)state;
    both_ways(PERSON, "> contact\n< Name?\n> Ann\n< Size?\n> a small one\n< Note?\n> leave it at the door\n"
                      "< Ann, s, leave it at the door: right?\n> yes\n< name=Ann note=leave it at the door size=s\n"
                      "> contact, my name is Bob, large, 5551234567\n< Note?\n> none\n< Bob, l, none: right?\n> ok\n"
                      "< name=Bob note=none phone=5551234567 size=l\n"
                      "> contact 我叫小明 要大的\n< Note?\n> 无\n< 小明, l, 无: right?\n> 对\n< name=小明 note=无 size=l\n");
}

static void the_rest_of_a_sentence_answers_a_free_question(void **state) {
    (void)state;
    both_ways(PERSON, "> contact\n< Name?\n> Ann\n< Size?\n> small\n< Note?\n> call me, 5551234567, please\n"
                      "< Ann, s, call me, please: right?\n> yes\n"
                      "< name=Ann note=call me, please phone=5551234567 size=s\n");
}

static void corrections_are_looked_over_again(void **state) {
    (void)state;
    both_ways(PERSON, "> contact, my name is Bob, large\n< Note?\n> x\n< Bob, l, x: right?\n> no, small\n< Bob, s, x: right?\n"
                      "> no, my name is Rob\n< Rob, s, x: right?\n> no\n< none: no\n"
                      "> contact, my name is Bob, large\n< Note?\n> x\n< Bob, l, x: right?\n> what\n< Bob, l, x: right?\n> eh\n"
                      "< Bob, l, x: right?\n> eh\n< none: tries\n");
}

static void it_can_be_cancelled_and_given_up(void **state) {
    (void)state;
    both_ways(PERSON, "> contact\n< Name?\n> stop\n< Stopped.\n> contact\n< Name?\n> 1\n< Name?\n> 2\n< Name?\n> 3\n< none: tries\n");
}

static void check_refuses_values(void **state) {
    (void)state;
    both_ways(SHOW "dialog \"d\" { match = \"^go\", run = function(t) return show(t:form {\n"
                   "  b = { ask = \"B?\", match = [[b\\d]], check = function(v) t:sleep(0.0001) if v == \"b0\" then return false, \"Not b0.\" end return #v end },\n"
                   "  a = { ask = \"A?\", match = [[a\\d]], check = function(v) return v ~= \"a0\" end, timeout = \"5m\" } }) end }\n",
              "> go b0\n< A?\n> a0\n< A?\n> b0\n< A?\n> a1 b0\n< B?\n> b0\n< Not b0.\n> b1\n< a=a1 b=2\n"
              "> go\n< A?\n+ 6m\n> x\n< none: timeout\n< I am the model.\n");
}

static void only_the_first_message_is_looked_at_unasked(void **state) {
    (void)state;
    both_ways(SHOW "dialog \"d\" { match = \"^go\", run = function(t) local id = t:ask(\"Id?\", { match = [[\\d+]] })\n"
                   "  return id .. \": \" .. show(t:form { { name = \"n\", ask = \"N?\", match = [[\\d+]] } }) end }\n",
              "> go\n< Id?\n> 12\n< N?\n> 34\n< 12: n=34\n");
}

static void the_longest_reading_wins(void **state) {
    (void)state;
    both_ways(SHOW "dialog \"d\" { match = \"^go\", run = function(t) return show(t:form {\n"
                   "  { name = \"zip\", ask = \"Zip?\", match = [[\\d{5}]] }, { name = \"phone\", ask = \"Phone?\", match = [[\\d{5,}]] },\n"
                   "  { name = \"other\", ask = \"Other?\", match = [[\\d{5,}]] } }) end }\n",
              "> go 1234567 54321\n< Other?\n> 77777777\n< other=77777777 phone=1234567 zip=54321\n"
              "> go\n< Zip?\n> 12345\n< Phone?\n> 1234567\n< Other?\n> 999999\n< other=999999 phone=1234567 zip=12345\n");
}

static void mistakes_are_told(void **state) {
    (void)state;
    bot_rules("dialog \"d\" { match = \"x\", run = function(t) local s = \"\"\n"
              "  local function bad(f) local ok, e = pcall(t.form, t, f) s = s .. e .. \"\\n\" end\n"
              "  bad {} bad { \"a\" } bad { {} } bad { { name = \"a\" } } bad { a = { ask = \"A?\", mach = \"x\" } }\n"
              "  bad { a = { ask = \"A?\", match = \"(\" } } bad { confirm = \"x\" } return s end }");
    bot_expect("x",
               "form: there are no slots\nform: a slot is a table, not a string\nform: a slot needs a name\n"
               "form: a slot needs a question in 'ask'\n"
               "form: there is no option 'mach' (did you mean 'match'?)\n"
               "form: missing closing parenthesis, at character 1 of the pattern, behind '('\nform: there are no slots\n",
               NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, dialogs_setup, dialogs_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(values_are_asked_for_one_by_one),
        TEST(one_sentence_fills_many),
        TEST(in_chinese_as_well),
        TEST(what_is_found_and_what_is_asked_may_differ),
        TEST(the_rest_of_a_sentence_answers_a_free_question),
        TEST(corrections_are_looked_over_again),
        TEST(it_can_be_cancelled_and_given_up),
        TEST(check_refuses_values),
        TEST(only_the_first_message_is_looked_at_unasked),
        TEST(the_longest_reading_wins),
        TEST(mistakes_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
