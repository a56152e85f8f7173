"""What the commands print with: the same text on a terminal, in a pipe and without UTF-8."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

PIPED_WIDTH = 160
LABEL_WIDTH = 18


def console() -> Console:
    """Return a console for standard output; its tables are not cut when it is a pipe."""
    screen = Console(highlight=False, emoji=False)
    return screen if screen.is_terminal else Console(highlight=False, emoji=False, width=PIPED_WIDTH)


def say(text: str = "") -> None:
    """Print one line as it is: no colours, no wrapping."""
    print(text)


def fail(title: str, cures: Iterable[str] = ()) -> None:
    """Print what went wrong and, below it, what helps; the caller exits with code 1."""
    _bullets("❌", title, cures)


def advise(title: str, cures: Iterable[str] = ()) -> None:
    """Print what is no failure but may surprise and, below it, what helps."""
    _bullets("💡", title, cures)


def _bullets(sign: str, title: str, lines: Iterable[str]) -> None:
    say(f"{sign} {title}")
    for line in lines:
        say(f"   • {line}")


def section(title: str, rows: Iterable[tuple[str, object]]) -> None:
    """Print a heading and, below it, a name and a value a line."""
    say()
    say(title)
    for name, value in rows:
        say(f"  {name:<{LABEL_WIDTH}} {value}")


def table(columns: Iterable[str], rows: Iterable[Iterable[object]], last_is_total: bool = False) -> Table:
    """Build a table whose first column is text and whose other columns are aligned right."""
    result = Table()
    for index, column in enumerate(columns):
        result.add_column(escape(column), justify="left" if index == 0 else "right", no_wrap=True)
    lines = [[escape(str(cell)) for cell in row] for row in rows]
    for number, line in enumerate(lines, start=1):
        result.add_row(*line, end_section=last_is_total and number == len(lines) - 1)
    return result


def progress(screen: Console, unit: str, shown: bool = True) -> Progress:
    """Return a progress bar with a count of units and the time elapsed; none in a pipe."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn(unit, markup=False),
        TimeElapsedColumn(),
        console=screen,
        disable=not shown or not screen.is_terminal,
    )


def size(count: float) -> str:
    """Write a number of bytes for people: 1.5 KiB."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def typed(program: str) -> str:
    """Return what to type to run a program that lies beside this Python: its name when PATH leads to it, else its path."""
    ours = Path(sys.executable).parent / program
    found = shutil.which(program)
    if not ours.exists() or (found is not None and Path(found).absolute() == ours):
        return program
    near = os.path.relpath(ours)
    return str(ours) if near.startswith("..") else near
