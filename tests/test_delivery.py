"""Delivery against a real engine behind a proxy that fails in every way a server or a network does.

Each test checks that the fault happened, that every row arrived once and unaltered, and what the user was told.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.harness import Engine, conserved, database, engine, home, start
from faults.proxy import Cut, Fault, Plan, Proxy, Reply, Request, Stall, first_inserts

__all__ = ["database", "engine", "home"]

ROWS = 40
PROGRAM = """
issue_many("r", 0, {rows})
result = ch_logger.flush({seconds})
say(result=result.__dict__, lines=lines, stats=ch_logger.stats())
"""
CLICKHOUSE = {"X-ClickHouse-Summary": "{}"}


def exception(code: int, text: str, status: int = 500, **headers: str) -> Reply:
    """An answer as ClickHouse gives it."""
    body = f"Code: {code}. DB::Exception: {text}\n".encode()
    return Reply(status, {"X-ClickHouse-Exception-Code": str(code), **headers}, body)


# What goes wrong with the first inserts of a run, and how often.
PASSING: dict[str, tuple[int, Fault]] = {
    "reset before": (3, Cut(passed_on=False, hard=True)),
    "closed before": (3, Cut(passed_on=False)),
    "stored, reply reset": (3, Cut(hard=True)),
    "stored, reply cut in its headers": (3, Cut(after=30)),
    "stored, reply stalls": (1, Stall(1.5)),
    "never answered": (1, Stall(1.5, passed_on=False)),
    "500 with a code": (2, exception(202, "Too many simultaneous queries")),
    "500 without a word": (2, Reply(500)),
    "503 with Retry-After": (1, Reply(503, {"Retry-After": "1"})),
    "200 with an exception header": (2, exception(159, "Timeout exceeded", 200)),
    "200 with Code: in the body": (2, Reply(200, CLICKHOUSE, b"Code: 999. DB::Exception: Keeper\n")),
    "200 with __exception__": (2, Reply(200, CLICKHOUSE, b"\r\n__exception__\r\nabc\r\nCode: 1001\n")),
    "captive portal": (2, Reply(200, {"Content-Type": "text/html"}, b"<html>Please log in</html>")),
    "long captive portal": (2, Reply(200, {"Content-Type": "text/html"}, b"<html>" + b"x" * 200_000)),
    "long error": (2, Reply(500, {"X-ClickHouse-Exception-Code": "202"}, b"Code: 202. " + b"x" * 200_000)),
    "redirect": (2, Reply(302, {"Location": "http://127.0.0.1:1/"})),
    "204": (2, Reply(204, CLICKHOUSE)),
    "table is read only": (2, exception(242, "Table is in readonly mode")),
    "unknown code": (2, exception(99999, "Something new")),
    "404": (2, Reply(404, {}, b"nothing here")),
}


@pytest.mark.parametrize("name", PASSING)
def test_fault_that_passes(name: str, engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """The rows are sent again until they are stored, and are there once."""
    count, fault = PASSING[name]
    with Proxy(engine.port(), first_inserts(count, fault)) as proxy:
        text = PROGRAM.format(rows=ROWS, seconds=30)
        program = start(
            text,
            tmp_path,
            CLICKHOUSE_URL=engine.url(database, proxy.port),
            GENESIS_CH_HOME=str(home),
            GENESIS_CH_REQUEST_TIMEOUT="0.5",
        )
        said = program.finish().quiet().said[0]
        assert proxy.faults == count
        assert len(proxy.inserts) > count
    assert engine.stored("r", database) == set(range(ROWS))
    conserved(said["result"], ROWS)
    assert said["result"]["delivered"] == ROWS
    assert said["stats"]["retries"] >= 1
    assert engine.endpoint()["token"] not in str(said)


def test_too_large_is_halved(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """413 and MEMORY_LIMIT_EXCEEDED mean smaller requests, down to what the server takes."""
    sizes: list[int] = []

    def plan(request: Request) -> Fault:
        if not request.is_insert:
            return None
        sizes.append(len(request.body))
        return Reply(413, {}, b"too large") if len(request.body) > 2500 else None

    with Proxy(engine.port(), plan) as proxy:
        env = {"CLICKHOUSE_URL": engine.url(database, proxy.port), "GENESIS_CH_HOME": str(home)}
        said = start(PROGRAM.format(rows=2000, seconds=30), tmp_path, **env).finish().quiet().said[0]
        assert proxy.faults >= 2
    assert engine.stored("r", database) == set(range(2000))
    assert said["result"]["delivered"] == 2000


AUTH: dict[str, Reply] = {
    "401": Reply(401, {}, b"who are you"),
    "403": Reply(403, {}, b"no"),
    "516": exception(516, "default: Authentication failed", 403),
    "516 alone": Reply(516, {"X-ClickHouse-Exception-Code": "516"}),
    "516 at length": Reply(516, {"X-ClickHouse-Exception-Code": "516"}, b"Code: 516. " + b"x" * 200_000),
}


@pytest.mark.parametrize("name", AUTH)
def test_refused_at_the_door(name: str, engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """flush returns early, everything is kept, one line names the cure, and the next process delivers."""
    with Proxy(engine.port(), lambda request: AUTH[name]) as proxy:
        env = {"GENESIS_CH_HOME": str(home), "GENESIS_CH_CLOSE_TIMEOUT": "0.2"}
        text = "import time\nbegun = time.monotonic()\n" + PROGRAM.format(rows=ROWS, seconds=20)
        text += "say(took=time.monotonic() - begun)\nissue_many('r', 40, 50)\nch_logger.flush(0)\nsay(lines=lines)"
        outcome = start(text, tmp_path, CLICKHOUSE_URL=engine.url(database, proxy.port), **env).finish().quiet()
        first, took, last = outcome.said
        assert first["result"]["pending"] == ROWS
        assert took["took"] < 5
        assert len(last["lines"]) == 1 and "check" in last["lines"][0] and "CLICKHOUSE_URL" in last["lines"][0]
        assert engine.endpoint()["token"] not in str(outcome)
        proxy.plan = lambda request: None
        start(
            PROGRAM.format(rows=0, seconds=1) + "ch_logger.enabled; say(r=ch_logger.flush(20).pending)",
            tmp_path,
            CLICKHOUSE_URL=engine.url(database, proxy.port),
            **env,
        ).finish().quiet()
    assert engine.stored("r", database) == set(range(ROWS + 10))


def flaky_plan() -> Plan:
    """Each insert fails in another way, two times out of three."""
    faults = [fault for count, fault in PASSING.values() if not isinstance(fault, Stall)]
    turn = [0]

    def plan(request: Request) -> Fault:
        if not request.is_insert:
            return None
        turn[0] += 1
        return faults[turn[0] // 3 * 2 % len(faults)] if turn[0] % 3 else None

    return plan


def test_everything_at_once(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """Small batches through a bad network for a while: nothing lost, nothing doubled."""
    text = """
    for i in range(3000):
        issue("r", i)
        if i % 250 == 0:
            time.sleep(0.02)
    result = ch_logger.flush(50)
    say(result=result.__dict__, stats=ch_logger.stats())
    """
    with Proxy(engine.port(), flaky_plan()) as proxy:
        env = {"CLICKHOUSE_URL": engine.url(database, proxy.port), "GENESIS_CH_HOME": str(home)}
        env |= {
            "GENESIS_CH_BATCH_BYTES": "60000",
            "GENESIS_CH_BATCH_INTERVAL": "0.01",
            "GENESIS_CH_REQUEST_TIMEOUT": "5",
        }
        said = start(text, tmp_path, **env).finish().quiet().said[0]
        assert proxy.faults >= 5
    conserved(said["result"], 3000)
    assert engine.stored("r", database) == set(range(3000))
