"""What the C core asks of Python: once before it opens, and when it has something to say."""

from __future__ import annotations

import functools
import importlib.util
import logging
import sys
from pathlib import Path

logging.getLogger("genesis_ch").addHandler(logging.NullHandler())
PACKAGE = Path(__file__).resolve().parent
ENGINE_MODULES = ("chdb", "waitress", "lz4")


def embedded_installed() -> bool:
    """Whether the extra `embedded` is there; looks without importing."""
    return all(importlib.util.find_spec(name) is not None for name in ENGINE_MODULES)


def sql_folder(name: str) -> Path:
    """The folder of this name below sql/, which lies in genesis_ch when the package is installed, and beside it in a checkout."""
    for folder in (PACKAGE / "sql" / name, PACKAGE.parent / "sql" / name):
        if any(folder.glob("*.sql")):
            return folder
    raise FileNotFoundError(f"sql/{name} of genesis_ch is missing; install the package again")


def migrations() -> list[tuple[str, str, str]]:
    """(name, what makes the change, what undoes it) of every migration, in order."""
    folder = sql_folder("migrations")
    names = sorted(file.name.removesuffix(".up.sql") for file in folder.glob("*.up.sql"))
    return [(name, _read(folder / f"{name}.up.sql"), _read(folder / f"{name}.down.sql")) for name in names]


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


@functools.cache
def prepare() -> tuple[str, str, bool, list[tuple[str, str, str]]]:
    """The interpreter for the embedded server, the folder that holds genesis_ch, whether the engine is installed, the migrations."""
    return sys.executable or "python3", str(PACKAGE.parent), embedded_installed(), migrations()


def notify(level: int, count: int, text: str) -> None:
    """One line to logging.getLogger("genesis_ch"); count tells how often it happened since the last line about it."""
    logger = logging.getLogger("genesis_ch")
    if count > 1:
        logger.log(level, "%s (%d times)", text, count)
    else:
        logger.log(level, "%s", text)
