#!/usr/bin/env bash
# check.sh PROGRAM: what `repartee check` says of rules, all of it at once, and how it ends.
set -euo pipefail

program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir rules
cat >bot.lua <<'LUA'
models { main = scripted { "Yes." } }
pipeline { rules { dir = "rules" }, ask { model = "main" } }
LUA

die() {
    printf 'check.sh: %s\n' "$*" >&2
    exit 1
}
ends() { # CODE
    local status=0
    "$program" check >out 2>err || status=$?
    [ $status -eq "$1" ] || die "exit code $status, expected $1: $(cat out err)"
}
says() { grep -qF -- "$2" "$1" || die "expected '$2', got: $(cat out err)"; }

# Patterns that nothing can be looked for are no mistakes; the first five are named, all of them counted.
for i in 1 2 3 4 5 6 7; do printf 'rule "n%s" { match = [[^\\d{%s}$]], reply = "r" }\n' $i $i; done >rules/a.lua
ends 0
says out "rules/a.lua:1: note: rule 'n1': a pattern of it needs no text that could be looked for"
says out "rules/a.lua:5: note: rule 'n5':"
if grep -q "'n6'" out; then die "more than five are named: $(cat out)"; fi
says out "bot.lua:2: note: 7 of 7 patterns need no text"
says out "bot.lua: fine"
if "$program" chat hello 2>&1 | grep "note:"; then die "a note is for \`check\` only"; fi

# Every kind of mistake in one go.
cat >rules/a.lua <<'LUA'
rule "same" { match = "(?i)x", reply = "1" }
rule "shadowed" { match = "xy", reply = "2" }
guard "same" { on = "message", match = "g", action = "block" }
rule "capture" { match = "c", reply = "{none}" }
generate "unknown" { guards = { "nobody" }, tools = { "nothing" } }
LUA
printf 'rule "half" {\n' >rules/b.lua
ends 1
says err "rules/a.lua:2: rule 'shadowed' can never answer: rule 'same', at rules/a.lua:1,"
says err "rules/a.lua:3: guard 'same': the name is taken already, by the rule at rules/a.lua:1"
says err "rules/a.lua:4: rule 'capture': reply: no capture (?<none>…)"
says err "rules/a.lua:5: generate 'unknown':"
says err "rules/b.lua:2: unexpected symbol"
printf 'rule "p" { match = "a(", reply = "1" }\n' >rules/b.lua
ends 1
says err "rules/b.lua:1: rule 'p': match: missing closing parenthesis"
