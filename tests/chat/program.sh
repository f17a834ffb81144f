#!/usr/bin/env bash
# program.sh PROGRAM BOT: what `repartee test` says and does, on a copy of a bot made for it.
set -euo pipefail

program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R "$2" "$work/bot"
cd "$work/bot"

die() {
    printf 'program.sh: %s\n' "$*" >&2
    exit 1
}
runs() { # CODE ARGUMENT…
    local code=$1 status=0
    shift
    "$program" test "$@" >out 2>err || status=$?
    [ $status -eq "$code" ] || die "test $*: exit code $status, expected $code: $(cat out err)"
}
says() { grep -qF -- "$1" out err || die "expected '$1', got: $(cat out err)"; }
silent() { ! grep -qF -- "$1" out err || die "'$1' should not be said: $(cat out err)"; }
same() { diff -u "$1" "$2" || die "$2 is not like $1"; }

# what is right passes, whole and in pieces, and nothing is said on stderr
runs 0
says "5 passed, 0 failed (51 turns"
[ ! -s err ] || die "stderr: $(cat err)"
runs 0 --seed 7
says "10 passed, 0 failed (102 turns"
says "shredded with --seed 7)"
runs 0 -v -f 'people|fresh'
says "tests/people.chat: passed"
says "2 passed"
silent "all.chat"
runs 0 tests/all.chat tests/all.chat tests
says "5 passed"
(cd .. && "$program" test -c bot/bot.lua) | grep -qF "5 passed" || die "the bot file's folder is not where its tests are"

# what is wrong is told with file and line
runs 1 bad
grep -v -e 'stack traceback:' -e '	' -e ' passed, ' out >told || true
same bad/expected.txt told
says "0 passed, 1 failed"
runs 1 broken
grep -v ' passed, ' out >told || true
same broken/expected.txt told
runs 1 broken tests
says "5 passed, 1 failed"

# usage
runs 2 --nonsense
runs 2 --seed x
runs 1 nowhere.chat
says "nowhere.chat: No such file"
runs 1 -f nothing-is-called-so
says "there is no conversation test"
runs 1 -f '('
runs 1 -c nowhere.lua
runs 0 --help

# no colour where nobody looks, and no obedience to what a bot says
printf 'model cloud: \033[31mred\n> x\n< blue\n' >tests/colour.chat
runs 1 tests/colour.chat
! grep -q "$(printf '\033')" out || die "an escape sequence got out: $(cat -v out)"
says '\x1b[31mred'
rm tests/colour.chat

# JUnit's file is XML whatever is in it
runs 1 --junit junit.xml bad broken tests
python3 - <<'PY' || die "junit.xml is not what it should be"
import xml.etree.ElementTree as tree
suite = tree.parse("junit.xml").getroot()
assert suite.get("tests") == "7" and suite.get("failures") == "2", suite.attrib
failed = [case.get("file") for case in suite if case.find("failure") is not None]
assert failed == ["bad/bad.chat", "broken/broken.chat"], failed
assert "line [-2-]{+two+}" in suite[0].find("failure").text
PY
runs 1 --junit /nonexistent/junit.xml tests
says "cannot write /nonexistent/junit.xml"

# --update writes what comes, and leaves alone what it cannot know
cp bad/bad.chat before.chat
runs 1 --update bad
says "1 file updated"
runs 1 --update bad
silent "updated"
diff before.chat bad/bad.chat >changes || true
grep -qF '< < Hello! What may I do for you today, my friend?' changes || die "$(cat changes)"
grep -qF '> < Welcome back.' changes || die "$(cat changes)"
grep -qF '> ! rule_error' changes || die "$(cat changes)"
grep -qF 'model cloud: nobody asks' bad/bad.chat || die "a script is gone"
printf '# written by hand\n\n> hello\n\n# more\n> time\n' >tests/new.chat
runs 1 tests/new.chat
says "tests/new.chat:3: nothing is expected"
runs 0 --update tests/new.chat
printf '# written by hand\n\n> hello\n< Welcome back.\n= rule:hello\n\n# more\n> time\n< 2026-01-05 09:00:00\n= rule:time\n' >wanted
same wanted tests/new.chat
runs 0 tests/new.chat

# a bot that does not load, and one that asks for nothing outside
printf 'pipeline { rules { dir = "rules" }, nonsense {} }\n' >wrong.lua
runs 1 -c wrong.lua
says "no stage called 'nonsense'"

# coverage: what no test reached is named, and it can be asked for
runs 0 --coverage=100
says "rules/dialogs.lua:1: dialog 'pizza': these lines did not run: 11, 16"
says "coverage: 11 of 11 reached, 18 of 20 lines"
runs 0 --coverage tests/people.chat
says "rules/rules.lua:1: rule 'hello' was not reached"
says "coverage: 2 of 11 reached"
runs 1 --coverage=30 tests/people.chat
says "18.2 % were reached, 30 % are asked for"
runs 2 --coverage=x
