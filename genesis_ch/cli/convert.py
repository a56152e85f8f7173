"""`genesis-ch migrate --convert`: tables of the older Python logger, rebuilt as ReplacingMergeTree.

The older logger made plain MergeTree tables. They are upgraded in place and work, but a row that is logged or delivered again
stays there twice. This rebuilds table T while programs may be writing to it:

    state                                             what is done next
    1  T plain                                        make T_converting, empty, as the migrations make T today
    2  T plain, T_converting                          copy all rows of T; look for keys that are missing
    3  T plain, T_converting full                     EXCHANGE TABLES, in one step: programs write to the new table from now on
    4  T new, T_converting holds the old rows         copy again if rows came in between; look for keys that are missing
    5  T new, T_converting holds nothing of its own   rename it T_before_convert, or drop it with --drop-old
    6  T new, T_before_convert                        done; --drop-old drops it, when no key is missing in T

The state is read from the names and engines of the tables alone, and every step can be repeated: a copied row replaces itself.
So a second run goes on where one was interrupted, two runs at once end in the same tables, and readers see all rows at any
moment. Between 3 and 5 a row is in T, in T_converting or in both; 5 comes when nothing that began to write before the exchange
is left and no key of T_converting is missing in T.

Every copied row has a version that is older than that of any row logged later: the moment in its own columns (timestamp; for a run
the later of start_time and end_time), or, where the row is one of this package's, which are stamped within a second of it, the exact
event_ts; never later than now. So of rows that share a key, a reader with final=1 sees the newest, as in every other table. The old
logger wrote such rows (a run once more at its end, say), which is why the table they came from is kept with every one of them
unless --drop-old says otherwise. Columns that a user added and a TTL are carried over; indexes, projections and settings of
the old table are not.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from genesis_ch.cli import screen, trouble

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from genesis_ch import ClickHouseLogger

PLAIN = ("MergeTree", "SharedMergeTree")
REPLACING = ("ReplacingMergeTree", "SharedReplacingMergeTree")
EXCHANGING = ("Atomic", "Replicated", "Shared")
ROUNDS = 20
WRITERS_SECONDS = 60.0
WRITERS_STEP_SECONDS = 0.1
_COPY_SETTINGS = {"final": 0, "max_partitions_per_insert_block": 0, "insert_deduplicate": 0, "async_insert": 0}
_CREATE = re.compile(r"^CREATE TABLE IF NOT EXISTS (\w+)\s*\(", re.MULTILINE)
_KEY = re.compile(r"^ORDER BY \(?([^()\n]+)\)?$", re.MULTILINE)
_TTL = re.compile(r" TTL (.+?)(?: SETTINGS .*)?$", re.DOTALL)


class ConvertError(Exception):
    """It cannot go on; the text says why, and every row is where it was."""


class Column(NamedTuple):
    """A column as DESCRIBE shows it; default is "", DEFAULT, MATERIALIZED, ALIAS or EPHEMERAL."""

    name: str
    kind: str
    default: str
    expression: str


class Engine(NamedTuple):
    """A table that is there."""

    name: str
    full: str
    rows: int
    bytes: int


@dataclass
class Tables:
    """The tables of the database by name, read again by look()."""

    client: Client
    engines: dict[str, Engine] = field(default_factory=dict)

    def look(self) -> None:
        """Read names and engines."""
        query = """
            SELECT name, engine, engine_full, ifNull(total_rows, 0), ifNull(total_bytes, 0)
            FROM system.tables
            WHERE database = currentDatabase()
            """
        rows = self.client.query(query).result_rows
        self.engines = {str(name): Engine(engine, full, rows, size) for name, engine, full, rows, size in rows}

    def is_plain(self, table: str) -> bool:
        """Whether it is there as the older logger made it."""
        return table in self.engines and self.engines[table].name in PLAIN

    def is_replacing(self, table: str) -> bool:
        """Whether it is there as the migrations make it."""
        return table in self.engines and self.engines[table].name in REPLACING


@dataclass(frozen=True)
class Target:
    """A table as the migrations make it: its statements, in order, and its sorting key."""

    name: str
    statements: list[str]
    key: str

    @property
    def building(self) -> str:
        """The name under which the new table is made, and the old one leaves."""
        return f"{self.name}_converting"

    @property
    def kept(self) -> str:
        """The name of the old table afterwards."""
        return f"{self.name}_before_convert"


def targets() -> list[Target]:
    """The tables that the older logger may have made: those whose version is hidden."""
    from genesis_ch import _runtime

    statements = [part.strip() for _, up, _ in _runtime.migrations() for part in up.split(";\n") if part.strip()]
    made = []
    for statement in statements:
        created = _CREATE.search(statement)
        if created and "ENGINE = ReplacingMergeTree(event_ts)" in statement and "_ts DateTime64(6) EPHEMERAL" in statement:
            key = _KEY.search(statement)
            assert key is not None, statement
            name = created[1]
            own = re.compile(rf"^(?:CREATE TABLE IF NOT EXISTS|ALTER TABLE) {name}\b", re.MULTILINE)
            made.append(Target(name, [other for other in statements if own.search(other)], key[1]))
    return made


def run(logger: ClickHouseLogger, drop_old: bool, yes: bool, timeout: float) -> int:
    """Say what will be done, ask, and do it. Returns the exit code."""
    client = logger.client
    if client is None:
        screen.fail(trouble.NO_CLIENT, trouble.NO_CLIENT_CURES)
        return 1
    from clickhouse_connect.driver.exceptions import Error
    from urllib3 import Timeout

    client.timeout = Timeout(connect=10, read=max(timeout, 1.0))  # type: ignore[attr-defined]
    tables = Tables(client)
    try:
        return _run(tables, drop_old, yes)
    except (ConvertError, Error) as error:
        from genesis_ch import _client

        screen.fail(f"Not converted: {_client.words_of(error)}", ("every row is where it was; run the command again to go on",))
        return 1


def _run(tables: Tables, drop_old: bool, yes: bool) -> int:
    tables.look()
    open_ones = [target for target in targets() if _is_open(tables, target)]
    kept = [target.kept for target in targets() if target.kept in tables.engines and target not in open_ones]
    if open_ones:
        _say_plan(tables, open_ones, drop_old)
        if not yes:
            click.confirm(f"Rebuild {len(open_ones)} tables?", abort=True)
        for target in open_ones:
            _convert(tables, target, drop_old)
    if kept and drop_old:
        if not yes:
            click.confirm(f"Drop {', '.join(kept)}?", abort=True)
        for target in targets():
            if target.kept in kept:
                _drop_kept(tables, target)
    elif kept:
        screen.advise(f"Kept from before: {', '.join(kept)}", ("drop them with: genesis-ch migrate --convert --drop-old",))
    if not open_ones:
        screen.say(f"✅ nothing to convert: no table of database {tables.client.database} is of the older logger")
    return 0


def _is_open(tables: Tables, target: Target) -> bool:
    return tables.is_plain(target.name) or (target.name in tables.engines and target.building in tables.engines)


def _say_plan(tables: Tables, open_ones: list[Target], drop_old: bool) -> None:
    engine = str(tables.client.command("SELECT engine FROM system.databases WHERE name = currentDatabase()"))
    if engine not in EXCHANGING:
        raise ConvertError(f"database {tables.client.database} has engine {engine}, in which two tables cannot change places")
    rows, total = [], 0
    for target in open_ones:
        plain = tables.is_plain(target.name)
        source = target.name if plain else target.building
        if plain and target.kept in tables.engines:
            raise ConvertError(f"{target.kept} is there already; drop or rename it first")
        held = tables.engines[source]
        total += held.bytes
        rows.append((target.name, held.rows, screen.size(held.bytes), _sharing(tables, target, source), "" if plain else "goes on"))
    columns = ("table", "rows", "size", "rows behind a newer one of the same key", "")
    screen.say(f"To rebuild as ReplacingMergeTree in database {tables.client.database}:")
    screen.console().print(screen.table(columns, rows))
    fate = "is dropped" if drop_old else "is kept as NAME_before_convert"
    screen.say(f"Every row is copied; of rows that share a key, final=1 shows the newest. The old table, with all of them, {fate}.")
    screen.say(f"Programs may go on recording. It takes up to {screen.size(total)} of disk more.")


def _convert(tables: Tables, target: Target, drop_old: bool) -> None:
    copied: tuple[Any, ...] = ()
    if tables.is_plain(target.name):
        _build(tables, target)
        copied = _copy(tables, target, target.name, target.building)
        tables.look()
        if not (tables.is_plain(target.name) and tables.is_replacing(target.building)):
            raise ConvertError(f"{target.name} was changed by another meanwhile")
        tables.client.command(f"EXCHANGE TABLES {target.name} AND {target.building}")
    _wait_for_writers(tables, target)
    _absorb(tables, target, copied)
    rows = _count(tables, target.building)
    if drop_old:
        tables.client.command(f"DROP TABLE IF EXISTS {target.building} SYNC")
    elif target.kept in tables.engines or tables.is_replacing(target.building):
        raise ConvertError(f"{target.building} cannot be renamed {target.kept}, which is there; drop one of them")
    else:
        tables.client.command(f"RENAME TABLE {target.building} TO {target.kept}")
    what = "dropped" if drop_old else f"kept as {target.kept}"
    screen.say(f"✅ {target.name}: {_count(tables, target.name)} rows of {rows}, each key once; the old table is {what}")


# ---- the steps ----


def _build(tables: Tables, target: Target) -> None:
    """Make the new table, with the columns and the TTL that a user gave the old one."""
    named = re.compile(rf"^(CREATE TABLE IF NOT EXISTS|ALTER TABLE) {target.name}\b", re.MULTILINE)
    for statement in target.statements:
        tables.client.command(named.sub(rf"\1 {target.building}", statement, count=1))
    known = {column.name for column in _columns(tables, target.building)}
    for column in _columns(tables, target.name):
        if column.name not in known:
            default = f" {column.default} {column.expression}" if column.default else ""
            tables.client.command(f"ALTER TABLE {target.building} ADD COLUMN IF NOT EXISTS `{column.name}` {column.kind}{default}")
    ttl = _TTL.search(tables.engines[target.name].full)
    if ttl:
        tables.client.command(f"ALTER TABLE {target.building} MODIFY TTL {ttl[1]}")


def _copy(tables: Tables, target: Target, source: str, goal: str) -> tuple[Any, ...]:
    """Copy every row; returns what the source was before."""
    before = _fingerprint(tables, source)
    there = {column.name for column in _columns(tables, source) if column.default not in ("ALIAS", "EPHEMERAL")}
    wanted = [column.name for column in _columns(tables, goal) if column.default not in ("MATERIALIZED", "ALIAS", "EPHEMERAL")]
    names = ", ".join(f"`{name}`" for name in wanted if name in there)
    tables.look()
    version = "event_ts" if tables.is_replacing(source) else _version(there)
    statement = f"""
        INSERT INTO {goal} ({names}, _ts)
        SELECT {names}, {version}
        FROM {source}
        """
    tables.client.command(statement, settings=_COPY_SETTINGS)
    return before


def _version(columns: set[str]) -> str:
    moment = "timestamp" if "timestamp" in columns else "greatest(start_time, end_time)"
    moment = f"toDateTime64({moment}, 6)"
    return f"least(if(event_ts >= {moment} AND event_ts < {moment} + INTERVAL 1 SECOND, event_ts, {moment}), now64(6))"


def _absorb(tables: Tables, target: Target, copied: tuple[Any, ...]) -> None:
    """Bring what T_converting still receives, or did before this run, into T, until nothing is missing."""
    for _ in range(ROUNDS):
        tables.look()
        if target.building not in tables.engines:
            raise ConvertError(f"{target.building} was taken away by another meanwhile")
        if _fingerprint(tables, target.building) == copied and _missing(tables, target, target.building) == 0:
            return
        copied = _copy(tables, target, target.building, target.name)
    raise ConvertError(f"{target.building} does not come to rest")


def _drop_kept(tables: Tables, target: Target) -> None:
    missing = _missing(tables, target, target.kept)
    if missing:
        raise ConvertError(f"{target.kept} has {missing} rows whose keys are not in {target.name}; it is not dropped")
    tables.client.command(f"DROP TABLE IF EXISTS {target.kept} SYNC")
    screen.say(f"✅ {target.kept} is dropped")


# ---- questions ----


def _columns(tables: Tables, table: str) -> list[Column]:
    rows = tables.client.query(f"DESCRIBE TABLE {table}").result_rows
    return [Column(*map(str, row[:4])) for row in rows]


def _count(tables: Tables, table: str) -> int:
    final = " FINAL" if tables.is_replacing(table) else ""
    return _number(tables, f"SELECT count() FROM {table}{final}")


def _sharing(tables: Tables, target: Target, source: str) -> int:
    return _number(tables, f"SELECT sum(rows - 1) FROM (SELECT count() AS rows FROM {source} GROUP BY {target.key})")


def _missing(tables: Tables, target: Target, source: str) -> int:
    """Rows of the source whose key is not in T."""
    query = f"SELECT count() FROM {source} AS old LEFT ANTI JOIN {target.name} AS new USING ({target.key})"
    return _number(tables, query, join_algorithm="grace_hash,hash")


def _fingerprint(tables: Tables, table: str) -> tuple[Any, ...]:
    """Differs when rows came or were changed, also by a mutation that is not done yet."""
    query = f"""
        SELECT
            count(),
            sum(cityHash64(_part)),
            (SELECT count() FROM system.mutations WHERE database = currentDatabase() AND table = '{table}' AND NOT is_done)
        FROM {table}
        """
    return tuple(tables.client.query(query, settings={"final": 0}).result_rows[0])


def _wait_for_writers(tables: Tables, target: Target) -> None:
    """Wait for statements that began before now, hence perhaps before the exchange, and may still write to the old table."""
    since = time.monotonic()
    while time.monotonic() < since + WRITERS_SECONDS:
        query = f"""
            SELECT count()
            FROM system.processes
            WHERE query_kind IN ('Insert', 'Alter') AND position(query, '{target.name}') > 0 AND elapsed > {time.monotonic() - since:.3f}
            """
        if _number(tables, query) == 0:
            return
        time.sleep(WRITERS_STEP_SECONDS)
    raise ConvertError(f"a statement still writes to {target.name} after {WRITERS_SECONDS:.0f} s")


def _number(tables: Tables, query: str, **settings: Any) -> int:
    return int(tables.client.query(query, settings={"final": 0, **settings}).result_rows[0][0] or 0)
