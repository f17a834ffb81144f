/* Dialogs: asked, answered, refused, confirmed, cancelled, interrupted, timed out; each also with the state of the rules
 * thrown away before every message, which must make no difference. */
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

#define DIALOG(name, match, body) "dialog \"" name "\" { match = \"" match "\", run = function(t) " body " end }\n"
#define ASKS DIALOG("echo", "^go$", "return t:ask(\"Q?\") .. \"!\"")

/* ---- questions --------------------------------------------------------------------------------------------------- */

static void a_dialog_goes_straight_on(void **state) {
    (void)state;
    both_ways("dialog \"refund\" { match = { [[(?i)\\brefund\\b]], \"退款\" }, run = function(t)\n"
              "  local id = t:ask(\"Which order?\", { match = [[\\d{6,}]], again = \"Six digits or more.\" })\n"
              "  if not id then return \"Please look it up first.\" end\n"
              "  local why = t:ask \"What went wrong?\"\n"
              "  if not t:confirm(\"Refund order \" .. id .. \"?\") then return \"Nothing was changed.\" end\n"
              "  return \"Done: {id}, because of '{why}'.\", { id = id, why = why }\n"
              "end }\n",
              "> I want a refund\n< Which order?\n= dialog:refund\n"
              "> abc\n< Six digits or more.\n"
              "> it is 123456, thanks\n< What went wrong?\n"
              "> it is broken\n< Refund order 123456?\n"
              "> perhaps\n< Refund order 123456?\n"
              "> Yes, please\n< Done: 123456, because of 'it is broken'.\n= dialog:refund\n"
              "> hello\n< I am the model.\n"
              "> refund\n< Which order?\n> 123456\n< What went wrong?\n> x\n< Refund order 123456?\n> no\n"
              "< Nothing was changed.\n"
              "> 退款\n< Which order?\n> a\n< Six digits or more.\n> b\n< Six digits or more.\n> c\n"
              "< Please look it up first.\n");
    assert_null(dialogs_kept("s1"));
}

static void full_width_digits_are_an_answer_as_written(void **state) {
    (void)state;
    both_ways(DIALOG("d", "^go$", "return \"[\" .. t:ask(\"Q?\", { match = \"[0-9]{3}\" }) .. \"]\""),
              "> go\n< Q?\n> 订单１２３谢谢\n< [１２３]\n");
}

static void captures_come_with_the_answer(void **state) {
    (void)state;
    both_ways(DIALOG("d", "^go$",
                     "local v, m = t:ask(\"Q?\", { match = [[(?<a>\\w)-(?<value>\\w)]] }) return v .. m.a .. m[0]"),
              "> go\n< Q?\n> say x-y\n< yxx-y\n");
}

static void choices_are_found_in_the_sentence(void **state) {
    (void)state;
    both_ways(DIALOG("d", "^go$",
                     "local c = t:ask(\"Colour?\", { choices = { \"red\", \"blue\", \"light blue\", \"蓝色\" }, again = "
                     "\"Which?\" }) return c or \"none\""),
              "> go\n< Colour?\n> the BLUE one\n< blue\n> go\n< Colour?\n> light blue, please\n< light blue\n"
              "> go\n< Colour?\n> red or blue\n< Which?\n> reddish\n< Which?\n> 我要蓝色的\n< 蓝色\n");
}

static void choices_can_be_patterns(void **state) {
    (void)state;
    both_ways(DIALOG("d", "^go$",
                     "return \"=\" .. t:ask(\"Q?\", { choices = { s = \"(?i)small|小\", l = { \"(?i)large\", \"大\" } } })"),
              "> go\n< Q?\n> a Small one\n< =s\n> go\n< Q?\n> 大的\n< =l\n> go\n< Q?\n> small or large\n< Q?\n> large\n< =l\n");
}

