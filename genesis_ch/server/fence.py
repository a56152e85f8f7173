"""The kernel's wall around the server process: Landlock, on Linux from 5.19 on (files) and 6.7 on (connections).

What runs inside cannot open a file outside the directory, Python and the system's libraries, nor start a program, nor
connect to an address, whatever a query makes of its text. It holds for the process and cannot be undone.
"""

from __future__ import annotations

import importlib.util
import os
import struct
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from .rights import Allow

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""System calls; their numbers are the same on every architecture that Python runs on, Alpha excepted."""
_VERSION_FLAG = 1
_RULE_PATH = 1
_NO_NEW_PRIVS = 38
_READ = 1 << 2 | 1 << 3
_WRITE_FILE = 1 << 1
_CONNECT_TCP = 1 << 1
_FIRST_RIGHTS = (1 << 13) - 1
_LATER_RIGHTS = ((2, 1 << 13), (3, 1 << 14), (5, 1 << 15))
"""Rights that a version of the interface adds: refer, truncate, device control."""
_FILES_VERSION = 2
"""The first version keeps files from moving between directories, as the engine's do when a table is dropped."""
_NETWORK_VERSION = 4
_EXECUTE = 1

_LATE_MODULES = ("chdb", "waitress", "lz4", "backports")
"""Packages from which something is imported after the start, wherever they are installed."""
_SYSTEM = (
    "/usr", "/lib", "/lib64", "/nix/store", "/gnu/store", "/sys", "/etc/localtime", "/etc/timezone", "/etc/ld.so.cache",
    "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/ssl", "/etc/pki", "/dev/urandom", "/dev/random",
    "/dev/zero", "/proc/self", "/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/proc/loadavg", "/proc/uptime",
    "/proc/vmstat", "/proc/sys",
)  # fmt: skip


def close(directory: Path, allow: Allow) -> Allow:
    """Keep this process inside `directory`, apart from what `allow` leaves open; `allow` with what the kernel enforces.

    Call with one thread running, before the engine is opened: threads that run already stay outside.
    """
    version = _call(_CREATE_RULESET, None, 0, _VERSION_FLAG) if sys.platform == "linux" else -1
    handled = _FIRST_RIGHTS | sum(right for since, right in _LATER_RIGHTS if version >= since)
    files = 0 if allow.files or version < _FILES_VERSION else handled
    network = 0 if allow.network or version < _NETWORK_VERSION else _CONNECT_TCP
    if not files and not network:
        return allow
    ruleset = _call(_CREATE_RULESET, struct.pack("QQ", files, network)[: 16 if network else 8], 16 if network else 8, 0)
    if ruleset < 0:
        return allow
    try:
        if files:
            _open_paths(ruleset, directory, files)
        _libc().prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
        if _call(_RESTRICT_SELF, ruleset, 0) != 0:
            return allow
    finally:
        os.close(ruleset)
    return replace(allow, kernel=bool(files))


def _open_paths(ruleset: int, directory: Path, handled: int) -> None:
    # The engine's files may lie behind a link, on a larger disk.
    _add(ruleset, [directory, directory / "data"], handled & ~_EXECUTE)
    _add(ruleset, [Path(os.devnull)], _READ | _WRITE_FILE)
    _add(ruleset, map(Path, _SYSTEM), _READ)
    _add(ruleset, _python_paths(), _READ)


def _python_paths() -> Iterator[Path]:
    """Where modules are imported from, but not the working directory or a directory of sources beside the package."""
    yield Path(__file__).resolve().parents[1]
    for name in ("stdlib", "platstdlib", "purelib", "platlib"):
        if found := sysconfig.get_path(name):
            yield Path(found)
    # Libraries that modules of a Python of one's own link, conda's for one.
    yield Path(sys.base_prefix, "lib")
    for entry in map(Path, sys.path):
        if entry.name in ("site-packages", "dist-packages", "lib-dynload") or entry.suffix == ".zip":
            yield entry
    for module in _LATE_MODULES:
        with suppress(ImportError, ValueError):
            spec = importlib.util.find_spec(module)
            yield from map(Path, (spec.submodule_search_locations or []) if spec else [])


def _add(ruleset: int, paths: Iterable[Path], rights: int) -> None:
    for path in paths:
        with suppress(OSError):
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                kept = rights if path.is_dir() else rights & (_READ & ~(1 << 3) | _WRITE_FILE)
                _call(_ADD_RULE, ruleset, _RULE_PATH, struct.pack("=Qi", kept, fd), 0)
            finally:
                os.close(fd)


def _call(number: int, *arguments: int | bytes | None) -> int:
    """A system call that libc has no function for; -1 where there is none such."""
    try:
        import ctypes

        syscall = _libc().syscall
    except (ImportError, OSError, AttributeError):  # a Python without libffi, a libc without the function
        return -1
    syscall.restype = ctypes.c_long
    return int(syscall(ctypes.c_long(number), *(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments)))


def _libc() -> Any:
    import ctypes

    return ctypes.CDLL(None, use_errno=True)
