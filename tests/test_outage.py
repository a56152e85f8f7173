"""A server that is away: no log call takes longer, raises or prints, and every row is there once when it is back."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from faults.harness import (
    Engine,
    conserved,
    database,
    end_server_of,
    engine,
    home,
    own_engine,
    run,
    start,
    wait_for,
)
from faults.proxy import Cut, Fault, Proxy, Request, Stall

__all__ = ["database", "engine", "home", "own_engine"]

ROWS = 4000
P99_RATIO = 4
P99_SLACK_NS = 60_000
LONGEST_NS = 150_000_000
"""A call may lose the processor to another process; it may not wait for a server."""


def assert_unhurt(up: list[int], away: list[int]) -> None:
    """The calls of the two phases took about the same time."""
    assert away[1] < P99_RATIO * up[1] + P99_SLACK_NS, (up, away)
    assert away[2] < LONGEST_NS, (up, away)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


AWAY: dict[str, Any] = {
    "resets": lambda request: Cut(passed_on=False, hard=True),
    "hangs": lambda request: Stall(3, passed_on=False),
    "stores and hangs": lambda request: Stall(3),
}


@pytest.mark.parametrize("name", AWAY)
def test_goes_away_for_a_while(name: str, engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """Up, away in the middle, up again."""
    text = f"""
    up = timed("r", 0, {ROWS}, 0.5)
    say(up=up)
    sys.stdin.readline()
    away = timed("r", {ROWS}, {ROWS}, 1)
    say(away=away)
    sys.stdin.readline()
    result = ch_logger.flush(30)
    say(result=result.__dict__, lines=lines)
    """
    with Proxy(engine.port()) as proxy:
        env = {
            "CLICKHOUSE_URL": engine.url(database, proxy.port),
            "GENESIS_CH_REQUEST_TIMEOUT": "0.5",
            "GENESIS_CH_HOME": str(home),
        }
        program = start(text, tmp_path, **env)
        up = program.listen()["up"]
        proxy.plan = AWAY[name]
        program.tell()
        away = program.listen()["away"]
        assert proxy.faults > 0
        proxy.plan = lambda request: None
        program.tell()
        said = program.finish().quiet().said[-1]
    assert_unhurt(up, away)
    conserved(said["result"], 2 * ROWS)
    assert engine.stored("r", database) == set(range(2 * ROWS))
    assert len(said["lines"]) <= 2
    assert all("is back" in line for line in said["lines"][1:])


def test_not_there_from_the_start(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """The program starts, logs and ends before there is a server; the next program delivers."""
    port = free_port()
    env = {
        "CLICKHOUSE_URL": engine.url(database, port),
        "GENESIS_CH_HOME": str(home),
        "GENESIS_CH_CLOSE_TIMEOUT": "0.3",
    }
    text = f"""
    say(away=timed("r", 0, {ROWS}, 0.5))
    issue("r", {ROWS})
    say(lines=lines)
    """
    outcome = run(text, tmp_path, **env).quiet()
    assert outcome.said[0]["away"][2] < LONGEST_NS
    assert len(outcome.said[1]["lines"]) == 1
    assert "check host and port in CLICKHOUSE_URL" in outcome.said[1]["lines"][0]
    with Proxy(engine.port()) as proxy:
        late = {**env, "CLICKHOUSE_URL": engine.url(database, proxy.port)}
        moved = next(home.glob("outbox/*"))
        run("issue('s', 0); ch_logger.flush(20)", tmp_path, **late).quiet()
        target = next(path for path in home.glob("outbox/*") if path != moved)
        for directory in moved.glob("w-*"):
            directory.rename(target / directory.name)
        run("enabled = ch_logger.enabled\nassert ch_logger.flush(20).pending == 0", tmp_path, **late).quiet()
    assert engine.stored("r", database) == set(range(ROWS + 1))


def test_engine_killed_and_started_again(own_engine: Engine, home: Path, tmp_path: Path) -> None:
    """kill -9 of the engine while rows stream in; what it acknowledged it still has."""
    port = own_engine.port()
    text = f"""
    up = timed("r", 0, {ROWS}, 0.5)
    ch_logger.flush(10)
    say(up=up)
    sys.stdin.readline()
    say(away=timed("r", {ROWS}, {ROWS}, 1))
    sys.stdin.readline()
    result = ch_logger.flush(30)
    say(result=result.__dict__)
    """
    with Proxy(port) as proxy:
        program = start(text, tmp_path, CLICKHOUSE_URL=own_engine.url(port=proxy.port), GENESIS_CH_HOME=str(home))
        up = program.listen()["up"]
        program.tell()
        wait_for(lambda: len(proxy.inserts) > 3)
        own_engine.stop(signal.SIGKILL)
        away = program.listen()["away"]
        own_engine.start()
        proxy.upstream = own_engine.port()
        program.tell()
        said = program.finish().quiet().said[-1]
    assert_unhurt(up, away)
    assert said["result"]["delivered"] == 2 * ROWS
    assert own_engine.stored("r") == set(range(2 * ROWS))


@pytest.mark.parametrize("how", ["killed", "idle"])
def test_embedded_server_that_ends(how: str, home: Path, tmp_path: Path) -> None:
    """The server that was started on demand is killed, or leaves for want of work: the next rows start another, without a word."""
    text = f"""
    up = timed("r", 0, {ROWS}, 0.5)
    assert ch_logger.flush(20)
    say(up=up)
    sys.stdin.readline()
    away = timed("r", {ROWS}, {ROWS}, 0.5)
    result = ch_logger.flush(20)
    say(away=away, result=result.__dict__, lines=lines, stats=ch_logger.stats())
    """
    program = start(text, tmp_path, GENESIS_CH_HOME=str(home), GENESIS_CH_SERVER_IDLE="1" if how == "idle" else "30")
    up = program.listen()["up"]
    pid = Engine(home).pid()
    if how == "killed":
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{pid}").exists())
    program.tell()
    said = program.finish().quiet().said[-1]
    assert_unhurt(up, said["away"])
    assert (said["lines"], said["stats"]["servers_started"]) == ([], 2)
    assert said["result"]["delivered"] == 2 * ROWS
    end_server_of(home)
    checker = Engine(home).start()
    try:
        assert checker.stored("r") == set(range(2 * ROWS))
    finally:
        checker.stop()


def test_many_start_one_server(home: Path, tmp_path: Path) -> None:
    """Eight programs want the embedded server in the same moment: one server, and all rows in it."""
    text = """
    sys.stdin.readline()
    issue_many(os.environ["RUN"], 0, 100)
    say(pending=ch_logger.flush(30).pending, lines=lines)
    """
    programs = [start(text, tmp_path, GENESIS_CH_HOME=str(home), RUN=f"r{i}") for i in range(8)]
    for program in programs:
        program.tell()
    for program in programs:
        assert program.finish().quiet().said[0] == {"pending": 0, "lines": []}
    checker = Engine(home)
    for i in range(8):
        assert checker.stored(f"r{i}") == set(range(100))


def test_failures_are_spread(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """A server that is away is asked less and less often, also by a connect() that gave up."""

    def away(request: Request) -> Fault:
        return Stall(0.1, passed_on=False)

    text = """
    from genesis_ch import ConnectError
    try:
        ch_logger.connect(0.01)
    except ConnectError:
        pass
    ch_logger.log_action("waits", {})
    time.sleep(4)
    ch_logger.close(0)
    """
    with Proxy(engine.port(), away) as proxy:
        run(text, tmp_path, CLICKHOUSE_URL=engine.url(database, proxy.port), GENESIS_CH_HOME=str(home)).quiet()
        assert 2 <= len(proxy.requests) <= 16
