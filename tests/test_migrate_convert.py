"""`genesis-ch migrate --convert`: every row of an older logger's tables is there afterwards, whatever happens meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from cli_fixtures import World
from cli_fixtures import world as world
from conftest import Recorder
from genesis_ch import ch_logger
from genesis_ch.cli import convert
from server_fixtures import wait_for
from test_tables import DOCUMENTED, OLDER_KEYS

OLD_RUNS = 3
ROWS = {
    "evolution_runs": f"SELECT 'r' || toString(number), toDateTime64('2024-01-01 00:00:00', 3) + number, 0, 't', '{{}}', 'running', 0, 1, 'local', '/r' FROM numbers({OLD_RUNS})",
    "generations": "SELECT 'r0', number, toDateTime64('2024-01-01 00:00:00', 3) + number, 1, number, 1, 1, 0, '' FROM numbers(20)",
    "individuals": "SELECT 'r0', 'i' || toString(number), 0, toDateTime64('2024-01-01 00:00:00', 3) + number, '', 'init', number, 0, '{}', true, 0, 0, 0, '', 0 FROM numbers(30)",
    "pareto_fronts": "SELECT 'r0', number, toDateTime64('2024-01-01 00:00:00', 3), 'i0', 1, 1, '{}' FROM numbers(4)",
    "code_lineages": "SELECT 'r0', 'i' || toString(number), '', 0, 'init', toDateTime64('2024-01-01 00:00:00', 3), 0, '' FROM numbers(5)",
    "llm_logs": "SELECT generateUUIDv4(), toDateTime64('2021-01-01 00:00:00', 3) + INTERVAL number WEEK, 'm', '[]', 'x', 0.5, 1, '{}' FROM numbers(200)",
    "agent_actions": "SELECT generateUUIDv4(), toDateTime64('2024-01-01 00:00:00', 3), 'a', '{}', '{}' FROM numbers(6)",
}


KEYS = {target.name: target.key for target in convert.targets()}
FEW = ("evolution_runs", "individuals")


@pytest.fixture
def older(recorder: Recorder) -> Iterator[Callable[..., Client]]:
    """Makes tables of an older logger with rows in them, brings them up to date in place as loggers do, and returns a client."""
    recorder.reader.command(f"CREATE DATABASE {recorder.database}")
    with clickhouse_connect.get_client(dsn=recorder.url, autogenerate_session_id=False) as client:

        def make(*tables: str, thought: bool = False) -> Client:
            for table in tables or DOCUMENTED:
                more = ", thought String DEFAULT 'why'" if thought and table == "llm_logs" else ""
                client.command(f"CREATE TABLE {table} ({DOCUMENTED[table]}{more}) ENGINE = MergeTree ORDER BY ({OLDER_KEYS[table]})")
                client.command(f"INSERT INTO {table} ({names(table)}) {ROWS[table]}", settings={"max_partitions_per_insert_block": 0})
            ch_logger.connect(30)
            return client

        yield make


def names(table: str) -> str:
    return ", ".join(column.split()[0] for column in DOCUMENTED[table].split(", "))


def counts(client: Client) -> list[Any]:
    """Rows by table, each key once."""
    query = " UNION ALL ".join(f"SELECT '{table}' AS name, uniqExact({KEYS[table]}) AS rows FROM {table}" for table in DOCUMENTED)
    return list(client.query(f"SELECT name, rows FROM ({query}) ORDER BY name").result_rows)


def engines(client: Client) -> dict[str, str]:
    tables = convert.Tables(client)
    tables.look()
    return {name: engine.name for name, engine in tables.engines.items() if name.startswith(tuple(DOCUMENTED))}


def done(*tables: str) -> dict[str, str]:
    return {table: "ReplacingMergeTree" for table in DOCUMENTED} | {f"{table}_before_convert": "MergeTree" for table in tables}


class Hooked:
    """A client that calls back before and after each command."""

    def __init__(self, client: Client, before: Callable[[str], None] = print, after: Callable[[str], None] = print) -> None:
        self._client, self._before, self._after = client, before, after

    def command(self, text: str, **more: Any) -> Any:
        self._before(text)
        answer = self._client.command(text, **more)
        self._after(text)
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def run(client: Any) -> int:
    return convert._run(convert.Tables(client), drop_old=False, yes=True)


def test_the_command_says_what_it_will_do_and_does_it(world: World, recorder: Recorder, older: Callable[..., Client]) -> None:
    client = older()
    before = counts(client)
    columns = names("evolution_runs")
    ended = columns.replace("end_time", "start_time + 60").replace("status", "'completed'").replace("total_generations", "9")
    client.command(f"INSERT INTO evolution_runs ({columns}) SELECT {ended} FROM evolution_runs WHERE run_id = 'r0'")
    client.command("INSERT INTO generations (run_id, generation, timestamp, best_score) SELECT run_id, generation, timestamp - 1, -1 FROM generations")
    client.command("ALTER TABLE individuals ADD COLUMN note String DEFAULT 'mine'")
    client.command("ALTER TABLE llm_logs MODIFY TTL toDateTime(timestamp) + INTERVAL 50 YEAR")
    asked = world.cli("migrate", "--convert", CLICKHOUSE_URL=recorder.url)
    assert asked.returncode == 1 and "Rebuild 7 tables?" in asked.stdout
    assert "│ individuals    │   30 │" in asked.stdout and "│ generations    │   40 │" in asked.stdout, asked.stdout
    assert set(engines(client).values()) == {"MergeTree"}
    finished = world.cli("migrate", "--convert", "--yes", CLICKHOUSE_URL=recorder.url)
    assert (finished.returncode, finished.stderr) == (0, ""), finished.stdout
    assert "✅ generations: 20 rows of 40, each key once; the old table is kept as generations_before_convert\n" in finished.stdout
    assert engines(client) == done(*DOCUMENTED)
    assert [(name, client.command(f"SELECT count() FROM {name} FINAL")) for name, _ in before] == before
    assert client.query("SELECT DISTINCT note FROM individuals").result_rows == [("mine",)]
    assert "TTL toDateTime(timestamp) + toIntervalYear(50)" in client.command("SHOW CREATE TABLE llm_logs")
    assert client.query("SELECT status, total_generations FROM evolution_runs FINAL WHERE run_id = 'r0'").result_rows == [("completed", 9)]
    assert client.command("SELECT min(best_score) FROM generations FINAL") == 0
    assert client.command("SELECT max(event_ts) < '2026-01-01' FROM llm_logs") == 1
    ch_logger.log_generation("r0", 3, 1, 77.0, 1, 1)
    ch_logger.update_evolution_run("r1", "failed", 5)
    assert ch_logger.flush(30)
    assert client.command("SELECT best_score FROM generations FINAL WHERE generation = 3") == 77.0
    assert client.query("SELECT status FROM evolution_runs FINAL WHERE run_id = 'r1'").result_rows == [("failed",)]
    again = world.cli("migrate", "--convert", CLICKHOUSE_URL=recorder.url)
    assert again.returncode == 0 and "✅ nothing to convert" in again.stdout and "--drop-old" in again.stdout
    dropped = world.cli("migrate", "--convert", "--drop-old", "--yes", CLICKHOUSE_URL=recorder.url)
    assert dropped.returncode == 0, dropped.stdout
    assert engines(client) == {table: "ReplacingMergeTree" for table in DOCUMENTED}


def test_converted_tables_are_those_of_a_fresh_database(recorder: Recorder, older: Callable[..., Client]) -> None:
    client = older(thought=True)
    assert run(client) == 0
    fresh = f"{recorder.database}_fresh"
    ch_logger.configure(url=recorder.url.replace(recorder.database, fresh))
    try:
        ch_logger.connect(30)
        query = "SELECT name, create_table_query FROM system.tables WHERE database = '{}' AND name IN {} ORDER BY name"
        made = client.query(query.format(recorder.database, tuple(DOCUMENTED))).result_rows
        wanted = client.query(query.format(fresh, tuple(DOCUMENTED))).result_rows
        assert made == [(name, text.replace(fresh, recorder.database)) for name, text in wanted]
        assert len(made) == len(DOCUMENTED)
        assert client.query("SELECT DISTINCT thought FROM llm_logs").result_rows == [("why",)]
    finally:
        ch_logger.configure(url=recorder.url)
        recorder.reader.command(f"DROP DATABASE {fresh}")


def test_a_crash_after_every_statement(older: Callable[..., Client]) -> None:
    """Each statement is done and then the run dies, once; readers see every key all the while, and the last run ends it."""
    client = older(*FEW)
    before = counts(client)
    died: list[str] = []

    def die(text: str) -> None:
        if text not in died:
            died.append(text)
            raise convert.ConvertError("killed")

    while True:
        try:
            run(Hooked(client, after=die))
        except convert.ConvertError as error:
            assert str(error) == "killed"
            assert counts(client) == before
            continue
        break
    assert len(died) > 4 * len(FEW)
    assert counts(client) == before
    assert engines(client) == done(*FEW)


def test_rows_that_come_in_between(older: Callable[..., Client]) -> None:
    """Into the old table after it was copied, also as a mutation, and, by a statement that is under way, after the exchange."""
    client = older(*FEW)
    late = "INSERT INTO {} (run_id, individual_id, generation, fitness_score) SELECT 'late', '{}', 1, 5"

    def before(text: str) -> None:
        if text.startswith("EXCHANGE TABLES individuals "):
            client.command(late.format("individuals", "copied already"))
        if text.startswith("EXCHANGE TABLES evolution_runs "):
            client.command("ALTER TABLE evolution_runs UPDATE status = 'failed' WHERE run_id = 'r2'", settings={"mutations_sync": 1})

    def after(text: str) -> None:
        if text.startswith("EXCHANGE TABLES individuals "):
            client.command(late.format("individuals", "to the new one"))
            client.command(late.format("individuals_converting", "under way"))

    assert run(Hooked(client, before, after)) == 0
    assert client.query("SELECT individual_id FROM individuals FINAL WHERE run_id = 'late' ORDER BY individual_id").result_rows == [
        ("copied already",),
        ("to the new one",),
        ("under way",),
    ]
    assert client.command("SELECT status FROM evolution_runs FINAL WHERE run_id = 'r2'") == "failed"


def test_a_statement_that_is_under_way_at_the_exchange(recorder: Recorder, older: Callable[..., Client]) -> None:
    """It began to write to the old table and ends after the two have changed places: it is waited for."""
    client = older("individuals")
    slow = "INSERT INTO individuals (run_id, individual_id) SELECT 'slow', toString(sleepEachRow(0.4) + number) FROM numbers(3)"
    settings = {"max_block_size": 1, "min_insert_block_size_rows": 0, "min_insert_block_size_bytes": 0, "max_threads": 1}
    with clickhouse_connect.get_client(dsn=recorder.url, autogenerate_session_id=False) as other:
        writer = threading.Thread(target=lambda: other.command(slow, settings=settings))

        def before(text: str) -> None:
            if text.startswith("EXCHANGE"):
                writer.start()
                wait_for(lambda: client.command("SELECT count() FROM individuals WHERE run_id = 'slow'") == 1)

        def after(text: str) -> None:
            if text.startswith("EXCHANGE"):
                assert writer.is_alive()

        try:
            assert run(Hooked(client, before, after)) == 0
        finally:
            writer.join()
    assert client.command("SELECT uniqExact(individual_id) FROM individuals FINAL WHERE run_id = 'slow'") == 3


def test_a_logger_that_records_all_the_while(older: Callable[..., Client]) -> None:
    client = older(*FEW)
    ended = threading.Event()
    logged = 0

    def record() -> None:
        nonlocal logged
        while not ended.is_set():
            ch_logger.log_individual("live", f"i{logged}", 1, "", "init", logged, 0, {}, False)
            ch_logger.log_evolution_run("live", "task", {}, 1, "local", "/live", status=str(logged))
            logged += 1
            ended.wait(0.001)

    ch_logger.log_evolution_run("live", "task", {}, 1, "local", "/live", status="first")
    thread = threading.Thread(target=record)
    thread.start()
    try:
        assert run(client) == 0
    finally:
        ended.set()
        thread.join()
    assert ch_logger.flush(30)
    found = client.query("SELECT count(), uniqExact(individual_id) FROM individuals FINAL WHERE run_id = 'live'").result_rows
    assert found == [(logged, logged)] and logged > 50
    assert client.command("SELECT status FROM evolution_runs FINAL WHERE run_id = 'live'") == logged - 1


def test_two_at_once(recorder: Recorder, older: Callable[..., Client]) -> None:
    """One may be told that the other was faster; no row is lost, and the next run finds an end."""
    client = older(*FEW)
    before = counts(client)
    gate = threading.Barrier(2)

    def work() -> None:
        with clickhouse_connect.get_client(dsn=recorder.url, autogenerate_session_id=False) as own:
            gate.wait()
            try:
                run(own)
            except Exception as error:  # of the server: a table that the other has just renamed
                heard.append(str(error))

    heard: list[str] = []
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts(client) == before, heard
    assert run(client) == 0
    assert counts(client) == before
    assert {table: engine for table, engine in engines(client).items() if table in DOCUMENTED} == {table: "ReplacingMergeTree" for table in DOCUMENTED}
    assert not [name for name in engines(client) if name.endswith("_converting")]


def test_an_old_table_that_holds_more_is_not_dropped(older: Callable[..., Client]) -> None:
    client = older("individuals")
    assert run(client) == 0
    client.command("INSERT INTO individuals_before_convert (run_id, individual_id) SELECT 'late', 'x'")
    with pytest.raises(convert.ConvertError, match="individuals_before_convert has 1 rows whose keys are not in individuals"):
        convert._run(convert.Tables(client), drop_old=True, yes=True)
    assert "individuals_before_convert" in engines(client)
