"""`genesis-ch migrate`: what it says it would do is what it does."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from clickhouse_connect.driver.client import Client

from cli_fixtures import Done, World
from cli_fixtures import world as world
from genesis_ch import _runtime
from genesis_ch.cli import ledger
from server_fixtures import LiveServer
from test_cli_doctor import SECRET, closed_port

MIGRATIONS = _runtime.migrations()
NAMES = [name for name, _, _ in MIGRATIONS]
LAST = len(NAMES)
LEDGER = "genesis_schema_migrations"
Migrate = Callable[..., Done]


@pytest.fixture
def migrate(world: World, server: LiveServer, database: str) -> Migrate:
    """Runs the command on a database of the test's own."""
    url = f"http://default:{server.token}@127.0.0.1:{server.port}/{database}"

    def run(*words: str) -> Done:
        done = world.cli("migrate", *words, CLICKHOUSE_URL=url)
        assert server.token not in done.stdout + done.stderr
        return done

    return run


def lines(done: Done) -> list[str]:
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout.splitlines()


def tables(reader: Client, database: str) -> list[str]:
    query = f"SELECT create_table_query FROM system.tables WHERE database = '{database}' ORDER BY name"
    return [str(row[0]) for row in reader.query(query).result_rows]


def test_it_tells_new_from_old(migrate: Migrate, reader: Client, database: str) -> None:
    assert lines(migrate("--status")) == [f"pending                  {name}" for name in NAMES]
    assert tables(reader, database) == []
    for now, before in ((LAST, 0), (0, LAST)):
        said = lines(migrate())
        assert [line.split()[-1] for line in said[:-1]] == NAMES
        assert said[-1] == f"✅ {now} applied now, {before} before; the tables of database {database} are up to date"
    reader.command(f"INSERT INTO {database}.{LEDGER} (name) SELECT '9999_future'")
    said = lines(migrate("--status"))
    assert [re.sub(r"^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}  ", "", line) for line in said] == [
        *NAMES,
        "9999_future  unknown to this release: a newer one applied it",
    ]
    refused = migrate("--to", "1", "--yes")
    assert refused.returncode == 1 and "9999_future was applied by a newer release" in refused.stdout
    assert lines(migrate())[-1].startswith(f"✅ 0 applied now, {LAST + 1} before")


def test_up_and_down_to_a_number(migrate: Migrate, reader: Client, database: str) -> None:
    assert lines(migrate("--to", "1"))[-1].startswith(f"✅ 1 applied now, 0 before; {LAST - 1} are not applied in database {database}")
    first = tables(reader, database)
    dry = lines(migrate("--dry-run"))
    statements = sum(len(up.split(";\n")) for name, up, _ in MIGRATIONS[1:])
    assert re.match(rf"💡 {statements} statements of {LAST - 1} migrations would be run on http://", dry[-1]), dry[-1]
    assert tables(reader, database) == first
    assert lines(migrate("--to", NAMES[-1]))[-1].endswith("are up to date")
    asked = migrate("--to", "1")
    assert asked.returncode == 1 and f"To undo: {', '.join(reversed(NAMES[1:]))}" in asked.stdout
    assert "Undo" in asked.stdout + asked.stderr
    assert len(tables(reader, database)) >= len(first)
    assert lines(migrate("--status"))[-1].endswith(NAMES[-1])
    said = lines(migrate("--to", "0001", "--yes"))
    assert said[-1].startswith(f"✅ {LAST - 1} undone, 0 applied now, 1 before; ")
    assert said[-1].endswith("a logger of this release that connects from now on applies them again")
    assert tables(reader, database) == first
    assert lines(migrate("--to", "0", "--yes"))[-1].startswith(f"✅ 1 undone, 0 applied now, 0 before; {LAST} are not applied")
    assert len(tables(reader, database)) == 1


def test_what_is_printed_runs_as_it_is(migrate: Migrate, reader: Client, database: str) -> None:
    """As clickhouse-client takes it: statements that end in a semicolon, comments, USE."""
    script = migrate("--print").stdout
    assert script.startswith("-- ") and f"\nUSE `{database}`;\n" in script
    current = "default"
    for statement in script.split(";\n"):
        used = re.fullmatch(r"\s*USE `(\w+)`", statement)
        if used:
            current = used[1]
        elif statement.strip():
            reader.command(statement, settings={"database": current})
    printed = tables(reader, database)
    assert lines(migrate("--print")) == [f"-- The tables of database {database} are as wanted: there is nothing to run."]
    assert lines(migrate("--dry-run")) == [f"✅ nothing to do: the tables of database {database} are as wanted"]
    reader.command(f"DROP TABLE {database}.individuals")
    assert "-- The account that printed this" not in migrate("--print", "--again").stdout
    assert lines(migrate("--again"))[-1].startswith(f"✅ {LAST} applied now, 0 before")
    assert tables(reader, database) == printed
    reader.command(f"DROP DATABASE {database} SYNC")
    assert lines(migrate())[-1].startswith(f"✅ {LAST} applied now")
    assert tables(reader, database) == printed


def test_wrong_words(world: World) -> None:
    done = world.cli("migrate", "--to", "99")
    nearest = f"there is no migration 99; the nearest is {LAST} ({NAMES[-1]})"
    assert (done.returncode, done.stdout) == (2, "") and nearest in done.stderr
    for words in (("--status", "--print"), ("--drop-old",), ("--convert", "--to", "1"), ("--again", "--to", "1")):
        assert world.cli("migrate", *words).returncode == 2, words
    assert "unset GENESIS_CH_CLUSTER" in world.cli("migrate", "--convert", GENESIS_CH_CLUSTER="c").stderr
    assert not world.home.exists()


@pytest.mark.parametrize(
    ("text", "near"),
    [("7", "the nearest is 4 (0004_d)"), ("0001_bb", "the nearest is 0001_b"), ("0004_x", "the nearest is 0004_d"), ("-1", "the nearest is")],
)
def test_what_does_not_exist_is_answered_with_the_nearest(text: str, near: str) -> None:
    names = ["0001_b", "0004_d"]
    with pytest.raises(ValueError, match=re.escape(near)):
        ledger.number_of(text, names)
    assert [ledger.number_of(word, names) for word in ("0", "1", "0004", "0004_d")] == [0, 1, 4, 4]


def test_without_a_server_and_without_a_client(world: World) -> None:
    done = world.cli("migrate", CLICKHOUSE_URL=f"http://default:{SECRET}@127.0.0.1:{closed_port()}/default")
    assert done.returncode == 1
    assert done.stdout.startswith("❌ Nothing was applied: no answer from ClickHouse")
    assert SECRET not in done.stdout
    done = world.cli("migrate", GENESIS_CH_MODE="disabled")
    assert done.returncode == 1 and "unset GENESIS_CH_MODE" in done.stdout
    done = world.cli("migrate", **world.without("clickhouse_connect"))
    assert (done.returncode, done.stderr) == (0, "") and f"✅ {LAST} applied now" in done.stdout
    done = world.cli("migrate", "--convert", **world.without("clickhouse_connect"))
    assert done.returncode == 1 and "clickhouse-connect not installed" in done.stdout
