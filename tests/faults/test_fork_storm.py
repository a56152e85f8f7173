"""Forks while threads log: children that log and leave, are killed, or work in the pools that experiments use."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.figures import Figure
from faults.harness import PRELUDE, Engine, database, engine, home, run, sync
from faults.rows import SEGMENT_BYTES

__all__ = ["database", "engine", "home"]

FORKS = (60, 1000)
THREADS = 8
ROWS_MAX = 40
ALARM_SECONDS = 30

# Each child first looks at what it inherited, logs rows, counting the calls that returned on a shared board, and ends.
STORM = f"""
import mmap, random, signal, socket, threading
forks = int(os.environ["FORKS"])
board = mmap.mmap(-1, 8 * forks)
draw = random.Random(11)
going = True
logged = [0] * {THREADS}

def is_connection(fd):
    # The pair of sockets by which the HTTP library wakes itself leads nowhere.
    with socket.socket(fileno=os.dup(fd)) as found:
        return found.family != socket.AF_UNIX

def links(pid):
    found = {{}}
    for name in os.listdir(f"/proc/{{pid}}/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/{{pid}}/fd/{{name}}")
        except OSError:
            pass
    return found

def own():
    home = os.environ["GENESIS_CH_HOME"]
    found = [link for fd, link in links("self").items()
             if home in link or link.startswith("socket:") and is_connection(fd)]
    with open("/proc/self/maps") as maps:
        return found + [line.split()[-1] for line in maps if home in line]

def written_or_spoken_through():
    # Not locks: who looks for the dead opens the lock of a living one for a moment.
    return {{link for fd, link in links("self").items()
            if link.endswith(".seg") or link.startswith("socket:") and is_connection(fd)}}

def child(number, way):
    pid = os.fork()
    if pid:
        return pid
    try:
        signal.alarm({ALARM_SECONDS})
        inherited = own()
        rows = {ROWS_MAX} if way == "killed" else 3
        for i in range(rows):
            issue(f"c{{number}}", i)
            board[8 * number : 8 * number + 8] = (i + 1).to_bytes(8, "little")
            if way == "killed":
                time.sleep(0.001)
        if way == "flushed":
            ch_logger.flush(10)
        shared = written_or_spoken_through() & set(links(os.getppid()).values())
        if inherited or shared or lines:
            say(inherited=inherited, shared=sorted(shared), lines=lines)
    except BaseException as error:
        say(error=repr(error))
    if way == "suicide":
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(7)

def reap(pid, way):
    if way == "killed":
        time.sleep(draw.random() * 0.04)
        os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    assert status in ((9,) if way == "suicide" else (9, 7 << 8) if way == "killed" else (7 << 8,)), (way, status)
    return status == 9

def log_on(thread):
    while going:
        issue(f"t{{thread}}", logged[thread])
        logged[thread] += 1
        time.sleep(0.002)

threads = [threading.Thread(target=log_on, args=(n,)) for n in range({THREADS})]
for thread in threads: thread.start()
alive = []
killed = 0
for number in range(forks):
    way = draw.choices(("left", "flushed", "killed", "suicide"), (6, 1, 6, 3))[0]
    alive.append((child(number, way), way))
    if len(alive) > 3:
        killed += reap(*alive.pop(0))
for pid, way in alive:
    killed += reap(pid, way)
