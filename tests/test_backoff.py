"""A server that answers and does not take rows: asked less and less often, complained about once, and never beside the point."""

from __future__ import annotations

from pathlib import Path

from faults.harness import Engine, database, engine, home, run
from faults.proxy import Fault, Plan, Proxy, Reply, Request

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


def test_refused_rows_are_sent_less_and_less_often(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    with Proxy(engine.port(), refuse_inserts(exception(b"Too many parts"))) as proxy:
        url = engine.url(database, proxy.port)
        said = run(WAITING, tmp_path, CLICKHOUSE_URL=url, GENESIS_CH_HOME=str(home)).quiet().said[0]
        assert 3 <= len(proxy.inserts) <= 20
        asked = len(proxy.requests) - len(proxy.inserts)
        assert asked < 40, "the tables are looked at once, not at every attempt"
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
