"""Two databases that hold the runs of evolution_model: one logged once, one logged twice, resumed, and replayed in random order."""

from __future__ import annotations

import random
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from evolution_model import Call, Tables, evolve, log, twice
from faults.segments import forge, frames
from genesis_ch import ch_logger
from server_fixtures import LiveServer

SEED = 20240115
REPLAYS = 3
FRAME_ROW, FRAME_SCHEMA = 1, 2


@dataclass
class Recorded:
    """A database, a client on it, the calls that filled it, and what they leave behind."""

    client: Client
    database: str
    calls: list[Call]
    tables: Tables


def kept_frames(copies: Path) -> list[tuple[int, int, bytes]]:
    """Kind, table and payload of every frame in copied segments."""
    found = []
    for path in sorted(copies.rglob("*.seg")):
        data = path.read_bytes()
        found += [(frame.kind, frame.table, data[frame.start + 16 : frame.start + 16 + frame.size]) for frame in frames(path)]
    return found


def replay(outbox: Path, kept: list[tuple[int, int, bytes]], chance: random.Random) -> int:
    """Leave segments of dead writers in an outbox: rows of before in random order, some of them several times. How many rows."""
    schemas = list(dict.fromkeys(frame for frame in kept if frame[0] == FRAME_SCHEMA))
    rows = [frame for frame in kept if frame[0] != FRAME_SCHEMA]
    count = 0
    for number in range(REPLAYS):
        chosen = chance.sample(rows, len(rows) // 2)
        folder = outbox / f"w-1-{number:016x}"
        folder.mkdir(mode=0o700)
        (folder / "000001.seg").write_bytes(forge([*schemas, *chosen], segment_id=1000 + number))
        count += len(chosen)
    return count


def fill(home: Path, url: str, calls: list[Call], replayed: bool) -> None:
    """Log calls into a database; when replayed, deliver their rows again from copies of the segments that held them."""
    options = {"url": url, "mode": "http", "home": str(home), "batch_interval": 3600.0}
    ch_logger.configure(**options)
    try:
        log(ch_logger, calls)
        outbox = Path(ch_logger.stats()["outbox_path"])
        copies = home / "copies"
        if replayed:
            shutil.copytree(outbox, copies)
        result = ch_logger.flush(120)
        assert result, result
        if replayed:
            kept = kept_frames(copies)
            assert sum(kind != FRAME_SCHEMA for kind, _, _ in kept) == ch_logger.stats()["rows_logged"]
            ch_logger.close(60)
            count = replay(outbox, kept, random.Random(SEED))
            assert ch_logger.flush(120)
            assert ch_logger.stats()["rows_adopted"] == count
    finally:
        ch_logger.close(60)
        ch_logger.configure(**dict.fromkeys(options))


def recorded(server: LiveServer, home: Path, calls: list[Call], replayed: bool) -> Iterator[Recorded]:
    """A database that is dropped at the end."""
    database = f"db_{uuid.uuid4().hex}"
    base = f"http://default:{server.token}@127.0.0.1:{server.port}/"
    fill(home, base + database, calls, replayed)
    client = clickhouse_connect.get_client(dsn=base + database, autogenerate_session_id=False)
    yield Recorded(client, database, calls, Tables.of(calls))
    client.command(f"DROP DATABASE {database}")
    client.close()


@pytest.fixture(scope="session")
def clean(server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """Every call made once."""
    yield from recorded(server, tmp_path_factory.mktemp("clean"), evolve(SEED, datetime.now(UTC)), False)


@pytest.fixture(scope="session")
def messy(server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """Every keyed call made twice, runs resumed with a generation made anew, and rows delivered again in random order."""
    yield from recorded(server, tmp_path_factory.mktemp("messy"), twice(evolve(SEED, datetime.now(UTC), resumed=True)), True)
