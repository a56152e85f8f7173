"""flush() and close(): how long they take, what they say, and that Ctrl-C ends them."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from faults.harness import Engine, database, engine, home, run, start
from faults.proxy import Proxy, Stall

__all__ = ["database", "engine", "home"]


def test_keyboard_interrupt_ends_it(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """KeyboardInterrupt within 200 ms, also when no limit was given; the rows are still there and arrive."""
    text = """
    issue_many("r", 0, 10)
    say()
    try:
        ch_logger.flush(None)
    except KeyboardInterrupt:
        say(at=time.monotonic())
    sys.stdin.readline()
    say(pending=ch_logger.flush(20).pending)
    """
    with Proxy(engine.port(), lambda request: Stall(30, passed_on=False)) as proxy:
        env = {
            "CLICKHOUSE_URL": engine.url(database, proxy.port),
            "GENESIS_CH_HOME": str(home),
            "GENESIS_CH_REQUEST_TIMEOUT": "1",
        }
        program = start(text, tmp_path, **env)
        program.listen()
        time.sleep(0.4)
        begun = time.monotonic()
        program.process.send_signal(signal.SIGINT)
        assert program.listen()["at"] - begun < 0.2
        proxy.plan = lambda request: None
        program.tell()
        assert program.finish().quiet().said[-1] == {"pending": 0}
    assert engine.stored("r", database) == set(range(10))


def test_returns_in_time(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """flush(t) takes no longer than t and 100 ms, whatever the server does; another thread runs meanwhile."""
    text = """
    import threading
    issue_many("r", 0, 10)
    ticks = []
    threading.Thread(target=lambda: [(ticks.append(1), time.sleep(0.01)) for _ in range(10_000)], daemon=True).start()
    for seconds in (0, 0.05, 0.3, 0.7):
        before, begun = len(ticks), time.monotonic()
        result = ch_logger.flush(seconds)
        say(took=time.monotonic() - begun, asked=seconds, pending=result.pending, truth=bool(result), ticks=len(ticks) - before)
    begun = time.monotonic()
    ch_logger.close(0)
    say(closed=time.monotonic() - begun)
    """
    with Proxy(engine.port(), lambda request: Stall(20, passed_on=False)) as proxy:
        env = {"CLICKHOUSE_URL": engine.url(database, proxy.port), "GENESIS_CH_HOME": str(home)}
        said = run(text, tmp_path, **env).quiet().said
    for each in said[:-1]:
        assert each["asked"] - 0.01 <= each["took"] < each["asked"] + 0.1, each
        assert (each["pending"], each["truth"]) == (10, False)
        assert each["ticks"] >= each["asked"] / 0.05
    assert said[-1]["closed"] < 0.3


def test_waits_for_every_row(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """When flush has returned a truthy result, each row logged before is stored: asked of the engine between flushes."""
    text = """
    for i in range(20):
        issue_many("r", i * 50, i * 50 + 50)
        assert ch_logger.flush(20)
        say(flushed=i * 50 + 50)
        sys.stdin.readline()
    """
    env = {"CLICKHOUSE_URL": engine.url(database), "GENESIS_CH_HOME": str(home), "GENESIS_CH_BATCH_INTERVAL": "60"}
    program = start(text, tmp_path, **env)
    for _ in range(20):
        flushed = program.listen()["flushed"]
        assert engine.count("r", database) == flushed
        program.tell()
    program.finish().quiet()


def test_many_threads(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """Threads log, flush and close at the same time; nothing hangs, nothing is lost."""
    text = """
    import threading
    def work(number):
        for i in range(200):
            issue(f"t{number}", i)
            if i % 20 == 0:
                ch_logger.flush(5) if number % 2 else ch_logger.close(5)
    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    say(pending=ch_logger.flush(20).pending)
    """
    env = {"CLICKHOUSE_URL": engine.url(database), "GENESIS_CH_HOME": str(home)}
    assert run(text, tmp_path, **env).quiet().said[-1]["pending"] == 0
    run("enabled = ch_logger.enabled; assert ch_logger.flush(20).pending == 0", tmp_path, **env).quiet()
    for n in range(6):
        assert engine.stored(f"t{n}", database) == set(range(200))
