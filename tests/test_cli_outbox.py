"""What the commands see in an outbox, held against what real processes left there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cli_fixtures import PRODUCER, STAY, World
from cli_fixtures import world as world
from genesis_ch.cli import outbox
from test_cli_doctor import closed_port


@pytest.fixture
def away(world: World) -> dict[str, str]:
    """Variables of a server that does not answer; what is logged stays in the outbox."""
    return {"CLICKHOUSE_URL": f"http://u:p@127.0.0.1:{closed_port()}/d", "GENESIS_CH_SEGMENT_BYTES": "65536"}


def found(world: World) -> outbox.Outbox:
    (folder,) = (world.path / "state/genesis_ch/outbox").iterdir()
    return outbox.look(folder)


def first_segment(world: World) -> Path:
    return min((world.path / "state").glob("genesis_ch/outbox/*/w-*/*.seg"))


def test_checksum_is_crc32c() -> None:
    assert outbox.crc32c(b"123456789") == 0xE3069283
    assert outbox.crc32c(b"") == 0
    assert outbox.crc32c(b"6789", outbox.crc32c(b"12345")) == 0xE3069283


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


def test_a_damaged_frame_ends_the_count_and_nothing_raises(world: World, away: dict[str, str]) -> None:
    world.produce("r", 100, **away)
    segment = first_segment(world)
    data = bytearray(segment.read_bytes())
    data[4000] ^= 0xFF  # a payload: the frame's own check still passes
    segment.write_bytes(data)
    assert outbox.waiting_rows(segment) == 100
    middle = len(data) // 2
    for at in range(128, middle, 8):
        data[at] ^= 0x01
    segment.write_bytes(data)
    assert outbox.waiting_rows(segment) == 0
    segment.write_bytes(os.urandom(500))
    assert outbox.waiting_rows(segment) == 0
    segment.write_bytes(b"")
    assert outbox.waiting_rows(segment) == 0


def test_no_outbox_is_an_empty_one(tmp_path: Path) -> None:
    seen = outbox.look(tmp_path / "none")
    assert (seen.waiting, seen.orphaned, seen.refused.total(), seen.damaged) == (0, 0, 0, 0)
