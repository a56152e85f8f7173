"""`genesis-ch purge`: delete a run everywhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genesis_ch import _nearest, purge
from genesis_ch.cli import outbox, screen, store, trouble

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

DELIVERY_SECONDS = 5.0
WHAT = "delete the run"
SPREAD = "on a cluster: ALTER TABLE ..._local ON CLUSTER ... DELETE WHERE run_id = ..., for each table (docs/operations.md)"


@click.command("purge", short_help="Delete a run everywhere.")
@click.option("--run", "run_id", metavar="ID", required=True, help="The run_id, whole.")
@click.option("--dry-run", is_flag=True, help="Only show what would be deleted.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@store.path_option
@store.timeout_option
def command(run_id: str, dry_run: bool, yes: bool, path: Path | None, timeout: float) -> None:
    """Delete a run: its rows in every table, with what belongs to its traces, and programs that no other run uses.

    It shows what will be deleted, asks, and ends when the rows are gone, from the disk too. If it is cut short, run it again.
    Exit code 0: nothing is left. 1: there is no such run, or something is left.
    """
    if not run_id:
        raise click.BadParameter("empty; rows that belong to no run have that run_id", param_hint="--run")
    client = store.reach(path, timeout, "Nothing was deleted")
    waiting, refused = _outbox(run_id)
    with trouble.told(WHAT):
        found = _find(client, run_id)
        if not any(rows.stored for rows in found):
            _fail_unknown(client, run_id, waiting, refused)
        sign = purge.sign_of_life(client, run_id)
    _show(("table", "rows", "as stored"), [(rows.table, rows.seen, rows.stored) for rows in found if rows.stored])
    _warn(sign, waiting, refused)
    if dry_run:
        screen.say("Nothing was deleted: --dry-run")
        return
    if not yes:
        click.confirm(f"Delete run {run_id!r} for good?", abort=True)
    with trouble.told(WHAT):
        files = purge.delete(client, run_id)
        left = {rows.table: rows.stored for rows in _find(client, run_id)}
    _report(run_id, found, left, files)


def _find(client: Client, run_id: str) -> list[purge.Rows]:
    """Return the rows of the run in each table; leave with 1 when it cannot be deleted here."""
    try:
        return purge.find(client, run_id)
    except purge.NotHereError as error:
        screen.fail(f"Nothing was deleted: {error}", ["where tables are missing: genesis-ch migrate", SPREAD])
        sys.exit(1)


def _outbox(run_id: str) -> tuple[int, int]:
    """Deliver what can be delivered; how many rows of the run still wait in this store's outbox, and how many were refused."""
    from genesis_ch import ch_logger

    ch_logger.flush(DELIVERY_SECONDS)
    folder = store.outbox_folder(ch_logger)
    return outbox.rows_of(folder, run_id) if folder else (0, 0)


def _fail_unknown(client: Client, run_id: str, waiting: int, refused: int) -> None:
    """Say that no table knows the run, and leave with 1."""
    near = _nearest.nearest(run_id, purge.known_runs(client))
    cures = [f"did you mean {name!r}?" for name in near] + ["to see the runs: genesis-ch query run_costs"]
    if waiting:
        cures.append(f"{waiting} rows of it wait in the outbox; when they are delivered (genesis-ch sync), it can be deleted")
    if refused:
        cures.append(f"{refused} rows of it were refused by the server; to throw them away: genesis-ch outbox drop")
    screen.fail(f"No table has a run {run_id!r}", cures)
    sys.exit(1)


def _warn(sign: purge.Sign, waiting: int, refused: int) -> None:
    """Say what a purge does not reach."""
    if sign.alive:
        status = f", and its status is {sign.status!r}" if sign.status else ""
        screen.advise(
            f"This run is being written: it logged something {sign.idle:.0f} s ago{status}.",
            ["what it logs from now on is there after the purge: end it first, or purge again"],
        )
    if waiting:
        screen.advise(
            f"{waiting} rows of this run wait in this store's outbox and will arrive after the purge.",
            ["they belong to processes that run, or the server does not take them: genesis-ch doctor", "then purge again"],
        )
    if refused:
        screen.advise(
            f"{refused} rows of this run were refused by the server and stay in the quarantine.",
            ["to look at them and throw them away: genesis-ch outbox show, genesis-ch outbox drop ID"],
        )


def _report(run_id: str, found: Sequence[purge.Rows], left: dict[str, int], files: int) -> None:
    """Print the rows that are gone from each table; leave with 1 when something is left."""
    gone = [(rows.table, rows.stored - left[rows.table], left[rows.table]) for rows in found if rows.stored or left[rows.table]]
    _show(("table", "deleted", "left"), gone)
    if files:
        screen.advise(
            f"{files} replaced parts with rows of this run are still on the server's disk; no query reads them.",
            ["the server removes them by itself, 8 minutes after a part was replaced unless old_parts_lifetime says otherwise"],
        )
    remain = sum(left.values())
    if remain:
        screen.fail(f"{remain} rows of run {run_id!r} arrived meanwhile.", ["end what writes them, and purge again"])
        sys.exit(1)
    screen.say(f"✅ run {run_id!r} is deleted: {sum(rows for _, rows, _ in gone)} rows of {len(gone)} tables")
    sys.exit(1 if files else 0)


def _show(columns: tuple[str, ...], lines: Sequence[tuple[object, ...]]) -> None:
    numbers = [[line[column] for line in lines] for column in range(1, len(columns))]
    total = ("total", *(sum(int(str(number)) for number in column) for column in numbers))
    screen.console().print(screen.table(columns, [*lines, total], last_is_total=True))
