"""`genesis-ch outbox`: what lies in the outbox, and what becomes of the rows that the server refused."""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from genesis_ch.cli import outbox, quarantine, screen, store

LIST_MAX = 20
VALUE_WIDTH = 100
ROW_WIDTH = 60

_some: Callable[[Callable[..., Any]], Callable[..., Any]] = click.argument("ids", nargs=-1, metavar="[ID]...")
_all: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--all", "every", is_flag=True, help="Every refused row."
)


@click.group("outbox", short_help="Look at the outbox and at the rows the server refused.")
def command() -> None:
    """Look at the outbox, and decide on the rows that the server refused.

    Those lie in its quarantine. An ID is that of `genesis-ch outbox show`; its beginning is enough.
    """


@command.command("show", short_help="Summary and refused rows; with an ID that row.")
@store.path_option
@click.argument("id", required=False)
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object.")
def show(path: Path | None, id: str | None, as_json: bool) -> None:
    """Show what waits in the outbox and the rows that the server refused; with an ID one of them with all its values."""
    folder = _folder(path)
    if id is not None:
        (entry,) = _chosen(folder, (id,), False)
        _show_row(entry, as_json)
    elif as_json:
        print(json.dumps(_summary(outbox.look(folder)), ensure_ascii=False))
    else:
        _show_all(outbox.look(folder))


@command.command("retry", short_help="Give refused rows back, to be sent again.")
@store.path_option
@_some
@_all
def retry(path: Path | None, ids: tuple[str, ...], every: bool) -> None:
    """Give refused rows back to the outbox, when the table takes them now.

    They are delivered within seconds by any process that records to the same place, or by `genesis-ch sync`. A row that
    is refused again comes back to the quarantine.
    """
    folder = _folder(path)
    chosen = _chosen(folder, ids, every)
    done = _done(lambda: quarantine.put_back(folder, chosen))
    screen.say(f"✅ {done} rows are back in the outbox; a process that records delivers them, or: genesis-ch sync")


@command.command("drop", short_help="Throw refused rows away.")
@store.path_option
@_some
@_all
@click.option("--yes", is_flag=True, help="Do not ask.")
def drop(path: Path | None, ids: tuple[str, ...], every: bool, yes: bool) -> None:
    """Throw refused rows away for good."""
    folder = _folder(path)
    chosen = _chosen(folder, ids, every)
    if chosen and not yes:
        click.confirm(f"Throw {len(chosen)} rows away for good?", abort=True)
    screen.say(f"✅ {_done(lambda: quarantine.remove(chosen))} rows thrown away")


def _done(work: Callable[[], int]) -> int:
    """Do it and return how many rows it was; leave with 1 where the disk refuses it."""
    try:
        return work()
    except OSError as error:
        screen.fail(f"The outbox cannot be changed: {error}", ("what was not done yet is where it was",))
        sys.exit(1)


def _folder(path: Path | None) -> Path:
    """Return the outbox that this process would record to, without opening it; leave with 1 when there is none."""
    found = store.open_logger(path).stats()["outbox_path"]
    if not found:
        screen.fail("Recording is disabled: there is no outbox.", ("see: genesis-ch doctor",))
        sys.exit(1)
    return Path(found)


def _chosen(folder: Path, ids: Sequence[str], every: bool) -> list[quarantine.Entry]:
    """Return the rows that a command names; leave with 2 when it names none, and with 1 when an ID fits not just one."""
    if bool(ids) == every:
        raise click.UsageError("name the rows by their IDs, or all of them with --all")
    if every:
        return list(quarantine.entries(folder))
    chosen, wrong = quarantine.select(folder, ids)
    if wrong:
        screen.fail(f"Not the ID of one refused row: {', '.join(wrong)}", ("see: genesis-ch outbox show",))
        sys.exit(1)
    return chosen


def _show_all(found: outbox.Outbox) -> None:
    refused = list(quarantine.entries(found.path))
    screen.section(
        "Outbox",
        (
            ("path", found.path),
            ("rows waiting", f"{found.waiting}{found.more}"),
            ("of ended processes", f"{found.orphaned}{found.more}"),
            ("rows refused", len(refused)),
            ("damaged files", found.damaged),
        ),
    )
    if not refused:
        return
    kinds = Counter((entry.table, entry.code, entry.name) for entry in refused)
    rows = [(table, f"{code} {name}", count) for (table, code, name), count in kinds.most_common()]
    screen.say()
    screen.console().print(screen.table(("refused rows of", "code", "rows"), rows))
    for entry in refused[-LIST_MAX:]:
        screen.say(f"{entry.id}  {entry.when:%Y-%m-%d %H:%M:%S}  {entry.table}  {entry.code}  {_brief(entry.row())}")
        screen.say(f"   {entry.reason}")
    if len(refused) > LIST_MAX:
        screen.say(f"   the newest {LIST_MAX} of {len(refused)}; all of them: genesis-ch outbox show --json")
    screen.say()
    screen.advise(
        "What to do with them:",
        ("genesis-ch outbox show ID", "genesis-ch outbox retry --all", "genesis-ch outbox drop ID"),
    )


def _show_row(entry: quarantine.Entry, as_json: bool) -> None:
    if as_json:
        print(json.dumps(_entry(entry), ensure_ascii=False))
        return
    head = (
        ("id", entry.id),
        ("refused", f"{entry.when:%Y-%m-%d %H:%M:%S} UTC"),
        ("code", f"{entry.code} {entry.name}"),
    )
    screen.section(f"A row of {entry.table or 'an unknown table'}", (*head, ("reason", entry.reason)))
    row = entry.row()
    screen.section(
        "Values" if row else "Its values cannot be read.", ((name, _short(row[name], VALUE_WIDTH)) for name in row)
    )


def _summary(found: outbox.Outbox) -> dict[str, Any]:
    return {
        "path": str(found.path),
        "waiting": found.waiting,
        "orphaned": found.orphaned,
        "damaged": found.damaged,
        "refused": [_entry(entry) for entry in quarantine.entries(found.path)],
    }


def _entry(entry: quarantine.Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "table": entry.table,
        "when": entry.when.isoformat(),
        "code": entry.code,
        "name": entry.name,
        "reason": entry.reason,
        "row": _jsonable(entry.row()),
    }


def _jsonable(value: Any) -> Any:
    """Return the value with infinities and NaN, which JSON does not have, as text."""
    if isinstance(value, dict):
        return {name: _jsonable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_jsonable(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _brief(row: dict[str, Any]) -> str:
    """Write what names a row: the first of its values that are short texts or numbers."""
    named = [
        f"{name}={value}" for name, value in row.items() if name.endswith("id") or name in ("generation", "action_type")
    ]
    return _short(" ".join(named), ROW_WIDTH)


def _short(value: Any, width: int) -> str:
    text = str(value).replace("\n", "\\n")
    return text if len(text) <= width else f"{text[: width - 1]}…"
