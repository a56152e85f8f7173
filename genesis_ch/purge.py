"""Deletes a run everywhere: its rows are gone from every table, and from the disk, when `delete` returns.

Works through a clickhouse-connect client, such as ch_logger.client. What belongs to the run is written down first, in a table of its own:
a deletion part by part cannot look it up in the rows that it removes. Then ALTER TABLE ... DELETE rewrites the parts that hold
such rows, every version of them (a lightweight DELETE would only hide them), one table after the other, evolution_runs last. The list is
dropped at the end, so a purge that is cut short goes on where it was when it runs again.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._tables import Table, quoted, tables

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

SWEEP_SECONDS = 10.0
"""How long replaced files are waited for; once some did not go in that time, those of other tables are not waited for."""
ACTIVE_SECONDS = 600
"""A run that logged something so many seconds ago is taken for one that is still being written."""
RUNS_COMPARED = 20_000
"""Run ids, the newest ones, among which `known_runs` looks for one that was meant."""

Keys = Callable[[str], str]
"""A query for (project_id, id) of what belongs to the run, by the name of the table."""

_RUN = "{run:String}"
_OF_RUN = f"run_id = {_RUN}"
_OWN_RUN = "argMaxIf(run_id, event_ts, run_id != '')"
_OWN_TRACE = "argMaxIf(trace_id, event_ts, trace_id != '')"
_OBSERVATION = "ifNull(observation_id, '')"
_OWN_OBSERVATION = f"argMaxIf({_OBSERVATION}, event_ts, {_OBSERVATION} != '')"
_ENTITY_TYPES = {
    "trace": "traces",
    "observation": "observations",
    "score": "scores",
    "dataset_run_item": "dataset_run_items_rmt",
}
_LIST_COLUMNS = "(kind String, project_id String, id String) ENGINE = MergeTree ORDER BY (kind, project_id, id)"
_CAREFUL = "old_parts_lifetime = 0, min_rows_to_fsync_after_merge = 1, fsync_part_directory = 1"
_NO_PARTITION = "999913"
"""The id of a partition that no table has: a month 13."""


def _in_trace(keys: Keys, trace: str = "trace_id") -> str:
    """Whether a row is in a trace of the run. An LLM call outside of any trace has its run's id as trace_id."""
    return f"({trace} = {_RUN} OR (project_id, {trace}) IN ({keys('traces')}))"


def _at_observation(keys: Keys, observation: str = _OBSERVATION) -> str:
    return f"(project_id, {observation}) IN ({keys('observations')})"


def _ids(table: str, touches: str, belongs: str) -> str:
    """The keys of a table that belong to the run by the newest versions of their rows, though other versions may not say so.

    `touches` is true for some version of such a row, `belongs` for all of them together.
    """
    return (
        f"SELECT project_id, id FROM {table} "
        f"WHERE id != '' AND (project_id, id) IN (SELECT project_id, id FROM {table} WHERE {touches}) "
        f"GROUP BY project_id, id HAVING {belongs}"
    )


def _traces(keys: Keys) -> str:
    return _ids("traces", f"{_OF_RUN} OR id = {_RUN}", f"{_OWN_RUN} = {_RUN} OR ({_OWN_RUN} = '' AND id = {_RUN})")


def _observations(keys: Keys) -> str:
    belongs = f"{_OWN_RUN} = {_RUN} OR ({_OWN_RUN} = '' AND {_in_trace(keys, _OWN_TRACE)})"
    return _ids("observations", f"{_OF_RUN} OR {_in_trace(keys)}", belongs)


def _scores(keys: Keys) -> str:
    below = f"{_in_trace(keys, _OWN_TRACE)} OR {_at_observation(keys, _OWN_OBSERVATION)}"
    touches = f"{_OF_RUN} OR {_in_trace(keys)} OR {_at_observation(keys)}"
    return _ids("scores", touches, f"{_OWN_RUN} = {_RUN} OR ({_OWN_RUN} = '' AND ({below}))")


def _items(keys: Keys) -> str:
    return f"SELECT project_id, id FROM dataset_run_items_rmt WHERE {_in_trace(keys)} OR {_at_observation(keys)}"


_LISTED: dict[str, Callable[[Keys], str]] = {
    "traces": _traces,
    "observations": _observations,
    "scores": _scores,
    "dataset_run_items_rmt": _items,
}
"""What is written down, each by means of those before it."""


