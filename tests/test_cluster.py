"""Tables on a cluster: what the migrations become, and what the engine makes of it, as far as one process goes (cluster_node.py)."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from conftest import Script
from genesis_ch import ch_logger, purge, queries, retention
from genesis_ch._core import SHARDING, TABLES, render_for_cluster
from server_fixtures import ROOT, STOP_SECONDS, LiveServer, server_environment

LEDGER = "genesis_schema_migrations"
ENGINE = re.compile(r"^ENGINE = (\w+)(?:\(([^)]*))?", re.MULTILINE)


def statements(kind: str) -> list[tuple[str, str]]:
    """(file, statement) of all migrations of a kind, in the order in which they run."""
    files = sorted((ROOT / "sql" / "migrations").glob(f"*.{kind}.sql"), reverse=kind == "down")
    return [(file.name, text) for file in files for text in file.read_text().split(";\n") if text.strip()]


def rendered(kind: str, cluster: str = "main", database: str = "evo") -> list[str]:
    return [one for _, text in statements(kind) for one in render_for_cluster(text, cluster, database)]


def test_every_table_has_columns_to_be_sharded_by() -> None:
    assert SHARDING.keys() == {*TABLES, LEDGER}
    for table, columns in TABLES.items():
        texts = {name for name, kind in columns if kind == "String"}
        assert set(SHARDING[table].split(", ")) <= texts, table


def test_the_columns_that_shard_are_those_that_are_promised() -> None:
    runs = ["evolution_runs", "generations", "individuals", "pareto_fronts", "code_lineages", "llm_logs", "agent_actions"]
    assert [name for name, columns in SHARDING.items() if columns == "run_id"] == runs
    assert {SHARDING[name] for name in ("observations", "scores", "dataset_run_items_rmt")} == {"project_id, trace_id"}
    assert SHARDING["traces"] == "project_id, id"


@pytest.mark.parametrize(("file", "text"), [*statements("up"), *statements("down")])
def test_statement(file: str, text: str) -> None:
    """It comes out for the cluster and without a path of its own, and comes out as it is when it goes in again."""
    del file
    for one in render_for_cluster(text, "main", "evo"):
        assert " ON CLUSTER 'main'" in one
        for engine, arguments in ENGINE.findall(one):
            assert engine == "Distributed" or (engine.startswith("Replicated") and "'" not in arguments)
        assert render_for_cluster(one, "main", "evo") == [one]


def test_every_statement_is_understood_by_the_engine(reader: Client) -> None:
    texts = [*rendered("up"), *rendered("down"), *rendered("up", "{cluster}", "odd'name")]
    parsed = reader.query("SELECT arrayMap(text -> formatQuery(text), {texts:Array(String)})", parameters={"texts": texts}).result_rows[0][0]
    assert len(parsed) == len(texts) > 60
    for text, formatted in zip(texts, parsed, strict=True):
        assert re.search(r" ON CLUSTER (main|'?`?\{cluster\})", formatted), formatted
        assert ("Distributed(" in text) == ("ENGINE = Distributed(" in formatted)


@pytest.mark.parametrize("name", ["", "a b", "a'", "{a", "a" * 65])
def test_no_name_of_a_cluster(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a cluster"):
        render_for_cluster("DROP VIEW v", name, "evo")
    if name:
        with pytest.raises(ValueError, match="GENESIS_CH_CLUSTER"):
            ch_logger.configure(cluster=name)


def test_what_has_no_form_on_a_cluster_is_named() -> None:
    with pytest.raises(ValueError, match='sharded: "CREATE TABLE mine'):
        render_for_cluster("CREATE TABLE mine (a Int8) ENGINE = MergeTree ORDER BY a", "main", "evo")


def test_print_shows_the_statements_for_the_cluster(script: Script, server: LiveServer) -> None:
    program = "import sys; from genesis_ch.cli import main; sys.argv[1:] = ['migrate', '--print']; main()"
    url = f"http://default:{server.token}@127.0.0.1:{server.port}/nowhere"
    printed = script.run(program, CLICKHOUSE_URL=url, GENESIS_CH_CLUSTER="main").stdout
    assert "CREATE DATABASE IF NOT EXISTS `nowhere` ON CLUSTER 'main'" in printed
    assert f"Distributed('main', 'nowhere', '{LEDGER}_local', cityHash64(name))" in printed
    assert "ENGINE = ReplicatedReplacingMergeTree(event_ts, is_deleted)" in printed


@dataclass
class Node:
    """A node of the clusters `one` and `two`, and a client on it."""

    url: str
    client: Client

    def rows(self, query: str, **settings: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.client.query(query, settings=settings).result_rows]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    command = [sys.executable, str(ROOT / "tests" / "cluster_node.py"), str(tmp_path_factory.mktemp("node"))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=server_environment())
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip().rsplit("/", 1)[0]
        client = clickhouse_connect.get_client(dsn=url, autogenerate_session_id=False)
        yield Node(url, client)
        client.close()
    finally:
        # Its data are for these tests alone, and the engine may wait for ever for the stand-in of Keeper.
        process.kill()
        process.wait(STOP_SECONDS)
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture(scope="module")
def recorded(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A run, its calls and a trace, recorded on cluster `one`; the client is on that database."""
    options: dict[str, Any] = {"url": f"{node.url}/evo", "mode": "http", "cluster": "one", "batch_interval": 0.02}
    ch_logger.configure(home=tmp_path_factory.mktemp("recorder"), **options)
    for run in ("r1", "r2"):
        ch_logger.log_evolution_run(run, "task", {}, 2, "local", f"/{run}.db")
        ch_logger.log_individual(run, "i1", 1, "", "init", 1.0, 1.0, {"a": 1}, False, code=f"first of {run}")
        ch_logger.log_individual(run, "i2", 2, "i1", "diff", 2.0, 2.0, {"a": 2}, True, code=f"second of {run}")
        ch_logger.log_lineage(run, "i2", "i1", 2, "diff")
        ch_logger.log_llm_interaction("model", [], "reply", run_id=run, individual_id="i2", timestamp=datetime(2025, 1, 1, tzinfo=UTC))
        ch_logger.log_action("job_submitted", {}, run_id=run)
        ch_logger.update_evolution_run(run, "completed", 2)
    ch_logger.log_individual("r1", "i1", 1, "", "init", 5.0, 5.0, {"a": 1}, False)
    ch_logger.log_trace("call", id="t1", input="in", tags=["a"])
    ch_logger.log_trace(id="t1", output="out", tags=["b"])
    for name in ("o1", "o2"):
        ch_logger.log_observation("step", id=name, trace_id="t1", input=name)
    ch_logger.log_observation(id="o1", output="done")
    ch_logger.log_score("accuracy", 0.5, trace_id="t1", id="s1")
    ch_logger.delete_observation("o2")
    ch_logger.log_event("trace", "t1", bucket_name="b", bucket_path="p")
    result = ch_logger.flush(60)
    assert result, (result, ch_logger.stats())
    assert result.parked == result.rejected == 0, ch_logger.stats()
    node.client.database = "evo"
    yield node
    ch_logger.close(60)
    ch_logger.configure(home=None, **dict.fromkeys(options))


