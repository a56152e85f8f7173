"""Which store a command works on: `--path`, GENESIS_CH_HOME, or the nearest `.genesis_ch`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from genesis_ch import ClickHouseLogger

HOME_NAME = ".genesis_ch"

path_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--path",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help=f"Directory of the store. Default: GENESIS_CH_HOME or the nearest {HOME_NAME}.",
)


def open_logger(path: Path | None) -> ClickHouseLogger:
    """Return the logger of this process, pointed at `path` if there is one."""
    from genesis_ch import ch_logger

    if path is not None:
        ch_logger.configure(home=str(path.absolute()))
    return ch_logger


def home(path: Path | None) -> Path:
    """Return the directory of the store, absolute; it may not exist yet."""
    named = str(path or "") or os.environ.get("GENESIS_CH_HOME", "")
    if named:
        return Path(named).expanduser().absolute()
    here = Path.cwd()
    candidates = [folder / HOME_NAME for folder in (here, *here.parents)]
    return next((candidate for candidate in candidates if candidate.is_dir()), candidates[0])


def outbox_files(outbox: str | None) -> tuple[int, int]:
    """Return how many files an outbox holds and their bytes on disk; (0, 0) when there is none."""
    count = size = 0
    for folder, _, names in os.walk(outbox or os.devnull):
        for name in names:
            try:
                found = os.lstat(os.path.join(folder, name))
            except OSError:
                continue
            count += 1
            size += found.st_blocks * 512
    return count, size
