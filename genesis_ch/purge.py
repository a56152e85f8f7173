"""Deletes a run everywhere: its rows are gone from every table, and from the disk, when `delete` returns.

Works through a clickhouse-connect client, such as ch_logger.client. ALTER TABLE ... DELETE rewrites the parts that hold rows of the run, with
every version of these rows; a lightweight DELETE would only hide them. Tables are taken one after the other, those that lead
to others last, evolution_runs at the very end: a purge that is cut short finds the rest when it runs again.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._tables import Table, tables

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

RUN = "{run:String}"
SWEEP_SECONDS = 10.0
ACTIVE_SECONDS = 600
"""A run that logged something so many seconds ago is taken for one that is still being written."""
RUNS_COMPARED = 20_000
"""Run ids, the newest ones, among which `known_runs` looks for one that was meant."""

_OWN_RUN = "argMaxIf(run_id, event_ts, run_id != '')"
_OWN_TRACE = "(project_id, argMaxIf(trace_id, event_ts, trace_id != ''))"
_OWN_OBSERVATION = "(project_id, argMaxIf(ifNull(observation_id, ''), event_ts, ifNull(observation_id, '') != ''))"


# GLOBAL: on a cluster the parts of a run lie on different shards; on one server it changes nothing.


def _ids(table: str, touches: str, belongs: str) -> str:
    """The keys of a table whose newest versions belong to the run, though another version may not say so.

    `touches` is true for some version of such a row, `belongs` for all of them together.
    """
    return (
        f"SELECT project_id, id FROM {table} "
        f"WHERE id != '' AND (project_id, id) GLOBAL IN (SELECT project_id, id FROM {table} WHERE {touches}) "
        f"GROUP BY project_id, id HAVING {belongs}"
    )


# An LLM call outside of any trace has its run's id as trace_id.
_TRACES = _ids("traces", f"{RUN} IN (run_id, id)", f"{_OWN_RUN} = {RUN} OR ({_OWN_RUN} = '' AND id = {RUN})")
_IN_TRACE = f"(trace_id = {RUN} OR (project_id, trace_id) GLOBAL IN ({_TRACES}))"
_OWN_IN_TRACE = f"({_OWN_TRACE}.2 = {RUN} OR {_OWN_TRACE} GLOBAL IN ({_TRACES}))"
_OBSERVATIONS = _ids(
    "observations", f"run_id = {RUN} OR {_IN_TRACE}", f"{_OWN_RUN} = {RUN} OR ({_OWN_RUN} = '' AND {_OWN_IN_TRACE})"
)
_AT_OBSERVATION = f"(project_id, ifNull(observation_id, '')) GLOBAL IN ({_OBSERVATIONS})"
_SCORES = _ids(
    "scores",
    f"run_id = {RUN} OR {_IN_TRACE} OR {_AT_OBSERVATION}",
    f"{_OWN_RUN} = {RUN} OR ({_OWN_RUN} = '' AND ({_OWN_IN_TRACE} OR {_OWN_OBSERVATION} GLOBAL IN ({_OBSERVATIONS})))",
)
_ITEMS = f"SELECT project_id, id FROM dataset_run_items_rmt WHERE {_IN_TRACE} OR {_AT_OBSERVATION}"
_ENTITIES = " OR ".join(
    f"(lower(entity_type) IN ({kinds}) AND (project_id, entity_id) GLOBAL IN ({ids}))"
    for kinds, ids in (
        ("'trace', 'traces'", _TRACES),
        ("'observation', 'observations'", _OBSERVATIONS),
        ("'score', 'scores'", _SCORES),
        ("'dataset_run_item', 'dataset_run_items', 'dataset_run_items_rmt'", _ITEMS),
    )
)
_UNSHARED = (
    "SELECT code_hash FROM individuals "
    f"WHERE code_hash != '' AND code_hash GLOBAL IN (SELECT code_hash FROM individuals WHERE run_id = {RUN}) "
    f"GROUP BY code_hash HAVING countIf(run_id != {RUN}) = 0"
)
_OF_RUN = f"run_id = {RUN}"

CONDITIONS = {
    "event_log": _ENTITIES,
    "blob_storage_file_log": _ENTITIES,
    "dataset_run_items_rmt": f"(project_id, id) GLOBAL IN ({_ITEMS})",
    "scores": f"{_OF_RUN} OR (project_id, id) GLOBAL IN ({_SCORES})",
    "observations": f"{_OF_RUN} OR (project_id, id) GLOBAL IN ({_OBSERVATIONS})",
    "llm_logs": f"{_OF_RUN} OR (run_id = '' AND (trace_id = {RUN} OR trace_id GLOBAL IN (SELECT id FROM ({_TRACES}))))",
    "agent_actions": _OF_RUN,
    "traces": f"{_OF_RUN} OR (project_id, id) GLOBAL IN ({_TRACES})",
    "programs_code": f"code_hash GLOBAL IN ({_UNSHARED})",
    "code_lineages": _OF_RUN,
    "pareto_fronts": _OF_RUN,
    "individuals": _OF_RUN,
    "generations": _OF_RUN,
    "evolution_runs": _OF_RUN,
}
"""What of each table belongs to a run, in the order of deletion. A row that names another run is never taken."""

_CAREFUL = "old_parts_lifetime = 0, min_rows_to_fsync_after_merge = 1, fsync_part_directory = 1"
_NO_PARTITION = "999913"
"""The id of a partition that no table has: a month 13."""


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


def find(client: Client, run_id: str) -> list[Rows]:
    """Return what each table holds of a run, in the order of deletion. Raises LookupError when a table is missing, ValueError for ''."""
    _named(run_id)
    return [_rows(client, run_id, table) for table in _needed(client)]


def sign_of_life(client: Client, run_id: str) -> Sign:
    """Return the run's status and how long ago it logged anything, by the clocks of server and logger."""
    status = _read(client, f"SELECT status FROM evolution_runs WHERE {_OF_RUN} ORDER BY event_ts DESC LIMIT 1", run_id)
    tables = ("evolution_runs", "generations", "individuals", "llm_logs", "agent_actions", "observations", "traces")
    parts = " UNION ALL ".join(f"SELECT max(toDateTime64(event_ts, 6)) AS last FROM {table} WHERE {_OF_RUN}" for table in tables)
    idle = _read(client, f"SELECT dateDiff('second', max(last), now64(6)) FROM ({parts})", run_id)
    return Sign(str(status[0][0]) if status else "", float(idle[0][0]))


