"""The schema, query and delivery tests against every ClickHouse engine that is supported: `make engines`.

Engines come from PyPI: chdb carries a whole ClickHouse. Each is installed into a directory of its own below the one
given, once; the tests' client side stays what it is. The newest engine runs in genesis_ch.server itself, older ones behind
front.py. `python tests/engines/run.py DIR [ENGINE ...] [-- PYTEST OPTIONS]`.
"""

from __future__ import annotations

import difflib
import os
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
HERE = Path(__file__).parent
PATTERNS = (
    "test_tables.py", "test_values.py", "test_delivery.py", "test_logger.py", "test_flush.py", "test_client.py",
    "test_refused_rows.py", "test_release.py", "test_migrat*.py", "test_cli_migrate.py", "test_cli_purge.py",
    "test_cli_retention.py", "test_merge.py", "test_usage.py", "test_que*.py", "test_printed_queries.py",
    "test_observ*.py", "test_trac*.py", "test_context*.py", "test_code*.py", "test_optional*.py", "test_cluster*.py",
)  # fmt: skip
PROBE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import front
print(front.load_native(Path(sys.argv[1])).query("SELECT version()", "TabSeparated").bytes().decode().strip(), flush=True)
import os
os._exit(0)
"""


@dataclass(frozen=True)
class Engine:
    """A ClickHouse release and the distribution that carries it."""

    release: str
    requirement: str
    whole: bool = False
    """genesis_ch.server runs on it."""


# The long-term releases from the oldest that is supported on, and the newest.
ENGINES = (
    Engine("24.8", "chdb==3.2.0"),
    Engine("25.8", "chdb==3.7.2"),
    Engine("26.3", "chdb-core==26.3.0"),
    Engine("newest", "chdb-core", whole=True),
)


def main(arguments: list[str]) -> int:
    """Run what was chosen; 0 if every test passed on every engine."""
    options: list[str] = []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, options = arguments[:at], arguments[at + 1 :]
    home = Path(arguments[0]).absolute()
    lines = []
    failed = False
    for engine in [choose(name) for name in arguments[1:]] or ENGINES:
        package = install(engine, home)
        version = version_of(package)
        print(f"ClickHouse {version} ({engine.requirement})", flush=True)
        began = time.monotonic()
        summary, code = run_tests(engine, package, options)
        failed = failed or code != 0
        lines.append(f"ClickHouse {version:<12} {engine.requirement:<18} {summary} ({time.monotonic() - began:.0f} s)")
    print("\n".join(lines))
    return int(failed)


def choose(name: str) -> Engine:
    """The engine of that release; SystemExit names the nearest for one that is not in the list."""
    known = {engine.release: engine for engine in ENGINES}
    if name in known:
        return known[name]
    raise SystemExit(
        f"engine {name!r} is not in the list: {', '.join(known)}; the nearest is {nearest(name, list(known))}"
    )


def nearest(name: str, known: list[str]) -> str:
    """By its date for a release, by its letters for anything else."""

    def months(release: str) -> int:
        year, month = release.split(".")[:2]
        return 12 * int(year) + int(month)

    try:
        return min((one for one in known if "." in one), key=lambda one: abs(months(one) - months(name)))
    except ValueError:
        return difflib.get_close_matches(name, known, 1, 0)[0]


def install(engine: Engine, home: Path) -> Path:
    """The directory that the engine is installed in. One is about 0.6 GB; what it depends on is not needed."""
    # The embedded server's kernel fence opens directories of this name only.
    package = home / engine.requirement.replace("==", "-") / "site-packages"
    if not (package / "installed").exists() or engine.whole:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*command, "--upgrade", "--target", str(package), engine.requirement], check=True)
        (package / "installed").touch()
    return package


def version_of(package: Path) -> str:
    """What the engine itself says."""
    command = [sys.executable, "-c", PROBE, str(package), str(HERE)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.split()[-1]


def run_tests(engine: Engine, package: Path, options: list[str]) -> tuple[str, int]:
    """pytest's last line and its exit code."""
    whole = ["env", f"PYTHONPATH={package}{os.pathsep}{ROOT}", sys.executable, "-m", "genesis_ch.server"]
    front = [sys.executable, str(HERE / "front.py"), "--engine", str(package)]
    files = sorted({str(path) for pattern in PATTERNS for path in TESTS.glob(pattern)})
    files += [str(HERE / "check_old.py")] * (not engine.whole)
    command = [sys.executable, "-m", "pytest", "-p", "engines.lacks", "--timeout=120", *(options or files)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")]),
            "GENESIS_CH_TEST_SERVER": shlex.join(whole if engine.whole else front),
            "GENESIS_CH_TEST_ENGINE": shlex.join([engine.release, str(package)]),
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    last = ""
    for line in process.stdout:
        print(line, end="", flush=True)
        last = line.strip() or last
    return last, process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
