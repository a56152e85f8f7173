"""genesis_ch.retention: rows that are older than a table keeps go, all others stay, and recording goes on."""

from __future__ import annotations

import calendar
import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from conftest import Recorder
from genesis_ch import ch_logger, retention
from genesis_ch._core import TABLES
from genesis_ch.retention import Duration
from server_fixtures import ROOT, LiveServer

# As printed in the reference.
PRINTED = "ALTER TABLE llm_logs\nMODIFY TTL timestamp + INTERVAL 30 DAY;"
AGES = (0, 1, 29, 31, 60, 400)
FIRST, LAST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2106, 1, 1, tzinfo=UTC)
KEYS = ("id", "run_id", "code_hash", "entity_id")


@pytest.fixture(scope="module")
def client(server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client on a database of this module, in which the tables are; it reads rows as they are stored."""
    name = f"retention_{uuid.uuid4().hex}"
    url = f"http://default:{server.token}@127.0.0.1:{server.port}/{name}"
    ch_logger.configure(url=url, mode="http", home=tmp_path_factory.mktemp("recorder"))
    ch_logger.connect()
    ch_logger.configure(url=None, mode=None, home=None)
    with clickhouse_connect.get_client(dsn=url, settings={"final": 0}, autogenerate_session_id=False) as made:
        yield made
        made.command(f"DROP DATABASE {name}")


def insert(client: Client, table: str, *ages: float) -> None:
    """One row for each age in days, each with a key of its own."""
    column = "_ts" if retention.TABLES[table] == "event_ts" else retention.TABLES[table]
    query = "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String}"
    columns = dict(client.query(query, parameters={"table": table}).result_rows)
    keys = [name for name in KEYS if name in columns]
    rows = [[*(uuid.uuid4() if columns[key] == "UUID" else uuid.uuid4().hex for key in keys), ago(age)] for age in ages]
    client.insert(table, rows, column_names=[*keys, column])


def ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def count(client: Client, table: str) -> int:
    return int(client.command(f"SELECT count() FROM {table}"))


@pytest.mark.parametrize(
    ("text", "duration", "spoken"),
    [
        ("30d", Duration(30, "d"), "30 days"),
        ("1d", Duration(1, "d"), "1 day"),
        ("12w", Duration(12, "w"), "12 weeks"),
        ("6m", Duration(6, "m"), "6 months"),
        (" 100 Y ", Duration(100, "y"), "100 years"),
        ("1 month", Duration(1, "m"), "1 month"),
        ("2 weeks", Duration(2, "w"), "2 weeks"),
    ],
)
def test_a_duration_is_read(text: str, duration: Duration, spoken: str) -> None:
    assert (retention.parse(text), str(duration)) == (duration, spoken)


@pytest.mark.parametrize("text", ["", "30", "d", "0d", "-1d", "1.5d", "30h", "30 minutes", "101y", "999999d", "1e9d", "٣d", "30d 1m"])
def test_a_bad_duration_names_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError) as error:
        retention.parse(text)
    assert repr(text) in str(error.value) and "30d, 12w, 6m, 1y" in str(error.value)


def test_every_table_says_how_old_a_row_is(client: Client) -> None:
    query = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
    there = {row[0] for row in client.query(query).result_rows} - {"genesis_schema_migrations"}
    assert retention.TABLES.keys() == there
    assert TABLES.keys() <= retention.TABLES.keys()
    assert retention.LOGS.keys() & retention.RECORDS.keys() == set()
    for table, column in retention.TABLES.items():
        assert client.query(f"SELECT toTypeName({column}) FROM {table} LIMIT 0").column_types[0].base_type == "String"


def moment(at: datetime, duration: Duration) -> datetime:
    """When a row may go, by the calendar in UTC."""
    if duration.unit in "dw":
        due = at + timedelta(days=duration.count * (7 if duration.unit == "w" else 1))
    else:
        months = at.year * 12 + at.month - 1 + duration.count * (12 if duration.unit == "y" else 1)
        year, month = months // 12, months % 12 + 1
        due = at.replace(year=year, month=month, day=min(at.day, calendar.monthrange(year, month)[1]))
    return min(max(due, FIRST), LAST)


def test_the_moment_is_that_of_the_calendar_in_utc(client: Client) -> None:
    """Also for times that a DateTime cannot hold, where a bare toDateTime would wrap around, and whatever zone a session is in."""
    chance = random.Random(5)
    edges = [datetime(year, 1, 1, tzinfo=UTC) for year in (1900, 1969, 1970, 2038, 2090, 2105, 2106, 2107, 2150, 2299)]
    edges += [datetime(2024, 1, 31, 23, 30, tzinfo=UTC), datetime(2023, 11, 4, 5, 30, tzinfo=UTC), datetime(2026, 3, 8, tzinfo=UTC)]
    for duration in (Duration(1, "d"), Duration(30, "d"), Duration(5200, "w"), Duration(1, "m"), Duration(1200, "m"), Duration(100, "y")):
        times = [*edges, *(FIRST + timedelta(seconds=chance.randrange(10**10)) for _ in range(20))]
        array = ", ".join(f"toDateTime64('{at:%Y-%m-%d %H:%M:%S}', 3, 'UTC')" for at in times)
        query = (
            f"SELECT arrayMap(timestamp -> toUnixTimestamp({retention.expression('llm_logs', duration)}), "
            f"arrayMap(t -> toTimeZone(t, 'America/New_York'), [{array}]))"
        )
        found = client.query(query, settings={"session_timezone": "Asia/Kathmandu"}).first_row[0]
        assert [datetime.fromtimestamp(second, UTC) for second in found] == [moment(at, duration) for at in times], duration


def test_older_rows_go_from_any_log_table_and_younger_ones_stay(client: Client) -> None:
    for table in retention.LOGS:
        insert(client, table, *AGES)
        assert count(client, table) == 6
        assert retention.set_ttl(client, table, Duration(30, "d")) == 3, table
        assert count(client, table) == 3
        assert retention.set_ttl(client, table, Duration(30, "d")) == 0
        assert retention.set_ttl(client, table, Duration(2, "w")) == 1
        assert count(client, table) == 2
    shown = {entry.table: entry for entry in retention.show(client)}
    assert shown.keys() == retention.TABLES.keys()
    assert {shown[table].spoken for table in retention.LOGS} == {"2 weeks"}
    assert {shown[table].spoken for table in retention.RECORDS} == {"for ever"}
    assert all(shown[table].rows == 2 and shown[table].bytes_on_disk > 0 for table in retention.LOGS)
    oldest = shown["observations"].oldest
    assert oldest is not None and ago(1.01) < oldest.replace(tzinfo=UTC) <= ago(1)
    for table in retention.LOGS:
        assert retention.clear_ttl(client, table) == retention.expression(table, Duration(2, "w"))
        assert retention.clear_ttl(client, table) == ""
        insert(client, table, *AGES)
        client.command(f"OPTIMIZE TABLE {table} FINAL")
        assert count(client, table) == 8, "they are kept again"


def test_a_table_of_records_can_be_forced(client: Client) -> None:
    for table in retention.RECORDS:
        insert(client, table, *AGES)
        assert retention.set_ttl(client, table, Duration(1, "m")) == 3, table
        assert count(client, table) == 3
        retention.clear_ttl(client, table)


def test_what_was_set_but_not_applied_is_applied(client: Client) -> None:
    """As after a server that has materialize_ttl_after_modify = 0, or that died between the two."""
    table = "event_log"
    client.command(f"TRUNCATE TABLE {table}")
    client.command(f"ALTER TABLE {table} MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1")
    insert(client, table, *AGES)
    ttl = retention.expression(table, Duration(30, "d"))
    client.command(f"ALTER TABLE {table} MODIFY TTL {ttl}", settings={"materialize_ttl_after_modify": 0})
    assert retention.expired(client, table, ttl) == 3
    assert retention.set_ttl(client, table, Duration(30, "d")) == 3
    assert count(client, table) == 3
    retention.clear_ttl(client, table)


def test_a_ttl_of_somebody_else_is_shown_as_it_is(client: Client) -> None:
    for ttl, spoken in (
        ("timestamp + INTERVAL 90 DAY", "90 days"),
        ("toDateTime(timestamp) + INTERVAL 1 YEAR", "1 year"),
        ("toDate(timestamp) + INTERVAL 3 DAY DELETE WHERE name = 'x'", "toDate(timestamp) + toIntervalDay(3) WHERE name = 'x'"),
    )[0 if takes_datetime64(client) else 1 :]:
        client.command(f"ALTER TABLE traces MODIFY TTL {ttl}")
        assert next(entry.spoken for entry in retention.show(client) if entry.table == "traces") == spoken
    retention.clear_ttl(client, "traces")


def takes_datetime64(client: Client) -> bool:
    """Whether a TTL may be a DateTime64, as the printed one is: from ClickHouse 25.8 on."""
    return tuple(int(part) for part in client.server_version.split(".")[:2]) >= (25, 8)


def test_the_printed_statement_works_and_recording_goes_on(recorder: Recorder) -> None:
    """A row that is older than the table keeps is delivered like any other, once, and then goes."""
    for age in (31, 29):
        ch_logger.log_llm_interaction("m", [], f"{age}", timestamp=ago(age))
    assert len(recorder.rows("llm_logs")) == 2
    assert ch_logger.client is not None
    if not takes_datetime64(ch_logger.client):
        with pytest.raises(DatabaseError, match="code: 450"):
            ch_logger.client.command(PRINTED)
    ch_logger.client.command(PRINTED if takes_datetime64(ch_logger.client) else PRINTED.replace("timestamp", "toDateTime(timestamp)"))
    assert [row["response"] for row in settled(recorder)] == ["29"]
    assert next(entry.spoken for entry in retention.show(ch_logger.client) if entry.table == "llm_logs") == "30 days"
    for statement in ups():
        recorder.reader.command(statement, settings={"database": recorder.database})
    retries = recorder.count("retries")
    ch_logger.log_llm_interaction("m", [], "late", timestamp=ago(31))
    ch_logger.log_llm_interaction("m", [], "new")
    result = ch_logger.flush(30)
    assert (bool(result), result.pending, result.rejected, result.dropped) == (True, 0, 0, 0)
    assert recorder.count("retries") == retries
    assert [row["response"] for row in settled(recorder)] == ["29", "new"]
    assert retention.ttl_of(ch_logger.client, "llm_logs").endswith(" + toIntervalDay(30)")


def settled(recorder: Recorder) -> list[dict[str, Any]]:
    recorder.reader.command(f"OPTIMIZE TABLE {recorder.database}.llm_logs FINAL")
    return recorder.read("llm_logs", order="timestamp")


def ups() -> Iterator[str]:
    for path in sorted((ROOT / "sql" / "migrations").glob("*.up.sql")):
        yield from (statement for statement in path.read_text().split(";\n") if statement.strip())
