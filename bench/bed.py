"""What the measurements of the tables share: an engine of its own in a directory that is removed, the tables as the migrations
make them, source text of Python's standard library, and timings that take turns.

The engine runs in this process, as the embedded server runs it, so that no time of HTTP dilutes a ratio.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from genesis_ch.server.engine import Engine, QueryError

ROOT = Path(__file__).resolve().parents[1]
MIGRATIONS = ROOT / "sql" / "migrations"
PIECE = 3000
SETTLE_SECONDS = 90.0
SLOW_SECONDS = 0.5
FAST_SECONDS = 0.02
SLOW_ROUNDS = 3


def statements(path: Path) -> list[str]:
    """The statements of an SQL file; each ends with a semicolon at the end of a line."""
    return [text for text in path.read_text().split(";\n") if text.strip()]


def source_text() -> str:
    """The modules of Python's standard library, one after the other: real programs."""
    paths = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    return "".join(path.read_text("utf-8", "replace") for path in paths)


def pieces(text: str, size: int = PIECE) -> list[str]:
    """The text in pieces of one size."""
    return [text[at : at + size] for at in range(0, len(text) - size, size)]


class Bed:
    """One engine for the whole measurement. Each statement has a connection of its own, as over HTTP."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def run(self, sql: str, database: str = "default", **settings: object) -> str:
        """Run one statement; its result as tab-separated text."""
        return self._run(sql, database, settings)[0]

    def seconds(self, sql: str, database: str = "default", **settings: object) -> float:
        """Run one statement; the seconds it took, without those of the connection."""
        return self._run(sql, database, settings)[1]

    def timer(self, sql: str, database: str = "default", **settings: object) -> Callable[[], float]:
        """A call that runs the statement and returns its seconds, for take_turns."""
        return partial(self.seconds, sql, database, **settings)

    def rows(self, sql: str, database: str = "default", **settings: object) -> list[list[str]]:
        """Run one statement; its result as fields of text."""
        return [line.split("\t") for line in self.run(sql, database, **settings).splitlines()]

    def insert(self, table: str, rows: Sequence[Mapping[str, object]], database: str = "default") -> None:
        """Store rows that are given as dictionaries."""
        with self.engine.session() as session:
            session.use(database)
            session.set_settings({})
            lines = "\n".join(json.dumps(row) for row in rows).encode()
            session.insert(f"INSERT INTO {table}".encode(), "JSONEachRow", [lines])

    def store(self, table: str, select: str, database: str = "default") -> None:
        """Store the rows of a SELECT in the columns of their names."""
        columns = ", ".join(row[0] for row in self.rows(f"DESCRIBE ({select})", database))
        self.run(f"INSERT INTO {table} ({columns}) {select}", database)

    def migrate(self, database: str) -> None:
        """Make a database with the tables of the migrations."""
        self.run(f"CREATE DATABASE IF NOT EXISTS {database}")
        for path in sorted(MIGRATIONS.glob("*.up.sql")):
            for statement in statements(path):
                self.run(statement, database)

    def merges(self, word: str, database: str) -> None:
        """STOP or START the background merges of a database's tables."""
        for (name,) in self.rows("SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'", database):
            self.run(f"SYSTEM {word} MERGES {name}", database)

    def settle(self, *databases: str) -> None:
        """Wait until background merges have done what they do on their own."""
        names = ", ".join(f"'{name}'" for name in databases)
        count = f"SELECT (SELECT count() FROM system.merges), count() FROM system.parts WHERE active AND database IN ({names})"
        last, since, deadline = "", time.monotonic(), time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline and time.monotonic() - since < 4:
            now = self.run(count)
            if now != last or not now.startswith("0\t"):
                last, since = now, time.monotonic()
            time.sleep(0.25)

    def parts(self, table: str, database: str) -> int:
        """How many parts a table has."""
        where = f"active AND database = '{database}' AND table = '{table}'"
        return int(self.run(f"SELECT count() FROM system.parts WHERE {where}"))

    def _run(self, sql: str, database: str, settings: Mapping[str, object]) -> tuple[str, float]:
        parameters = {name.removeprefix("param_"): str(value) for name, value in settings.items() if name.startswith("param_")}
        with self.engine.session() as session:
            session.set_settings({name: str(value) for name, value in settings.items() if not name.startswith("param_")})
            session.use(database)
            session.set_params(parameters)
            begun = time.perf_counter()
            try:
                result = session.query(sql.encode("utf-8", "surrogateescape"))
            except QueryError as error:
                raise RuntimeError(f"{error.text}: {sql[:500]}") from None
            return result.decode("utf-8", "surrogateescape"), time.perf_counter() - begun


@contextmanager
def bed(data: Path | None = None) -> Iterator[Bed]:
    """An engine on a directory that is there, or on one that is removed afterwards. TMPDIR says where that is."""
    with tempfile.TemporaryDirectory(prefix="genesis-ch-bench-") as directory:
        engine = Engine.open(data or Path(directory))
        try:
            yield Bed(engine)
        finally:
            engine.close()


def take_turns(contenders: Sequence[Callable[[], float]], rounds: int) -> list[float]:
    """The median seconds of each; one round of each in turn, so that a noisy machine disturbs all alike.

    Where one takes long there are fewer rounds, and three times as many where all are done at once. The first round only warms caches.
    """
    slowest = max(contender() for contender in contenders)
    rounds = min(rounds, SLOW_ROUNDS) if slowest > SLOW_SECONDS else 3 * rounds if slowest < FAST_SECONDS else rounds
    times: list[list[float]] = [[] for _ in contenders]
    gc.disable()
    try:
        for turn in range(rounds):
            order = list(range(len(contenders)))
            for index in order if turn % 2 == 0 else reversed(order):
                times[index].append(contenders[index]())
    finally:
        gc.enable()
    return [statistics.median(each) for each in times]


def machine(engine: Engine) -> str:
    """What the figures depend on, in words."""
    return f"ClickHouse {engine.version} (chdb-core), {os.cpu_count()} cores"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]]
    return "\n".join(lines) + "\n"
