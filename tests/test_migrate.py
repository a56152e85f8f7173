"""Migrations: wherever a run is interrupted, and however many run at once, the next run ends in the same schema."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from conftest import Recorder, Script
from faults.proxy import Cut, Fault, Proxy, Reply, Request
from faults.segments import clear_not_before
from genesis_ch import ConnectError, _runtime, ch_logger
from server_fixtures import LiveServer
from test_tables import DOCUMENTED, OLDER_KEYS

MIGRATIONS = _runtime.migrations()
NAMES = [name for name, _, _ in MIGRATIONS]
LEDGER = "genesis_schema_migrations"
RUNNERS = 6
Schema = list[tuple[Any, ...]]


def statements(text: str) -> list[str]:
    return [part.strip() for part in text.split(";\n") if part.strip()]


def number(name: str) -> int:
    return int(name.partition("_")[0])


def schema(recorder: Recorder, without: str = LEDGER) -> Schema:
    """Every table and view as SHOW CREATE and DESCRIBE give it."""
    query = f"""
        SELECT t.name, t.create_table_query, c.columns
        FROM system.tables AS t
        LEFT JOIN
        (
            SELECT table, groupArray((position, name, type, default_kind, default_expression)) AS columns
            FROM (SELECT * FROM system.columns WHERE database = '{recorder.database}' ORDER BY table, position)
            GROUP BY table
        ) AS c ON c.table = t.name
        WHERE t.database = '{recorder.database}' AND t.name != '{without}'
        ORDER BY t.name
        """
    return list(recorder.reader.query(query).result_rows)


def ledger(recorder: Recorder) -> list[str]:
    rows = recorder.reader.query(f"SELECT name FROM {recorder.database}.{LEDGER} FINAL WHERE state = 'applied' ORDER BY name")
    return [str(row[0]) for row in rows.result_rows]


def migrate(to: int | None = None) -> dict[str, Any]:
    """Run the core's runner up or down to a migration; it must succeed."""
    answer = ch_logger._migrate(to, True)
    assert (answer["kind"], answer["reason"]) == ("none", ""), answer
    assert answer["done"] == len(answer["steps"])
    return answer


def by_hand(recorder: Recorder, texts: list[str]) -> None:
    for text in texts:
        recorder.reader.command(text, settings={"database": recorder.database})


@contextmanager
def behind(recorder: Recorder, server: LiveServer, plan: Callable[[Request], Fault]) -> Iterator[Proxy]:
    """The recorder's way to the server leads through a proxy."""
    with Proxy(server.port, plan) as proxy:
        ch_logger.configure(url=recorder.url.replace(f":{server.port}/", f":{proxy.port}/"))
        yield proxy
        ch_logger.configure(url=recorder.url)


# ---- the files ----


def test_the_files_are_numbered_without_a_gap_and_in_pairs() -> None:
    assert [number(name) for name in NAMES] == list(range(1, len(NAMES) + 1))
    assert all(re.fullmatch(r"\d{4}_[a-z0-9_]+", name) for name in NAMES)
    for name, up, down in MIGRATIONS:
        assert up.startswith("-- ") and up.endswith(";\n"), name
        assert down.startswith("-- ") and down.endswith(";\n"), name
        assert not re.search(r"--[^\n]*;\n", up + down), f"{name}: a comment that ends like a statement"


