#!/usr/bin/env bash
# explain.sh PROGRAM: what `repartee explain` says, and how it ends.
set -euo pipefail

program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir rules
cat >bot.lua <<'LUA'
listeners { web = httpd { address = "192.0.2.1:1" } } -- is not opened
transports { http { on = "web" } }
models { main = scripted { "Mail to boss@example.org" } }
pipeline { redact { "email" }, rules { dir = "rules" }, ask { model = "main" } }
pipeline "short" { ask { model = "main" } }
LUA
cat >rules/a.lua <<'LUA'
rule "hi" { match = "^hi$", when = function(t) return not t.session.greeted end, reply = function(t)
  t.session.greeted = true
  return "Hello,\nyou."
end }
rule "fails" { match = "^fail$", reply = function(t) error("no") end }
LUA

die() {
    printf 'explain.sh: %s\n' "$*" >&2
    exit 1
}
runs() { # CODE ARGUMENT…
    local code=$1 status=0
    shift
    "$program" explain "$@" >out 2>err || status=$?
    [ $status -eq "$code" ] || die "explain $*: exit code $status, expected $code: $(cat out err)"
}
says() { grep -qF -- "$1" out || die "expected '$1', got: $(cat out err)"; }

runs 0 hi hi
says "└─ rules      answered"
says "rule hi (rules/a.lua:1): answered"
says "reply      Hello,"
says "           you."
says "by         rule:hi"
says "rule hi (rules/a.lua:1): \`when\` said no" # the second: it is one conversation
says "masked: in reply, kinds {\"email\":1}"
says "by         model:main"
if grep -q "boss@" out; then die "what is masked is shown: $(cat out)"; fi
runs 1 fail
says "rule fails (rules/a.lua:5): failed"
says "refused    rule_error"
says "           a rule of the bot failed"
grep -q "rules/a.lua:5: no" err || die "the error's own text is missing: $(cat err)"
runs 0 --json hi
python3 -c 'import json; record = json.loads(open("out").read()); assert record["reply"]["by"] == "rule:hi", record'
runs 0 -p short hi
says "by         model:main"
runs 1 -p nowhere hi
runs 1 " "
runs 1 -c nowhere.lua hi
runs 2
runs 2 --nonsense hi
runs 0 --help
