"""What the commands see in an outbox, held against what real processes left there."""

from __future__ import annotations

import json
import os
import random
import signal
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cli_fixtures import KILL, PRODUCER, STAY, World
from cli_fixtures import world as world
from faults.segments import forge
from genesis_ch._core import TABLES, count_rows, read_rows
from genesis_ch.cli import outbox
from server_fixtures import wait_for
from test_cli_doctor import closed_port

EVERY_TABLE = """
import os, signal
from genesis_ch import ch_logger as l
l.log_evolution_run("r", "t", {}, 5, "c", "/p", tags=["x", "é"], git_dirty=True, timestamp="2024-02-29T12:30:00.250Z")
l.log_generation("r", 1, 2, 0.5, 0.25, 1)
l.log_individual("r", "i", -7, "p", "m", 1.5, float("nan"), {"s": {"z": -2.5}}, True)
l.log_pareto_front("r", 1, [{"individual_id": "i", "fitness_score": 1, "combined_score": 2, "metrics": {}}])
l.log_lineage("r", "c", "p", 1, "m")
l.log_llm_interaction("m", [], "x" * 70_000, usage={"a": 3}, generation=-4, input_tokens=2**64 - 1)
l.log_action("a", {})
l.log_trace("t", id="trace", metadata={"k": 1}, tags=["x"], timestamp=0.25)
l.log_observation("o", "tool", id="o", usage={"prompt_tokens": 3}, cost=0.1, end_time=1.5, prompt_version=7)
l.log_score("s", "good", trace_id="trace")
l.log_dataset_run_item("d", "r", "i", "trace")
l.log_event("TRACE", "trace")
l.log_blob("TRACE", "trace", "e", "b", "p")
l.log_individual("r", "j", 1, "i", "m", 1.0, 1.0, {}, False, code="pass")
l.update_evolution_run("r", "done", 9, error="b")
"""
ALLOW = "ALTER TABLE individuals DROP CONSTRAINT IF EXISTS sane"
REFUSED = """
from genesis_ch import ch_logger as l
l.log_individual("r", "good", 0, "", "m", 1, 1, {"score": 1}, False)
assert l.flush(30)
l.client.command("ALTER TABLE individuals ADD CONSTRAINT sane CHECK generation < 100")
for i in range(3):
    l.log_individual("r", f"bad{i}", 100 + i, "", "m", float("nan"), 1, {"score": 1}, False)
assert l.flush(30).rejected == 3
"""


@pytest.fixture
def away(world: World) -> dict[str, str]:
    """Variables of a server that does not answer; what is logged stays in the outbox."""
    return {"CLICKHOUSE_URL": f"http://u:p@127.0.0.1:{closed_port()}/d", "GENESIS_CH_SEGMENT_BYTES": "65536"}


def found(world: World) -> outbox.Outbox:
    (folder,) = (world.path / "state/genesis_ch/outbox").iterdir()
    return outbox.look(folder)


def first_segment(world: World) -> Path:
    return min((world.path / "state").glob("genesis_ch/outbox/*/w-*/*.seg"))


def test_rows_of_an_ended_process_are_counted_over_many_segments(world: World, away: dict[str, str]) -> None:
    world.produce("r", 5000, **away)
    seen = found(world)
    assert (seen.waiting, seen.orphaned, seen.more, seen.damaged, seen.refused.total()) == (5000, 5000, "", 0, 0)
    assert len(list(first_segment(world).parent.glob("*.seg"))) > 3


def test_rows_of_a_live_process_wait_but_are_its_own(world: World, away: dict[str, str]) -> None:
    alive = world.start("-c", PRODUCER + STAY, "r", "30", **away)
    assert alive.stdout is not None and alive.stdout.readline() == "ready\n"
    assert (found(world).waiting, found(world).orphaned) == (30, 0)
    alive.kill()
    alive.wait()
    assert (found(world).waiting, found(world).orphaned) == (30, 30)


