"""genesis_ch.purge: what is deleted is exactly what a model in plain Python says, in every table, and it is gone from the disk."""

from __future__ import annotations

import random
import secrets
import uuid
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conftest import Recorder
from genesis_ch import ch_logger, purge
from genesis_ch._core import TABLES
from server_fixtures import LiveServer

EVIL = "it's \"run\" \\ {run:String}\n-- é; %"
RUNS = (EVIL, "other", "third")
NOW = datetime(2026, 1, 15, tzinfo=UTC)
# Without it the engine might drop superseded versions before they are counted; to stop merges would stop mutations, too.
UNMERGED = "max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1"
Row = dict[str, Any]
Model = dict[str, list[Row]]



def evolution_rows(run: str, hashes: list[str]) -> Iterator[tuple[str, Row]]:
    for version in range(2):
        yield "evolution_runs", {"run_id": run, "status": str(version), "start_time": NOW}
    for generation in range(3):
        yield "generations", {"run_id": run, "generation": generation}
        yield "pareto_fronts", {"run_id": run, "generation": generation, "individual_id": "i0"}
        yield "llm_logs", {"id": uuid.uuid4(), "timestamp": NOW, "run_id": run}
        yield "agent_actions", {"id": uuid.uuid4(), "timestamp": NOW + timedelta(days=40), "run_id": run}
    for number, code_hash in enumerate(hashes):
        yield "individuals", {"run_id": run, "generation": 0, "individual_id": f"i{number}", "code_hash": code_hash}
        yield "code_lineages", {"run_id": run, "generation": 0, "child_id": f"i{number}"}
    yield "individuals", {"run_id": run, "generation": 0, "individual_id": "i0", "code_hash": f"earlier {run}"}


def observability_rows(chance: random.Random) -> Iterator[tuple[str, Row]]:
    """Rows of two projects with the same ids, several versions of each, tombstones, and children that name no run or another one."""
    for project in ("p", "q"):
        traces = [*(f"t{number}" for number in range(12)), EVIL]
        observations = [f"o{number}" for number in range(24)]
        for ids, table in ((traces, "traces"), (observations, "observations"), ([f"s{n}" for n in range(24)], "scores")):
            for id in ids:
                for version in range(chance.randint(1, 3)):
                    row = {"id": id, "project_id": project, "run_id": chance.choice((*RUNS, "", ""))}
                    row |= {"event_ts": NOW + timedelta(seconds=version), "is_deleted": int(version > 0 and chance.random() < 0.3)}
                    row["start_time" if table == "observations" else "timestamp"] = NOW
                    if table != "traces":
                        row["trace_id"] = chance.choice((*traces, "", "unknown"))
                    if table == "scores":
                        row["observation_id"] = chance.choice((*observations, None, ""))
                    yield table, row
        for number in range(20):
            row = {"id": f"d{number}", "project_id": project, "trace_id": chance.choice((*traces, ""))}
            yield "dataset_run_items_rmt", row | {"observation_id": chance.choice((*observations, None)), "event_ts": NOW}
            kind, id = chance.choice((("trace", "t"), ("observation", "o"), ("score", "s"), ("dataset_run_item", "d"), ("file", "t")))
            entity = {"id": f"e{number}", "project_id": project, "entity_type": kind, "entity_id": f"{id}{chance.randrange(12)}"}
            yield "event_log", dict(entity)
            yield "blob_storage_file_log", entity | {"event_id": f"{number}", "event_ts": NOW}
    for number in range(30):
        run, trace = chance.choice((*RUNS, "")), chance.choice(("t0", "t1", "t2", "t3", EVIL, ""))
        yield "llm_logs", {"id": uuid.uuid4(), "timestamp": NOW + timedelta(hours=number), "run_id": run, "trace_id": trace}


def everything(seed: int) -> Model:
    chance = random.Random(seed)
    model: Model = {table: [] for table in purge.TABLES}
    shared = ["in all", "in two", ""]
    for run, hashes in zip(RUNS, (shared, shared, shared[:1]), strict=True):
        for table, row in evolution_rows(run, [*hashes, f"only {run}"]):
            model[table].append(row)
    for table, row in observability_rows(chance):
        model[table].append(row)
    for code_hash in (*(f"{word} {run}" for run in RUNS for word in ("only", "earlier")), *shared[:2], "in none"):
        model["programs_code"].append({"code_hash": code_hash, "code": "pass"})
    return model


def newest(rows: list[Row], column: str) -> dict[tuple[str, str], str]:
    """For each key the newest text of a column that is not empty."""
    found: dict[tuple[str, str], str] = {}
    for row in sorted(rows, key=lambda row: row["event_ts"]):
        found[row["project_id"], row["id"]] = row[column] or found.get((row["project_id"], row["id"]), "")
    return found


