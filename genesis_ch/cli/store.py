"""Which store a command works on, `--path`, GENESIS_CH_HOME or the nearest `.genesis_ch`, and its logger."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genesis_ch.cli import screen, trouble

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from genesis_ch import ClickHouseLogger

HOME_NAME = ".genesis_ch"
CONNECT_SECONDS = 60.0
STATEMENT_SECONDS = 3600.0
"""How long a statement of a command may take: some rewrite whole tables while somebody waits."""

path_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--path",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help=f"Directory of the store. Default: GENESIS_CH_HOME or the nearest {HOME_NAME}.",
)

timeout_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--timeout", type=click.FloatRange(min=0), default=CONNECT_SECONDS, show_default=True, help="Seconds to connect."
)


class Warnings(logging.Handler):
    """Keeps what the logger warns about: a command says it once, in its own place."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the text."""
        self.texts.append(record.getMessage())


warnings = Warnings()


def open_logger(path: Path | None) -> ClickHouseLogger:
    """Return the logger of this process, pointed at `path` if there is one; it warns to `warnings` and nowhere else.

    At the end of the command it is closed without waiting for the server: what a command has not flushed stays in the outbox.
    """
    from genesis_ch import ch_logger

    log = logging.getLogger("genesis_ch")
    log.propagate = False
    log.handlers[:] = [warnings]
    if path is not None:
        ch_logger.configure(home=str(path.absolute()))
    click.get_current_context().call_on_close(lambda: ch_logger.close(0.0))
    return ch_logger


def reach(path: Path | None, timeout: float, undone: str) -> Client:
    """Return a client on the server that rows go to, with its tables made; leave with 1, saying what is `undone`, when there is none."""
    from genesis_ch import ConnectError

    logger = open_logger(path)
    try:
        logger.connect(timeout=timeout)
    except ConnectError as error:
        screen.fail(f"{undone}: {error.reason}", trouble.cures(error.kind))
        sys.exit(1)
    client = logger.client
    if client is None:
        screen.fail(trouble.NO_CLIENT, trouble.NO_CLIENT_CURES)
        sys.exit(1)
    from urllib3 import Timeout

    client.timeout = Timeout(connect=CONNECT_SECONDS, read=STATEMENT_SECONDS)  # type: ignore[attr-defined]
    return client


def outbox_folder(logger: ClickHouseLogger) -> Path | None:
    """Open the logger and return its outbox, which may not exist yet; None when recording is disabled."""
    logger.flush(0.0)
    found = logger.stats()["outbox_path"]
    return Path(found) if found else None


def home(path: Path | None) -> Path:
    """Return the directory of the store, absolute; it may not exist yet."""
    named = str(path or "") or os.environ.get("GENESIS_CH_HOME", "")
    if named:
        return Path(named).expanduser().absolute()
    here = Path.cwd()
    candidates = [folder / HOME_NAME for folder in (here, *here.parents)]
    return next((candidate for candidate in candidates if candidate.is_dir()), candidates[0])


def bytes_on_disk(folder: Path) -> int:
    """Return the bytes that the files below a folder take, 0 when there is none."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_blocks * 512
            except OSError:
                continue
    return total