going = False
for thread in threads: thread.join()
ch_logger.flush(20)
say(logged=logged, killed=killed, returned=[int.from_bytes(board[8 * n : 8 * n + 8], "little") for n in range(forks)])
"""


def environment(engine: Engine, database: str, home: Path, **extra: str) -> dict[str, str]:
    return {
        "CLICKHOUSE_URL": engine.url(database),
        "GENESIS_CH_HOME": str(home),
        "GENESIS_CH_SEGMENT_BYTES": str(SEGMENT_BYTES),
        "GENESIS_CH_BATCH_INTERVAL": "0.02",
        **extra,
    }


def test_fork_storm(
    engine: Engine, database: str, home: Path, tmp_path: Path, long_form: bool, figure: Figure
) -> None:
    """Every child ends by itself or is killed; none has a file or connection of its parent; all rows of all arrive."""
    forks = FORKS[long_form]
    env = environment(engine, database, home, FORKS=str(forks))
    outcome = run(STORM, tmp_path, seconds=60 + forks, **env).quiet()
    *strange, said = outcome.said
    assert strange == []
    sync(tmp_path, **env)
    threads = engine.stored_runs("LIKE 't%'", database)
    assert threads == {f"t{n}": set(range(rows)) for n, rows in enumerate(said["logged"])}
    children = engine.stored_runs("LIKE 'c%'", database)
    for number, returned in enumerate(said["returned"]):
        rows = children.pop(f"c{number}", set())
        assert rows == set(range(returned)) or rows == set(range(returned + 1)), (number, returned, rows)
    assert children == {} and said["killed"] > forks // 10
    assert list(home.rglob("w-*")) == []
    figure(
        11,
        f"{forks} forks while {THREADS} threads log; {said['killed']} children killed, the others leave by os._exit",
        f"0 hang, 0 with a file, mapping or connection of the parent; {sum(said['logged'])} rows of the threads and "
        f"{sum(said['returned'])} of the children: 0 lost, 0 doubled",
    )


WORK = """
def work(i):
    issue("pool", i)
    return i

def step(i):
    issue("tasks", i)
    return i

def read_samples(worker, indices, samples):
    # What a worker of a data loader does: takes an index, makes the sample, hands it on, for as long as it lives.
    for index in iter(indices.get, None):
        issue("loader", index)
        samples.put(index)
"""

POOLS = """
import concurrent.futures as futures, multiprocessing, signal
sys.path.insert(0, os.getcwd())
from work import *
from work import lines

def tasks(executor, start):
    with executor as pool:
        assert sorted(pool.map(step, range(start, start + 200))) == list(range(start, start + 200))

def loader(method, start, epochs, samples_an_epoch, workers=3):
    context = multiprocessing.get_context(method)
    for epoch in range(epochs):
        first = start + epoch * samples_an_epoch
        samples = context.Queue()
        indices = [context.Queue() for _ in range(workers)]
        running = [context.Process(target=read_samples, args=(n, queue, samples), daemon=True)
                   for n, queue in enumerate(indices)]
        for worker in running: worker.start()
        for i in range(samples_an_epoch):
            indices[i % workers].put(first + i)
        got = sorted(samples.get(timeout=30) for _ in range(samples_an_epoch))
        assert got == list(range(first, first + samples_an_epoch))
        for worker, queue in zip(running, indices):
            if epoch % 2: worker.kill()
            else: queue.put(None)
        for worker in running: worker.join(30); assert worker.exitcode in (0, -9), worker.exitcode

issue("main", 0)
rows = 0
for method in os.environ["METHODS"].split(","):
    context = multiprocessing.get_context(method)
    tasks(futures.ProcessPoolExecutor(3, mp_context=context), rows)
    with context.Pool(3) as pool:
        assert sorted(pool.imap_unordered(work, range(rows, rows + 200), chunksize=3)) == list(range(rows, rows + 200))
    loader(method, rows, 2, 100)
    rows += 200
tasks(futures.ThreadPoolExecutor(8), rows)
assert ch_logger.flush(30).pending == 0 and not lines, lines
say(pool=rows, tasks=rows + 200, loader=rows)
"""


@pytest.mark.parametrize("methods", ["fork,forkserver", "spawn"])
def test_pools(
    methods: str, engine: Engine, database: str, home: Path, tmp_path: Path, long_form: bool, figure: Figure
) -> None:
    """Executors, Pool that is terminated, and loaders with workers of every epoch that are ended or killed."""
    (tmp_path / "work.py").write_text(PRELUDE + WORK)
    env = environment(engine, database, home, METHODS=methods)
    (said,) = run(POOLS, tmp_path, prelude="import os, sys\n", **env).quiet().said
    sync(tmp_path, **env)
    assert {name: engine.stored(name, database) for name in said} == {name: set(range(said[name])) for name in said}
    figure(
        11,
        f"{methods.replace(',', ' and ')}: ProcessPoolExecutor, Pool that is terminated, data loader with new workers "
        "each epoch, ended or killed; ThreadPoolExecutor",
        f"{sum(said.values())} rows: 0 lost, 0 doubled",
    )
