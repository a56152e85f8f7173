"""Point 16: the Python suite under ASan and UBSan, and the C core under TSan and valgrind; every report counts.

Long form only; in `make test` tests/test_c.py runs the C core plainly and under ASan and UBSan.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from cbuild import ROOT, Builder
from faults.figures import Figure

COPIED = ("bench", "csrc", "docs", "examples", "genesis_ch", "sql", "tests", "tools")
COPIED_FILES = ("CHANGELOG.md", "LICENSE", "MANIFEST.in", "Makefile", "README.md", "pyproject.toml", "setup.py")
FLAGS = "-fsanitize=address,undefined -fno-omit-frame-pointer -O1"
WITHOUT_CORE = (
    # They build C, read sources or the installation, or try the embedded server, whose process is not sanitized.
    *("test_c", "test_docs", "test_memory", "test_package", "test_style"),
    *("test_server", "test_server_clients", "test_server_process", "test_server_statement", "test_cli_serve", "test_cli_doctor", "test_fence"),
    # Programs with a limit on their address space, which ASan does not run under.
    *("test_demo", "test_demo_mutator", "test_demo_packing", "test_demo_patch", "test_demo_population", "test_demo_runner"),
    *("test_demo_sandbox", "test_demo_source"),
)
"""Files of tests that the sanitized suite leaves out."""
DESELECTED = (
    # Eight threads log while the process forks: gcc 12's ASan may leave its own allocator locked in the child, in any program.
    "tests/test_fork.py::test_fork_all_the_time",
    # They measure resident memory, most of which is ASan's here.
    "tests/test_disk.py::test_full_disk_and_no_server",
    "tests/test_disk.py::test_outbox_at_its_cap",
)
SUITE = ("tests", "--ignore=tests/faults")
LEAST_PASSED = 250
SUITE_SECONDS = 1200
PROGRAM_SECONDS = 600
SIDE_BY_SIDE = 2
PLAIN_SERVER = """from __future__ import annotations

import os
import sys

# The engine's library cannot be loaded in a process with a sanitizer, so the server is the plain one.
if {{"genesis_ch.server", "serve"}} & set(sys.orig_argv) and "LD_PRELOAD" in os.environ:
    kept = {{name: value for name, value in os.environ.items() if name not in ("LD_PRELOAD", "PYTHONMALLOC")}}
    os.execve(sys.executable, sys.orig_argv, {{**kept, "PYTHONSAFEPATH": "1", "PYTHONPATH": {plain!r}}})
"""
CANARY = """
import ctypes
import genesis_ch._core
assert genesis_ch._core.__file__.startswith({copy!r}), genesis_ch._core.__file__
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
freed = libc.malloc(8)
libc.free(ctypes.c_void_p(freed))
libc.memcpy(ctypes.create_string_buffer(8), ctypes.c_void_p(freed), 8)
"""
"""Reads what was freed, so that a run without a working sanitizer is found out."""


@pytest.fixture(autouse=True)
def only_long(long_form: bool) -> None:
    if not long_form:
        pytest.skip("the long form of test_c.py and of the suite itself")


@dataclass
class Copy:
    """A copy of the repository with a sanitized extension, and where its processes put their reports."""

    path: Path
    reports: Path

    def environment(self) -> dict[str, str]:
        """Variables for Python in the copy; whatever it starts is sanitized too, except the server."""
        runtimes = [_runtime("libasan.so"), _runtime("libubsan.so")]
        log = self.reports / "report"
        return {
            **os.environ,
            "LD_PRELOAD": os.pathsep.join(runtimes),
            "PYTHONMALLOC": "malloc",
            "PYTHONPATH": str(self.path),
            "ASAN_OPTIONS": f"log_path={log}:detect_leaks=0:allocator_may_return_null=1",
            "UBSAN_OPTIONS": f"log_path={log}:print_stacktrace=1:halt_on_error=0",
        }

    def run(self, *words: str, seconds: float = SUITE_SECONDS) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.path,
            env=self.environment(),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )

    def take_reports(self) -> list[str]:
        """What the sanitizers said since the last call."""
        files = sorted(self.reports.iterdir())
        texts = [file.read_text(errors="replace")[:3000] for file in files]
        for file in files:
            file.unlink()
        return texts


def _runtime(name: str) -> str:
    return subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True).stdout.strip()


def make_copy(directory: Path) -> Copy:
    """Copy and build."""
    copy = Copy(directory / "copy", directory / "reports")
    copy.reports.mkdir()
    ignored = shutil.ignore_patterns("__pycache__", "*.so", "*.pyc")
    for name in COPIED:
        shutil.copytree(ROOT / name, copy.path / name, ignore=ignored)
    for name in COPIED_FILES:
        shutil.copy(ROOT / name, copy.path)
    first = copy.path / "genesis_ch" / "__init__.py"
    head = "from __future__ import annotations\n"
    text = first.read_text()
    assert text.count(head) == 1
    first.write_text(text.replace(head, PLAIN_SERVER.format(plain=str(ROOT))))
    built = subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"],
        cwd=copy.path,
        env={**os.environ, "CFLAGS": FLAGS, "LDFLAGS": FLAGS},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return copy


def count(word: str, output: str) -> int:
    """A number of pytest's last line."""
    found = re.search(rf"(\d+) {word}", output.rstrip().rsplit("\n", 1)[-1])
    return int(found[1]) if found else 0


