#!/usr/bin/env bash
# new.sh PROGRAM: what `repartee new` refuses, and that it then leaves everything as it was.
set -euo pipefail

program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

die() {
    printf 'new.sh: %s\n' "$*" >&2
    exit 1
}
refuses() { # CODE MESSAGE ARGUMENT…
    local code=$1 message=$2 status=0
    shift 2
    "$program" new "$@" >out 2>err || status=$?
    [ $status -eq "$code" ] || die "new $*: exit code $status, expected $code"
    grep -qF -- "$message" err || die "new $*: expected '$message', got: $(cat err)"
    [ ! -s out ] || die "new $*: wrote to stdout: $(cat out)"
}

refuses 2 "usage:"
refuses 2 "usage:" bot
refuses 2 "usage:" website shop
refuses 2 "usage:" bot shop another
for name in Shop 1shop my-shop ../shop sh/op "" "sh op" "$(printf 'x%.0s' {1..41})"; do
    refuses 2 "is no name" bot "$name"
done
refuses 2 "already means something" plugin "end"
refuses 2 "already means something" plugin "test"
[ "$(ls)" = "$(printf 'err\nout')" ] || die "a refusal left something behind: $(ls)"

mkdir taken
echo mine >taken/file
refuses 1 "not an empty folder" bot taken
echo mine >plain
refuses 1 "not an empty folder" plugin plain
[ "$(cat taken/file plain)" = "$(printf 'mine\nmine')" ] || die "something of the user's was changed"

mkdir empty
"$program" new bot empty >out || die "an empty folder is refused"
grep -q "cd empty" out || die "the next steps are missing"
grep -q 'name = "empty"' empty/bot.lua || die "the name is not in bot.lua"
"$program" new plugin added >out
if grep -rn myplugin added; then die "the scaffold's own name is left"; fi
"$program" new --help | grep -q "^usage:" || die "--help does not help"
