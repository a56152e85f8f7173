"""`genesis-ch exec`: an unmodified Genesis checkout logs through this package, in every process that it starts."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from cli_fixtures import ROOT, Done, World
from cli_fixtures import world as world
from genesis_ch.cli.execute import HOOK, environment

# A logger as Genesis has it: it connects by itself, at import, and says so.
THEIRS = """
import sys
print("their logger connects", file=sys.stderr)

class ClickHouseLogger:
    def log_action(self, *args, **kwargs): pass

ch_logger = ClickHouseLogger()
"""
SCRIPT = """
import sys
from genesis.utils.clickhouse_logger import ch_logger

ch_logger.log_action("started", {"argv": sys.argv[1:]})
print(type(ch_logger).__module__)
"""
POOL = """
import multiprocessing
import os

def work(number):
    from genesis.utils.clickhouse_logger import ch_logger
    ch_logger.log_action("worked", {"number": number, "pid": os.getpid()})
    return type(ch_logger).__module__

if __name__ == "__main__":
    with multiprocessing.get_context("METHOD").Pool(2) as pool:
        print(sorted(set(pool.map(work, range(6)))))
    from genesis.utils.clickhouse_logger import ch_logger
    assert ch_logger.flush()
"""
OURS = "genesis_ch.logger\n"
ACTIONS = "SELECT action_type, count() FROM agent_actions GROUP BY action_type"


@pytest.fixture
def checkout(world: World) -> World:
    """A checkout of Genesis: a package with a logger of its own, a launcher, and an installed console script."""
    package = world.path / "genesis"
    (package / "utils").mkdir(parents=True)
    for folder in (package, package / "utils"):
        (folder / "__init__.py").touch()
    (package / "utils/clickhouse_logger.py").write_text(THEIRS)
    (package / "launch.py").write_text(SCRIPT)
    (world.path / "script.py").write_text(SCRIPT)
    launcher = world.path / "bin/genesis_launch"
    launcher.parent.mkdir()
    launcher.write_text(f"#!{sys.executable}\nfrom genesis import launch\n")
    launcher.chmod(0o755)
    world.environment["PATH"] = os.pathsep.join([str(launcher.parent), world.environment["PATH"]])
    world.environment["PYTHONPATH"] = os.pathsep.join([str(world.path), str(ROOT)])
    return world


def execute(world: World, *words: str) -> Done:
    return world.cli("exec", "--", *words)


COMMANDS = {
    "script": [sys.executable, "script.py"],
    "module": [sys.executable, "-m", "genesis.launch"],
    "text": [sys.executable, "-c", SCRIPT],
    "console": ["genesis_launch"],
    "shell": ["sh", "-c", "python script.py"],
}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_the_import_gives_our_logger_and_rows_arrive(checkout: World, words: list[str]) -> None:
    done = execute(checkout, *words)
    assert (done.returncode, done.stdout, done.stderr) == (0, OURS, "")
    assert checkout.query(ACTIONS) == [("started", 1)]


def test_without_exec_it_is_theirs(checkout: World) -> None:
    done = checkout.python("script.py")
    assert (done.stdout, done.stderr) == ("genesis.utils.clickhouse_logger\n", "their logger connects\n")


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_children_of_multiprocessing_log_too(checkout: World, method: str) -> None:
    (checkout.path / "pool.py").write_text(POOL.replace("METHOD", method))
    done = execute(checkout, sys.executable, "pool.py")
    assert (done.stdout, done.stderr) == ("['genesis_ch.logger']\n", "")
    assert checkout.query(ACTIONS) == [("worked", 6)]


def test_nothing_is_imported_before_the_logger_is(checkout: World) -> None:
    probe = "import sys, genesis.utils; print('genesis_ch' in sys.modules)"
    assert execute(checkout, sys.executable, "-c", probe).stdout == "False\n"


def test_other_names_of_the_package_stay_theirs(checkout: World) -> None:
    (checkout.path / "genesis/utils/other.py").write_text("from .clickhouse_logger import ch_logger\n")
    probe = "from genesis.utils import clickhouse_logger, other\nprint(other.__file__)\nprint(other.ch_logger)"
    done = execute(checkout, sys.executable, "-c", probe)
    assert done.stdout.startswith(f"{checkout.path / 'genesis/utils/other.py'}\n<ClickHouseLogger ")
    assert done.stderr == ""


def test_an_existing_sitecustomize_still_runs(checkout: World) -> None:
    (checkout.path / "sitecustomize.py").write_text("import builtins\nbuiltins.CUSTOM = __name__\n")
    done = execute(
        checkout, sys.executable, "-c", f"import sitecustomize\nprint(CUSTOM, sitecustomize.__file__){SCRIPT}"
    )
    assert done.stdout == f"sitecustomize {checkout.path / 'sitecustomize.py'}\n{OURS}"


def test_a_python_without_genesis_ch_says_so_and_goes_on(checkout: World) -> None:
    hooked = {"PYTHONPATH": os.pathsep.join([str(HOOK), str(checkout.path)])}
    (checkout.path / "genesis_ch").mkdir()
    (checkout.path / "genesis_ch/__init__.py").write_text("raise ImportError('not for this Python')")
    done = checkout.python("script.py", **hooked)
    assert done.stdout == "genesis.utils.clickhouse_logger\n"
    assert done.stderr.count("cannot import genesis_ch (not for this Python)") == 1


def test_hook_comes_first_once_and_the_rest_of_the_path_stays() -> None:
    assert environment({})["PYTHONPATH"] == str(HOOK)
    once = environment({"PYTHONPATH": os.pathsep.join(["a", "", "b"]), "HOME": "h"})
    assert once == {"PYTHONPATH": os.pathsep.join([str(HOOK), "a", "", "b"]), "HOME": "h"}
    assert environment(once) == once


@pytest.mark.parametrize("words", [["--"], []], ids=["dashes", "none"])
def test_exit_status_and_options_are_those_of_the_command(world: World, words: list[str]) -> None:
    text = "import sys; print(sys.argv[1:]); sys.exit(7)"
    done = world.cli("exec", *words, sys.executable, "-c", text, "--help")
    assert (done.returncode, done.stdout) == (7, "['--help']\n")


def test_signal_is_that_of_the_command(world: World) -> None:
    done = execute(world, sys.executable, "-c", "import os; os.kill(os.getpid(), 15)")
    assert done.returncode == -signal.SIGTERM


def test_command_that_cannot_be_run_is_named(world: World) -> None:
    done = execute(world, "no-such-command-anywhere")
    assert (done.returncode, done.stderr) == (127, "genesis-ch exec: no-such-command-anywhere: command not found\n")
    plain = Path(world.path / "plain")
    plain.write_text("text")
    done = execute(world, str(plain))
    assert (done.returncode, "Permission denied" in done.stderr) == (126, True)


def test_no_command_is_a_usage_error(world: World) -> None:
    done = world.cli("exec", "--")
    assert done.returncode == 2
    assert "Missing argument 'COMMAND...'" in done.stderr
