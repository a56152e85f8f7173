"""The embedded server through clickhouse-connect, as runners, notebooks and Genesis's own database use it."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError
from clickhouse_connect.driver.external import ExternalData

from server_fixtures import LiveServer, server, server_environment

__all__ = ["server"]

COLUMNS = (
    "id UInt32, s String, f Float64, e Array(Float32), l LowCardinality(String), m Map(String, Float64), "
    "n Nullable(Int32), d DateTime64(6) DEFAULT now64(6)"
)
ROWS: list[list[Any]] = [
    [1, "a\n\nb\x00'", 1e-320, [1.0, 2.5], "x", {"k": -0.0}, None, dt.datetime(2026, 1, 2, 3, 4, 5, 6)],
    [2, "", float("inf"), [], "y", {}, -3, dt.datetime(2026, 1, 2)],
]


@pytest.fixture
def client(server: LiveServer) -> Iterator[Client]:
    made = clickhouse_connect.get_client(dsn=server.dsn)
    yield made
    made.close()


@pytest.fixture
def table(client: Client) -> str:
    name = f"t_{uuid.uuid4().hex}"
    client.command(f"CREATE TABLE {name} ({COLUMNS}) ENGINE = ReplacingMergeTree ORDER BY id")
    return name


def test_insert_and_query(client: Client, table: str) -> None:
    assert client.insert(table, ROWS).written_rows == 2
    result = client.query(f"SELECT * FROM {table} ORDER BY id")
    assert [list(row) for row in result.result_rows] == ROWS
    assert result.summary["read_rows"] == "2"
    assert result.column_names[:2] == ("id", "s")
    assert client.command(f"SELECT count() FROM {table}") == 2
    assert client.query(f"SELECT * FROM {table} LIMIT 0").column_names[:2] == ("id", "s")
    assert client.query(f"SELECT * FROM {table} WHERE id > 9").result_rows == []


@pytest.mark.parametrize("compress", ["lz4", "zstd", "gzip", False])
def test_every_compression(server: LiveServer, table: str, compress: Any) -> None:
    with clickhouse_connect.get_client(dsn=server.dsn, compress=compress) as client:
        assert client.insert(table, ROWS).written_rows == 2
        assert len(client.query("SELECT number, toString(number) FROM numbers(300000)").result_rows) == 300_000


def test_data_frames_and_arrow(client: Client, table: str) -> None:
    pandas, pyarrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    assert client.insert_df(table, pandas.DataFrame({"id": [3, 4], "s": ["p", "q"]})).written_rows == 2
    assert client.insert_arrow(table, pyarrow.table({"id": pyarrow.array([5], "uint32"), "s": ["r"]})).written_rows == 1
    assert list(client.query_df(f"SELECT id, s FROM {table} ORDER BY id").s) == ["p", "q", "r"]
    assert client.query_arrow("SELECT number FROM numbers(200000)").num_rows == 200_000
    with client.query_df_stream("SELECT number FROM numbers(300000)") as frames:
        assert sum(len(frame) for frame in frames) == 300_000
    with client.query_arrow_stream("SELECT number FROM numbers(300000)") as tables:
        assert sum(len(part) for part in tables) == 300_000


def test_streams_and_raw(client: Client, table: str) -> None:
    with client.query_rows_stream("SELECT number FROM numbers(1000000)") as rows:
        assert sum(row[0] for row in rows) == 499_999_500_000
    assert client.raw_insert(table, ["id", "s"], b'1,x\n2,"y\n\nz"\n', fmt="CSV").written_rows == 2
    assert client.raw_query(f"SELECT id, s FROM {table} ORDER BY id", fmt="TSV") == b"1\tx\n2\ty\\n\\nz\n"
    stream: Any = client.raw_stream("SELECT 1", fmt="CSV")
    assert stream.read() == b"1\n"


def test_bound_parameters(client: Client) -> None:
    values = {"a": "it's\t\\ \n", "b": [1, 2], "n": None, "d": dt.datetime(2024, 1, 1, 1, 1, 1, 5)}
    query = "SELECT {a:String}, {b:Array(Int32)}, {n:Nullable(String)}, {d:DateTime64(6)}"
    assert client.query(query, parameters=values).result_rows == [tuple(values.values())]
    assert client.query("SELECT %(a)s", parameters={"a": "x'y"}).result_rows == [("x'y",)]
    long = "z" * 300_000
    assert client.query("SELECT {a:String}", parameters={"a": long}).result_rows == [(long,)]


def test_settings_and_sessions(server: LiveServer, client: Client) -> None:
    chosen = {"date_time_input_format": "best_effort", "cast_string_to_dynamic_use_inference": 1, "max_threads": 1}
    with clickhouse_connect.get_client(dsn=server.dsn, settings=chosen) as other:
        assert other.command("SELECT getSetting('date_time_input_format')") == "best_effort"
        assert other.command("SELECT getSetting('final')") in (True, "true")
    client.command("SET max_block_size = 1234")
    assert client.command("SELECT getSetting('max_block_size')") == 1234


def test_error_classes(client: Client) -> None:
    for query, code in (("SELEC 1 FRM", 62), ("SELECT * FROM nowhere", 60), ("SELECT throwIf(1)", 395)):
        with pytest.raises(DatabaseError) as caught:
            client.query(query)
        assert caught.value.code == code
    with pytest.raises(DatabaseError, match="115"):
        client.query("SELECT 1", settings={"no_such_setting": 1})
    failing = "SELECT number, throwIf(number = 3000000) FROM numbers(4000000)"
    with pytest.raises(StreamFailureError, match="395"), client.query_rows_stream(failing) as rows:
        for _ in rows:
            pass
    with pytest.raises(DatabaseError) as caught:
        client.query(failing)
    assert caught.value.code == 395


def test_a_wrong_password(server: LiveServer) -> None:
    with pytest.raises(DatabaseError) as caught:
        clickhouse_connect.get_client(host="127.0.0.1", port=server.port, username="default", password="wrong")
    assert caught.value.code == 516


def test_external_data_and_form_encoding(server: LiveServer, client: Client) -> None:
    rows = ExternalData(file_name="up.csv", fmt="CSV", structure=["a UInt32", "b String"], data=b"1,x\n2,y\n")
    assert client.query("SELECT sum(a), max(b) FROM up", external_data=rows).result_rows == [(3, "y")]
    with clickhouse_connect.get_client(dsn=server.dsn, form_encode_query_params=True) as other:
        assert other.query("SELECT {a:String}", parameters={"a": "'\n\r\nx"}).result_rows == [("'\n\r\nx",)]


def test_the_traffic_of_genesis_own_database(client: Client) -> None:
    name = f"programs_{uuid.uuid4().hex}"
    client.command(
        f"CREATE TABLE IF NOT EXISTS {name} (id String, code String, embedding Array(Float32), metadata String, "
        "timestamp DateTime DEFAULT now()) ENGINE = ReplacingMergeTree ORDER BY id"
    )
    columns = ["id", "code", "embedding", "metadata"]
    rows = [[str(n), f"def f():\n\n    return {n}\n", [n / 2, 1.0], f'{{"score": "s{n}"}}'] for n in range(20)]
    client.insert(name, rows, column_names=columns)
    client.command(f"ALTER TABLE {name} ADD COLUMN IF NOT EXISTS island Int32 DEFAULT 0")
    client.command(f"ALTER TABLE {name} ADD COLUMN IF NOT EXISTS island Int32 DEFAULT 0")
    client.command(f"INSERT INTO {name} (id, code) VALUES ('x', 'a\n\nb')")
    client.command(f"ALTER TABLE {name} UPDATE island = 7 WHERE id = '3'")
    client.command(f"ALTER TABLE {name} DELETE WHERE id = '4'")
    assert client.query(f"SELECT island, embedding FROM {name} WHERE id = '3'").result_rows == [(7, [1.5, 1.0])]
    assert client.command(f"SELECT count() FROM {name}") == 20
    assert client.command(f"SELECT JSONExtractString(metadata, 'score') FROM {name} WHERE id = '5'") == "s5"
    assert len(client.query(f"SELECT id FROM {name} ORDER BY rand() LIMIT 5").result_rows) == 5
    assert ("island", "Int32") in [row[:2] for row in client.query(f"DESCRIBE TABLE {name}").result_rows]
    assert (name,) in client.query("SHOW TABLES").result_rows
    assert client.command(f"EXISTS TABLE {name}") == 1


def test_another_process_reads_while_rows_arrive(server: LiveServer, client: Client, table: str) -> None:
    program = (
        "import sys, clickhouse_connect\n"
        "client = clickhouse_connect.get_client(dsn=sys.argv[1])\n"
        "seen = 0\n"
        "while seen < 40:\n"
        "    count = client.command(f'SELECT count() FROM {sys.argv[2]}')\n"
        "    assert count >= seen, (count, seen)\n"
        "    seen = count\n"
        "print(seen)\n"
    )
    reader = subprocess.Popen(
        [sys.executable, "-c", program, server.dsn, table], stdout=subprocess.PIPE, text=True, env=server_environment()
    )
    for number in range(40):
        client.insert(table, [[number, "live"]], column_names=["id", "s"])
    output, _ = reader.communicate(timeout=30)
    assert (reader.returncode, output) == (0, "40\n")


def test_forked_children_share_a_session(server: LiveServer, client: Client) -> None:
    session = str(client.get_client_setting("session_id") or "shared")
    clients = [clickhouse_connect.get_client(dsn=server.dsn, session_id=session) for _ in range(4)]
    program = (
        "import sys, clickhouse_connect\n"
        "client = clickhouse_connect.get_client(dsn=sys.argv[1], session_id=sys.argv[2])\n"
        "print(client.command('SELECT sleep(0.5)'))\n"
    )
    command = [sys.executable, "-c", program, server.dsn, session]
    slow = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [other.command("SELECT 1") for other in clients] == [1] * 4
    for process in slow:
        assert process.communicate(timeout=30)[0] == "0\n"
    for other in clients:
        other.close()