static void check_decides_and_may_wait(void **state) {
    (void)state;
    both_ways(DIALOG("d", "^go$",
                     "local n = t:ask(\"Q?\", { match = [[\\d+]], again = \"Again?\", check = function(a) t:sleep(0.001)\n"
                     "  if a == \"1\" then return false, \"Not one.\" end if a == \"2\" then return true end\n"
                     "  if a == \"3\" then return nil end return tonumber(a) * 2 end })\n"
                     "return math.type(n) or type(n)"),
              "> go\n< Q?\n> 1\n< Not one.\n> 3\n< Again?\n> 2\n< string\n> go\n< Q?\n> x\n< Again?\n> 5\n< integer\n");
}

static void otherwise_ends_or_answers(void **state) {
    (void)state;
    both_ways(DIALOG("a", "^a$", "t:ask(\"Q?\", { match = \"y\", tries = 2, otherwise = \"Call us.\" }) return \"never\"")
                  DIALOG("b", "^b$",
                         "return t:ask(\"Q?\", { match = \"y\", tries = 1, otherwise = function(t) return t:ask "
                         "\"Then what?\" end }) .. \".\""),
              "> a\n< Q?\n> n\n< Q?\n> n\n< Call us.\n> n\n< I am the model.\n> b\n< Q?\n> n\n< Then what?\n> z\n< z.\n");
}

