"""fork in every state: no hang, no loss, nothing shared with the parent."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.harness import Engine, database, engine, home, run, sync
from faults.proxy import Fault, Proxy, Request, Stall

__all__ = ["database", "engine", "home"]

# What a forked child does: looks at what it inherited, logs rows, and goes in its own way.
CHILD = """
import signal
import socket

def is_connection(fd):
    # The pair of sockets by which the HTTP library wakes itself leads nowhere.
    with socket.socket(fileno=os.dup(fd)) as found:
        return found.family != socket.AF_UNIX

def inherited():
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink("/proc/self/fd/" + name)
        except OSError:
            continue
        if target.startswith("socket:") and is_connection(int(name)) or os.environ["GENESIS_CH_HOME"] in target:
            found.append(target)
    return found

def child(run, rows, way):
    pid = os.fork()
    if pid:
        return pid
    try:
        signal.alarm(20)
        found = inherited()
        issue_many(run, 0, rows)
        if way == "flush":
            assert ch_logger.flush(15).pending == 0
        assert not lines, lines
        say(found=found)
        if way == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if way == "closed":
            ch_logger.close(10)
    except BaseException as error:
        say(error=repr(error))
        os._exit(1)
    os._exit(7)

def reap(pid, way):
    status = os.waitpid(pid, 0)[1]
    assert status == (9 if way == "killed" else 7 << 8), status
"""

STATES = {
    "before the first call": "",
    "after the first call": "issue('parent', 0)",
    "delivered": "issue('parent', 0); ch_logger.flush(20)",
    "closed": "issue('parent', 0); ch_logger.close(20)",
    "a backlog": "issue_many('parent', 0, 2000)",
}
WAYS = ["leave", "killed", "closed", "flush"]


def environment(engine: Engine, database: str, home: Path, port: int | None = None) -> dict[str, str]:
    return {"CLICKHOUSE_URL": engine.url(database, port), "GENESIS_CH_HOME": str(home)}


@pytest.mark.parametrize("state", STATES)
def test_fork(state: str, engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """Children fork in a state of the parent, log, and leave in four ways; all rows of all arrive."""
    text = (
        CHILD
        + f"{STATES[state]}\n"
        + f"""
for way in {WAYS!r}:
    reap(child(way, 300, way), way)
issue("last", 0)
ch_logger.flush(20)
"""
    )
    outcome = run(text, tmp_path, **environment(engine, database, home)).quiet()
    assert outcome.said == [{"found": []}] * len(WAYS)
    sync(tmp_path, **environment(engine, database, home))
    for way in WAYS:
        assert engine.stored(way, database) == set(range(300)), way
    assert engine.stored("last", database) == {0}


@pytest.mark.parametrize("answered", [True, False])
def test_fork_in_the_middle_of_a_request(
    answered: bool, engine: Engine, database: str, home: Path, tmp_path: Path
) -> None:
    """The parent's sender waits for a reply; the child has no part in that, and delivers on its own connection."""

    def plan(request: Request) -> Fault:
        return (
            Stall(1.0, passed_on=answered) if request.is_insert and len(stalled) < 1 and not stalled.append(1) else None
        )  # type: ignore[func-returns-value]

    stalled: list[int] = []
    text = (
        CHILD
        + f"""
issue_many("parent", 0, 100)
time.sleep(0.5)
for way in {WAYS!r}:
    reap(child(way, 300, way), way)
assert ch_logger.flush(20).pending == 0
"""
    )
    with Proxy(engine.port(), plan) as proxy:
        outcome = run(text, tmp_path, **environment(engine, database, home, proxy.port)).quiet()
        assert proxy.faults == 1
    assert outcome.said == [{"found": []}] * len(WAYS)
    sync(tmp_path, **environment(engine, database, home))
    assert engine.stored("parent", database) == set(range(100))
    for way in WAYS:
        assert engine.stored(way, database) == set(range(300)), way


def test_fork_all_the_time(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """Forks at any moment while rows stream, segments turn over, orphans are looked for and a server is asked."""
    text = (
        CHILD
        + """
issue_many("parent", 0, 100)
pids = []
logged = 100
for i in range(150):
    issue_many("parent", logged, logged + 40)
    logged += 40
    pids.append(child(f"c{i}", 3, "leave"))
    if len(pids) > 4:
        reap(pids.pop(0), "leave")
for pid in pids:
    reap(pid, "leave")
ch_logger.flush(20)
say(logged=logged)
"""
    )
    env = environment(engine, database, home) | {"GENESIS_CH_SEGMENT_BYTES": "65536", "GENESIS_CH_BATCH_INTERVAL": "0"}
    outcome = run(text, tmp_path, **env).quiet()
    assert [said for said in outcome.said[:-1] if said != {"found": []}] == []
    sync(tmp_path, **env)
    assert engine.stored("parent", database) == set(range(outcome.said[-1]["logged"]))
    text = "SELECT count(), uniqExact(run_id) FROM individuals FINAL WHERE run_id LIKE 'c%'"
    assert engine.ask(text, database) == "450\t150\n"


def test_fork_while_the_embedded_server_starts(home: Path, tmp_path: Path) -> None:
    """Parent and children all look for the embedded server; one is started, and none of them keeps its lock."""
    text = (
        CHILD
        + """
issue_many("parent", 0, 10)
pids = []
for i in range(20):
    pids.append(child(f"c{i}", 3, "flush"))
    time.sleep(0.01)
for pid in pids:
    reap(pid, "flush")
assert ch_logger.flush(20).pending == 0
say(lines=lines, rows=ch_logger.client.query("SELECT count() FROM individuals").result_rows)
"""
    )
    outcome = run(text, tmp_path, GENESIS_CH_HOME=str(home)).quiet()
    assert outcome.said == [{"found": []}] * 20 + [{"lines": [], "rows": [[70]]}]


def test_parent_of_a_child_that_lives_on(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """The parent dies while its child goes on without logging: the parent's outbox is adopted, the child has no hold on it."""
    text = (
        CHILD
        + """
issue_many("parent", 0, 100)
pid = os.fork()
if pid == 0:
    for fd in (0, 1, 2, OUT):
        os.close(fd)
    time.sleep(5)
    os._exit(0)
os.kill(os.getpid(), signal.SIGKILL)
"""
    )
    env = environment(engine, database, home)
    outcome = run(text, tmp_path, GENESIS_CH_BATCH_INTERVAL="3600", **env)
    assert outcome.status == -9
    assert engine.count("parent", database) == 0
    assert sync(tmp_path, **env)["stats"]["rows_adopted"] == 100
    assert engine.stored("parent", database) == set(range(100))
