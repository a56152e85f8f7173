"""Runs every tests/c/test_*.c, built plainly and with the address and undefined-behaviour sanitizers."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from cbuild import ROOT, SANITIZED, Builder, Needs, read_needs

TESTS = sorted((ROOT / "tests" / "c").glob("test_*.c"))
BUILDS = {"plain": (), "sanitized": SANITIZED}
TIME_LIMIT_S = 120


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """Return one builder for all programs, so that each source is compiled once per build."""
    return Builder(tmp_path_factory.mktemp("c"))


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.stem)
def test_program(test: Path, build: str, builder: Builder, tmp_path: Path) -> None:
    """The program runs in an empty directory, leaves with 0 and its last line counts no failure."""
    program = builder.program(test, BUILDS[build])
    done = subprocess.run(
        [str(program)],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=TIME_LIMIT_S,
        check=False,
    )
    said = f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    assert done.returncode == 0, said
    assert re.fullmatch(r"[1-9]\d* passed, 0 failed", done.stdout.rstrip().rsplit("\n", 1)[-1]), said


def test_there_are_programs() -> None:
    """An empty list would make all of the above pass."""
    assert len(TESTS) >= 11


@pytest.mark.parametrize(
    ("line", "want"),
    [
        ("/* needs: a.c b.c */", Needs(("a.c", "b.c"), ())),
        ("/* needs: a.c ; libs: libzstd libcjson */", Needs(("a.c",), ("libzstd", "libcjson"))),
        ("/* needs: a.c b.c; libs: libcurl */", Needs(("a.c", "b.c"), ("libcurl",))),
    ],
)
def test_needs_line(line: str, want: Needs, tmp_path: Path) -> None:
    """The forms of the first line."""
    path = tmp_path / "test_x.c"
    path.write_text(f'{line}\n#include "a.h"\n')
    assert read_needs(path) == want


def test_needs_line_is_demanded(tmp_path: Path) -> None:
    """A program without the line is an error, not a program linked with nothing."""
    path = tmp_path / "test_x.c"
    path.write_text('#include "a.h"\n')
    with pytest.raises(ValueError, match="needs"):
        read_needs(path)