def conditions(keys: Keys) -> dict[str, str]:
    """Return what of each table belongs to the run, in the order of deletion. A row that names another run is never taken.

    No condition looks into its own table, which shrinks meanwhile, and none has the same subquery twice: a mutation may then wait for itself.
    """
    types = ", ".join(f"'{name}'" for name in _ENTITY_TYPES)
    kinds = ", ".join(f"'{table}'" for table in _ENTITY_TYPES.values())
    listed = " UNION ALL ".join(f"SELECT '{table}', project_id, id FROM ({keys(table)})" for table in _ENTITY_TYPES.values())
    entity = f"(transform(lower(entity_type), [{types}], [{kinds}], ''), project_id, entity_id) IN ({listed})"
    unshared = (
        f"SELECT code_hash FROM individuals WHERE code_hash IN (SELECT code_hash FROM individuals WHERE {_OF_RUN}) "
        f"GROUP BY code_hash HAVING countIf(run_id != {_RUN}) = 0"
    )
    in_trace = f"trace_id = {_RUN} OR trace_id IN (SELECT id FROM ({keys('traces')}))"
    return {
        "event_log": entity,
        "blob_storage_file_log": entity,
        "dataset_run_items_rmt": f"(project_id, id) IN ({keys('dataset_run_items_rmt')})",
        "scores": f"{_OF_RUN} OR (project_id, id) IN ({keys('scores')})",
        "observations": f"{_OF_RUN} OR (project_id, id) IN ({keys('observations')})",
        "traces": f"{_OF_RUN} OR (project_id, id) IN ({keys('traces')})",
        "llm_logs": f"{_OF_RUN} OR (run_id = '' AND ({in_trace}))",
        "agent_actions": _OF_RUN,
        "programs_code": f"code_hash IN ({unshared})",
        "code_lineages": _OF_RUN,
        "pareto_fronts": _OF_RUN,
        "individuals": _OF_RUN,
        "generations": _OF_RUN,
        "evolution_runs": _OF_RUN,
    }


TABLES = tuple(conditions(lambda table: ""))
"""Every table of which something may belong to a run, in the order of deletion."""
COPIES = ("_before_convert", "_converting")
"""Endings of the names of tables that `genesis-ch migrate --convert` keeps or is filling."""
ROLL_UPS = ("traces_all_amt", "traces_7d_amt", "traces_30d_amt")
"""Tables of sql/optional, with a row for each trace."""


@dataclass(frozen=True)
class Rows:
    """The rows of a run in one table: as a reader with final=1 sees them, and as they are stored, each version and each tombstone."""

    table: str
    seen: int
    stored: int


@dataclass(frozen=True)
class Sign:
    """What tells whether a run is still being written: its status, '' when it has no row of its own, and the seconds since it logged."""

    status: str
    idle: float

    @property
    def alive(self) -> bool:
        """Whether something logged for it a moment ago."""
        return self.idle < ACTIVE_SECONDS


class NotHereError(LookupError):
    """The tables are not such that a run can be deleted here: one is missing, or its data lies on several servers."""


def find(client: Client, run_id: str) -> list[Rows]:
    """Return what each table holds of a run, in the order of deletion, and change nothing. Raises ValueError for '', and NotHereError."""
    found = _needed(client, run_id)
    keys = _looked_up(list_of(run_id) if list_of(run_id) in found else "")
    return [_rows(client, run_id, table, where) for table, where in _places(found, keys)]


def sign_of_life(client: Client, run_id: str) -> Sign:
    """Return the run's status and how long ago it logged anything, by the clocks of server and logger."""
    status = _read(client, f"SELECT status FROM evolution_runs WHERE {_OF_RUN} ORDER BY event_ts DESC LIMIT 1", run_id)
    logged = ("evolution_runs", "generations", "individuals", "llm_logs", "agent_actions", "observations", "traces")
    parts = " UNION ALL ".join(f"SELECT max(toDateTime64(event_ts, 6)) AS last FROM {table} WHERE {_OF_RUN}" for table in logged)
    idle = _read(client, f"SELECT dateDiff('second', max(last), now64(6)) FROM ({parts})", run_id)
    return Sign(str(status[0][0]) if status else "", float(idle[0][0]))


def known_runs(client: Client) -> list[str]:
    """Return run ids, the newest first: what may have been meant when there is no such run."""
    query = f"SELECT run_id FROM evolution_runs GROUP BY run_id ORDER BY max(start_time) DESC LIMIT {RUNS_COMPARED}"
    return [str(run_id) for (run_id,) in _read(client, query, "")]


def list_of(run_id: str) -> str:
    """Return the name of the table in which `delete` writes down what belongs to a run, until all of it is deleted."""
    return f"genesis_purge_{hashlib.sha256(run_id.encode()).hexdigest()[:16]}"


def delete(client: Client, run_id: str, on_table: Callable[[str], None] = lambda table: None) -> int:
    """Delete a run everywhere and wait for it; return how many replaced files of it are left on the server's disk.

    0 is the rule. Where the account may not change settings of the tables, or queries still read the old parts, they are left to
    the server, which removes them by itself (`old_parts_lifetime`, 8 minutes by default). `on_table` is told each table before it is
    taken. Raises as `find` does, and what the client raises; what was deleted stays deleted, and a second call does the rest.
    """
    found = _needed(client, run_id)
    listed = list_of(run_id)
    _write_down(client, run_id, listed)
    left = 0
    for table, where in _places(found, _read_from(listed)):
        on_table(table.name)
        left += _delete_from(client, run_id, table, where, 0.0 if left else SWEEP_SECONDS)
    client.command(f"DROP TABLE IF EXISTS {listed} SYNC")
    return left


