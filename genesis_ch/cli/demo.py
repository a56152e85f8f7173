"""`genesis-ch demo`: a real search, recorded and read back."""

from __future__ import annotations

import sys
import time
import uuid
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genesis_ch.cli import screen, store, trouble

if TYPE_CHECKING:
    from genesis_ch import ClickHouseLogger
    from genesis_ch.demo.runner import Runner

CONNECT_SECONDS = 60.0
DELIVERY_SECONDS = 60.0
INTERRUPTED_SECONDS = 5.0


@click.command("demo", short_help="Evolve circle packings, recorded and read back.")
@click.option("--generations", type=click.IntRange(1, 1000), default=10, show_default=True)
@click.option("--population", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed makes the same programs.")
@click.option("--resume", is_flag=True, help="Go on with the last run that was interrupted.")
@store.path_option
def command(generations: int, population: int, seed: int, resume: bool, path: Path | None) -> None:
    """Evolve programs that pack 26 circles into a square, record the run, and read it back.

    No language model is asked: an offline mutator rewrites the programs by rule. The programs
    really run, and the rows really go through the logger into ClickHouse.
    """
    from genesis_ch.demo.meter import metered
    from genesis_ch.demo.runner import Runner, Settings
    from genesis_ch.demo.store import Store

    logger = store.open_logger(path)
    _connect(logger)
    with closing(Store(_database(store.home(path), resume))) as programs:
        ch_logger, meter = metered(logger)
        runner = Runner(Settings(generations, population, seed), programs, ch_logger)
        seconds = _search(runner, logger)
        from genesis_ch.demo.report import Report, type_next

        result = logger.flush(DELIVERY_SECONDS)
        report = Report(logger, runner, meter)
        report.show(seconds)
    problems = report.problems(result)
    for problem in problems:
        screen.fail(problem, ["deliver what is left: genesis-ch sync", "find the cause: genesis-ch doctor"])
    screen.say()
    screen.say("What to type next")
    for line in type_next(logger, path and path.absolute()):
        screen.say(f"  {line}")
    sys.exit(1 if problems else 0)


def _connect(logger: ClickHouseLogger) -> None:
    from genesis_ch import ConnectError

    try:
        logger.connect(timeout=CONNECT_SECONDS)
    except ConnectError as error:
        screen.fail(f"The demo has nowhere to write: {error.reason}", trouble.cures(error.kind))
        sys.exit(1)
    stats = logger.stats()
    screen.say(f"Recording to {stats['destination']} ({stats['mode']})")
    screen.say("Task: pack 26 circles into a square; a larger sum of radii is better.")
    screen.say("An offline mutator stands where the language model would be.")


def _database(home: Path, resume: bool) -> Path:
    """The runner's own file: a new one, or that of the last run that did not reach its end."""
    from genesis_ch.demo.store import is_unfinished

    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory = home / "demo"
    if not resume:
        return directory / f"circle_packing_{time.strftime('%Y%m%d_%H%M%S')}_{uuid.uuid4().hex[:4]}.db"
    unfinished = filter(is_unfinished, directory.glob("*.db"))
    found = max(unfinished, default=None, key=lambda file: file.stat().st_mtime)
    if found is None:
        screen.fail(f"No interrupted run in {directory}", ["start a new one: genesis-ch demo"])
        sys.exit(1)
    return found


def _search(runner: Runner, logger: ClickHouseLogger) -> float:
    """Run the search under a progress bar, for how many seconds; Ctrl-C leaves a run that `--resume` can go on with."""
    with screen.progress(screen.console(), "programs") as bar:
        task = bar.add_task("searching", total=None)

        def show(runner: Runner) -> None:
            text = f"generation {runner.generation}, best {runner.best_score:.4f}"
            total = runner.settings.generations * runner.settings.population
            bar.update(task, total=total, completed=runner.executed, description=text)
            if bar.disable and runner.executed % runner.settings.population == 0:
                screen.say(text)

        runner.on_progress = show
        start = time.monotonic()
        try:
            runner.run()
        except KeyboardInterrupt:
            bar.stop()
            _interrupted(runner, logger)
    return time.monotonic() - start


def _interrupted(runner: Runner, logger: ClickHouseLogger) -> None:
    """Say what is kept, and end with the exit code of Ctrl-C."""
    result = logger.flush(INTERRUPTED_SECONDS)
    where = "delivered" if result else f"{result.pending} of them still in the outbox, for genesis-ch sync"
    screen.say()
    screen.say(f"Interrupted in generation {runner.generation}. The run is marked failed; its rows are {where}.")
    screen.say("Go on with it: genesis-ch demo --resume")
    sys.exit(130)
