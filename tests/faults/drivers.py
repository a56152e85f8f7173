"""The C programs of tests/c that the fault tests drive: built once a session, run in memory where there is a file system in it."""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from cbuild import ROOT, SANITIZED, Builder

SKIPPED = 77
"""The status of a driver that cannot work on this system."""
DRIVER_SECONDS = 1500


@functools.cache
def _builder() -> Builder:
    directory = Path(tempfile.mkdtemp(prefix="drivers-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return Builder(directory)


@functools.cache
def program(name: str, sanitized: bool = False) -> Path:
    """tests/c/<name>.c on the real sources, if asked with the address and undefined-behaviour sanitizers."""
    return _builder().program(ROOT / "tests" / "c" / f"{name}.c", SANITIZED if sanitized else ())


def count(path: Path, directory: Path, *arguments: object) -> Counter[str]:
    """What a run of a driver counted. The driver ends with 1 at the first thing that is not as it has to be."""
    directory.mkdir()
    done = subprocess.run(
        [path, *map(str, arguments)], cwd=directory, capture_output=True, text=True, timeout=DRIVER_SECONDS, check=False
    )
    if done.returncode == SKIPPED:
        pytest.skip(f"a program cannot be stepped here: {done.stdout}")
    assert done.returncode == 0, (arguments, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return Counter(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture
def memory_directory(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory where there is one: tens of thousands of outboxes are written into it."""
    shared = Path("/dev/shm")
    if not os.access(shared, os.W_OK):
        yield tmp_path
        return
    directory = Path(tempfile.mkdtemp(prefix="faults-", dir=shared))
    yield directory
    shutil.rmtree(directory)