def _places(found: dict[str, Table], keys: Keys) -> Iterator[tuple[Table, str]]:
    """Yield each table that is there and may hold something of the run, with what of it belongs to the run; copies before their table."""
    for name in ROLL_UPS:
        if name in found:
            yield found[name], f"id = {_RUN} OR (project_id, id) IN ({keys('traces')})"
    for name, where in conditions(keys).items():
        for copy in (*(f"{name}{ending}" for ending in COPIES), name):
            if copy in found:
                yield found[copy], where


def _looked_up(listed: str) -> Keys:
    """Keys as the tables say now, and those that an earlier purge wrote down in `listed`, if that is not ''."""

    def keys(table: str) -> str:
        query = _LISTED[table](keys)
        return f"{query} UNION ALL {_read_from(listed)(table)}" if listed else query

    return keys


def _read_from(listed: str) -> Keys:
    return lambda table: f"SELECT project_id, id FROM {listed} WHERE kind = '{table}'"


def _write_down(client: Client, run_id: str, listed: str) -> None:
    """Add to the list what belongs to the run now; what is there twice does no harm."""
    client.command(f"CREATE TABLE IF NOT EXISTS {listed} {_LIST_COLUMNS}")
    for table, query in _LISTED.items():
        client.command(
            f"INSERT INTO {listed} SELECT '{table}', project_id, id FROM ({query(_read_from(listed))})",
            parameters={"run": run_id},
            settings={"final": 0},
        )


def _delete_from(client: Client, run_id: str, table: Table, where: str, patience: float) -> int:
    """Delete what belongs to the run from one table; return how many replaced parts are on the disk after `patience` seconds."""
    if table.empty or not _count(client, run_id, f"{quoted(table.name)} WHERE {where}"):
        return 0
    with _leaving_no_files(client, table):
        client.command(f"ALTER TABLE {table.alter} DELETE WHERE {where}", parameters={"run": run_id}, settings=table.settings)
        return _sweep(client, table, patience)


def _needed(client: Client, run_id: str) -> dict[str, Table]:
    if not run_id:
        raise ValueError("the run has no name: rows with an empty run_id belong to no run")
    found = tables(client)
    missing = [name for name in TABLES if name not in found]
    if missing:
        raise NotHereError(f"database {client.database} has no table {', '.join(missing)}")
    spread = [name for name in TABLES if found[name].cluster or found[name].engine.startswith("Replicated")]
    if spread:
        raise NotHereError(f"the data of {', '.join(spread)} lies on several servers; a run can be deleted on a single one only")
    return found


def _rows(client: Client, run_id: str, table: Table, where: str) -> Rows:
    stored = 0 if table.empty else _count(client, run_id, f"{quoted(table.name)} WHERE {where}")
    seen = _count(client, run_id, f"{quoted(table.name)} FINAL WHERE {where}") if stored and table.replaces else stored
    return Rows(table.name, seen, stored)


def _count(client: Client, run_id: str, source: str) -> int:
    return int(_read(client, f"SELECT count() FROM {source}", run_id)[0][0])


def _read(client: Client, query: str, run_id: str) -> Any:
    """Rows as they are stored; a mutation reads them so, too."""
    return client.query(query, parameters={"run": run_id}, settings={"final": 0}).result_rows


@contextlib.contextmanager
def _leaving_no_files(client: Client, table: Table) -> Iterator[None]:
    """Have the parts that a mutation replaces removed at once, and the new ones synced to the disk before that.

    A server keeps replaced parts for a while because it does not sync the new ones. An account that may not say so gets no error.
    """
    from clickhouse_connect.driver.exceptions import ClickHouseError

    own = dict(re.findall(r"(\w+) = ('[^']*'|[\w.]+)", table.engine_full.rpartition(" SETTINGS ")[2]))
    try:
        client.command(f"ALTER TABLE {table.alter} MODIFY SETTING {_CAREFUL}", settings=table.settings)
    except ClickHouseError:
        yield
        return
    try:
        yield
    finally:
        for name in re.findall(r"(\w+) =", _CAREFUL):
            change = f"MODIFY SETTING {name} = {own[name]}" if name in own else f"RESET SETTING {name}"
            client.command(f"ALTER TABLE {table.alter} {change}", settings=table.settings)


def _sweep(client: Client, table: Table, patience: float) -> int:
    """Remove the files of replaced parts and return how many parts are left on the disk of this server.

    To drop a partition that does not exist drops nothing, but makes the server remove such parts now instead of in its own time.
    """
    from clickhouse_connect.driver.exceptions import ClickHouseError

    query = "SELECT count() FROM system.parts WHERE NOT active AND database = currentDatabase() AND table = {run:String}"
    deadline = time.monotonic() + patience
    while True:
        with contextlib.suppress(ClickHouseError):
            client.command(f"ALTER TABLE {table.alter} DROP PARTITION ID '{_NO_PARTITION}'", settings=table.settings)
        left = int(_read(client, query, table.stored)[0][0])
        if not left or time.monotonic() >= deadline:
            return left
        time.sleep(0.1)