def test_a_logger_makes_the_tables_on_the_cluster(recorded: Node) -> None:
    engines = dict(recorded.rows("SELECT name, engine_full FROM system.tables WHERE database = 'evo'"))
    for table, columns in SHARDING.items():
        assert engines[table] == f"Distributed('one', 'evo', '{table}_local', cityHash64({columns}))"
        assert "MergeTree" in engines[f"{table}_local"]
    files = sorted({file.partition(".")[0] for file, _ in statements("up")})
    assert recorded.rows(f"SELECT name, state FROM {LEDGER} ORDER BY name") == [(name, "applied") for name in files]


@pytest.mark.parametrize("table", SHARDING)
def test_both_tables_have_the_same_columns_in_the_same_order(recorded: Node, table: str) -> None:
    above, below = ([row[:4] for row in recorded.rows(f"DESCRIBE TABLE {name}")] for name in (table, f"{table}_local"))
    assert above == below
    if table in TABLES:
        visible = [(name, kind) for name, kind, default, _ in above if default not in ("EPHEMERAL", "MATERIALIZED")]
        assert visible == [pair for pair in TABLES[table] if pair[0] != "_ts"]


def test_versions_reach_the_shard(recorded: Node) -> None:
    """Of a row that was logged again each version is there, a moment apart, and the reader sees the later one."""
    query = "SELECT fitness_score, event_ts FROM individuals WHERE run_id = 'r1' AND individual_id = 'i1' ORDER BY event_ts"
    (first, early), (second, late) = recorded.rows(query.replace("individuals", "individuals_local"), final=0)
    assert (first, second) == (1.0, 5.0)
    arrived = recorded.rows("SELECT min(applied_at) FROM genesis_schema_migrations")[0][0]
    assert early < late < arrived, "logged before there was a table"
    assert recorded.rows(query, final=1) == [(5.0, late)]
    assert recorded.rows(query, final=0) == [(1.0, early), (5.0, late)]


