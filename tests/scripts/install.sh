#!/usr/bin/env bash
# install.sh SCRIPTS: what the scripts do on a machine that lacks something. The machine is a folder: the real scripts
# with a package list of their own, and commands that only write down how they were called.
set -euo pipefail

scripts=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tree/scripts" "$work/bin"
cp "$scripts"/{common.sh,build,run,test,fuzz} "$work/tree/scripts/"

die() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

fake() { # NAME BODY
    printf '#!/bin/sh\n%s\n' "$2" >"$work/bin/$1"
    chmod +x "$work/bin/$1"
}
fake apt-get 'echo "apt-get $*" >>"$CALLS"; [ "$DEBIAN_FRONTEND" = noninteractive ] || echo asks >>"$CALLS"
case "$*" in *install*) [ ! -e "$WORK/stale" ] || { rm "$WORK/stale"; exit 100; }; : >"$WORK/there" ;; esac'
fake apt-cache '[ ! -e "$WORK/no-lists" ]'
fake id 'echo "${UID_NOW:-0}"'
fake sudo 'echo sudo >>"$CALLS"; exec "$@"'
fake cmake 'echo "cmake $*" >>"$CALLS"'
fake uname 'echo Linux'
export WORK=$work CALLS=$work/calls PATH="$work/bin:$PATH"
cat >"$work/tree/scripts/packages.txt" <<LIST
# a comment
build  libthere-dev   brewthere   cmd:sh
build  liblacks-dev   brewlacks   file:$work/nowhere,file:$work/there
test   liblacks2-dev  brewlacks2  cmd:no-such-command
LIST

run() { # SCRIPT ARGUMENT…: leaves status, what was said, and what was called
    local script=$1
    shift
    : >"$CALLS"
    status=0
    (cd / && "$work/tree/scripts/$script" "$@") >"$work/said" 2>&1 || status=$?
}
said() { grep -qF -- "$1" "$work/said" || die "expected to read '$1', got: $(cat "$work/said")"; }
called() { grep -qxF -- "$1" "$CALLS" || die "expected the call '$1', got: $(cat "$CALLS")"; }
not_called() { if grep -q -- "$1" "$CALLS"; then die "unexpected call: $(cat "$CALLS")"; fi; }
install_call='apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends'
update_call='apt-get -qq -o DPkg::Lock::Timeout=300 update'

for script in build run test; do
    run $script --no-install
    [ $status -eq 1 ] || die "$script --no-install: exit code $status"
    said "missing: liblacks-dev"
    said "apt-get install --no-install-recommends liblacks-dev"
    not_called .
    if grep -q libthere "$work/said"; then die "$script lists what is there"; fi
done
run test --no-install
said "liblacks-dev liblacks2-dev"

run build
[ $status -eq 0 ] || die "build: exit code $status: $(cat "$work/said")"
called "$install_call liblacks-dev"
called "cmake --build build"
not_called update
not_called sudo

run build --no-install # all there now
[ $status -eq 0 ] || die "build --no-install fails although nothing is missing"
not_called apt-get

rm "$work/there"
touch "$work/no-lists"
run build # a machine whose package lists were never fetched
[ "$(sed -n 1,2p "$CALLS")" = "$update_call
$install_call liblacks-dev" ] || die "no update first: $(cat "$CALLS")"
rm "$work/no-lists" "$work/there"

touch "$work/stale"
run build # lists that are too old
[ $status -eq 0 ] || die "build with stale lists: exit code $status"
called "$update_call"

rm "$work/there"
UID_NOW=1000 run build
called sudo
called "$install_call liblacks-dev"

run build --wrong-option
[ $status -eq 2 ] || die "a wrong option: exit code $status"
run run --help
[ $status -eq 0 ] || die "--help: exit code $status"
said "scripts/run [--no-install]"