static void yes_and_no_in_many_words(void **state) {
    (void)state;
    static const struct {
        const char *message, *reply;
    } cases[] = {{"yes", "true"},      {"OK", "true"},        {"好的", "true"},      {"没问题", "true"},  {"对", "true"},
                 {"no", "false"},      {"Nope!", "false"},    {"不用了", "false"},   {"没有", "false"},   {"是的，谢谢", "true"},
                 {"不是", "false"},    {"好像不对", "Sure?"}, {"yes but not now", "Sure?"}, {"可以吗？", "Sure?"},
                 {"maybe", "Sure?"},   {"yesterday", "Sure?"}, {"はい", "true"},     {"Ｙｅｓ", "true"}};
    bot_rules(DIALOG("d", "^go$", "return tostring(t:confirm(\"Sure?\"))"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_store_finish(&bot.store);
        bot_expect("go", "Sure?", NULL);
        bot_expect(cases[i].message, cases[i].reply, NULL);
    }
}

static void confirm_takes_words_of_its_own_and_gives_up(void **state) {
    (void)state;
    both_ways(DIALOG("d", "^go$",
                     "local ok, why = t:confirm(\"Sure?\", { yes = \"^aye$\", again = \"Aye or no?\", tries = 2 })\n"
                     "return tostring(ok) .. tostring(why)"),
              "> go\n< Sure?\n> yes\n< Aye or no?\n> aye\n< truenil\n> go\n< Sure?\n> yes\n< Aye or no?\n> yes\n< niltries\n");
}

static void several_messages_are_lines_of_one_reply(void **state) {
    (void)state;
    both_ways(DIALOG("d", "^go (?<who>\\\\w+)$",
                     "t:say(\"Hello {name}, {who}.\", \"One moment.\", { name = \"Ann\" })\n"
                     "t:say \"{plain}\" local a = t:ask \"Q?\" t:say(\"You said \" .. a) return \"Bye {who}.\", {}"),
              "> go Bob\n< Hello Ann, Bob.\n< One moment.\n< {plain}\n< Q?\n> x\n< You said x\n< Bye Bob.\n");
}

/* ---- parts of dialogs -------------------------------------------------------------------------------------------- */

static void dialogs_call_dialogs_and_functions(void **state) {
    (void)state;
    both_ways("local function name_of(t, q) return t:ask(q) end\n"
              DIALOG("address", "^address$", "return t:ask(\"Street?\") .. \", \" .. t:ask(\"Town?\")")
              "dialog \"order\" { match = \"^order$\", run = function(t)\n"
              "  local who = name_of(t, \"Who?\") local where = t:call(\"address\")\n"
              "  return who .. \": \" .. where end }\n"
              DIALOG("bad", "^bad$", "local ok, e = pcall(t.call, t, \"nobody\") return e"),
              "> order\n< Who?\n> Ann\n< Street?\n> Elm\n< Town?\n> Ulm\n< Ann: Elm, Ulm\n"
              "> address\n< Street?\n> a\n< Town?\n> b\n< a, b\n> bad\n< call: there is no dialog 'nobody'\n");
}

static void cancel_ends_from_anywhere(void **state) {
    (void)state;
    both_ways("dialog \"d\" { match = \"^go$\", cancel = { \"(?i)^never mind\", \"算了\" }, cancelled = \"Stopped.\", run = "
              "function(t)\n"
              "  local function deep(t) if t:ask(\"Q?\") == \"out\" then pcall(t.cancel, t, \"Out.\") end end\n"
              "  deep(t) if t:ask(\"R?\") == \"out\" then t:cancel() end return \"end\" end }\n",
              "> go\n< Q?\n> never mind then\n< Stopped.\n= dialog:d\n> x\n< I am the model.\n"
              "> go\n< Q?\n> out\n< Out.\n> go\n< Q?\n> in\n< R?\n> out\n< Stopped.\n> go\n< Q?\n> in\n< R?\n> 算了\n< Stopped.\n");
}

static void only_dialogs_can_ask(void **state) {
    (void)state;
    bot_rules("rule \"x\" { match = \"x\", reply = function(t) local s = \"\"\n"
              "  for _, m in ipairs { \"ask\", \"confirm\", \"say\", \"form\", \"call\", \"cancel\" } do\n"
              "    local ok, e = pcall(t[m], t, \"q\") s = s .. e .. \";\" end return s end }");
    bot_expect("x",
               "t:ask works only in a dialog;t:confirm works only in a dialog;t:say works only in a dialog;t:form works "
               "only in a dialog;t:call works only in a dialog;t:cancel works only in a dialog;",
               NULL);
}

static void mistakes_in_questions_are_told(void **state) {
    (void)state;
    bot_rules(DIALOG("d", "x", "local s = \"\" local function bad(...) local ok, e = pcall(t.ask, t, ...) s = s .. e .. \"\\n\" end\n"
                               "bad({}) bad(\"q\", 1) bad(\"q\", { agian = \"x\" }) bad(\"q\", { tries = 0 }) bad(\"q\", { timeout = "
                               "\"soon\" }) bad(\"q\", { timeout = -1 })\n"
                               "local ok, e = pcall(t.confirm, t, \"q\", { match = \"x\" }) return s .. e"));
    bot_expect("x",
               "a question is a text, not a table\nask: options are a table, not a number\n"
               "ask: there is no option 'agian' (did you mean 'again'?)\nask: 'tries' is a number from 1 to 100\n"
               "ask: 'timeout' is a duration such as \"5m\", or seconds, of a year at most\n"
               "ask: 'timeout' is a duration such as \"5m\", or seconds, of a year at most\n"
               "confirm: there is no option 'match'",
               NULL);
}

static void a_dialog_without_a_word_leaves_the_message_to_the_rules(void **state) {
    (void)state;
    both_ways(DIALOG("d", "^(go|no)$", "if t.text == \"no\" then return nil end\n"
                                       "if t:ask(\"Q?\", { match = \"yes\", tries = 1 }) then return \"y\" end")
              "rule \"r\" { match = \"hours\", reply = \"Nine to five.\" }\nrule \"n\" { match = \"^no$\", reply = \"No.\" }\n",
              "> no\n< No.\n= rule:n\n> go\n< Q?\n> your hours?\n< Nine to five.\n= rule:r\n> go\n< Q?\n> what\n< I am the model.\n"
              "= model:test\n> yes\n< I am the model.\n");
}

static void when_counts_at_the_start_only(void **state) {
    (void)state;
    both_ways("dialog \"d\" { match = \"^go$\", when = function(t) return not t.session.off end, run = function(t)\n"
              "  t.session.off = true return t:ask(\"Q?\") end }\n"
              "rule \"on\" { match = \"^on$\", reply = function(t) t.session.off = nil return \"On.\" end }",
              "> go\n< Q?\n> x\n< x\n> go\n< I am the model.\n> on\n< On.\n> go\n< Q?\n> y\n< y\n");
}

static void a_dialog_can_pass_to_the_model(void **state) {
    (void)state;
    both_ways(DIALOG("d", "^go$", "t:ask \"Q?\" t:say \"Let me see.\" return t:pass()"),
              "> go\n< Q?\n> x\n< Let me see.\n< I am the model.\n= model:test\n> x\n< I am the model.\n= model:test\n");
}

static void a_handoff_ends_it(void **state) {
    (void)state;
    bot_rules(DIALOG("d", "^(a|b|c)$",
                     "local first = t.text t:ask \"Q?\" local h = t:handoff \"why\"\n"
                     "if first == \"a\" then return h end if first == \"b\" then return \"Own words.\" end t:ask \"R?\""));
    dialogs_talk("> a\n< Q?\n> x\n< I am passing you on to a person.\n= dialog:d\n> y\n< Your message has been passed on.\n");
    assert_null(dialogs_kept("s1"));
    test_store_finish(&bot.store);
    dialogs_talk("> b\n< Q?\n> x\n< Own words.\n> y\n< Your message has been passed on.\n");
    test_store_finish(&bot.store);
    dialogs_talk("> c\n< Q?\n> x\n< I am passing you on to a person.\n> y\n< Your message has been passed on.\n");
    assert_null(dialogs_kept("s1"));
}

/* ---- interruptions ----------------------------------------------------------------------------------------------- */

#define INTERRUPTS                                                                                                     \
    ASKS "rule \"hours\" { match = \"hours\", interrupt = true, reply = \"Nine to five.\" }\n"                         \
         "rule \"no\" { match = \"decline\", interrupt = true, reply = function(t) return nil end }\n"                 \
         "rule \"plain\" { match = \"plain\", reply = \"Plain.\" }\n"                                                  \
         "rule \"model\" { match = \"expert\", interrupt = true, reply = function(t) return t:pass() end }\n"          \
         "rule \"person\" { match = \"person\", interrupt = true, reply = function(t) return t:handoff() end }\n"

static void a_rule_interrupts_and_the_question_comes_again(void **state) {
    (void)state;
    both_ways(INTERRUPTS, "> go\n< Q?\n> what are your hours\n< Nine to five.\n< Q?\n= rule:hours\n> plain\n< plain!\n"
                          "> go\n< Q?\n> decline\n< decline!\n> plain\n< Plain.\n> hours\n< Nine to five.\n");
}

static void a_model_interrupts(void **state) {
    (void)state;
    both_ways(INTERRUPTS, "> go\n< Q?\n> ask the expert\n< I am the model.\n< Q?\n= model:test\n> x\n< x!\n");
}

static void a_person_takes_over_in_an_interruption(void **state) {
    (void)state;
    both_ways(INTERRUPTS, "> go\n< Q?\n> a person\n< I am passing you on to a person.\n> x\n< Your message has been passed on.\n");
    assert_null(dialogs_kept("s1"));
}

#define NESTS                                                                                                          \
    "dialog \"a\" { match = \"^a$\", interrupt = true, cancel = \"^stop$\", cancelled = \"A stops.\", run = function(t)\n" \
    "  return \"a:\" .. t:ask \"A?\" end }\n"                                                                          \
    "dialog \"b\" { match = \"^b$\", interrupt = true, cancel = \"^stop$\", cancelled = \"B stops.\", run = function(t)\n" \
    "  t:ask \"B?\" end }\n"                                                                                           \
    "dialog \"c\" { match = \"^c$\", run = function(t) return \"c:\" .. t:ask \"C?\" end }\n"

static void dialogs_stand_upon_one_another(void **state) {
    (void)state;
    both_ways(NESTS, "> c\n< C?\n> a\n< A?\n= dialog:a\n> b\n< B?\n> a\n< A?\n= dialog:b\n> x\n< a:x\n< C?\n> y\n< c:y\n"
                     "> c\n< C?\n> b\n< B?\n> stop\n< B stops.\n< C?\n> c\n< c:c\n"
                     "> a\n< A?\n> c\n< a:c\n");
}

static void they_do_so_to_a_bounded_depth(void **state) {
    char rules[4096] = "", *at = rules;
    (void)state;
    for (int i = 1; i < 7; i++)
        at += sprintf(at, "dialog \"d%d\" { match = \"^%d$\", interrupt = true, run = function(t) return t:ask \"%d?\" end }\n",
                      i, i, i);
    bot_rules(rules);
    dialogs_talk_forgetting("> 1\n< 1?\n> 2\n< 2?\n> 3\n< 3?\n> 4\n< 4?\n> 5\n< 5\n< 3?\n> x\n< x\n< 2?\n> y\n< y\n< 1?\n> z\n< z\n");
}

/* Each stage goes on with what it has begun, whoever stands in front of it. */
static void stages_keep_their_dialogs_apart(void **state) {
    (void)state;
    static struct rules_options second;
    second = bot.options;
    folder_write("more/b.lua", "dialog \"b\" { match = \"^b$\", timeout = 60, timed_out = \"B late.\", run = function(t) return \"b:\" .. t:ask(\"B?\") end }");
    folder_write("rules/a.lua", "dialog \"a\" { match = \"^a$\", run = function(t) return \"a:\" .. t:ask(\"A?\") end }\n"
                                "rule \"r\" { match = \"^r$\", reply = \"Rule.\" }");
    char path[512];
    snprintf(path, sizeof(path), "%s/more", folder_path());
    second.dir = path;
    rig_add(&bot.rig, &rules_stage, &bot.options);
    rig_add(&bot.rig, &rules_stage, &second);
    dialogs_talk("> b\n< B?\n> x\n< b:x\n> b\n< B?\n> r\n< Rule.\n> a\n< A?\n> b\n< a:b\n> y\n< b:y\n");
    dialogs_talk("> b\n< B?\n+ 2m\n> r\n< B late.\n< Rule.\n");
    assert_null(dialogs_kept("s1"));
}

/* ---- time -------------------------------------------------------------------------------------------------------- */

#define TIMES                                                                                                          \
    "dialog \"own\" { match = \"^own$\", run = function(t) local a, why = t:ask(\"Q?\", { timeout = \"5m\" })\n"       \
    "  if not a then t.session.late = true return \"Too late: \" .. why end return a end }\n"                          \
    "dialog \"text\" { match = \"^text$\", timeout = 60, timed_out = \"Let us talk later.\", run = function(t)\n"      \
    "  t:ask \"Q?\" return t:ask(\"R?\", { timeout = \"1h\" }) end }\n"                                                \
    "dialog \"fun\" { match = \"^fun$\", timeout = \"1m\", timed_out = function(t) return \"At {at}.\", { at = t.now } end,\n" \
    "  run = function(t) return t:ask \"Q?\" end }\n"                                                                  \
    "dialog \"no\" { match = \"^no$\", timeout = \"1m\", run = function(t) local a, why = t:ask \"Q?\" return why or a end }\n" \
    "rule \"hours\" { match = \"hours\", interrupt = true, reply = \"Nine to five.\" }\n"

static void the_time_for_an_answer_ends(void **state) {
    (void)state;
    both_ways(TIMES, "> own\n< Q?\n+ 6m\n> hello\n< Too late: timeout\n< I am the model.\n> own\n< Q?\n+ 4m\n> x\n< x\n"
                     "> text\n< Q?\n+ 2m\n> hello\n< Let us talk later.\n< I am the model.\n"
                     "> no\n< Q?\n+ 2m\n> hello\n< timeout\n< I am the model.\n"
                     "> text\n< Q?\n> x\n< R?\n+ 2m\n> y\n< y\n");
}

static void an_interruption_gives_new_time(void **state) {
    (void)state;
    both_ways(TIMES, "> own\n< Q?\n+ 4m\n> hours\n< Nine to five.\n< Q?\n+ 4m\n> x\n< x\n"
                     "> own\n< Q?\n+ 4m\n> hours\n< Nine to five.\n< Q?\n+ 6m\n> x\n< Too late: timeout\n< I am the model.\n");
}

static void what_is_said_late_can_be_a_function(void **state) {
    (void)state;
    bot_rules(TIMES);
    dialogs_talk_forgetting("> fun\n< Q?\n+ 2m\n");
    assert_null(dialogs_kept("s1"));
    assert_non_null(strstr(bot_say("hello"), "At 17"));
}

static void time_stands_still_between_entries(void **state) {
    (void)state;
    both_ways(DIALOG("d", "^go$",
                     "local a, b = t.now, time() t:ask \"Q?\" local c = t.now t:ask \"R?\"\n"
                     "return tostring(a == b and c - a == 300 and t.now - c == 60) .. date(\"!%Y\")"),
              "> go\n< Q?\n+ 5m\n> x\n< R?\n+ 1m\n> y\n< true2023\n");
}

/* ---- what it sees ------------------------------------------------------------------------------------------------ */

static void what_it_sees_is_what_it_saw(void **state) {
    (void)state;
    both_ways("dialog \"d\" { match = [[^go (?<n>\\d)(x)?]], run = function(t)\n"
              "  local s = t.text .. t.match.n .. t.match[0] .. tostring(t.match[2]) .. #t.history .. t.user .. t.lang\n"
              "  local id, r = t.id, math.random(1000000) t:ask \"Q?\"\n"
              "  s = s .. \"/\" .. t.text .. t.match.n .. #t.history .. tostring(id ~= t.id) t.lang = \"de\" t:ask \"R?\"\n"
              "  return s .. \"/\" .. t.text .. t.lang .. #t.history .. tostring(r ~= math.random(1000000)) end }\n",
              "> go 7\n< Q?\n> a\n< R?\n> b\n< go 77go 7nil0u1en/a72true/bde4true\n");
}

static void a_chinese_dialog_stays_chinese(void **state) {
    (void)state;
    both_ways(DIALOG("d", "退款", "t:ask \"?\" return t.lang"), "> 我要退款\n< ?\n> 123\n< zh\n");
}

static void variables_are_seen_as_they_were(void **state) {
    (void)state;
    both_ways("dialog \"d\" { match = \"^go$\", run = function(t) local s = {}\n"
              "  s[1] = t.session.n or 0 t.session.n = s[1] + 1 t.session.list = { 1, { 2 } } t:ask \"Q?\"\n"
              "  s[2] = t.session.n s[3] = t.session.list[2][1] t.session.n = s[2] + 1 t:ask \"R?\"\n"
              "  for k, v in pairs(t.session) do s[#s + 1] = k end s[#s + 1] = t.session.n\n"
              "  return table.concat(s, \",\") end }\n"
              "rule \"set\" { match = \"^set$\", interrupt = true, reply = function(t) t.session.n = 100 return \"Set.\" end }\n"
              "rule \"clear\" { match = \"^clear$\", reply = function(t) t.session.n = nil return \"Clear.\" end }\n",
              "> go\n< Q?\n> x\n< R?\n> y\n< 0,1,2,list,n,2\n> clear\n< Clear.\n"
              "> go\n< Q?\n> set\n< Set.\n< Q?\n> x\n< R?\n> set\n< Set.\n< R?\n> y\n< 0,100,2,list,n,100\n");
}

/* A function that went another way would start again from its first question. */
static void order_and_chance_are_the_same_each_time(void **state) {
    char kept[8192] = "";
    (void)state;
    bot_rules(DIALOG("d", "^go$",
                     "local function f() local m, s = {}, {}\n"
                     "  for i = 1, 40 do m[\"k\" .. i * 7] = math.random(9) m[i * 3] = math.random(-5, 5) m[-i] = i end\n"
                     "  m[true] = 1 m[false] = math.random() m[1.5] = math.random(0)\n"
                     "  for k, v in pairs(m) do s[#s + 1] = tostring(k) .. v end\n"
                     "  local k, n = nil, 0\n"
                     "  repeat k = next(m, k) if k ~= nil then n = n + 1 s[n] = s[n] .. tostring(k) end until k == nil\n"
                     "  local l = {} for i = 1, 300 do l[i] = { i % 3, i } end\n"
                     "  table.sort(l, function(a, b) return a[1] < b[1] end) for i = 2, 300 do assert(l[i - 1][1] <= l[i][1]) end\n"
                     "  return table.concat(s) .. json.encode { b = 1, a = 2, c = { z = 1, y = 2 } } .. l[1][2] .. l[300][2]\n"
                     "    .. tostring(m) .. string.format(\"%s\", s) .. json.encode(t.metadata) end\n"
                     "t:ask(f()) t:ask(f()) return \"the end\""));
    for (int i = 0; i < 5; i++) {
        assert_string_not_equal(bot_say("go"), kept); /* other numbers by chance */
        snprintf(kept, sizeof(kept), "%s", bot.client.text.data);
        dialogs_forget();
        assert_string_not_equal(bot_say("go"), kept);
        dialogs_forget();
        bot_expect("go", "the end", "dialog:d");
    }
}

static void keys_without_an_order_are_refused(void **state) {
    (void)state;
    bot_rules(DIALOG("d", "^go$", "local ok, e = pcall(function() for k in pairs { [{}] = 1 } do end end) return e")
              "rule \"r\" { match = \"rule\", reply = function(t) for k in pairs { [{}] = 1 } do end return \"fine\" end }");
    bot_expect("go", "rules/a.lua:1: a dialog cannot go through a table that has a table for a key: the order differs each time",
               NULL);
    bot_expect("rule", "fine", NULL);
}

static void no_text_shows_an_address(void **state) {
    (void)state;
    bot_rules("rule \"r\" { match = \"x\", reply = function(t) return tostring({}) .. tostring(print or next) .. tostring(t) ..\n"
              "  string.format(\"%s %5s\", {}, json.null) .. tostring(pcall(string.format, \"%p\", {})) ..\n"
              "  tostring(setmetatable({}, { __tostring = function() return \"own\" end })) end }");
    bot_expect("x", "tablefunctionturntable  nullfalseown", NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, dialogs_setup, dialogs_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_dialog_goes_straight_on),
        TEST(full_width_digits_are_an_answer_as_written),
        TEST(captures_come_with_the_answer),
        TEST(choices_are_found_in_the_sentence),
        TEST(choices_can_be_patterns),
        TEST(check_decides_and_may_wait),
        TEST(otherwise_ends_or_answers),
        TEST(yes_and_no_in_many_words),
        TEST(confirm_takes_words_of_its_own_and_gives_up),
        TEST(several_messages_are_lines_of_one_reply),
        TEST(dialogs_call_dialogs_and_functions),
        TEST(cancel_ends_from_anywhere),
        TEST(only_dialogs_can_ask),
        TEST(mistakes_in_questions_are_told),
        TEST(a_dialog_without_a_word_leaves_the_message_to_the_rules),
        TEST(when_counts_at_the_start_only),
        TEST(a_dialog_can_pass_to_the_model),
        TEST(a_handoff_ends_it),
        TEST(a_rule_interrupts_and_the_question_comes_again),
        TEST(a_model_interrupts),
        TEST(a_person_takes_over_in_an_interruption),
        TEST(dialogs_stand_upon_one_another),
        TEST(they_do_so_to_a_bounded_depth),
        TEST(stages_keep_their_dialogs_apart),
        TEST(the_time_for_an_answer_ends),
        TEST(an_interruption_gives_new_time),
        TEST(what_is_said_late_can_be_a_function),
        TEST(time_stands_still_between_entries),
        TEST(what_it_sees_is_what_it_saw),
        TEST(a_chinese_dialog_stays_chinese),
        TEST(variables_are_seen_as_they_were),
        TEST(order_and_chance_are_the_same_each_time),
        TEST(keys_without_an_order_are_refused),
        TEST(no_text_shows_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