def test_every_state_of_every_file_can_be_gone_on_from(recorder: Recorder) -> None:
    """Stop after each statement of each file, up and down, by hand, as a crash does; one run must then end as any other."""
    recorder.reader.command(f"CREATE DATABASE {recorder.database}")
    states = [schema(recorder)]
    for name in NAMES:
        migrate(number(name))
        states.append(schema(recorder))
    for name, up, down in reversed(MIGRATIONS):
        to, ups, downs = number(name), statements(up), statements(down)
        mark = f"INSERT INTO {LEDGER} (name, state) SELECT '{name}', 'undoing'"
        assert ups and downs, name
        by_hand(recorder, [mark, *downs[: (len(downs) + 1) // 2]])
        migrate(to)
        assert schema(recorder) == states[to], f"{name}: applied when half of the down file had been run"
        for count in range(1, len(downs) + 1):
            by_hand(recorder, [mark, *downs[:count]])
        migrate(to - 1)
        assert schema(recorder) == states[to - 1], f"{name}: undone when that was interrupted at every statement of the down file"
        for count in range(1, len(ups) + 1):
            by_hand(recorder, ups[:count])
            migrate(to)
            assert schema(recorder) == states[to], f"{name}: applied when {count} statements of the up file had been run"
            migrate(to - 1)
        assert schema(recorder) == states[to - 1], f"{name}: undone"
    assert (schema(recorder), ledger(recorder)) == ([], [])


@pytest.mark.parametrize("older", [False, True], ids=["fresh database", "older logger's tables"])
def test_a_connection_that_breaks_at_every_statement(recorder: Recorder, server: LiveServer, older: bool) -> None:
    """The server runs each statement and the runner hears only the beginning of the answer; the next connection goes on."""
    start = [f"CREATE TABLE {table} ({columns}) ENGINE = MergeTree ORDER BY ({OLDER_KEYS[table]})" for table, columns in DOCUMENTED.items()]
    if older:
        recorder.reader.command(f"CREATE DATABASE {recorder.database}")
        by_hand(recorder, start)
    broken: list[bytes] = []

    def plan(request: Request) -> Fault:
        if request.body in broken or request.body.startswith(b"SELECT"):
            return None
        broken.append(request.body)
        return Cut(after=20)

    with behind(recorder, server, plan):
        for _ in range(1000):
            try:
                ch_logger.connect(timeout=20)
            except ConnectError:
                continue
            break
    # The database, if it is not there, the ledger, and its column, since an empty ledger may be of release 0.1.
    ground = 2 if older else 3
    assert len(broken) == ground + sum(len(statements(up)) + 1 for _, up, _ in MIGRATIONS)
    made = schema(recorder)
    assert ledger(recorder) == NAMES
    ch_logger.close()
    recorder.reader.command(f"DROP DATABASE {recorder.database} SYNC")
    if older:
        recorder.reader.command(f"CREATE DATABASE {recorder.database}")
        by_hand(recorder, start)
    migrate()
    assert schema(recorder) == made


RUNNER = """
import os, sys, time
from genesis_ch import ch_logger
ch_logger.configure(url=sys.argv[1], mode="http", home=sys.argv[2])
print("ready", flush=True)
while not os.path.exists(sys.argv[3]):
    time.sleep(0.001)
ch_logger.connect(60)
print(ch_logger.stats()["migrations_applied"])
ch_logger.close()
"""


def test_many_runners_at_once_on_a_fresh_database(recorder: Recorder, script: Script) -> None:
    gun = script.directory / "go"
    runners = [script.start(RUNNER, recorder.url, str(script.directory / str(n)), str(gun)) for n in range(RUNNERS)]
    try:
        for runner in runners:
            assert runner.stdout is not None and runner.stdout.readline() == "ready\n"
        gun.touch()
        heard = [runner.communicate(timeout=60) for runner in runners]
    finally:
        for runner in runners:
            runner.kill()
            runner.wait()
    assert [(runner.returncode, errors) for runner, (_, errors) in zip(runners, heard, strict=True)] == [(0, "")] * RUNNERS
    assert sum(int(output) > 0 for output, _ in heard) > 1, "they did not run at once"
    assert recorder.reader.command(f"SELECT count() FROM {recorder.database}.{LEDGER} FINAL") == len(NAMES)
    made = schema(recorder)
    recorder.reader.command(f"DROP DATABASE {recorder.database} SYNC")
    migrate()
    assert schema(recorder) == made


# ---- a database that is ready ----


def test_a_ready_database_is_asked_one_query(recorder: Recorder, server: LiveServer) -> None:
    migrate()
    with behind(recorder, server, lambda request: None) as proxy:
        ch_logger.connect(20)
        bodies = [request.body for request in proxy.requests]
    assert len(bodies) == 1 and bodies[0].startswith(b"SELECT"), bodies


def test_a_ledger_of_release_0_1(recorder: Recorder) -> None:
    """It has no column for the state; loggers read it as it is, and it gets the column with the next change."""
    migrate()
    table = f"{recorder.database}.{LEDGER}"
    recorder.reader.command(f"ALTER TABLE {table} DROP COLUMN state")
    assert migrate()["steps"] == []
    migrate(number(NAMES[-1]) - 1)
    assert ledger(recorder) == NAMES[:-1]
    recorder.reader.command(f"ALTER TABLE {table} DROP COLUMN state")
    recorder.reader.command(f"TRUNCATE TABLE {table}")
    migrate()
    assert ledger(recorder) == NAMES


def test_migrations_of_a_newer_release_are_left_alone(recorder: Recorder) -> None:
    migrate()
    recorder.reader.command(f"INSERT INTO {recorder.database}.{LEDGER} (name) SELECT '9999_future'")
    answer = migrate()
    assert answer["steps"] == [] and answer["ledger"][-1][0] == "9999_future"
    ch_logger.connect(20)


def test_a_logger_applies_again_what_was_undone(recorder: Recorder) -> None:
    migrate()
    made = schema(recorder)
    migrate(1)
    assert (ledger(recorder), schema(recorder) == made) == (NAMES[:1], False)
    ch_logger.connect(20)
    assert (ledger(recorder), schema(recorder) == made) == (NAMES, True)


def test_a_migration_that_cannot_be_applied(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    """A view where a table should be: the one line names the migration, and the rows of other tables are delivered."""
    recorder.reader.command(f"CREATE DATABASE {recorder.database}")
    recorder.reader.command(f"CREATE VIEW {recorder.database}.generations AS SELECT 1 AS a")
    with caplog.at_level(logging.INFO, "genesis_ch"):
        ch_logger.log_lineage("r", "c", "p", 1, "m")
        ch_logger.log_generation("r", 1, 2, 1.5, 0.5, 1)
        result = ch_logger.flush(20)
        assert (result.delivered, result.parked) == (1, 1)
        (line,) = said(caplog)
        assert line.startswith("migration 0002_upgrade_older: ClickHouse at http://")
    answer = ch_logger._migrate(None, True)
    assert answer["reason"].startswith("migration 0002_upgrade_older: ") and 0 < answer["done"] < len(answer["steps"])
    recorder.reader.command(f"DROP VIEW {recorder.database}.generations")
    migrate(0)
    migrate()
    assert ledger(recorder) == NAMES


def test_a_table_that_somebody_dropped(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    """The ledger does not know; a row that finds no table does."""
    migrate()
    made = schema(recorder)
    ch_logger.log_lineage("r", "c", "p", 1, "m")
    assert ch_logger.flush(20)
    recorder.reader.command(f"DROP TABLE {recorder.database}.code_lineages SYNC")
    with caplog.at_level(logging.INFO, "genesis_ch"):
        ch_logger.log_lineage("r", "c", "p", 2, "m")
        assert ch_logger.flush(20)
    assert (said(caplog), schema(recorder), len(recorder.read("code_lineages"))) == ([], made, 1)


# ---- an account that may not change tables ----


def refuse_changes(request: Request) -> Fault:
    """Answers as ClickHouse does to an account without the rights to create and alter."""
    if request.body.lstrip().startswith((b"CREATE", b"ALTER", b"DROP", b"--")):
        return denied("CREATE TABLE")
    return None


def refuse_all_but_inserts(request: Request) -> Fault:
    return refuse_changes(request) or (None if request.is_insert else denied("SELECT"))


def denied(what: str) -> Reply:
    text = f"Code: 497. DB::Exception: u: Not enough privileges. To execute this query, it's necessary to have the grant {what} ON d.t. (ACCESS_DENIED)\n"
    return Reply(403, {"X-ClickHouse-Exception-Code": "497"}, text.encode())


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "genesis_ch"]


def test_rows_wait_for_an_administrator(
    recorder: Recorder, server: LiveServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One line says what to run; what it names is printed, is runnable, and lets the rows in."""
    with caplog.at_level(logging.INFO, "genesis_ch"), behind(recorder, server, refuse_changes):
        ch_logger.log_action("waits", {})
        ch_logger.log_lineage("r", "c", "p", 1, "m")
        result = ch_logger.flush(20)
        assert (result.delivered, result.parked, result.dropped) == (0, 2, 0)
        ch_logger.connect(20)
        (line,) = said(caplog)
        assert f"({len(NAMES)} to apply, from {NAMES[0]} on)" in line and "genesis-ch migrate --print" in line
        ch_logger.close(0)
        for kind, _, sql in ch_logger._migrate(None, False)["steps"]:
            recorder.reader.command(sql, settings={} if kind == "database" else {"database": recorder.database})
        assert ledger(recorder) == NAMES
        assert [path for path in tmp_path.rglob("w-*/*.seg") if clear_not_before(path)]
        assert ch_logger.flush(20)
        assert said(caplog) == [line]
    assert [row["action_type"] for row in recorder.read("agent_actions")] == ["waits"]
    assert len(recorder.read("code_lineages")) == 1


def test_a_ready_database_needs_no_rights(recorder: Recorder, server: LiveServer, caplog: pytest.LogCaptureFixture) -> None:
    migrate()
    for plan in (refuse_changes, refuse_all_but_inserts):
        with caplog.at_level(logging.INFO, "genesis_ch"), behind(recorder, server, plan) as proxy:
            ch_logger.log_action("stored", {})
            assert ch_logger.flush(20)
            refused = [request.body for request in proxy.requests if request.body.startswith((b"CREATE", b"ALTER"))]
        assert refused == []
    assert len(recorder.read("agent_actions")) == 2
    assert said(caplog) == []


def test_an_account_that_may_not_run_ddl_at_all(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    """The engine itself refuses: allow_ddl=0 is how profiles forbid it (code 392)."""
    recorder.reader.command(f"CREATE DATABASE {recorder.database}")
    with caplog.at_level(logging.INFO, "genesis_ch"):
        ch_logger.configure(url=recorder.url + "?allow_ddl=0")
        ch_logger.log_action("waits", {})
        assert ch_logger.flush(20).parked == 1
        ch_logger.close()
    (line,) = said(caplog)
    assert "(code 392): an administrator must run" in line
    answer = ch_logger._migrate(None, True)
    assert (answer["refused"], answer["done"]) == (True, 0)
    ch_logger.configure(url=recorder.url)
    migrate()
    ch_logger.configure(url=recorder.url + "?allow_ddl=0")
    ch_logger.log_action("stored", {})
    assert ch_logger.flush(20).delivered >= 1


def test_an_account_that_may_apply_what_is_old_only(recorder: Recorder, server: LiveServer, caplog: pytest.LogCaptureFixture) -> None:
    """Tables that are there take rows while those of a newer release wait for an administrator."""
    migrate(number(NAMES[-1]) - 1)
    with caplog.at_level(logging.INFO, "genesis_ch"), behind(recorder, server, refuse_changes):
        ch_logger.log_lineage("r", "c", "p", 1, "m")
        assert ch_logger.flush(20)
    (line,) = said(caplog)
    assert f"(1 to apply, from {NAMES[-1]} on)" in line and "genesis-ch migrate --print" in line
    assert len(recorder.read("code_lineages")) == 1
