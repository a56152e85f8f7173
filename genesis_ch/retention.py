"""How long the rows of a table are kept: the TTL that the server applies by itself.

Works through a clickhouse-connect client, such as ch_logger.client. Rows are removed by ClickHouse when it merges parts, so nothing
here has to run again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ._nearest import unknown
from ._tables import Table, quoted, tables

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

LOGS = {
    "llm_logs": "timestamp",
    "agent_actions": "timestamp",
    "traces": "timestamp",
    "observations": "start_time",
    "scores": "timestamp",
    "event_log": "created_at",
    "blob_storage_file_log": "created_at",
    "dataset_run_items_rmt": "created_at",
}
"""The tables whose rows may be let go after a time, with the column that says how old a row is."""
RECORDS = {
    "evolution_runs": "start_time",
    "generations": "timestamp",
    "individuals": "timestamp",
    "pareto_fronts": "timestamp",
    "code_lineages": "timestamp",
    "programs_code": "event_ts",
}
"""The tables that a run needs to be reproduced; their rows stay unless somebody insists."""
TABLES = LOGS | RECORDS

_UNITS = {"d": "Day", "w": "Week", "m": "Month", "y": "Year"}
_LIMITS = {"d": 36_500, "w": 5_200, "m": 1_200, "y": 100}
_DURATION = re.compile(r"\s*([0-9]{1,6})\s*(d|w|m|y|days?|weeks?|months?|years?)\s*", re.IGNORECASE)
_PLAIN_TTL = re.compile(
    r"(?:toDateTime\(least\(greatest\(toTimeZone\(\w+, 'UTC'\)|toDateTime\(\w+\)|\w+)"
    r" \+ toInterval(Day|Week|Month|Year)\((\d+)\)(?:, toDateTime64\([^()]+\)\), toDateTime64\([^()]+\)\), 'UTC'\))?"
)
_TTL = re.compile(r" TTL (.+?)(?: SETTINGS .*)?$", re.DOTALL)
ALLOWED = "write a whole number and d, w, m (months) or y, up to 100 years: 30d, 12w, 6m, 1y"


@dataclass(frozen=True)
class Duration:
    """A length of time by the calendar; `unit` is d, w, m (months) or y."""

    count: int
    unit: str

    def __str__(self) -> str:
        return _spoken(self.count, _UNITS[self.unit])

    @property
    def sql(self) -> str:
        """As ClickHouse writes it."""
        return f"toInterval{_UNITS[self.unit]}({self.count})"


@dataclass(frozen=True)
class Kept:
    """What a table holds. `ttl` is '' when rows stay; `rows` counts every version of a row; `oldest` is in UTC."""

    table: str
    ttl: str
    rows: int
    oldest: datetime | None
    bytes_on_disk: int

    @property
    def spoken(self) -> str:
        """The TTL in words where it is one of ours or as simple as those of the reference, else as it is."""
        found = _PLAIN_TTL.fullmatch(self.ttl)
        return _spoken(int(found[2]), found[1]) if found else self.ttl or "for ever"


def parse(text: str) -> Duration:
    """Read 30d, 12w, 6m (months), 1y or 30 days. Raises ValueError, whose text names what is allowed."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"no duration: {text!r}; {ALLOWED}")
    count, unit = int(match[1]), match[2][0].lower()
    if not 1 <= count <= _LIMITS[unit]:
        raise ValueError(f"not from 1 day to 100 years: {text!r}; {ALLOWED}")
    return Duration(count, unit)


def column_of(table: str) -> str:
    """Return the column that says how old a row is. Raises ValueError, which names the nearest table, for an unknown one."""
    if table not in TABLES:
        raise ValueError(unknown("table", table, TABLES))
    return TABLES[table]


def expression(table: str, duration: Duration) -> str:
    """Return the TTL: the moment, in UTC, from which on a row may go.

    Older servers (before 25.8) want a DateTime there, which ends in 2106 and begins in 1970. A moment beyond wraps around, and rows of
    today would go at once; so it is kept within. Moment 0 would mean that the row stays for ever.
    """
    until = f"toTimeZone({column_of(table)}, 'UTC') + {duration.sql}"
    first = "toDateTime64('1970-01-02 00:00:00', 3, 'UTC')"
    last = "toDateTime64('2106-01-01 00:00:00', 3, 'UTC')"
    return f"toDateTime(least(greatest({until}, {first}), {last}), 'UTC')"


def expired(client: Client, table: str, ttl: str) -> int:
    """Return how many rows, with all their versions, are past a TTL and still there."""
    return int(_read(client, f"SELECT count() FROM {quoted(table)} WHERE ({ttl}) <= now()")[0][0])


def ttl_of(client: Client, table: str) -> str:
    """Return the TTL of a table as ClickHouse writes it, '' for none. Raises LookupError when there is no such table."""
    return _ttl(_needed(client, table))


def set_ttl(client: Client, table: str, duration: Duration) -> int:
    """Make a table keep its rows for `duration`, and return how many were past that and are gone.

    Waits until they are. May be repeated: where nothing is to be done, nothing is. Raises as column_of and ttl_of do.
    """
    ttl = expression(table, duration)
    found = _needed(client, table)
    before = expired(client, table, ttl)
    client.command(f"ALTER TABLE {found.alter} MODIFY TTL {ttl}", settings={**found.settings, "materialize_ttl_after_modify": 1})
    left = expired(client, table, ttl)
    if left:  # the same TTL was set before, by somebody who did not have it applied to what is stored
        client.command(f"ALTER TABLE {found.alter} MATERIALIZE TTL", settings=found.settings)
        left = expired(client, table, ttl)
    return before - left


def clear_ttl(client: Client, table: str) -> str:
    """Make a table keep its rows for ever, and return the TTL that it had, '' for none. Raises as column_of and ttl_of do."""
    column_of(table)
    found = _needed(client, table)
    had = _ttl(found)
    if had:
        client.command(f"ALTER TABLE {found.alter} REMOVE TTL", settings=found.settings)
    return had


def show(client: Client) -> list[Kept]:
    """Return what each of our tables that exists holds and how long. On a cluster the bytes are those on this server."""
    there = tables(client)
    return [_kept(client, there[name]) for name in TABLES if name in there]


def _kept(client: Client, table: Table) -> Kept:
    oldest = f"min(toTimeZone({TABLES[table.name]}, 'UTC'))"
    rows, oldest = _read(client, f"SELECT count(), {oldest} FROM {quoted(table.name)}")[0]
    query = (
        "SELECT sum(bytes_on_disk) FROM system.parts "
        "WHERE active AND database = currentDatabase() AND table = {table:String}"
    )
    size = _read(client, query, table=table.stored)[0][0]
    return Kept(table.name, _ttl(table), int(rows), oldest if rows else None, int(size))


def _needed(client: Client, table: str) -> Table:
    found = tables(client).get(table)
    if found is None:
        raise LookupError(f"database {client.database} has no table {table}")
    return found


def _ttl(table: Table) -> str:
    found = _TTL.search(table.engine_full)
    return found[1] if found else ""


def _read(client: Client, query: str, **parameters: str) -> Any:
    """Rows as they are stored: each version of a row is one."""
    return client.query(query, parameters=parameters, settings={"final": 0}).result_rows


def _spoken(count: int, unit: str) -> str:
    return f"{count} {unit.lower()}{'' if count == 1 else 's'}"