def test_updates_and_deletions_reach_the_shard(recorded: Node) -> None:
    runs = "SELECT run_id, status, total_generations, task_name FROM evolution_runs ORDER BY run_id"
    assert recorded.rows(runs, final=1) == [("r1", "completed", 2, "task"), ("r2", "completed", 2, "task")]
    traces = "SELECT id, name, input, output, arraySort(tags) FROM traces WHERE id = 't1'"
    assert recorded.rows(traces, final=1) == [("t1", "call", "in", "out", ["a", "b"])]
    assert recorded.rows("SELECT id, trace_id, output FROM observations WHERE trace_id = 't1'", final=1) == [("o1", "t1", "done")]
    assert recorded.rows("SELECT count() FROM analytics_traces") == [(0,)]


def test_a_row_without_a_version_gets_one(recorded: Node) -> None:
    """Whoever inserts by hand need not know of versions, nor of the setting with which they are passed on."""
    recorded.client.command("INSERT INTO code_lineages (run_id, child_id) VALUES ('by hand', 'c')")
    found = recorded.rows("SELECT child_id, event_ts > now() - 60 FROM code_lineages WHERE run_id = 'by hand'")
    assert found == [("c", True)]


def test_retention_changes_the_local_table(recorded: Node) -> None:
    assert retention.set_ttl(recorded.client, "llm_logs", retention.parse("30d")) == 2
    assert recorded.rows("SELECT count() FROM llm_logs") == [(0,)]
    assert "toIntervalDay(30)" in retention.ttl_of(recorded.client, "llm_logs")
    assert retention.clear_ttl(recorded.client, "llm_logs")


def test_rows_are_deleted_from_the_local_table(recorded: Node) -> None:
    """A purge reads one server only, and says so; by hand it is one statement a table."""
    with pytest.raises(purge.NotHereError, match="several servers"):
        purge.find(recorded.client, "r2")
    for table in ("individuals", "evolution_runs"):
        assert recorded.rows(f"SELECT count() FROM {table} WHERE run_id = 'r2'", final=0) == [(2,)]
        (statement,) = render_for_cluster(f"ALTER TABLE {table} DELETE WHERE run_id = 'r2' SETTINGS mutations_sync = 2", "one", "evo")
        recorded.client.command(statement)
        assert recorded.rows(f"SELECT count() FROM {table} WHERE run_id = 'r2'", final=0) == [(0,)]
        assert recorded.rows(f"SELECT count() > 0 FROM {table} WHERE run_id = 'r1'", final=0) == [(True,)]


@pytest.mark.parametrize(("wanted", "said"), [("onne", "one, two"), ("twos", "two, one")])
def test_a_cluster_that_the_server_does_not_have(node: Node, script: Script, wanted: str, said: str) -> None:
    """The message names those that it has, the most alike first."""
    program = (
        "import logging, sys; logging.basicConfig(stream=sys.stdout); from genesis_ch import ch_logger; "
        "ch_logger.log_action('a', {}); ch_logger.flush(1)"
    )
    url = f"{node.url}/wrong_{wanted}"
    log = script.run(program, CLICKHOUSE_URL=url, GENESIS_CH_CLUSTER=wanted, GENESIS_CH_CLOSE_TIMEOUT="0").stdout
    assert f'no cluster "{wanted}"; set GENESIS_CH_CLUSTER to one of its remote_servers: {said}' in log


