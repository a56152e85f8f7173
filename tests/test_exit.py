"""Every way to end: the process is gone in time, its exit status is its own, it prints nothing of ours, and its rows are stored or wait."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.harness import Engine, Outcome, database, engine, home, run, start, sync
from faults.proxy import Cut, Plan, Proxy, Stall, nothing

__all__ = ["database", "engine", "home"]

ROWS = 300
CLOSE_SECONDS = 0.4
MARGIN_SECONDS = 2.5

BEGIN = f"""
import atexit, signal, threading
issue_many("r", 0, {ROWS})
"""
# How the program ends, and its exit status.
EXITS: dict[str, tuple[str, int]] = {
    "return": ("", 0),
    "sys.exit": ("sys.exit(3)", 3),
    "exception": ("raise ValueError('mine')", 1),
    "sys.exit in a thread": ("t = threading.Thread(target=sys.exit, args=(5,)); t.start(); t.join()", 0),
    "os._exit": ("os._exit(4)", 4),
    "abort": ("os.abort()", -signal.SIGABRT),
    "SIGTERM": ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(30)", -signal.SIGTERM),
    "SIGINT": ("os.kill(os.getpid(), signal.SIGINT); time.sleep(30)", -signal.SIGINT),
    "SIGKILL": ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    "row in atexit": (f"atexit.register(issue, 'r', {ROWS})", 0),
    "row in an earlier atexit": ("pass", 0),
    "daemon thread logs on": (
        "threading.Thread(target=lambda: [issue('daemon', i) for i in range(10**9)], daemon=True).start(); time.sleep(0.05)",
        0,
    ),
    "close and more rows": (f"ch_logger.close(0.5); issue('r', {ROWS})", 0),
    "exec": ("os.execv(sys.executable, [sys.executable, '-c', 'raise SystemExit(6)'])", 6),
}
OWN_WORDS = {"exception": "ValueError: mine", "SIGINT": "KeyboardInterrupt"}
SERVERS: dict[str, Plan] = {
    "up": nothing,
    "down": lambda request: Cut(passed_on=False, hard=True),
    "hanging": lambda request: Stall(20, passed_on=False),
}


@pytest.fixture(params=SERVERS)
def proxy(request: pytest.FixtureRequest, engine: Engine) -> Iterator[Proxy]:
    """The server's state while the program ends."""
    with Proxy(engine.port(), SERVERS[request.param]) as made:
        yield made


def check_words(name: str, outcome: Outcome) -> None:
    """Nothing was printed but what the program's own end prints, and the one log line of what is left."""
    assert outcome.out == ""
    if name in OWN_WORDS:
        assert OWN_WORDS[name] in outcome.err.splitlines()[-1]
    elif name not in ("abort",):
        assert outcome.err == ""


@pytest.mark.parametrize("name", EXITS)
def test_exit(name: str, proxy: Proxy, engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """The program ends; then a fresh process delivers what it left; all rows are there, each once."""
    text, status = EXITS[name]
    begin = BEGIN
    rows = ROWS
    if name == "row in an earlier atexit":
        begin = f"import atexit\natexit.register(lambda: issue('r', {ROWS}))\n" + BEGIN
    if "atexit" in name or "more rows" in name:
        rows += 1
    env = {
        "CLICKHOUSE_URL": engine.url(database, proxy.port),
        "GENESIS_CH_HOME": str(home),
        "GENESIS_CH_CLOSE_TIMEOUT": str(CLOSE_SECONDS),
    }
    program = start(begin + text, tmp_path, **env)
    outcome = program.finish(CLOSE_SECONDS + MARGIN_SECONDS + 3)
    assert outcome.status == status, outcome
    check_words(name, outcome)
    proxy.plan = nothing
    sync(tmp_path, **env)
    assert engine.stored("r", database) == set(range(rows))
    assert list(home.rglob("w-*")) == []


@pytest.mark.parametrize("name", ["down", "hanging"])
def test_exit_takes_the_time_it_is_given(name: str, engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """Behind close_timeout there is no other wait; with 0 the end is immediate. One line says what is left."""
    text = """
    issue("r", 0)
    import atexit, logging
    time.sleep(0.3)
    begun = time.monotonic()
    logging.getLogger("genesis_ch").propagate = True
    """
    for seconds in ("0", "0.7"):
        with Proxy(engine.port(), SERVERS[name]) as proxy:
            env = {
                "CLICKHOUSE_URL": engine.url(database, proxy.port),
                "GENESIS_CH_HOME": str(home),
                "GENESIS_CH_CLOSE_TIMEOUT": seconds,
            }
            program = start(text + "say()", tmp_path, **env)
            program.listen()
            begun = time.monotonic()
            outcome = program.finish()
            took = time.monotonic() - begun
        assert outcome.status == 0
        assert float(seconds) - 0.1 < took < float(seconds) + 0.6
        assert [line for line in outcome.err.splitlines() if "wait in the outbox" in line] == outcome.err.splitlines()[
            -1:
        ]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sub-interpreters can be made from Python since 3.12")
def test_sub_interpreter(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """A sub-interpreter that shares the GIL records like any other; where it cannot import the core it says so."""
    text = """
    try:
        import _interpreters as interpreters
        made = interpreters.create("legacy")
    except ImportError:
        import _xxsubinterpreters as interpreters
        made = interpreters.create(isolated=False)
    code = "from genesis_ch import ch_logger\\nch_logger.log_lineage('r', 'c', 'p', 1, 'm')\\nassert ch_logger.flush(20)"
    issue("r", 0)
    failed = interpreters.run_string(made, code) if hasattr(interpreters, "run_string") else interpreters.exec(made, code)
    interpreters.destroy(made)
    say(failed=str(failed))
    """
    env = {"CLICKHOUSE_URL": engine.url(database), "GENESIS_CH_HOME": str(home)}
    outcome = run(text, tmp_path, **env).quiet()
    assert outcome.said[0]["failed"] == "None"
    assert engine.ask("SELECT count() FROM code_lineages", database) == "1\n"
    assert engine.stored("r", database) == {0}