def test_delivered_rows_do_not_wait(world: World) -> None:
    alive = world.start("-c", PRODUCER + "ch_logger.flush()\n" + STAY, "r", "30")
    assert alive.stdout is not None and alive.stdout.readline() == "ready\n"
    seen = outbox.look(world.home / "outbox")
    assert (seen.waiting, list(seen.path.glob("w-*/*.seg")) != []) == (0, True)


def test_counting_stops_at_its_limit(world: World, away: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    world.produce("r", 1000, **away)
    monkeypatch.setattr(outbox, "COUNT_MAX", 400)
    assert (found(world).waiting, found(world).more) == (400, "+")


def test_damage_costs_the_rows_it_hits_and_nothing_raises(world: World, away: dict[str, str]) -> None:
    world.produce("r", 100, **away)
    segment = first_segment(world)
    whole = segment.read_bytes()
    assert count_rows(segment, 1000) == len(read_rows(segment, 1000)) == 100
    data = bytearray(whole)
    data[4000] ^= 0xFF
    segment.write_bytes(data)
    assert count_rows(segment, 1000) == 99
    for at in range(128, len(data) // 2, 8):
        data[at] ^= 0x01
    segment.write_bytes(data)
    assert 0 <= count_rows(segment, 1000) < 99
    for text in (os.urandom(500), whole[:200], b"", b"GCHSEG1\n" + bytes(120)):
        segment.write_bytes(text)
        assert (count_rows(segment, 1000), read_rows(segment, 1000)) == (0, [])
    segment.unlink()
    assert (count_rows(segment, 1000), read_rows(segment, 1000)) == (0, [])


def test_rows_are_read_back_as_they_were_logged(world: World, away: dict[str, str]) -> None:
    assert world.python("-c", EVERY_TABLE + KILL, CLICKHOUSE_URL=away["CLICKHOUSE_URL"]).returncode == -signal.SIGKILL
    rows = read_rows(first_segment(world), 100)
    assert all(whole for _, _, whole in rows)
    by_table: dict[str, dict[str, Any]] = {}
    for table, values, _ in rows[:-1]:
        by_table.setdefault(table, values)
    assert by_table.keys() == set(TABLES)
    for table, values in by_table.items():
        names = [name for name, _ in TABLES[table]]
        assert list(values) == (names if names[-1] == "_ts" else [*names, "_set"]), table
    run, llm = by_table["evolution_runs"], by_table["llm_logs"]
    assert (run["tags"], run["git_dirty"], run["start_time"]) == (["x", "é"], True, "2024-02-29 12:30:00.250")
    assert (llm["usage"], llm["generation"], llm["input_tokens"], llm["output_tokens"]) == ({"a": 3}, -4, 2**64 - 1, None)
    assert str(uuid.UUID(llm["id"])) == llm["id"] and llm["response"] == "x" * 70_000
    assert by_table["individuals"]["metrics_num"] == {"s.z": -2.5} and by_table["individuals"]["generation"] == -7
    trace, score = by_table["traces"], by_table["scores"]
    assert (trace["metadata"], trace["tags"], trace["timestamp"]) == ({"k": "1"}, ["x"], "1970-01-01 00:00:00.250")
    assert (score["data_type"], score["string_value"], score["value"]) == ("CATEGORICAL", "good", 0.0)
    tool = next(values for table, values, _ in rows if table == "observations" and values["id"] == "o")
    assert (tool["usage_details"], tool["prompt_version"], tool["end_time"]) == ({"input": 3, "total": 3}, 7, "1970-01-01 00:00:01.500")
    assert [str(tool["total_cost"]), str(tool["cost_details"]["total"])] == ["0.1"] * 2
    assert by_table["programs_code"]["code"] == "pass"
    update = {"call": "update_evolution_run", "run_id": "r", "status": "done", "error": "b", "total_generations": 9}
    assert rows[-1] == ("evolution_runs", update, True)


def text(value: str) -> bytes:
    return bytes([len(value.encode())]) + value.encode()


def schema(*columns: tuple[str, str]) -> bytes:
    names = b"".join(text(name) for name, _ in columns)
    return text("t") + bytes([len(columns)]) + names + b"".join(text(kind) for _, kind in columns)


def test_any_type_and_any_bytes_are_read_as_far_as_they_go(tmp_path: Path) -> None:
    """Frames that pass their checks and hold nonsense: what can be read is, and nothing raises."""
    file = tmp_path / "forged.seg"
    row = b"\x07" + b"\xff" * 8 + b"\x01\x02\x61\x62"
    forged = schema(("a", "UInt8"), ("b", "Int64"), ("c", "Array(String)"))
    file.write_bytes(forge([(2, 0, forged), (1, 0, row), (1, 0, row[:-1]), (1, 0, row + b"!"), (1, 5, row)]))
    values = {"a": 7, "b": -1, "c": ["ab"]}
    partial = {"a": 7, "b": -1}
    assert read_rows(file, 9) == [("t", values, True), ("t", partial, False), ("t", values, False)]
    assert count_rows(file, 9) == 3
    kinds = ("Map(Array(UInt8), UInt8)", "Array(" * 17 + "UInt8" + ")" * 17, "DateTime64()", "DateTime64(x)", "Map()", "Decimal(9)", "Decimal(18, 12)", "Decimal(99999999999, 1)", "Decimal(,,)", "Decimal(2, 9)")
    chance = random.Random(3)
    for kind in (*kinds, "", "(", ")", "Nullable", "Nullable()", "Array(Map(String, Float32))", "DateTime64(9)", "DateTime"):
        for _ in range(20):
            frames = [(2, 0, schema(("x", kind))), (1, 0, b"\x01" * 40), (3, 0, chance.randbytes(chance.randrange(1, 60)))]
            frames += [(1, 0, chance.randbytes(chance.randrange(1, 60))), (2, 1, chance.randbytes(30)), (1, 1, b"\xff" * 9)]
            file.write_bytes(forge(frames))
            assert len(read_rows(file, 9)) == 4


def refuse(world: World) -> Path:
    """Make a store with one row that was taken and three that were refused; its outbox."""
    done = world.python("-c", REFUSED)
    assert (done.returncode, done.stderr) == (0, "")
    return world.home / "outbox"


def refused(world: World) -> list[dict[str, Any]]:
    done = world.cli("outbox", "show", "--json")
    assert done.returncode == 0, done.stdout
    listed: list[dict[str, Any]] = json.loads(done.stdout)["refused"]
    return listed


def individuals(world: World) -> list[str]:
    return [str(name) for (name,) in world.query("SELECT individual_id FROM individuals ORDER BY individual_id")]


def test_show_names_each_refused_row(world: World) -> None:
    refuse(world)
    rows = refused(world)
    assert [row["row"]["individual_id"] for row in rows] == ["bad0", "bad1", "bad2"]
    assert {(row["table"], row["code"], row["name"]) for row in rows} == {("individuals", 469, "VIOLATED_CONSTRAINT")}
    assert all("sane" in row["reason"] and datetime.fromisoformat(row["when"]) for row in rows)
    assert rows[0]["row"]["fitness_score"] == "nan" and rows[0]["row"]["metrics"] == '{"score":1}'
    shown = world.cli("outbox", "show")
    assert shown.returncode == 0 and "rows refused       3" in shown.stdout
    assert all(row["id"] in shown.stdout for row in rows) and "individual_id=bad1" in shown.stdout
    one = world.cli("outbox", "show", rows[1]["id"])
    assert one.returncode == 0 and "A row of individuals" in one.stdout
    assert "individual_id      bad1" in one.stdout and "bad0" not in one.stdout
    assert json.loads(world.cli("outbox", "show", "--json", rows[1]["id"]).stdout) == rows[1]


def test_retry_sends_rows_again(world: World) -> None:
    """What the table takes now arrives; what it still refuses comes back to the quarantine."""
    refuse(world)
    rows = refused(world)
    assert "1 rows are back" in world.cli("outbox", "retry", rows[0]["id"]).stdout
    assert world.cli("sync").returncode == 1 and len(refused(world)) == 3 and individuals(world) == ["good"]
    assert world.python("-c", "from genesis_ch import ch_logger as l\nl.client.command('" + ALLOW + "')").returncode == 0
    assert "3 rows are back" in world.cli("outbox", "retry", "--all").stdout
    assert world.cli("sync").returncode == 0 and refused(world) == []
    assert individuals(world) == ["bad0", "bad1", "bad2", "good"]
    assert list((world.home / "outbox/quarantine").iterdir()) == []
    assert "0 rows are back" in world.cli("outbox", "retry", "--all").stdout


def test_retry_while_a_process_records(world: World) -> None:
    """It takes the rows over by itself, within seconds."""
    refuse(world)
    recorder = "ch_logger.flush(30)\nch_logger.client.command('" + ALLOW + "')\n"
    alive = world.start("-c", PRODUCER + recorder + STAY, "r", "3")
    assert alive.stdout is not None and alive.stdout.readline() == "ready\n"
    assert "3 rows are back" in world.cli("outbox", "retry", "--all").stdout
    wait_for(lambda: len(individuals(world)) == 7)
    assert refused(world) == [] and alive.poll() is None


def test_a_crash_in_retry_loses_nothing(world: World) -> None:
    """Killed before the copy in the quarantine is removed, the row is in both places; it replaces itself."""
    outbox_path = refuse(world)
    killed = (
        "import os, signal, sys; from pathlib import Path; from genesis_ch.cli import quarantine as q\n"
        "q.remove = lambda chosen: os.kill(os.getpid(), signal.SIGKILL)\n"
        "path = Path(sys.argv[1]); q.put_back(path, list(q.entries(path)))"
    )
    assert world.python("-c", killed, str(outbox_path)).returncode == -signal.SIGKILL
    assert len(refused(world)) == 3 and outbox.look(outbox_path).orphaned == 3
    assert world.python("-c", "from genesis_ch import ch_logger as l\nl.client.command('" + ALLOW + "')").returncode == 0
    assert world.cli("sync").returncode == 0
    world.cli("outbox", "retry", "--all")
    assert world.cli("sync").returncode == 0 and refused(world) == []
    assert individuals(world) == ["bad0", "bad1", "bad2", "good"]


def test_drop_asks_and_removes(world: World) -> None:
    outbox_path = refuse(world)
    rows = refused(world)
    asked = world.cli("outbox", "drop", rows[0]["id"])
    assert asked.returncode == 1 and "for good?" in asked.stdout and len(refused(world)) == 3
    assert "1 rows thrown away" in world.cli("outbox", "drop", "--yes", rows[0]["id"]).stdout
    assert [row["id"] for row in refused(world)] == [row["id"] for row in rows[1:]]
    assert "2 rows thrown away" in world.cli("outbox", "drop", "--yes", "--all").stdout
    assert list((outbox_path / "quarantine").iterdir()) == []


def test_rows_must_be_named(world: World) -> None:
    for words in (("retry",), ("drop", "--yes"), ("retry", "--all", "x")):
        done = world.cli("outbox", *words)
        assert done.returncode == 2 and "--all" in done.stderr
    for words in (("show", "0"), ("retry", "0"), ("drop", "--yes", "nonsense")):
        done = world.cli("outbox", *words)
        assert (done.returncode, "Not the ID" in done.stdout) == (1, True)
    assert "rows refused       0" in world.cli("outbox", "show").stdout


def test_no_outbox_is_an_empty_one(tmp_path: Path) -> None:
    seen = outbox.look(tmp_path / "none")
    assert (seen.waiting, seen.orphaned, seen.refused.total(), seen.damaged) == (0, 0, 0, 0)
