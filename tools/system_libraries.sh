#!/bin/sh
# Installs the C libraries that the extension links, where pkg-config does not find them and apt-get can; says what to install elsewhere.
# With the word "faults" it installs instead what only the fault tests need: clang with libFuzzer, and valgrind.
set -eu

needed() {
    missing=
    if [ "${1:-}" = faults ]; then
        echo 'int LLVMFuzzerTestOneInput(const char *data, long size); int LLVMFuzzerTestOneInput(const char *data, long size) { return data && size < 0; }' |
            clang -fsanitize=fuzzer,address -x c - -o /dev/null 2>/dev/null || missing=clang
        command -v valgrind >/dev/null 2>&1 || missing=valgrind
    else
        command -v pkg-config >/dev/null 2>&1 && pkg-config --exists libcurl libcjson libzstd || missing=libraries
        command -v cc >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1 || missing=compiler
    fi
    [ -n "$missing" ]
}

install() {
    $as_root apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

needed "${1:-}" || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    if [ "${1:-}" = faults ]; then
        echo "the fault tests need clang with its sanitizer runtimes, and valgrind. Please install them." >&2
        exit 1
    fi
    echo "genesis_ch needs a C compiler, pkg-config, and the headers of libcurl, cJSON and zstd. Please install them:" >&2
    echo "  Fedora: dnf install gcc pkgconf libcurl-devel cjson-devel libzstd-devel" >&2
    echo "  Arch:   pacman -S base-devel curl cjson zstd" >&2
    echo "  macOS:  brew install pkg-config curl cjson zstd" >&2
    exit 1
fi

packages="gcc libc6-dev pkg-config python3-dev python3-venv libcurl4-openssl-dev libcjson-dev libzstd-dev"
[ "${1:-}" = faults ] && packages="clang valgrind libc6-dbg"

as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "please run as root: apt-get install $packages" >&2; exit 1; }
    as_root=sudo
fi
echo "installing system libraries (apt-get)"
$as_root apt-get update -qq
install $packages
if [ "${1:-}" = faults ]; then
    # The runtimes stand in a package of their own where the version is in the name.
    version=$(clang -dumpversion | cut -d. -f1)
    apt-cache show "libclang-rt-$version-dev" >/dev/null 2>&1 && install "libclang-rt-$version-dev"
    ! needed faults || { echo "clang has no libFuzzer here; please install its compiler-rt package" >&2; exit 1; }
fi
