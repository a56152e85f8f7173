"""A disk that is full, read-only or not a directory, and an outbox at its cap: one clear line, no exception, and the rows that can be kept."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from faults.harness import Engine, conserved, database, engine, home, run, start, sync
from faults.proxy import Cut, Proxy

__all__ = ["database", "engine", "home"]

TELL = """
result = ch_logger.flush({seconds})
say(result=result.__dict__, lines=lines, stats=ch_logger.stats())
"""


@contextmanager
def small_disk(place: Path, options: str) -> Iterator[Path]:
    """A file system of its own at place."""
    place.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    if os.geteuid() != 0 or mount is None or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small file system can be mounted by root only")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def environment(engine: Engine, database: str, home: Path, port: int | None = None) -> dict[str, str]:
    return {
        "CLICKHOUSE_URL": engine.url(database, port),
        "GENESIS_CH_HOME": str(home),
        "GENESIS_CH_CLOSE_TIMEOUT": "0.3",
    }


def segment_bytes(home: Path) -> int:
    """Of all segments; they come and go while this looks."""
    return sum(os.stat(path).st_size for path in home.rglob("*.seg") if path.exists())


def test_full_disk(engine: Engine, database: str, tmp_path: Path) -> None:
    """The disk takes one segment: the rest goes to memory, with one line that names the cure, and all rows arrive."""
    text = "issue_many('r', 0, 20000)" + TELL.format(seconds=20)
    with small_disk(tmp_path / "disk", "size=400k") as disk:
        env = environment(engine, database, disk / "home") | {"GENESIS_CH_SEGMENT_BYTES": "262144"}
        said = run(text, tmp_path, **env).quiet().said[0]
    conserved(said["result"], 20000)
    assert said["result"]["delivered"] == 20000
    assert engine.stored("r", database) == set(range(20000))
    words = [line for line in said["lines"] if "durability is off" in line]
    assert len(words) == 1 == len(said["lines"])
    assert "free disk space or set GENESIS_CH_HOME" in words[0] and "No space left" in words[0]


def test_full_disk_and_no_server(engine: Engine, database: str, tmp_path: Path) -> None:
    """Memory has a cap as well: what is beyond is refused, counted and said once; what fits the disk at the end is saved there."""
    text = """
    text = "x" * 20_000
    for i in range(6000):
        ch_logger.log_llm_interaction("m", [], text + str(i))
    issue("r", 0)
    say(stats=ch_logger.stats(), lines=lines, vm=int(open("/proc/self/statm").read().split()[1]) * 4096)
    sys.stdin.readline()
    """
    with (
        small_disk(tmp_path / "disk", "size=2m") as disk,
        Proxy(engine.port(), lambda request: Cut(passed_on=False)) as proxy,
    ):
        program = start(text, tmp_path, **environment(engine, database, disk / "home", proxy.port))
        said = program.listen()
        stats = said["stats"]
        assert 4000 < stats["rows_dropped"] < 12_000
        assert stats["rows_logged"] == stats["rows_pending"] + stats["rows_dropped"] == 12_001
        assert said["vm"] < 160 << 20
        assert len([line for line in said["lines"] if "durability is off" in line]) == 1
        assert len([line for line in said["lines"] if "refused" in line]) == 1
        subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)
        program.tell()
        program.finish().quiet()
        proxy.plan = lambda request: None
        assert sync(tmp_path, **environment(engine, database, disk / "home", proxy.port))["stats"]["rows_adopted"] > 0
        count = sum(int(engine.ask(f"SELECT count() FROM {table} FINAL", database)) for table in ("llm_logs", "observations"))
        assert count + engine.count("r", database) == stats["rows_pending"]


def test_disk_that_has_room_again(engine: Engine, database: str, tmp_path: Path) -> None:
    """Without a word from the program, the next rows are in a file again: they survive SIGKILL."""
    text = """
    issue_many("r", 0, 4000)
    say(segments=ch_logger.stats()["segments_created"], lines=lines)
    sys.stdin.readline()
    while ch_logger.stats()["segments_created"] == 1:
        time.sleep(0.05)
    issue_many("s", 0, 100)
    say()
    sys.stdin.readline()
    """
    with (
        small_disk(tmp_path / "disk", "size=400k") as disk,
        Proxy(engine.port(), lambda request: Cut(passed_on=False)) as proxy,
    ):
        env = environment(engine, database, disk / "home", proxy.port) | {"GENESIS_CH_SEGMENT_BYTES": "262144"}
        program = start(text, tmp_path, **env)
        said = program.listen()
        assert said["segments"] == 1 and "durability is off" in " ".join(said["lines"])
        subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
        program.tell()
        program.listen()
        program.kill()
        proxy.plan = lambda request: None
        sync(tmp_path, **env)
    assert engine.stored("s", database) == set(range(100))


@pytest.mark.parametrize("kind", ["read-only", "a file", "under a file"])
def test_home_that_cannot_be_used(kind: str, engine: Engine, database: str, tmp_path: Path) -> None:
    """Rows go through memory; one line names the directory and the cure."""
    text = "issue_many('r', 0, 500)" + TELL.format(seconds=20)
    place = tmp_path / "place"
    if kind == "read-only":
        with small_disk(place, "size=1m,ro"):
            said = run(text, tmp_path, **environment(engine, database, place / "home")).quiet().said[0]
    else:
        place.write_text("I am a file")
        where = place / "home" if kind == "under a file" else place
        said = run(text, tmp_path, **environment(engine, database, where)).quiet().said[0]
    assert said["result"]["delivered"] == 500
    assert engine.stored("r", database) == set(range(500))
    assert len(said["lines"]) == 1
    assert (
        "durability is off" in said["lines"][0]
        and str(place) in said["lines"][0]
        and "GENESIS_CH_HOME" in said["lines"][0]
    )


def test_files_size_limit(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """A limit on the size of files is a disk that refuses, not a signal that kills."""
    text = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
    text += "issue_many('r', 0, 500)" + TELL.format(seconds=20)
    said = run(text, tmp_path, **environment(engine, database, home)).quiet().said[0]
    assert (said["result"]["delivered"], len(said["lines"])) == (500, 1)
    assert engine.stored("r", database) == set(range(500))


def test_no_descriptor_left(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """A program that uses up its descriptors loses no row: not its own, and not those of a dead process that it finds."""
    env = environment(engine, database, home)
    run("issue_many('dead', 0, 500); os._exit(0)", tmp_path, GENESIS_CH_BATCH_INTERVAL="3600", **env)
    text = """
    import resource
    enabled = ch_logger.enabled
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    held = []
    try:
        while True:
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        pass
    for spare in range(0, 7):
        for fd in held[:spare]:
            os.close(fd)
        issue_many("r", spare * 10, spare * 10 + 10)
        ch_logger.flush(0.4)
        held = held[spare:]
        while len(held) and spare < 6:
            try:
                held.append(os.open("/dev/null", os.O_RDONLY))
            except OSError:
                break
    for fd in held:
        os.close(fd)
    """ + TELL.format(seconds=20).replace("\n", "\n    ")
    said = run(text, tmp_path, **env).quiet().said[0]
    sync(tmp_path, **env)
    assert engine.stored("r", database) == set(range(70))
    assert engine.stored("dead", database) == set(range(500))
    assert said["stats"]["rows_dropped"] == 0
    assert list(home.rglob("damaged/*")) == []


def test_no_descriptor_at_the_first_call(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """Opening needs files of the package: rows until it can are counted as dropped and said once, then recording begins."""
    text = """
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    held = []
    try:
        while True:
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        pass
    issue_many("lost", 0, 20)
    early = ch_logger.stats()
    early_result = ch_logger.flush(1).__dict__
    for fd in held:
        os.close(fd)
    issue_many("r", 0, 500)
    say(early=early, early_result=early_result)
    """ + TELL.format(seconds=20).replace("\n", "\n    ")
    first, said = run(text, tmp_path, **environment(engine, database, home)).quiet().said
    assert (first["early"]["rows_logged"], first["early"]["rows_dropped"]) == (20, 20)
    assert first["early_result"]["dropped"] == 20 and "cannot start" in first["early_result"]["last_error"]
    assert (said["result"]["delivered"], said["result"]["dropped"], said["result"]["pending"]) == (500, 20, 0)
    assert engine.stored("r", database) == set(range(500))
    assert [line for line in said["lines"] if "cannot start" in line] == said["lines"] and len(said["lines"]) == 1


def test_outbox_at_its_cap(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """No server and a cap of 1 MiB: the newest rows are refused and counted, with one line; memory stays flat; the older arrive."""
    text = """
    def memory():
        return int(open("/proc/self/statm").read().split()[1]) * 4096
    issue_many("r", 0, 10_000)
    before = memory()
    issue_many("r", 10_000, 60_000)
    big = "x" * 2_000_000
    for i in range(20):
        ch_logger.log_llm_interaction("m", [], big)
    say(stats=ch_logger.stats(), lines=lines, grown=memory() - before)
    """
    env = {"GENESIS_CH_OUTBOX_MAX_BYTES": str(1 << 20)}
    with Proxy(engine.port(), lambda request: Cut(passed_on=False)) as proxy:
        said = run(text, tmp_path, **environment(engine, database, home, proxy.port), **env).quiet().said[0]
        stats = said["stats"]
        kept = stats["rows_pending"]
        assert 1000 < kept < 10_000
        assert stats["rows_dropped"] == 60_040 - kept
        assert stats["outbox_bytes"] <= 1 << 20
        assert segment_bytes(home) <= 1 << 20
        assert said["grown"] < 16 << 20
        refused = [line for line in said["lines"] if "at its cap" in line]
        assert len(refused) == 1 and "GENESIS_CH_OUTBOX_MAX_BYTES" in refused[0]
        proxy.plan = lambda request: None
        sync(tmp_path, **environment(engine, database, home, proxy.port), **env)
    assert engine.stored("r", database) == set(range(kept))


def test_cap_with_a_spare_segment(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """Huge rows take files of their own; a delivered file kept for use again does not open the cap for them."""
    text = """
    issue_many("r", 0, 6000)
    ch_logger.flush(20)
    say()
    sys.stdin.readline()
    big = "x" * 300_000
    for i in range(30):
        ch_logger.log_llm_interaction("m", [], big)
    say(stats=ch_logger.stats())
    """
    env = {"GENESIS_CH_OUTBOX_MAX_BYTES": str(1 << 20)}
    with Proxy(engine.port()) as proxy:
        program = start(text, tmp_path, **environment(engine, database, home, proxy.port), **env)
        program.listen()
        proxy.plan = lambda request: Cut(passed_on=False)
        program.tell()
        stats = program.listen()["stats"]
        assert stats["rows_dropped"] > 20
        assert segment_bytes(home) <= 1 << 20
        proxy.plan = lambda request: None
        program.finish().quiet()


def test_outbox_that_is_removed(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """Somebody deletes the outbox of a running program: rows logged afterwards still arrive."""
    text = """
    issue_many("r", 0, 10)
    ch_logger.flush(20)
    issue_many("gone", 0, 10)
    say()
    sys.stdin.readline()
    issue_many("s", 0, 6000)
    """ + TELL.format(seconds=6).replace("\n", "\n    ")
    env = environment(engine, database, home) | {
        "GENESIS_CH_SEGMENT_BYTES": "65536",
        "GENESIS_CH_BATCH_INTERVAL": "3600",
    }
    program = start(text, tmp_path, **env)
    program.listen()
    shutil.rmtree(home / "outbox")
    program.tell()
    said = program.finish().said[-1]
    assert said["result"]["pending"] == 0, said["result"]
    assert engine.stored("s", database) == set(range(6000))


def test_file_in_use_that_is_removed(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """Somebody deletes the outbox before the first row was looked at: the rows of the file in use arrive all the same."""
    text = """
    issue_many("r", 0, 100)
    say()
    sys.stdin.readline()
    issue_many("r", 100, 200)
    """ + TELL.format(seconds=6).replace("\n", "\n    ")
    env = environment(engine, database, home) | {"GENESIS_CH_BATCH_INTERVAL": "3600"}
    program = start(text, tmp_path, **env)
    program.listen()
    shutil.rmtree(home / "outbox")
    program.tell()
    said = program.finish().quiet().said[-1]
    assert (said["result"]["pending"], said["result"]["dropped"]) == (0, 0), said["result"]
    assert len([line for line in said["lines"] if "was removed" in line]) == 1
    assert engine.stored("r", database) == set(range(200))


def test_backlog_that_is_removed(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """Somebody deletes the outbox while rows wait in it: they are counted as dropped, and later rows do not wait for them."""
    text = """
    issue_many("r", 0, 6000)
    say()
    sys.stdin.readline()
    issue_many("s", 0, 6000)
    """ + TELL.format(seconds=10).replace("\n", "\n    ")
    with Proxy(engine.port(), lambda request: Cut(passed_on=False)) as proxy:
        env = environment(engine, database, home, proxy.port) | {"GENESIS_CH_SEGMENT_BYTES": "65536"}
        program = start(text, tmp_path, **env)
        program.listen()
        shutil.rmtree(home / "outbox")
        proxy.plan = lambda request: None
        program.tell()
        said = program.finish().quiet().said[-1]
    conserved(said["result"], 12000)
    assert said["result"]["pending"] == 0
    assert len([line for line in said["lines"] if "was removed" in line]) == 1
    stored = engine.stored("s", database)
    assert len(stored) == said["result"]["delivered"] > 4000
    assert stored == set(range(6000 - len(stored), 6000))
