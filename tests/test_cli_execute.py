"""`genesis-ch exec`: the command runs as itself, and Genesis logs through this package in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from genesis_ch.cli.execute import HOOK, environment

ROOT = Path(__file__).parents[1]
USE = "from genesis.utils.clickhouse_logger import ch_logger\nprint(ch_logger)\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A Genesis whose logger says "theirs", and a genesis_ch whose logger says "ours"."""
    (tmp_path / "genesis/utils").mkdir(parents=True)
    for package in ("genesis", "genesis/utils"):
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "genesis/utils/clickhouse_logger.py").write_text("ch_logger = 'theirs'\n")
    (tmp_path / "genesis_ch").mkdir()
    (tmp_path / "genesis_ch/__init__.py").write_text(
        "import sys, types\n"
        "def alias():\n"
        "    module = types.ModuleType('genesis.utils.clickhouse_logger')\n"
        "    module.ch_logger = 'ours'\n"
        "    sys.modules[module.__name__] = module\n"
    )
    (tmp_path / "script.py").write_text(USE)
    return tmp_path


def python(checkout: Path, *words: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run Python as exec would, with the checkout on PYTHONPATH behind the hook."""
    variables = environment({**os.environ, "PYTHONPATH": path or str(checkout)})
    return subprocess.run(
        [sys.executable, *words], cwd=checkout, env=variables, capture_output=True, text=True, timeout=60
    )


def genesis_ch(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "genesis_ch.cli", *words], cwd=ROOT, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("words", [["script.py"], ["-m", "script"], ["-c", USE]], ids=["script", "module", "text"])
def test_the_import_gives_our_logger(checkout: Path, words: list[str]) -> None:
    assert subprocess.run(
        [sys.executable, *words], cwd=checkout, capture_output=True, text=True, timeout=60
    ).stdout == "theirs\n"
    result = python(checkout, *words)
    assert (result.stdout, result.stderr) == ("ours\n", "")


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_children_of_multiprocessing_get_it_too(checkout: Path, method: str) -> None:
    (checkout / "pool.py").write_text(
        "import multiprocessing\n"
        "def logger(_):\n"
        "    from genesis.utils.clickhouse_logger import ch_logger\n"
        "    return ch_logger\n"
        "if __name__ == '__main__':\n"
        f"    with multiprocessing.get_context('{method}').Pool(2) as pool:\n"
        "        print(pool.map(logger, range(2)))\n"
    )
    assert python(checkout, "pool.py").stdout == "['ours', 'ours']\n"


def test_nothing_is_imported_before_the_logger_is(checkout: Path) -> None:
    result = python(checkout, "-c", "import sys, genesis.utils; print('genesis_ch' in sys.modules)")
    assert result.stdout == "False\n"


def test_an_existing_sitecustomize_still_runs(checkout: Path) -> None:
    (checkout / "sitecustomize.py").write_text("import builtins\nbuiltins.CUSTOM = __name__\n")
    result = python(checkout, "-c", f"import sitecustomize\nprint(CUSTOM, sitecustomize.__file__)\n{USE}")
    assert result.stdout == f"sitecustomize {checkout / 'sitecustomize.py'}\nours\n"


def test_a_python_without_genesis_ch_says_so_and_goes_on(checkout: Path) -> None:
    (checkout / "genesis_ch/__init__.py").write_text("raise ImportError('not for this Python')")
    result = python(checkout, "script.py")
    assert result.stdout == "theirs\n"
    assert result.stderr.count("cannot import genesis_ch (not for this Python)") == 1


def test_hook_comes_first_once_and_the_rest_of_the_path_stays() -> None:
    assert environment({})["PYTHONPATH"] == str(HOOK)
    once = environment({"PYTHONPATH": os.pathsep.join(["a", "", "b"]), "HOME": "h"})
    assert once == {"PYTHONPATH": os.pathsep.join([str(HOOK), "a", "", "b"]), "HOME": "h"}
    assert environment(once) == once


@pytest.mark.parametrize("words", [["--"], []], ids=["dashes", "none"])
def test_exit_status_and_options_are_those_of_the_command(words: list[str]) -> None:
    result = genesis_ch("exec", *words, sys.executable, "-c", "import sys; print(sys.argv[1:]); sys.exit(7)", "--help")
    assert (result.returncode, result.stdout) == (7, "['--help']\n")


def test_signal_is_that_of_the_command() -> None:
    result = genesis_ch("exec", "--", sys.executable, "-c", "import os; os.kill(os.getpid(), 15)")
    assert result.returncode == -signal.SIGTERM


def test_command_that_cannot_be_run_is_named(tmp_path: Path) -> None:
    result = genesis_ch("exec", "--", "no-such-command-anywhere")
    assert (result.returncode, result.stderr) == (
        127,
        "genesis-ch exec: no-such-command-anywhere: command not found\n",
    )
    (tmp_path / "plain").write_text("text")
    result = genesis_ch("exec", "--", str(tmp_path / "plain"))
    assert (result.returncode, "Permission denied" in result.stderr) == (126, True)


def test_no_command_is_a_usage_error() -> None:
    result = genesis_ch("exec", "--")
    assert result.returncode == 2
    assert "Missing argument 'COMMAND...'" in result.stderr
