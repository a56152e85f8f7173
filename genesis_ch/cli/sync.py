"""`genesis-ch sync`: deliver what is left in the outbox."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genesis_ch.cli import outbox, screen, store, trouble

if TYPE_CHECKING:
    from genesis_ch import ClickHouseLogger, FlushResult

STEP = 0.25


@click.command("sync", short_help="Deliver what is left in the outbox.")
@store.path_option
@click.option("--timeout", type=click.FloatRange(min=0), default=300.0, show_default=True, help="Seconds.")
def command(path: Path | None, timeout: float) -> None:
    """Deliver the rows that ended processes left in the outbox.

    The exit code is 0 when nothing is left, 1 otherwise. Rows of processes that still run are
    theirs to deliver.
    """
    from genesis_ch import ConnectError

    logger = store.open_logger(path)
    deadline = time.monotonic() + timeout
    folder = store.outbox_folder(logger)
    found = outbox.look(folder) if folder else None
    try:
        logger.connect(timeout=timeout)
    except ConnectError as error:
        screen.fail(f"Nothing was delivered: {error.reason}", trouble.cures(error.kind))
        if found and found.orphaned:
            screen.say(f"   {found.orphaned}{found.more} rows stay in {folder}")
        sys.exit(1)
    assert folder is not None and found is not None
    result = deliver(logger, found.orphaned, deadline - time.monotonic())
    left = outbox.look(folder)
    screen.say(_outcome(logger, left, result))
    sys.exit(0 if result and not left.orphaned else 1)


def deliver(logger: ClickHouseLogger, expected: int, timeout: float) -> FlushResult:
    """Flush, with a progress bar when rows are expected, until all is delivered or `timeout` seconds have passed."""
    deadline = time.monotonic() + timeout
    with screen.progress(screen.console(), "rows", shown=expected > 0) as bar:
        task = bar.add_task("delivering", total=expected)
        while True:
            flushing = time.monotonic()
            result = logger.flush(min(STEP, max(0.0, deadline - flushing)))
            stats = logger.stats()
            moved = int(stats["rows_adopted"]) + int(stats["rows_logged"]) - result.pending
            bar.update(task, total=max(expected, moved), completed=moved)
            flushed = time.monotonic() - flushing < STEP and result.pending == 0
            if flushed or time.monotonic() >= deadline:
                return result


def _outcome(logger: ClickHouseLogger, left: outbox.Outbox, result: FlushResult) -> str:
    """Say in one line what a delivery came to."""
    done = result and not left.orphaned
    parked = f", {result.parked} of them until their table fits (see genesis-ch doctor)" if result.parked else ""
    parts = [f"{result.delivered} rows delivered", f"{left.orphaned}{left.more} left in the outbox{parked}"]
    if result.rejected:
        parts.append(f"{result.rejected} refused by the server and kept in {left.path / 'quarantine'}")
    alive = left.waiting - left.orphaned
    if alive:
        parts.append(f"{alive} wait in processes that still run")
    reason = f"; {result.last_error or logger.stats()['last_error']}" if not done and result.last_error else ""
    return f"{'✅' if done else '❌'} {', '.join(parts)}{reason}"
