"""What the user is told when the settings are wrong: one line that names the cure, and the password nowhere."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from faults.harness import Engine, Outcome, database, engine, home, run

__all__ = ["database", "engine", "home"]

PASSWORD = "s3cret%2Fw%40rd"
SHOWN = ("s3cret", "w@rd", "w%40rd")

TEXT = """
issue_many("r", 0, 10)
time.sleep(1.0)
result = ch_logger.flush(0.5)
issue_many("r", 10, 20)
ch_logger.flush(0.2)
argv = open("/proc/self/cmdline").read()
say(lines=lines, stats=ch_logger.stats(), repr=repr(ch_logger), result=repr(result), argv=argv, pending=result.pending)
"""


def told(outcome: Outcome) -> str:
    """The one line; fails when there are more, or when the password is anywhere."""
    outcome.quiet()
    for word in SHOWN:
        assert word not in str(outcome)
    (line,) = outcome.said[0]["lines"]
    return str(line)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


WRONG = {
    "refused port": ("http://default:{password}@127.0.0.1:{free}/d", "check host and port in CLICKHOUSE_URL"),
    "wrong host": ("http://default:{password}@no-such-host.invalid:8123/d", "check the host name in CLICKHOUSE_URL"),
    "wrong password": ("http://default:{password}@127.0.0.1:{port}/d", "check user and password in CLICKHOUSE_URL"),
    "wrong user": ("http://nobody:{password}@127.0.0.1:{port}/d", "check user and password in CLICKHOUSE_URL"),
}


@pytest.mark.parametrize("name", WRONG)
def test_address_that_leads_nowhere(name: str, engine: Engine, home: Path, tmp_path: Path) -> None:
    """Rows wait in the outbox; one line names the cure."""
    url, cure = WRONG[name]
    url = url.format(password=PASSWORD, free=free_port(), port=engine.port())
    outcome = run(TEXT, tmp_path, CLICKHOUSE_URL=url, GENESIS_CH_HOME=str(home), GENESIS_CH_CLOSE_TIMEOUT="0.1")
    assert cure in told(outcome)
    assert outcome.said[0]["pending"] == 10


TYPOS = {
    "no scheme": "default:{password}@localhost:8123",
    "another scheme": "htp://default:{password}@localhost:8123",
    "port is a word": "http://default:{password}@localhost:eight/d",
    "port is too high": "http://default:{password}@localhost:81234/d",
    "no host": "http://default:{password}@:8123/d",
    "blank": "http://default:{password}@local host:8123/d",
}


@pytest.mark.parametrize("name", TYPOS)
def test_typo_in_the_url(name: str, home: Path, tmp_path: Path) -> None:
    """Recording is off, with one line that says so and names the variable."""
    url = TYPOS[name].format(password=PASSWORD)
    outcome = run(TEXT, tmp_path, CLICKHOUSE_URL=url, GENESIS_CH_HOME=str(home))
    line = told(outcome)
    assert line.startswith("ClickHouse logging disabled") and "the ClickHouse URL" in line
    assert not home.exists()


def test_setting_that_cannot_be_used(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """One line names the variable, what it is and what it takes; the default is used."""
    env = {"CLICKHOUSE_URL": engine.url(database), "GENESIS_CH_HOME": str(home), "GENESIS_CH_SEGMENT_BYTES": "a lot"}
    line = told(run(TEXT, tmp_path, **env))
    assert "GENESIS_CH_SEGMENT_BYTES" in line and "a lot" in line and "bytes" in line
    assert engine.stored("r", database) == set(range(20))


def test_url_setting_that_the_server_does_not_know(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """The server's words are passed on; the rows wait."""
    env = {
        "CLICKHOUSE_URL": engine.url(database, no_such_setting="1"),
        "GENESIS_CH_HOME": str(home),
        "GENESIS_CH_CLOSE_TIMEOUT": "0.1",
    }
    outcome = run(TEXT, tmp_path, **env)
    assert "no_such_setting" in told(outcome)
    assert outcome.said[0]["pending"] == 10


def test_rows_that_a_wrong_url_costs_are_counted(home: Path, tmp_path: Path) -> None:
    text = """
    issue_many("r", 0, 7)
    result = ch_logger.flush(1)
    stats = ch_logger.stats()
    say(result=result.__dict__, truth=bool(result), logged=stats["rows_logged"], dropped=stats["rows_dropped"], error=stats["last_error"])
    """
    said = run(text, tmp_path, CLICKHOUSE_URL="localhost:8123", GENESIS_CH_HOME=str(home)).quiet().said[0]
    assert (said["truth"], said["logged"], said["dropped"], said["result"]["dropped"]) == (False, 7, 7, 7)
    assert "ClickHouse logging disabled" in said["error"] and said["error"] == said["result"]["last_error"]


def test_rows_that_nobody_wants_are_not_lost(home: Path, tmp_path: Path) -> None:
    text = """
    issue_many("r", 0, 7)
    say(truth=bool(ch_logger.flush(1)), dropped=ch_logger.stats()["rows_dropped"], error=ch_logger.stats()["last_error"])
    """
    said = run(text, tmp_path, GENESIS_CH_MODE="disabled", GENESIS_CH_HOME=str(home)).quiet().said[0]
    assert said == {"truth": True, "dropped": 0, "error": None}
