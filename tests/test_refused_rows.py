"""Rows and tables that a real engine refuses: what is at fault is put aside, everything else is stored."""

from __future__ import annotations

import os
from pathlib import Path

from faults.harness import Engine, conserved, database, engine, home, start, sync

__all__ = ["database", "engine", "home"]


def environment(engine: Engine, database: str, home: Path) -> dict[str, str]:
    return {"CLICKHOUSE_URL": engine.url(database), "GENESIS_CH_HOME": str(home)}


def quarantined(home: Path) -> list[str]:
    """What the quarantine says, one text a row."""
    return [
        path.read_text()
        for path in sorted(home.rglob("quarantine/*.txt"))
        if path.with_suffix(".seg").stat().st_size > 0
    ]


def test_row_that_breaks_a_constraint(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """It goes to the quarantine with the server's words; all others are stored; one line is said."""
    text = """
    issue("other", 0)
    ch_logger.flush(20)
    say()
    sys.stdin.readline()
    issue_many("r", 0, 1000)
    result = ch_logger.flush(20)
    issue_many("r", 1000, 1010)
    last = ch_logger.flush(20)
    say(result=result.__dict__, last=last.__dict__, truth=bool(result), lines=lines)
    """
    program = start(text, tmp_path, **environment(engine, database, home))
    program.listen()
    engine.ask("ALTER TABLE individuals ADD CONSTRAINT sane CHECK generation NOT IN (0, 333, 999)", database)
    program.tell()
    said = program.finish().quiet().said[-1]
    bad = {0, 333, 999}
    assert engine.stored("r", database) == set(range(1010)) - bad
    conserved(said["result"], 1001)
    assert (said["result"]["rejected"], said["last"]["pending"], said["truth"]) == (3, 0, False)
    reasons = quarantined(home)
    assert len(reasons) == 3
    assert all("table: individuals" in reason and "code: 469" in reason for reason in reasons)
    assert len(said["lines"]) == 1 and "quarantine" in said["lines"][0]


REFUSED_ONE = """
    issue("r", 0)
    ch_logger.flush(20)
    say()
    sys.stdin.readline()
    issue("r", 1)
    result = ch_logger.flush({seconds})
    say(result=result.__dict__, outbox=ch_logger.stats()["outbox_path"], lines=lines)
    sys.stdin.readline()
    result = ch_logger.flush(20)
    say(result=result.__dict__)
    """


def test_quarantine_that_is_full(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """At its cap a refused row is parked instead, so it is not lost, and the outbox's own cap holds."""
    program = start(REFUSED_ONE.format(seconds=20), tmp_path, **environment(engine, database, home))
    program.listen()
    engine.ask("ALTER TABLE individuals ADD CONSTRAINT sane CHECK generation != 1", database)
    folder = next(home.rglob("w-*")).parent / "quarantine"
    folder.mkdir(mode=0o700)
    with (folder / "filler").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 257 << 20)
    program.tell()
    said = program.listen()
    conserved(said["result"], 2)
    assert (said["result"]["parked"], said["result"]["rejected"]) == (1, 0)
    assert len(said["lines"]) == 1 and "quarantine is full" in said["lines"][0]
    assert [path.name for path in folder.iterdir()] == ["filler"]
    (folder / "filler").unlink()
    program.tell()
    program.finish().quiet()
    engine.ask("ALTER TABLE individuals DROP CONSTRAINT sane", database)
    hurry_parked(home)
    sync(tmp_path, **environment(engine, database, home))
    assert engine.stored("r", database) == {0, 1}


def test_quarantine_that_cannot_be_written(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """The original waits in the outbox until the disk takes the copy; it is not dropped."""
    program = start(REFUSED_ONE.format(seconds=1), tmp_path, **environment(engine, database, home))
    program.listen()
    engine.ask("ALTER TABLE individuals ADD CONSTRAINT sane CHECK generation != 1", database)
    blocker = next(home.rglob("w-*")).parent / "quarantine"
    blocker.write_text("not a directory")
    program.tell()
    said = program.listen()
    conserved(said["result"], 2)
    assert (said["result"]["pending"], said["result"]["dropped"]) == (1, 0)
    assert "quarantine" in said["result"]["last_error"]
    blocker.unlink()
    program.tell()
    assert program.finish().quiet().said[-1]["result"]["rejected"] == 1
    assert len(quarantined(home)) == 1


def test_column_of_another_type(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """The table's rows are parked, other tables go on; when the table is right again they arrive, each once."""
    text = """
    issue("other", 0)
    ch_logger.flush(20)
    say()
    sys.stdin.readline()
    issue_many("r", 0, 50)
    for i in range(50):
        ch_logger.log_lineage("r", f"c{i}", f"p{i}", i, "m")
    result = ch_logger.flush(20)
    say(result=result.__dict__, lines=lines)
    """
    program = start(text, tmp_path, **environment(engine, database, home))
    program.listen()
    engine.ask("ALTER TABLE individuals MODIFY COLUMN fitness_score String", database)
    program.tell()
    said = program.finish().quiet().said[-1]
    assert engine.ask("SELECT count() FROM code_lineages FINAL", database) == "50\n"
    assert engine.count("r", database) == 0
    conserved(said["result"], 101)
    assert (said["result"]["parked"], said["result"]["delivered"]) == (50, 51)
    assert len(said["lines"]) == 1 and "genesis-ch migrate" in said["lines"][0]
    engine.ask("ALTER TABLE individuals MODIFY COLUMN fitness_score Float64", database)
    hurry_parked(home)
    assert sync(tmp_path, **environment(engine, database, home))["stats"]["rows_delivered"] == 50
    assert engine.stored("r", database) == set(range(50))
    assert list(home.rglob("*.seg")) == []


def test_inherited_rows_of_another_type_beside_fresh_ones(
    engine: Engine, database: str, home: Path, tmp_path: Path
) -> None:
    """Fresh rows that the server takes all the time do not keep an inheritance with an unfit table from being parked."""
    text = """
    import time
    ch_logger.log_lineage("r", "c", "p", 0, "m")
    ch_logger.flush(20)
    say()
    sys.stdin.readline()
    until = time.monotonic() + 20
    while ch_logger.stats()["rows_parked"] == 0 and time.monotonic() < until:
        ch_logger.log_lineage("r", "c", "p", 0, "m")
        time.sleep(0.001)
    say(parked=ch_logger.stats()["rows_parked"])
    """
    where = environment(engine, database, home)
    program = start(text, tmp_path, GENESIS_CH_BATCH_INTERVAL="0", **where)
    program.listen()
    engine.ask("ALTER TABLE individuals MODIFY COLUMN fitness_score String", database)
    program.tell()
    leave = "issue_many('r', 0, 50)\nos._exit(0)"
    start(leave, tmp_path, GENESIS_CH_BATCH_INTERVAL="3600", **where).finish().quiet()
    assert program.finish().said[-1]["parked"] == 50


def test_rows_whose_columns_cannot_be_read(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """A schema that passes its checks and is none: its rows go to the quarantine, and nothing waits behind them."""
    from faults.segments import forge

    where = environment(engine, database, home)
    text = """
    issue("r", 0)
    ch_logger.flush(20)
    say(root=ch_logger.stats()["outbox_path"])
    """
    root = Path(start(text, tmp_path, **where).finish().quiet().said[0]["root"])
    left = root / "w-1-0123456789abcdef"
    left.mkdir(mode=0o700)
    frames = [(2, 0, b"\x03abc\x05\x01a"), (1, 0, b"row"), (1, 0, b"row")]
    (left / "000001.seg").write_bytes(forge(frames))
    said = sync(tmp_path, **where)
    assert (said["stats"]["rows_adopted"], said["stats"]["rows_rejected"]) == (2, 2)
    assert len(quarantined(home)) == 2 and "cannot be read" in quarantined(home)[0]
    assert not left.exists()


def hurry_parked(home: Path) -> None:
    """Make every parked segment due now, as a minute would."""
    from faults.segments import clear_not_before

    parked = [path for path in home.rglob("w-*/*.seg") if clear_not_before(path)]
    assert parked


def test_table_that_is_gone(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """Somebody drops the table: it is made again, or its rows are parked; nothing stops and nothing is lost."""
    text = """
    issue("r", 0)
    ch_logger.flush(20)
    say()
    sys.stdin.readline()
    issue_many("r", 1, 50)
    ch_logger.log_lineage("r", "c", "p", 0, "m")
    result = ch_logger.flush(20)
    say(result=result.__dict__)
    """
    program = start(text, tmp_path, **environment(engine, database, home))
    program.listen()
    engine.ask("DROP TABLE individuals", database)
    program.tell()
    said = program.finish().quiet().said[-1]
    conserved(said["result"], 51)
    assert said["result"]["pending"] == 0
    assert engine.ask("SELECT count() FROM code_lineages FINAL", database) == "1\n"
    assert said["result"]["parked"] in (0, 49)


def test_update_of_a_changed_table(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """An update that the table cannot take does not hold up the rows behind it."""
    text = """
    ch_logger.log_evolution_run("r", "t", {}, 1, "c", "/p")
    ch_logger.flush(20)
    say()
    sys.stdin.readline()
    ch_logger.update_evolution_run("r", "done", 3)
    issue_many("r", 0, 50)
    result = ch_logger.flush(10)
    say(result=result.__dict__)
    """
    program = start(text, tmp_path, **environment(engine, database, home))
    program.listen()
    engine.ask("ALTER TABLE evolution_runs RENAME COLUMN status TO state", database)
    program.tell()
    said = program.finish().quiet().said[-1]
    conserved(said["result"], 52)
    assert engine.stored("r", database) == set(range(50))
    assert (said["result"]["parked"], said["result"]["pending"]) == (1, 0)
    engine.ask("ALTER TABLE evolution_runs RENAME COLUMN state TO status", database)
    hurry_parked(home)
    sync(tmp_path, **environment(engine, database, home))
    assert engine.ask("SELECT status, total_generations FROM evolution_runs FINAL", database) == "done\t3\n"


def test_update_with_a_long_error(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """A traceback of a megabyte, or of ten, is stored or refused, and the rows behind it are stored."""
    text = """
    ch_logger.log_evolution_run("r", "t", {}, 1, "c", "/p")
    ch_logger.log_evolution_run("s", "t", {}, 1, "c", "/p")
    ch_logger.update_evolution_run("r", "failed", 3, error="line \\u20ac\\n" * 100_000)
    ch_logger.update_evolution_run("s", "failed", 3, error="'" * 10_000_000)
    issue_many("r", 0, 50)
    result = ch_logger.flush(15)
    say(result=result.__dict__, lines=lines)
    """
    said = start(text, tmp_path, **environment(engine, database, home)).finish().quiet().said[-1]
    assert engine.stored("r", database) == set(range(50))
    conserved(said["result"], 54)
    assert said["result"]["pending"] == 0
    assert engine.ask("SELECT count() FROM evolution_runs FINAL WHERE status = 'failed'", database) == "2\n"


def test_row_too_large_for_the_server(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """One row that the server never takes for its size is put aside; the others are stored."""
    from faults.proxy import Fault, Proxy, Reply, Request

    def plan(request: Request) -> Fault:
        return Reply(413, {}, b"too large") if request.is_insert and len(request.body) > 1_500_000 else None

    text = """
    import random
    random.seed(7)
    issue_many("r", 0, 20)
    ch_logger.log_llm_interaction("m", [{"role": "user", "content": random.randbytes(3_000_000).hex()}], "large")
    issue_many("r", 20, 40)
    ch_logger.log_llm_interaction("m", [], "small")
    result = ch_logger.flush(15)
    say(result=result.__dict__, lines=lines)
    """
    with Proxy(engine.port(), plan) as proxy:
        env = {**environment(engine, database, home), "CLICKHOUSE_URL": engine.url(database, proxy.port)}
        said = start(text, tmp_path, **env).finish().quiet().said[-1]
        assert proxy.faults >= 1
    assert engine.stored("r", database) == set(range(40))
    assert engine.ask("SELECT response FROM llm_logs", database) == "small\n"
    conserved(said["result"], 44)
    assert (said["result"]["pending"], said["result"]["parked"]) == (0, 2)


def test_full_table_is_not_taken_for_stored(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """What the engine refuses behind its parser (here: too many parts) is not acknowledged; it arrives when it is taken."""
    text = """
    issue("other", 0)
    ch_logger.flush(20)
    say()
    sys.stdin.readline()
    issue_many("r", 0, 20)
    result = ch_logger.flush(0.7)
    say(result=result.__dict__)
    sys.stdin.readline()
    result = ch_logger.flush(20)
    say(result=result.__dict__)
    """
    program = start(text, tmp_path, **environment(engine, database, home))
    program.listen()
    engine.ask("ALTER TABLE individuals MODIFY SETTING parts_to_throw_insert = 1, parts_to_delay_insert = 1", database)
    program.tell()
    assert program.listen()["result"]["pending"] == 20
    assert engine.count("r", database) == 0
    engine.ask("ALTER TABLE individuals RESET SETTING parts_to_throw_insert, parts_to_delay_insert", database)
    program.tell()
    assert program.finish().quiet().said[-1]["result"]["delivered"] == 21
    assert engine.stored("r", database) == set(range(20))
