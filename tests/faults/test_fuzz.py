"""Point 16: any bytes in the segment reader, the reply classifier, the JSON writer, the URL parser and their like.

The targets are tests/fuzz/fuzz_*.c. The short form builds them with the compiler at hand and changes the kept inputs at
random; the long form gives each to libFuzzer. An input that a target fails on becomes a file of its corpus.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from cbuild import CSRC, ROOT, SANITIZED, Builder, read_needs
from faults.figures import Figure

FUZZ = ROOT / "tests" / "fuzz"
LONG_SECONDS = {"segment": 600, "reply": 600, "json_write": 600, "url": 600, "json_read": 300, "text": 300}
"""The four that the promise rests on, and two more."""
SHORT_SECONDS = 0.8
SIDE_BY_SIDE = 2
KEPT_FILES_MAX = 60
KEPT_BYTES_MAX = 1024
INPUT_MAX = 2048
FUZZER = ("-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")


@dataclass(frozen=True)
class Run:
    """What became of one target: inputs run, how it ended, and the end of what it said."""

    target: str
    inputs: int
    status: int
    said: str


def corpus(target: str) -> Path:
    return FUZZ / "corpus" / target


def build(builder: Builder, target: str, flags: tuple[str, ...], *more: Path) -> Path:
    """Return the program of a target."""
    source = FUZZ / f"fuzz_{target}.c"
    needs = read_needs(source)
    return builder.link(f"fuzz_{target}", [source, *more, *(CSRC / name for name in needs.sources)], needs.libs, flags)


def run(target: str, command: list[str], directory: Path, counted: str, seconds: float) -> Run:
    """Run a target in a directory of its own, where it leaves an input that it fails on."""
    directory.mkdir()
    try:
        done = subprocess.run(command, cwd=directory, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return Run(target, 0, -1, "it hangs")
    said = (done.stdout + done.stderr).decode(errors="replace")
    found = re.search(counted, said)
    return Run(target, int(found[1]) if found else 0, done.returncode, said[-3000:])


def side_by_side(work: Callable[[str], Run]) -> list[Run]:
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return list(pool.map(work, LONG_SECONDS))


def check(runs: list[Run], least: int) -> int:
    """Fail when a target failed or hardly ran. Returns all inputs."""
    for done in runs:
        assert done.status == 0, f"{done.target}: {done.said}"
        assert done.inputs >= least, done
    return sum(done.inputs for done in runs)


def test_short(tmp_path: Path) -> None:
    """The kept inputs and some thousands of changes of them, with gcc's sanitizers."""
    builders = [Builder(tmp_path / f"build{place}") for place in range(SIDE_BY_SIDE)]
    for builder in builders:
        builder.directory.mkdir()

    def work(target: str) -> Run:
        builder = builders.pop()
        program = build(builder, target, SANITIZED, FUZZ / "standalone.c")
        builders.append(builder)
        kept = [str(path) for path in sorted(corpus(target).iterdir())]
        return run(target, [str(program), str(SHORT_SECONDS), *kept], tmp_path / target, r"(\d+) runs", 60)

    check(side_by_side(work), 500)


def test_long(long_form: bool, figure: Figure, tmp_path: Path) -> None:
    """Each target under libFuzzer, which sees which inputs reach new code; 10 minutes for each of the four."""
    if not long_form:
        pytest.skip("the long form needs clang and minutes")
    assert shutil.which("clang"), "make faults installs clang and its runtime; by hand: apt-get install clang"
    builder = Builder(tmp_path, ["clang"])
    programs = {target: build(builder, target, FUZZER) for target in LONG_SECONDS}

    def work(target: str) -> Run:
        grown = tmp_path / f"{target}-grown"
        grown.mkdir()
        seconds = LONG_SECONDS[target]
        limits = [f"-max_total_time={seconds}", f"-max_len={INPUT_MAX}", "-timeout=20", "-print_final_stats=1"]
        command = [str(programs[target]), *limits, str(grown), str(corpus(target))]
        return run(target, command, tmp_path / target, r"number_of_executed_units: (\d+)", seconds + 120)

    runs = side_by_side(work)
    inputs = check(runs, 100_000)
    each = ", ".join(f"{done.target} {done.inputs / 1e6:.1f} M" for done in runs)
    minutes = " and ".join(sorted({f"{seconds // 60}" for seconds in LONG_SECONDS.values()}))
    figure(
        16,
        f"libFuzzer with ASan and UBSan, {minutes} minutes for each target: {inputs / 1e6:.0f} million inputs ({each})",
        f"{sum(done.status != 0 for done in runs)} crashes, hangs, leaks or wrong results",
    )


def test_every_target_is_run_and_its_corpus_is_small() -> None:
    """No target is forgotten, and the repository stays light."""
    assert {path.stem.removeprefix("fuzz_") for path in FUZZ.glob("fuzz_*.c")} == LONG_SECONDS.keys()
    for target in LONG_SECONDS:
        sizes = [path.stat().st_size for path in corpus(target).iterdir()]
        assert 5 <= len(sizes) <= KEPT_FILES_MAX and max(sizes) <= KEPT_BYTES_MAX, (target, len(sizes), max(sizes))
