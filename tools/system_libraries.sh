#!/bin/sh
# Installs the C libraries that the extension links, where pkg-config does not find them and apt-get can; says what to install elsewhere.
set -eu

missing=
command -v pkg-config >/dev/null 2>&1 && pkg-config --exists libcurl libcjson libzstd || missing=libraries
command -v cc >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1 || missing=compiler
[ -z "$missing" ] && exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "genesis_ch needs a C compiler, pkg-config, and the headers of libcurl, cJSON and zstd. Please install them:" >&2
    echo "  Fedora: dnf install gcc pkgconf libcurl-devel cjson-devel libzstd-devel" >&2
    echo "  Arch:   pacman -S base-devel curl cjson zstd" >&2
    echo "  macOS:  brew install pkg-config curl cjson zstd" >&2
    exit 1
fi

as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "please run as root: apt-get install gcc pkg-config libcurl4-openssl-dev libcjson-dev libzstd-dev" >&2; exit 1; }
    as_root=sudo
fi
echo "installing system libraries (apt-get)"
$as_root apt-get update -qq
$as_root apt-get install -y -qq --no-install-recommends gcc libc6-dev pkg-config python3-dev python3-venv libcurl4-openssl-dev libcjson-dev libzstd-dev >/dev/null
