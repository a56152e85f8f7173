"""The extension module; everything else about the package is in pyproject.toml."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup

LIBRARIES = ("libcurl", "libcjson", "libzstd")
WARNINGS = ("-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wstrict-prototypes", "-Wmissing-prototypes")


def pkg_config(option: str) -> list[str]:
    command = [os.environ.get("PKG_CONFIG", "pkg-config"), option, *LIBRARIES]
    try:
        return shlex.split(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    except (OSError, subprocess.CalledProcessError):
        sys.exit(
            "genesis_ch needs the headers of libcurl, cJSON and zstd, found by pkg-config.\n"
            "  Debian, Ubuntu:  apt-get install pkg-config libcurl4-openssl-dev libcjson-dev libzstd-dev\n"
            "  Fedora:          dnf install pkgconf libcurl-devel cjson-devel libzstd-devel\n"
            "  macOS:           brew install pkg-config curl cjson zstd"
        )


core = Extension(
    "genesis_ch._core",
    sources=sorted(str(path) for path in Path("csrc").glob("*.c")),
    depends=sorted(str(path) for path in Path("csrc").glob("*.h")),
    extra_compile_args=["-std=c11", "-D_GNU_SOURCE", "-O2", "-g", "-fvisibility=hidden", *WARNINGS, *pkg_config("--cflags")],
    extra_link_args=[*pkg_config("--libs"), "-lm"],
)

setup(ext_modules=[core])
