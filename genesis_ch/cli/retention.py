"""`genesis-ch retention`: how long the rows of a table are kept."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genesis_ch import retention
from genesis_ch.cli import screen, store, trouble

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

WHY_NOT = "a run can be reproduced and analysed only while all of its rows are there"
PATIENCE = "from now on a row goes when its time has come and ClickHouse merges its part: within about 4 hours"


@click.group("retention", short_help="How long the rows of a table are kept.")
def command() -> None:
    """Say how long the rows of a table are kept; ClickHouse removes those that are older by itself.

    A new table keeps its rows for ever.
    """


@command.command("show", short_help="Each table: how long rows are kept, the oldest, how many.")
@store.path_option
@store.timeout_option
def show(path: Path | None, timeout: float) -> None:
    """List for each table how long its rows are kept, its oldest row (UTC), its rows and the bytes they take.

    Rows are counted as stored: a row that was logged again counts twice until ClickHouse merges it.
    """
    client = store.reach(path, timeout, "Nothing can be shown")
    with trouble.told("show how long rows are kept"):
        found = retention.show(client)
    lines = [
        (
            entry.table,
            entry.spoken,
            entry.oldest.strftime("%Y-%m-%d %H:%M:%S") if entry.oldest else "-",
            entry.rows,
            screen.size(entry.bytes_on_disk),
        )
        for entry in found
    ]
    screen.console().print(screen.table(("table", "rows are kept", "oldest row", "rows", "on disk"), lines))


@command.command("set", short_help="Keep the rows of a table for a time, as 30d.")
@click.argument("table")
@click.argument("duration")
@click.option("--force", is_flag=True, help="Also for a table that a run needs to be reproduced.")
@store.path_option
@store.timeout_option
def set_(table: str, duration: str, force: bool, path: Path | None, timeout: float) -> None:
    """Keep the rows of TABLE for DURATION and let older ones go: 30d, 12w, 6m (months), 1y.

    Rows that are older already are gone when the command ends; it does not ask.

    \b
    genesis-ch retention set llm_logs 30d
    """
    column = _column(table)
    try:
        length = retention.parse(duration)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="DURATION") from None
    if table in retention.RECORDS and not force:
        screen.fail(
            f"{table} keeps its rows: {WHY_NOT}",
            [
                f"for one of the log tables: {', '.join(retention.LOGS)}",
                "to delete one run everywhere: genesis-ch purge --run ID",
                f"if you mean it: genesis-ch retention set {table} {duration} --force",
            ],
        )
        sys.exit(1)
    client = store.reach(path, timeout, "Nothing was changed")
    with trouble.told(f"change how long rows of {table} are kept"):
        _needs(client, table)
        gone = retention.set_ttl(client, table, length)
    screen.say(f"✅ {table} keeps its rows for {length} ({column}, UTC); {gone} rows were older and are gone")
    screen.say(f"   • {PATIENCE}")


@command.command("clear", short_help="Keep the rows of a table for ever again.")
@click.argument("table")
@store.path_option
@store.timeout_option
def clear(table: str, path: Path | None, timeout: float) -> None:
    """Keep the rows of TABLE for ever again. What is gone does not come back."""
    _column(table)
    client = store.reach(path, timeout, "Nothing was changed")
    with trouble.told(f"change how long rows of {table} are kept"):
        _needs(client, table)
        had = retention.clear_ttl(client, table)
    screen.say(f"✅ {table} keeps its rows for ever{'' if had else ', as before'}")


def _column(table: str) -> str:
    """Return the column that says how old a row is; leave with 2 for an unknown table."""
    try:
        return retention.column_of(table)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="TABLE") from None


def _needs(client: Client, table: str) -> None:
    """Leave with 1 when the database lacks the table."""
    try:
        retention.ttl_of(client, table)
    except LookupError as error:
        screen.fail(str(error.args[0]), ["to create the tables: genesis-ch migrate"])
        sys.exit(1)
