"""`genesis-ch demo`: a real search, recorded and read back."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genesis_ch.cli import screen, store, trouble

if TYPE_CHECKING:
    from genesis_ch import ClickHouseLogger
    from genesis_ch.demo.meter import Meter
    from genesis_ch.demo.runner import Progress, Runner, Settings

CONNECT_SECONDS = 60.0


@click.command("demo")
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
    from genesis_ch.demo.runner import Settings

    logger = store.open_logger(path)
    _connect(logger)
    directory = store.home(path) / "demo"
    database = _last_unfinished(directory) if resume else None
    if resume and database is None:
        screen.fail(f"No interrupted run in {directory}", ["start a new one: genesis-ch demo"])
        sys.exit(1)
    database = database or directory / f"circle_packing_{time.strftime('%Y%m%d_%H%M%S')}_seed{seed}.db"
    settings = Settings(generations=generations, population=population, seed=seed)
    runner, meter = _search(settings, database, logger)
    _report(logger, runner, meter, path and path.absolute())


def _connect(logger: ClickHouseLogger) -> None:
    from genesis_ch import ConnectError

    try:
        logger.connect(timeout=CONNECT_SECONDS)
    except ConnectError as error:
        screen.fail(f"The demo has nowhere to write: {error.reason}", trouble.cures(error.kind))
        sys.exit(1)
    stats = logger.stats()
    screen.say(f"ClickHouse: {stats['mode']}, {stats['destination']}")


def _last_unfinished(directory: Path) -> Path | None:
    from genesis_ch.demo.store import is_unfinished

    return max(filter(is_unfinished, directory.glob("*.db")), default=None, key=lambda file: file.stat().st_mtime)


def _search(settings: Settings, database: Path, logger: ClickHouseLogger) -> tuple[Runner, Meter]:
    """Run the search under a progress bar; Ctrl-C leaves a run that `--resume` can go on with."""
    from genesis_ch.demo.meter import metered
    from genesis_ch.demo.runner import Runner
    from genesis_ch.demo.store import Store

    console = screen.console()
    ch_logger, meter = metered(logger)
    with closing(Store(database)) as programs, screen.progress(console, "programs") as bar:
        task = bar.add_task("searching", total=None)

        def show(progress: Progress) -> None:
            text = f"generation {progress.generation}, best score {progress.best_score:.4f}"
            bar.update(task, total=progress.total, completed=progress.executed, description=text)
            if bar.disable and progress.ends_generation:
                screen.say(text)

        runner = Runner(settings, programs, ch_logger, show)
        try:
            runner.run()
        except KeyboardInterrupt:
            logger.flush(5.0)
            screen.say("Interrupted. Go on with this run: genesis-ch demo --resume")
            sys.exit(130)
    return runner, meter


def _report(logger: ClickHouseLogger, runner: Runner, meter: Meter, home: Path | None) -> None:
    from genesis_ch.cli.sync import deliver
    from genesis_ch.demo.report import Report

    result = deliver(logger, 60.0)
    report = Report(logger, runner, meter, home)
    report.show(screen.console())
    problems = report.problems(result)
    for problem in problems:
        screen.fail(problem, ["deliver what is left: genesis-ch sync", "find the cause: genesis-ch doctor"])
    sys.exit(1 if problems else 0)