def belonging(model: Model, run: str) -> dict[str, set[tuple[str, str]]]:
    """The keys of the run in the observability tables."""
    traces = {key for key, owner in newest(model["traces"], "run_id").items() if owner == run or (owner, key[1]) == ("", run)}
    inside = traces | {(project, run) for project in ("p", "q")}
    found = {"traces": traces}
    for table, parents in (("observations", ("trace_id",)), ("scores", ("trace_id", "observation_id"))):
        owners = newest(model[table], "run_id")
        found[table] = {key for key, owner in owners.items() if owner == run}
        for parent in parents:
            places = newest(model[table], parent)
            above = inside if parent == "trace_id" else found["observations"]
            found[table] |= {key for key in owners if owners[key] == "" and (key[0], places[key]) in above}
    found["dataset_run_items_rmt"] = {
        (row["project_id"], row["id"])
        for row in model["dataset_run_items_rmt"]
        if (row["project_id"], row["trace_id"]) in inside or (row["project_id"], row["observation_id"]) in found["observations"]
    }
    return found


def goes(model: Model, run: str) -> dict[str, list[bool]]:
    """For each row whether it belongs to the run."""
    keys = belonging(model, run)
    kinds = {"trace": "traces", "observation": "observations", "score": "scores", "dataset_run_item": "dataset_run_items_rmt"}
    trace_ids = {run, *(id for _, id in keys["traces"])}
    users = defaultdict(set)
    for row in model["individuals"]:
        users[row["code_hash"]].add(row["run_id"])

    def of_run(table: str, row: Row) -> bool:
        if table in keys:
            return row.get("run_id") == run or (row["project_id"], row["id"]) in keys[table]
        if table in ("event_log", "blob_storage_file_log"):
            return (row["project_id"], row["entity_id"]) in keys.get(kinds.get(row["entity_type"], ""), set())
        if table == "programs_code":
            return users[row["code_hash"]] == {run}
        if table == "llm_logs" and row["run_id"] == "":
            return row.get("trace_id") in trace_ids
        return bool(row["run_id"] == run)

    return {table: [of_run(table, row) for row in rows] for table, rows in model.items()}


def store(recorder: Recorder, model: Model) -> None:
    """Insert each version of a row in a block of its own, so that every version is stored."""
    ch_logger.connect()
    for table, rows in model.items():
        recorder.reader.command(f"ALTER TABLE {recorder.database}.{table} MODIFY SETTING {UNMERGED}")
        seen: dict[str, int] = defaultdict(int)
        blocks: dict[tuple[int, tuple[str, ...]], list[Row]] = defaultdict(list)
        for row in rows:
            key = repr([row[name] for name in row if name.endswith("id") or name in ("generation", "code_hash") and table != "individuals"])
            if table in ("traces", "observations", "scores"):
                key = row["project_id"] + row["id"]
            blocks[seen[key], tuple(row)].append(row)
            seen[key] += 1
        for (_, names), block in blocks.items():
            data = [[row[name] for name in names] for row in block]
            recorder.reader.insert(table, data, column_names=list(names), database=recorder.database)


def stored(recorder: Recorder, table: str, names: list[str]) -> list[tuple[Any, ...]]:
    query = f"SELECT {', '.join(names)} FROM {recorder.database}.{table}"
    return sorted((tuple(row) for row in recorder.reader.query(query, settings={"final": 0}).result_rows), key=repr)


def columns(rows: list[Row]) -> list[str]:
    return [name for name in rows[0] if name in ("run_id", "id", "project_id", "code_hash", "entity_id", "is_deleted")]


def expected(rows: list[Row], kept: list[bool]) -> list[tuple[Any, ...]]:
    names = columns(rows)
    return sorted((tuple(row[name] for name in names) for row, stays in zip(rows, kept, strict=True) if stays), key=repr)


def test_exactly_what_belongs_to_the_run_is_deleted(recorder: Recorder) -> None:
    model = everything(1)
    store(recorder, model)
    client = ch_logger.client
    assert client is not None
    gone = goes(model, EVIL)
    assert all(any(rows) and not all(rows) for rows in gone.values()), "each table has rows that go and rows that stay"
    found = {rows.table: rows for rows in purge.find(client, EVIL)}
    assert {table: rows.stored for table, rows in found.items()} == {table: sum(rows) for table, rows in gone.items()}
    assert found["evolution_runs"].seen == 1 and found["evolution_runs"].stored == 2
    assert all(rows.seen <= rows.stored for rows in found.values())
    taken: list[str] = []
    assert purge.delete(client, EVIL, taken.append) == 0
    assert taken == list(purge.TABLES) and taken[-1] == "evolution_runs"
    for table, rows in model.items():
        assert stored(recorder, table, columns(rows)) == expected(rows, [not row for row in gone[table]]), table
    assert sum(rows.stored for rows in purge.find(client, EVIL)) == 0
    assert purge.delete(client, EVIL) == 0
    assert recorder.reader.query(f"SHOW TABLES FROM {recorder.database} LIKE 'genesis_purge%'").result_rows == []