def test_the_configuration_in_the_documents(node: Node) -> None:
    """It is well-formed, has two shards of two replicas, and the path and name for tables that the node has, too."""
    blocks = re.findall(r"```xml\n(.*?)```", (ROOT / "docs" / "operations.md").read_text(), re.DOTALL)
    server, keeper = (ElementTree.fromstring(block) for block in blocks)
    shards = server.findall("remote_servers/main/shard")
    hosts = [[replica.findtext("host") for replica in shard.findall("replica")] for shard in shards]
    assert hosts == [["ch-1a", "ch-1b"], ["ch-2a", "ch-2b"]]
    assert [shard.findtext("internal_replication") for shard in shards] == ["true", "true"]
    assert {macro.tag for macro in server.findall("macros/*")} == {"shard", "replica"}
    ports = {node.findtext("port") for node in server.findall("zookeeper/node")}
    assert ports == {keeper.findtext("keeper_server/tcp_port")}
    settings = "SELECT name, value FROM system.server_settings WHERE name LIKE 'default_replica_%' ORDER BY name"
    assert node.rows(settings) == [(name, server.findtext(name)) for name in ("default_replica_name", "default_replica_path")]


def run_all(node: Node, texts: list[str], database: str) -> None:
    for text in texts:
        node.client.command(text, settings={"database": database})


def test_down_undoes_up_and_each_can_be_repeated(node: Node) -> None:
    node.client.command("CREATE DATABASE undone")
    for kind in ("up", "up", "down"):
        run_all(node, rendered(kind, "one", "undone"), "undone")
        tables = {name for (name,) in node.rows("SELECT name FROM system.tables WHERE database = 'undone'")}
        assert tables >= {f"{table}_local" for table in TABLES} if kind == "up" else not tables


def test_two_shards(node: Node) -> None:
    """Rows go to the shard of their columns, and every query of sql/queries runs on the tables of both."""
    node.client.command("CREATE DATABASE sharded")
    run_all(node, rendered("up", "two", "sharded"), "sharded")
    settings = {"database": "sharded", "distributed_foreground_insert": 1, "optimize_on_insert": 0}
    for table in TABLES:
        columns = SHARDING[table]
        values = ", ".join(f"concat('{name}-', toString(number))" for name in columns.split(", "))
        node.client.command(f"INSERT INTO {table} ({columns}) SELECT {values} FROM numbers(60)", settings=settings)
        parts = f"SELECT _part, uniqExact(cityHash64({columns}) % 2), count() FROM {table}_local GROUP BY _part"
        found = node.client.query(parts, settings={"database": "sharded", "final": 0}).result_rows
        assert [row[1] for row in found] == [1, 1], table
        assert sum(row[2] for row in found) == 60, table
    arrays = {"objectives": ["fitness_score", "combined_score"], "reference": [0.0, 0.0]}
    reading = clickhouse_connect.get_client(dsn=f"{node.url}/sharded", autogenerate_session_id=False)
    for name in queries.names():
        needed = [parameter.name for parameter in queries.describe(name).parameters if parameter.required]
        getattr(queries, name)(reading, **{parameter: arrays.get(parameter, "run_id-1") for parameter in needed})
    reading.close()


def test_replicated_tables_take_path_and_replica_from_the_configuration(node: Node) -> None:
    node.client.command("CREATE DATABASE replicated")
    run_all(node, [text for text in rendered("up", "one", "replicated") if "CREATE TABLE" in text], "replicated")
    found = node.rows("SELECT table, zookeeper_path, replica_name FROM system.replicas WHERE database = 'replicated'")
    assert sorted(found) == sorted(
        (f"{table}_local", f"/clickhouse/tables/1/replicated/{table}_local", "node-1") for table in SHARDING if table != LEDGER
    )
