# What the scripts share: their messages, the folder they work in, and the packages of packages.txt.
# Sourced, not run. Works with the bash 3.2 of macOS.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PATH:/usr/sbin:/sbin" # Debian keeps nginx there
script=scripts/${0##*/}
install=yes

say() { printf '%s: %s\n' "$script" "$*" >&2; }
die() {
    say "$@"
    exit 1
}
usage() { # the comment at the top of the script
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$script"
    exit "$1"
}

# Homebrew keeps some libraries out of the way of the system's own.
if [ "$(uname)" = Darwin ] && command -v brew >/dev/null; then
    prefix=$(brew --prefix)
    for keg in curl libedit; do
        PKG_CONFIG_PATH="$prefix/opt/$keg/lib/pkgconfig:${PKG_CONFIG_PATH:-}"
    done
    export PKG_CONFIG_PATH CPATH="$prefix/include:${CPATH:-}" LIBRARY_PATH="$prefix/lib:${LIBRARY_PATH:-}"
fi

libfuzzer_works() {
    local out=${TMPDIR:-/tmp}/repartee-libfuzzer.$$ ok=1
    printf 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return n && !d; }' |
        clang -x c -fsanitize=fuzzer,address - -o "$out" 2>/dev/null && ok=0
    rm -f "$out"
    return $ok
}

proven() {
    local proof IFS=,
    for proof in $1; do
        case $proof in
        cmd:*) command -v "${proof#cmd:}" >/dev/null && return 0 ;;
        pkg:*) pkg-config --exists "${proof#pkg:}" 2>/dev/null && return 0 ;;
        header:*) printf '#include <%s>\n' "${proof#header:}" | cc -E -x c - >/dev/null 2>&1 && return 0 ;;
        file:*) [ -e "${proof#file:}" ] && return 0 ;;
        libfuzzer) libfuzzer_works && return 0 ;;
        *) die "packages.txt: '$proof' is no proof" ;;
        esac
    done
    return 1
}

# missing PURPOSE COLUMN: the names in that column (2: debian, 3: brew) of what is not there.
missing() {
    local row
    while read -r -a row; do
        [ "${row[0]:-}" = "$1" ] || continue
        if ! proven "${row[3]}" && [ "${row[$2 - 1]}" != - ]; then printf '%s\n' "${row[$2 - 1]}"; fi
    done <scripts/packages.txt
}

apt() {
    local sudo=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "no sudo here; as root: apt-get install $*"
        sudo=sudo
    fi
    local get=($sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
    local install_them=("${get[@]}" install -y --no-install-recommends "$@")
    if ! apt-cache show "$@" >/dev/null 2>&1; then "${get[@]}" update; fi
    "${install_them[@]}" && return 0
    say "updating the package lists and trying again"
    "${get[@]}" update && "${install_them[@]}"
}

# need PURPOSE…: installs what is missing, or with --no-install tells what that is, and ends. One purpose after the other:
# what the first installs may bring what the next one wants.
need() {
    local purpose names all='' column=2 how='apt-get install --no-install-recommends'
    if ! command -v apt-get >/dev/null && command -v brew >/dev/null; then column=3 how='brew install'; fi
    for purpose in "$@"; do
        names=$(missing "$purpose" $column | tr '\n' ' ')
        all=$all$names
        if [ -n "$names" ] && [ $install = yes ]; then install_now $names; fi
    done
    [ -n "$all" ] && [ $install = no ] || return 0
    say "missing: $all"
    die "to install it: $how $all"
}

install_now() {
    say "installing $*"
    if command -v apt-get >/dev/null; then
        apt "$@"
    elif command -v brew >/dev/null; then
        brew install --quiet "$@"
    else
        die "neither apt-get nor brew is here; please install what Debian calls: $*"
    fi
}

# build PRESET FOLDER [TARGET]
build() {
    cmake --preset "$1" --log-level=WARNING >/dev/null &&
        cmake --build "$2" ${3:+--target "$3"} >&2
}