def test_every_version_in_every_part_is_deleted(recorder: Recorder) -> None:
    """Parts are rewritten one after the other: what makes the others belong to the run is gone when their turn comes."""
    ch_logger.connect()
    recorder.reader.command(f"ALTER TABLE {recorder.database}.traces MODIFY SETTING {UNMERGED}")
    names = ["id", "project_id", "run_id", "timestamp", "event_ts"]
    for version in range(12):
        row = ["t", "p", "" if version else "r", NOW, NOW + timedelta(seconds=version)]
        recorder.reader.insert("traces", [row], column_names=names, database=recorder.database)
    assert ch_logger.client is not None
    assert [rows.stored for rows in purge.find(ch_logger.client, "r") if rows.stored] == [12]
    purge.delete(ch_logger.client, "r")
    assert stored(recorder, "traces", names) == []


def test_copies_and_roll_ups_are_deleted_from(recorder: Recorder) -> None:
    """Tables that a conversion left behind, and those of sql/optional."""
    ch_logger.log_individual("r", "i", 0, "", "m", 1, 1, {}, False)
    ch_logger.log_individual("other", "i", 0, "", "m", 1, 1, {}, False)
    trace = ch_logger.log_trace("a", run_id="r")
    recorder.rows("individuals")
    client = ch_logger.client
    assert client is not None
    for ending in purge.COPIES:
        client.command(f"CREATE TABLE individuals{ending} ENGINE = MergeTree ORDER BY run_id AS SELECT * FROM individuals")
    client.command(f"CREATE TABLE {purge.ROLL_UPS[0]} ENGINE = MergeTree ORDER BY id AS SELECT project_id, arrayJoin([id, 'x']) AS id FROM traces")
    copies = {"individuals_before_convert": 1, "individuals_converting": 1, "individuals": 1, "traces": 1, "traces_all_amt": 1}
    assert {rows.table: rows.stored for rows in purge.find(client, "r") if rows.stored} == copies
    purge.delete(client, "r")
    for table in copies:
        left = [row[0] for row in client.query(f"SELECT {'id' if 'traces' in table else 'run_id'} FROM {table}").result_rows]
        assert left == {"traces": [], "traces_all_amt": ["x"]}.get(table, ["other"]), (table, trace)


def test_every_table_is_known(recorder: Recorder) -> None:
    """A table that is added has to say what of it belongs to a run."""
    ch_logger.connect()
    query = f"SELECT name FROM system.tables WHERE database = '{recorder.database}' AND engine LIKE '%MergeTree'"
    there = {row[0] for row in recorder.reader.query(query).result_rows}
    assert there - {"genesis_schema_migrations"} == set(purge.TABLES)
    assert TABLES.keys() <= set(purge.TABLES)


@pytest.mark.parametrize("settings", ["", "old_parts_lifetime = 700, fsync_part_directory = 0"], ids=["plain", "with settings"])
def test_nothing_is_left_on_the_disk(recorder: Recorder, server: LiveServer, settings: str) -> None:
    """Neither the parts that were replaced nor a copy of a value; and what a table's owner set is set again."""
    mark, kept = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    ch_logger.log_evolution_run("gone", "t", {}, 1, "c", mark)
    ch_logger.log_evolution_run("kept", "t", {}, 1, "c", kept)
    ch_logger.update_evolution_run("gone", "completed", 1)
    recorder.rows("evolution_runs")
    if settings:
        recorder.reader.command(f"ALTER TABLE {recorder.database}.evolution_runs MODIFY SETTING {settings}")
    full = f"SELECT engine_full FROM system.tables WHERE database = '{recorder.database}' AND name = 'evolution_runs'"
    before = recorder.reader.command(full)
    assert holds(server, mark) and holds(server, kept)
    assert ch_logger.client is not None and purge.delete(ch_logger.client, "gone") == 0
    assert not holds(server, mark) and holds(server, kept)
    assert recorder.reader.command(full) == before


def holds(server: LiveServer, word: str) -> bool:
    """Whether any file of the engine has the word in it."""
    for path in (server.directory / "data" / "store").rglob("*"):
        try:
            if path.is_file() and word.encode() in path.read_bytes():
                return True
        except OSError:
            continue
    return False


def test_cut_short_anywhere_it_can_be_finished(recorder: Recorder) -> None:
    """The first part of the tables is deleted, then the process dies; a second purge does the rest and finds the run to the end."""
    model = everything(4)
    store(recorder, model)
    client = ch_logger.client
    assert client is not None
    gone = goes(model, EVIL)

    class Died(Exception):
        pass

    def die(table: str) -> None:
        if table == order[at]:
            raise Died

    order = list(purge.TABLES)
    for at in map(order.index, ("observations", "llm_logs", "evolution_runs")):
        with pytest.raises(Died):
            purge.delete(client, EVIL, die)
        left = {rows.table: rows.stored for rows in purge.find(client, EVIL)}
        assert left == {table: sum(gone[table]) if order.index(table) >= at else 0 for table in order}
    purge.delete(client, EVIL)
    for table, rows in model.items():
        assert stored(recorder, table, columns(rows)) == expected(rows, [not row for row in gone[table]]), table


def test_rows_of_no_run_have_no_name(recorder: Recorder) -> None:
    ch_logger.log_action("of no run", {})
    recorder.rows("agent_actions")
    assert ch_logger.client is not None
    with pytest.raises(ValueError, match="no name"):
        purge.delete(ch_logger.client, "")
    assert len(recorder.rows("agent_actions")) == 1