def known_runs(client: Client) -> list[str]:
    """Return run ids, the newest first: what may have been meant when there is no such run."""
    query = f"SELECT run_id FROM evolution_runs GROUP BY run_id ORDER BY max(start_time) DESC LIMIT {RUNS_COMPARED}"
    return [str(run_id) for (run_id,) in _read(client, query, "")]


def delete(client: Client, run_id: str, on_table: Callable[[str], None] = lambda table: None) -> int:
    """Delete a run everywhere and wait for it; return how many replaced files of it are left on the server's disk.

    0 is the rule. Where the account may not change settings of the tables, or queries still read the old parts, they are left to
    the server, which removes them by itself (`old_parts_lifetime`, 8 minutes by default). `on_table` is told each table before it is
    taken. Raises what the client raises; what was deleted stays deleted, and a second call does the rest.
    """
    _named(run_id)
    left = 0
    for table in _needed(client):
        on_table(table.name)
        where = f"WHERE {CONDITIONS[table.name]}"
        if table.empty or not _count(client, run_id, f"{table.name} {where}"):
            continue
        with _leaving_no_files(client, table):
            client.command(f"ALTER TABLE {table.alter} DELETE {where}", parameters={"run": run_id}, settings=table.settings)
            left += _sweep(client, table)
    return left


def _named(run_id: str) -> None:
    """An empty run_id stands in every row that belongs to no run."""
    if not run_id:
        raise ValueError("the run has no name: rows with an empty run_id belong to no run")


def _needed(client: Client) -> list[Table]:
    """Return the tables in the order of deletion. Raises LookupError when one is missing."""
    found = tables(client)
    missing = [name for name in CONDITIONS if name not in found]
    if missing:
        raise LookupError(f"database {client.database} has no table {', '.join(missing)}")
    return [found[name] for name in CONDITIONS]


def _rows(client: Client, run_id: str, table: Table) -> Rows:
    where = f"WHERE {CONDITIONS[table.name]}"
    stored = 0 if table.empty else _count(client, run_id, f"{table.name} {where}")
    seen = _count(client, run_id, f"{table.name} FINAL {where}") if stored and table.replaces else stored
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


def _sweep(client: Client, table: Table) -> int:
    """Remove the files of replaced parts and return how many parts are left on the disk of this server.

    To drop a partition that does not exist drops nothing, but makes the server remove such parts now instead of in its own time.
    """
    from clickhouse_connect.driver.exceptions import ClickHouseError

    query = "SELECT count() FROM system.parts WHERE NOT active AND database = currentDatabase() AND table = {run:String}"
    deadline = time.monotonic() + SWEEP_SECONDS
    while True:
        with contextlib.suppress(ClickHouseError):
            client.command(f"ALTER TABLE {table.alter} DROP PARTITION ID '{_NO_PARTITION}'", settings=table.settings)
        left = int(_read(client, query, table.stored)[0][0])
        if not left or time.monotonic() >= deadline:
            return left
        time.sleep(0.1)
