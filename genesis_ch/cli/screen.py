"""What the commands print with: the same text on a terminal, in a pipe and without UTF-8."""

from __future__ import annotations

from collections.abc import Iterable

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

PIPED_WIDTH = 160


def console() -> Console:
    """Return a console for standard output; its tables are not cut when it is a pipe."""
    screen = Console(highlight=False, emoji=False)
    return screen if screen.is_terminal else Console(highlight=False, emoji=False, width=PIPED_WIDTH)


def say(text: str = "") -> None:
    """Print one line as it is: no colours, no wrapping."""
    click.echo(text)


def fail(title: str, cures: Iterable[str] = ()) -> None:
    """Print what went wrong and, below it, what helps; the caller exits with code 1."""
    say(f"❌ {title}")
    for cure in cures:
        say(f"   • {cure}")


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Table:
    """Build a table whose first column is text and whose other columns are aligned right."""
    result = Table(title=escape(title), title_justify="left", title_style="bold")
    for index, column in enumerate(columns):
        result.add_column(escape(column), justify="left" if index == 0 else "right", no_wrap=True)
    for row in rows:
        result.add_row(*(escape(str(cell)) for cell in row))
    return result


def progress(screen: Console, unit: str, shown: bool = True) -> Progress:
    """Return a progress bar with a count of units and the time elapsed; none in a pipe."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
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