def test_the_suite_under_asan_and_ubsan(figure: Figure, tmp_path: Path) -> None:
    """Every test that loads the core, in a process and with children that are sanitized. Nothing is reported.

    A test that fails because the sanitized core is slow gets a second chance, by itself.
    """
    copy = make_copy(tmp_path)
    canary = copy.run("-c", CANARY.format(copy=str(copy.path)))
    assert canary.returncode != 0 and "heap-use-after-free" in "".join(copy.take_reports()), canary.stderr
    left_out = [f"--ignore=tests/{name}.py" for name in WITHOUT_CORE] + [f"--deselect={name}" for name in DESELECTED]
    words = ["-m", "pytest", *SUITE, *left_out, "--timeout=300"]
    done = copy.run(*words)
    passed, failed = count("passed", done.stdout), count("failed", done.stdout)
    reports = copy.take_reports()
    assert reports == [], "\n".join(reports)
    if failed > 0:
        again = copy.run(*words, "--last-failed")
        assert again.returncode == 0, again.stdout[-6000:]
    reports += copy.take_reports()
    assert reports == [], "\n".join(reports)
    assert passed + failed >= LEAST_PASSED and count("error", done.stdout) == 0, done.stdout[-3000:]
    figure(
        16,
        f"{passed + failed} tests of the Python suite on an extension built with ASan and UBSan, their child processes too",
        f"{len(reports)} reports",
    )


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    pid: int
    status: int
    out: str
    err: str


def run_programs(
    directory: Path, flags: tuple[str, ...], command: Sequence[str], environment: dict[str, str]
) -> dict[str, Ended]:
    """Build every tests/c/test_*.c with flags and run it under command."""
    builder = Builder(directory)
    tests = sorted((ROOT / "tests" / "c").glob("test_*.c"))
    programs = {test.stem: builder.program(test, flags) for test in tests}

    def run(name: str) -> Ended:
        place = directory / f"{name}.directory"
        place.mkdir()
        process = subprocess.Popen(
            [*command, str(programs[name])],
            cwd=place,
            env={**os.environ, "TMPDIR": str(place), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        try:
            out, err = process.communicate(timeout=PROGRAM_SECONDS)
        finally:
            process.kill()
        return Ended(process.pid, process.returncode, out, err)

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return dict(zip(programs, pool.map(run, programs), strict=True))


def check_programs(done: dict[str, Ended], is_report: Callable[[str], bool]) -> int:
    """Fail when a program failed or a report was made. Returns how many checks passed."""
    assert len(done) >= 20
    checks = 0
    for name, run in done.items():
        said = f"{name}: {run.status}\n{run.out[-2000:]}\n{run.err[:4000]}"
        assert not is_report(run.err), said
        last = re.fullmatch(r"(\d+) passed, 0 failed", run.out.rstrip().rsplit("\n", 1)[-1])
        assert run.status == 0 and last is not None, said
        checks += int(last[1])
    return checks


RACE = """/* needs: */
#include <pthread.h>
static int shared;
static void *add(void *arg) { shared++; return arg; }
int main(void) { pthread_t one; pthread_create(&one, 0, add, 0); shared++; pthread_join(one, 0); return 0; }
"""
OVERRUN = """/* needs: */
#include <stdlib.h>
int main(int count, char **words) { volatile char *bytes = malloc(8); (void)words; bytes[count + 7] = 1; return 0; }
"""


def reports_bad_program(directory: Path, text: str, flags: tuple[str, ...], command: Sequence[str], word: str) -> bool:
    """Whether the tool sees what is wrong with a program that is wrong."""
    directory.mkdir()
    source = directory / "bad.c"
    source.write_text(text)
    program = Builder(directory).program(source, flags)
    done = subprocess.run([*command, str(program)], capture_output=True, text=True, errors="replace", check=False)
    return word in done.stderr


def test_the_core_under_tsan(figure: Figure, tmp_path: Path) -> None:
    """No data race, no lock taken in two orders, in any program of tests/c; children of fork() too."""
    flags = ("-fsanitize=thread", "-fno-omit-frame-pointer")
    assert reports_bad_program(tmp_path / "bad", RACE, flags, (), "data race")
    options = "die_after_fork=0:allocator_may_return_null=1:second_deadlock_stack=1"
    done = run_programs(tmp_path, flags, (), {"TSAN_OPTIONS": options})
    checks = check_programs(done, lambda text: "ThreadSanitizer: " in text.replace("WARNING: ThreadSanitizer: requested", ""))
    figure(16, f"{len(done)} programs of the C core under TSan, {checks} checks", "0 reports")


def complaints(log: Path) -> list[str]:
    """What valgrind says of one process, a paragraph each. A forked child has forgotten its parent's logger, on purpose."""
    paragraphs = re.split(r"(?m)^==\d+== *\n", log.read_text(errors="replace"))
    return [text for text in paragraphs if text.strip() and "definitely lost" not in text]


def test_the_core_under_valgrind(figure: Figure, tmp_path: Path) -> None:
    """No invalid access, no use of what was never written, nothing lost, in any program of tests/c."""
    assert shutil.which("valgrind"), "make faults installs valgrind; by hand: apt-get install valgrind"
    command = ["valgrind", "-q", "--error-exitcode=99", "--leak-check=full", "--show-leak-kinds=definite"]
    assert reports_bad_program(tmp_path / "bad", OVERRUN, (), command, "Invalid write")
    logs = tmp_path / "logs"
    logs.mkdir()
    # A child's leaks do not make its exit status, which the programs look at.
    command += ["--errors-for-leak-kinds=none", f"--log-file={logs}/%p"]
    done = run_programs(tmp_path, ("-fno-omit-frame-pointer",), command, {})
    checks = check_programs(done, lambda text: text != "")
    parents = {(logs / str(run.pid)) for run in done.values()}
    assert [path.read_text() for path in parents if path.read_text() != ""] == []
    said = [text for path in set(logs.iterdir()) - parents for text in complaints(path)]
    assert said == [], "\n".join(said)
    figure(16, f"{len(done)} programs of the C core under valgrind memcheck, {checks} checks", f"{len(said)} reports")
