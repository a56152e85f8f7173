"""`genesis-ch sync`: deliver what is left in the outbox."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genesis_ch.cli import screen, store, trouble

if TYPE_CHECKING:
    from genesis_ch import ClickHouseLogger, FlushResult

STEP = 0.25


@click.command("sync")
@store.path_option
@click.option("--timeout", type=click.FloatRange(min=0), default=300.0, show_default=True, help="Seconds.")
def command(path: Path | None, timeout: float) -> None:
    """Deliver the rows that earlier processes left in the outbox.

    The exit code is 0 when nothing is left, 1 otherwise.
    """
    from genesis_ch import ConnectError

    logger = store.open_logger(path)
    try:
        logger.connect(timeout=timeout)
    except ConnectError as error:
        screen.fail(f"Nothing was delivered: {error.reason}", trouble.cures(error.kind))
        sys.exit(1)
    result = deliver(logger, timeout)
    screen.say(outcome(logger, result))
    sys.exit(0 if result else 1)


def deliver(logger: ClickHouseLogger, timeout: float) -> FlushResult:
    """Flush with a progress bar until nothing is pending or `timeout` seconds have passed."""
    console = screen.console()
    deadline = time.monotonic() + timeout
    pending = int(logger.stats()["rows_pending"])
    with screen.progress(console, "rows", shown=pending > 0) as bar:
        task = bar.add_task("delivering", total=pending)
        while True:
            result = logger.flush(min(STEP, max(0.0, deadline - time.monotonic())))
            pending = max(pending, result.pending)
            bar.update(task, total=pending, completed=pending - result.pending)
            if result.pending == 0 or time.monotonic() >= deadline:
                return result


def outcome(logger: ClickHouseLogger, result: FlushResult) -> str:
    """Say in one line what a delivery came to."""
    stats = logger.stats()
    parts = [f"{stats['rows_delivered']} rows delivered", f"{result.pending} left in the outbox"]
    if result.rejected:
        parts.append(f"{result.rejected} refused by the server and kept in {stats['outbox_path']}")
    if result.dropped:
        parts.append(f"{result.dropped} dropped")
    reason = f"; last error: {result.last_error}" if not result and result.last_error else ""
    return f"{'✅' if result else '❌'} {', '.join(parts)}{reason}"
