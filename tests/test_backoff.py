"""A server that answers and does not take rows: asked less and less often, complained about once, and never beside the point."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.harness import Engine, database, engine, home, run, start
from faults.proxy import Fault, Plan, Proxy, Reply, Request, Stall

__all__ = ["database", "engine", "home"]


def refuse_inserts(reply: Reply) -> Plan:
    """Everything but rows goes through."""

    def plan(request: Request) -> Fault:
        return reply if request.is_insert else None

    return plan


def exception(text: bytes, **headers: str) -> Reply:
    return Reply(500, {"X-ClickHouse-Exception-Code": "252", **headers}, b"Code: 252. DB::Exception: " + text)


WAITING = """
issue_many("r", 0, 10)
time.sleep(5)
result = ch_logger.flush(0.2)
say(error=result.last_error, pending=result.pending, lines=lines, state=ch_logger.stats()["state"])
ch_logger.close(0)
"""


@pytest.mark.parametrize("headers", [{}, {"X-ClickHouse-Query-Id": "q"}], ids=["bare", "whole"])
def test_refused_rows_are_sent_less_and_less_often(
    engine: Engine, database: str, home: Path, tmp_path: Path, headers: dict[str, str]
) -> None:
    """The server is well: neither its release nor its ledger is asked for again, whatever headers a proxy left."""
    with Proxy(engine.port(), refuse_inserts(exception(b"Too many parts", **headers))) as proxy:
        url = engine.url(database, proxy.port)
        said = run(WAITING, tmp_path, CLICKHOUSE_URL=url, GENESIS_CH_HOME=str(home)).quiet().said[0]
        assert 3 <= len(proxy.inserts) <= 20
        behind = proxy.requests[proxy.inserts[0].number :]
        assert all(request.is_insert for request in behind), "the tables are looked at once, not at every attempt"
    assert said["pending"] == 10 and said["state"] == "retrying"
    assert "Too many parts" in said["error"]
    assert len(said["lines"]) == 1 and "Too many parts" in said["lines"][0]


def test_retry_after_of_a_day_is_not_now(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    day = {"Retry-After": "86400"}
    with Proxy(engine.port(), refuse_inserts(exception(b"Too many parts", **day))) as proxy:
        url = engine.url(database, proxy.port)
        run(WAITING, tmp_path, CLICKHOUSE_URL=url, GENESIS_CH_HOME=str(home)).quiet()
        assert 1 <= len(proxy.inserts) <= 3, "once, and once more for flush()"


def test_words_of_a_server_may_be_any_bytes(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    text = b"\xff\xfe " + "é".encode() * 300
    with Proxy(engine.port(), refuse_inserts(exception(text))) as proxy:
        url = engine.url(database, proxy.port)
        said = run(WAITING, tmp_path, CLICKHOUSE_URL=url, GENESIS_CH_HOME=str(home)).quiet().said[0]
    assert "éé" in said["error"] and len(said["lines"]) == 1


def test_each_thread_that_connects_is_told(home: Path, tmp_path: Path) -> None:
    text = """
    import threading
    from genesis_ch import ConnectError
    found = []
    def connect():
        try:
            ch_logger.connect(20)
            found.append("connected")
        except ConnectError as error:
            found.append(error.kind)
    threads = [threading.Thread(target=connect) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say(found=found)
    """
    said = run(text, tmp_path, CLICKHOUSE_URL="http://127.0.0.1:9/", GENESIS_CH_HOME=str(home)).quiet().said[0]
    assert said["found"] == ["refused"] * 8


def test_a_pause_ends_with_success(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """After a refused password was mended, rows are not held back for the rest of the pause; each outage is told."""
    refused = Reply(403, {"X-ClickHouse-Exception-Code": "516"}, b"Code: 516. DB::Exception: no")
    state: dict[str, Reply | None] = {"reply": refused}

    def plan(request: Request) -> Fault:
        return state["reply"] if request.is_insert else None

    text = """
    issue("r", 0); ch_logger.flush(3); say(lines=list(lines)); lines.clear(); input()
    assert ch_logger.flush(20)
    issue("r", 1); say(lines=list(lines)); lines.clear(); input()
    issue("r", 2); time.sleep(1); issue("r", 3); say(lines=list(lines)); lines.clear(); input()
    time.sleep(3)
    say(pending=ch_logger.stats()["rows_pending"])
    """
    with Proxy(engine.port(), plan) as proxy:
        program = start(text, tmp_path, CLICKHOUSE_URL=engine.url(database, proxy.port), GENESIS_CH_HOME=str(home))
        assert len(program.listen()["lines"]) == 1
        state["reply"] = None
        program.tell()
        assert ["is back" in line for line in program.listen()["lines"]] == [True]
        state["reply"] = exception(b"Too many parts")
        program.tell()
        assert ["Too many parts" in line for line in program.listen()["lines"]] == [True]
        state["reply"] = None
        program.tell()
        assert program.listen()["pending"] == 0
        program.finish().quiet()


def test_connecting_does_not_wait_for_a_backlog(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    def slow(request: Request) -> Fault:
        return Stall(0.3) if request.is_insert else None

    text = """
    issue_many("r", 0, 4000)
    time.sleep(1)
    begun = time.monotonic()
    ch_logger.connect(20)
    say(took=time.monotonic() - begun, pending=ch_logger.stats()["rows_pending"])
    ch_logger.close(0)
    """
    with Proxy(engine.port(), slow) as proxy:
        env = {"CLICKHOUSE_URL": engine.url(database, proxy.port), "GENESIS_CH_BATCH_BYTES": "4096"}
        said = run(text, tmp_path, GENESIS_CH_HOME=str(home), **env).quiet().said[0]
    assert said["pending"] > 0 and said["took"] < 3
