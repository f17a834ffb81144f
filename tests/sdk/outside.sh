#!/usr/bin/env bash
# Installs the build into a folder of its own, moves that, and there: makes a plugin and a bot from the scaffolds with
# the installed program, builds the plugin with the installed package, runs its tests, and talks to the bot.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

die() {
    printf 'outside.sh: %s\n' "$*" >&2
    exit 1
}

"$CMAKE" --install "$BUILD" --prefix "$work/first" >"$work/install.log" || die "$(cat "$work/install.log")"
mv "$work/first" "$work/installed" # an installation can be moved
program=$work/installed/bin/repartee
cd "$work"

# Nothing of the source and build trees may be in what is installed for authors.
if grep -rn "$BUILD" installed/"$LIB"/cmake installed/"$LIB"/pkgconfig installed/include; then
    die "a path of the build tree was installed"
fi
include=$(PKG_CONFIG_PATH="$work/installed/$LIB/pkgconfig" pkg-config --variable=includedir repartee)
[ "$(cd "$include" && pwd -P)" = "$(cd installed/include && pwd -P)" ] || die "repartee.pc names $include"

"$program" new plugin hello >/dev/null
"$CMAKE" -S hello -B hello/build -DCMAKE_PREFIX_PATH="$work/installed" -DCMAKE_C_COMPILER="$CC" \
    -DCMAKE_C_FLAGS="$FLAGS" -DCMAKE_BUILD_TYPE=Debug >configure.log 2>&1 || die "$(cat configure.log)"
"$CMAKE" --build hello/build >build.log 2>&1 || die "$(cat build.log)"
if grep -q 'warning:' build.log; then die "$(cat build.log)"; fi
"$CTEST" --test-dir hello/build --output-on-failure
REPARTEE_PLUGIN_PATH=hello/build "$program" plugins hello | grep -q "Is there anything else" ||
    die "'repartee plugins hello' does not show its options"
"$CMAKE" --install hello/build >/dev/null
"$program" check -c hello/bot.lua || die "the installed plugin is not found"

"$program" new bot mine >/dev/null
cd mine
"$program" check || die "the new bot does not load"
"$program" test --shred --coverage=100 || die "the new bot fails its own tests"
"$program" chat hello | grep -q "I am mine" || die "the new bot does not greet"
"$program" chat "something else" | grep -q "opening hours" || die "the new bot has no answer of last resort"
