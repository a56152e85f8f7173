"""Processes that are killed: every row whose log call returned arrives, and arrives once."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from faults.harness import Engine, Program, database, engine, home, run, start, sync, wait_for

__all__ = ["database", "engine", "home"]

ROUNDS = 50
TOGETHER = 5

PRODUCER = """
for line in sys.stdin:
    run, rows = line.split()
    for i in range(int(rows)):
        issue(run, i)
        if i % 50 == 0:
            time.sleep(0.001)
    say(done=run)
"""


def environment(engine: Engine, database: str, home: Path, **extra: str) -> dict[str, str]:
    return {"CLICKHOUSE_URL": engine.url(database), "GENESIS_CH_HOME": str(home), **extra}


def kill_after(program: Program, run: str, rows: int) -> None:
    """Let it log so many rows, and kill it the moment the last call has returned."""
    program.tell(f"{run} {rows}")
    assert program.listen() == {"done": run}
    program.kill()


def test_killed_right_after_the_last_call(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """kill -9 after N returned calls, N random, 50 rounds; several producers share one outbox, small segments, small batches."""
    draw = random.Random(20)
    env = environment(engine, database, home, GENESIS_CH_SEGMENT_BYTES="65536", GENESIS_CH_BATCH_INTERVAL="0.01")
    counts: dict[str, int] = {}
    for round_ in range(ROUNDS // TOGETHER):
        programs = [start(PRODUCER, tmp_path, **env) for _ in range(TOGETHER)]
        for i, program in enumerate(programs):
            run_id = f"k{round_}-{i}"
            counts[run_id] = draw.choice((1, 2, draw.randrange(3, 200), draw.randrange(200, 2000)))
            kill_after(program, run_id, counts[run_id])
    said = sync(tmp_path, **env)
    assert said["stats"]["orphans_adopted"] > 0
    assert said["stats"]["frames_damaged"] == 0
    for run_id, rows in counts.items():
        assert engine.stored(run_id, database) == set(range(rows)), run_id
    assert len(counts) == ROUNDS
    assert list(home.rglob("w-*")) == []
    assert list(home.rglob("damaged/*")) == []


def test_killed_in_the_middle_of_a_call(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """kill -9 at any moment: each row that was reported is there; at most one that was not; none is altered."""
    draw = random.Random(21)
    env = environment(engine, database, home, GENESIS_CH_SEGMENT_BYTES="65536")
    text = """
    import mmap
    seen = mmap.mmap(os.open(sys.stdin.readline().strip(), os.O_RDWR), 8)
    say()
    for i in range(10_000_000):
        issue(sys.argv[0] + os.environ["RUN"], i)
        seen[:8] = (i + 1).to_bytes(8, "little")
    """
    for round_ in range(10):
        counter = tmp_path / "seen"
        counter.write_bytes(bytes(8))
        program = start(text, tmp_path, RUN=f"m{round_}", **env)
        program.tell(str(counter))
        program.listen()
        wait_for(lambda seen=counter: int.from_bytes(seen.read_bytes(), "little") > draw.randrange(3000), step=0.001)
        program.kill()
        returned = int.from_bytes(counter.read_bytes(), "little")
        sync(tmp_path, **env)
        stored = engine.stored(f"-cm{round_}", database)
        assert stored in (set(range(returned)), set(range(returned + 1)))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("parent_logs", [True, False])
def test_pool_that_is_terminated(
    method: str, parent_logs: bool, engine: Engine, database: str, home: Path, tmp_path: Path
) -> None:
    """`with multiprocessing.Pool(4)` ends its workers at the end of the block; what they logged arrives."""
    (tmp_path / "work.py").write_text(
        "import zlib\n"
        "from genesis_ch import ch_logger\n"
        "def work(i):\n"
        "    name = f'r-{i}'\n"
        "    value = zlib.crc32(name.encode()) / 65537.0\n"
        "    ch_logger.log_individual('r', name, i, 'p' + name, 'm', value, -value, {'score': value}, i % 2 == 0)\n"
        "    return i\n"
    )
    text = f"""
    import multiprocessing
    sys.path.insert(0, os.getcwd())
    from work import work
    if {parent_logs}:
        issue("parent", 0)
    with multiprocessing.get_context({method!r}).Pool(4) as pool:
        done = pool.map(work, range(400), chunksize=7)
    assert done == list(range(400))
    enabled = ch_logger.enabled
    result = ch_logger.flush(20)
    say(pending=result.pending, lines=lines)
    """
    outcome = run(text, tmp_path, **environment(engine, database, home)).quiet()
    assert outcome.said[0] == {"pending": 0, "lines": []}
    assert engine.stored("r", database) == set(range(400))


def test_orphans_are_adopted_by_a_living_process(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """Two processes share an outbox; a third dies; one of the living delivers its rows within ten seconds, and only one."""
    living = """
    issue("alive", int(sys.stdin.readline()))
    say()
    sys.stdin.readline()
    ch_logger.close()
    say(stats=ch_logger.stats())
    """
    living = living.replace("ch_logger.close()", "before = ch_logger.stats()").replace(
        "stats=ch_logger.stats()", "stats=before"
    )
    env = environment(engine, database, home)
    programs = [start(living, tmp_path, **env) for _ in range(2)]
    for i, program in enumerate(programs):
        program.tell(str(i))
        program.listen()
    slow = {**env, "GENESIS_CH_BATCH_INTERVAL": "3600"}
    dead = [start(PRODUCER, tmp_path, **slow) for _ in range(3)]
    for i, program in enumerate(dead):
        program.tell(f"dead{i} 500")
        assert program.listen() == {"done": f"dead{i}"}
    for program in dead:  # together, so that none has the time to adopt what another left
        program.process.kill()
    for program in dead:
        program.finish()
    assert any(home.rglob("w-*"))
    for i in range(3):
        wait_for(lambda i=i: engine.count(f"dead{i}", database) == 500, 10)  # type: ignore[misc]
    wait_for(lambda: len(list(home.rglob("w-*"))) == 2, 10)
    stats = []
    for program in programs:
        program.tell()
        stats.append(program.listen()["stats"])
        assert program.finish().quiet()
    assert sum(each["rows_adopted"] for each in stats) == 1500
    assert sum(each["rows_delivered"] for each in stats) == 1502
    for i in range(3):
        assert engine.stored(f"dead{i}", database) == set(range(500))


def test_stopped_process_keeps_its_outbox(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """SIGSTOP is not death: nobody takes the outbox of a stopped process, and it goes on when it is let."""
    env = environment(engine, database, home)
    program = start(PRODUCER, tmp_path, **{**env, "GENESIS_CH_BATCH_INTERVAL": "3600"})
    program.tell("r 300")
    program.listen()
    program.process.send_signal(signal.SIGSTOP)
    said = sync(tmp_path, **env)
    assert (said["stats"]["orphans_adopted"], engine.count("r", database)) == (0, 0)
    program.process.send_signal(signal.SIGCONT)
    program.tell("s 1")
    program.listen()
    assert program.process.stdin is not None
    program.process.stdin.close()
    program.process.stdin = None
    program.finish().quiet()
    assert engine.stored("r", database) == set(range(300))


MERGING_PRODUCER = """
for line in sys.stdin:
    run, rows = line.split()
    for i in range(int(rows)):
        name = f"{run}-{i}"
        ch_logger.log_trace(name, id=name, input=name, metadata={"first": name}, tags=[name])
        ch_logger.log_score("s", number_of(name), id=name, trace_id=name)
        if i % 20 == 0:
            time.sleep(0.02)
        ch_logger.log_trace(id=name, output=name, metadata={"then": name})
    say(done=run)
"""


def test_killed_while_rows_with_ids_are_merged(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """Whichever process delivers a call, also one half of a row that another delivers the other half of, each row is whole."""
    draw = random.Random(21)
    env = environment(engine, database, home, GENESIS_CH_SEGMENT_BYTES="65536", GENESIS_CH_BATCH_INTERVAL="0.01")
    names: list[str] = []
    for round_ in range(6):
        rows = draw.randrange(1, 150)
        kill_after(start(MERGING_PRODUCER, tmp_path, **env), f"m{round_}", rows)
        names += [f"m{round_}-{i}" for i in range(rows)]
    sync(tmp_path, **env)
    good = {
        "traces": "name = id AND input = id AND output = id AND tags = [id] AND metadata = map('first', id, 'then', id)",
        "scores": "name = 's' AND trace_id = id AND value = CRC32(id) / 65537.",
    }
    for table, right in good.items():
        sql = f"SELECT count(), uniqExact(id), countIf({right}) FROM {table} FINAL"
        assert engine.ask(sql, database).split() == [str(len(names))] * 3, table
    assert list(home.rglob("w-*")) == [] and list(home.rglob("damaged/*")) == []
