"""An older ClickHouse engine behind the embedded server's HTTP: `python front.py --engine DIR --path DIR`.

genesis_ch.server needs chdb-core 26.9. Before chdb-core 26 all connections of a process are one session; here requests
take turns on one, and each leaves it as it was found. Everything else is the server's own: requests, bodies, replies,
errors. The rights of queries are not confined: this is for tests, on a directory of theirs.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import signal
import sys
import tempfile
import threading
import types
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genesis_ch.server import loop, serve
from genesis_ch.server.engine import Stats
from genesis_ch.server.errors import QueryError, engine_error
from genesis_ch.server.rights import Allow, Rights
from genesis_ch.server.statement import find_insert_settings, first_word, quote_identifier, quote_literal

READS = (b"SELECT", b"WITH", b"FROM", b"(", b"SHOW", b"DESCRIBE", b"DESC", b"EXPLAIN", b"EXISTS", b"CHECK")
CONTROLS = (b"SET", b"USE")
DEFAULTS = {"final": "1", "async_insert": "0", "max_threads": "2"}
_TEMPORARY = re.compile(rb"\bcreate\s+temporary\s+table\s+(`[^`]+`|\w+)", re.IGNORECASE)
# The thread that ends a DROP ... SYNC does not run in these engines, so it would wait for ever.
_SYNC = re.compile(r"\A(\s*DROP\b.*?)\s+SYNC\s*\Z", re.IGNORECASE | re.DOTALL)
_WRITTEN = "SELECT sum(value) FROM system.events WHERE event = 'InsertedRows'"


class TurnSession:
    """The one session while it is one request's turn. What the request sets is taken back at its end."""

    def __init__(self, engine: TurnEngine) -> None:
        self.mark = uuid.uuid4().hex
        self.stats = Stats()
        self._engine = engine
        self._changed: set[str] = set()
        self._temporary: list[str] = []
        self._readonly = False

    def set_settings(self, settings: Mapping[str, str]) -> None:
        """QueryError 115 for a setting that the engine does not know."""
        # A stranger to every version would be forgotten by nobody: DEFAULT needs a known name.
        self._set({**DEFAULTS, **settings})
        self._changed.update(settings)

    def set_params(self, params: Mapping[str, str]) -> None:
        """Bind `{name:Type}` placeholders."""
        for name, value in params.items():
            self._set({f"param_{name}": value})

    def set_readonly(self, level: str) -> None:
        """Kept here and not in the session, which could not leave it again."""
        self._readonly = True

    def use(self, database: str) -> None:
        self._engine.run(f"USE {quote_identifier(database)}")

    def classify(self, sql: bytes) -> tuple[str, int]:
        """By the first word, which is enough for what tests send."""
        word = first_word(sql).upper()
        if word in READS:
            return "READ_ONLY", 1
        if self._readonly:
            raise QueryError(
                164,
                "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. (READONLY)",
            )
        if found := _TEMPORARY.search(sql):
            self._temporary.append(found.group(1).decode())
            return "CONTROL", 1
        return ("CONTROL" if word in CONTROLS else "MUTATING"), 1

    def query(self, sql: bytes, output_format: str = "TabSeparated") -> bytes:
        text = sql.decode("utf-8", "surrogateescape")
        if first_word(sql).upper() == b"INSERT":
            return self._counted(text, output_format)
        result = self._engine.run(text, output_format)
        data: bytes = result.bytes()
        self.stats.result_rows += result.rows_read()
        self.stats.result_bytes += len(data)
        return data

    def stream(self, sql: bytes, output_format: str) -> Iterator[bytes]:
        yield self.query(sql, output_format)

    def insert(self, sql: bytes, data_format: str, chunks: Iterable[bytes]) -> None:
        """Through a file, as the server does it."""
        at = find_insert_settings(sql)
        with tempfile.NamedTemporaryFile(prefix="insert-") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            source = f" FROM INFILE {quote_literal(file.name)} COMPRESSION 'none' ".encode()
            text = sql[:at] + source + sql[at:] + f" FORMAT {data_format}".encode()
            self._counted(text.decode("utf-8", "surrogateescape"), "TabSeparated")

    def close(self) -> None:
        """Leave the session as it was found."""
        for name in self._temporary:
            self._engine.run(f"DROP TEMPORARY TABLE IF EXISTS {name}")
        if self._changed:
            self._engine.run("SET " + ", ".join(f"{name} = DEFAULT" for name in sorted(self._changed)))
        self._engine.run("USE default")

    def _set(self, values: Mapping[str, str]) -> None:
        self._engine.run("SET " + ", ".join(f"{name} = {quote_literal(value)}" for name, value in values.items()))

    def _counted(self, text: str, output_format: str) -> bytes:
        before = int(self._engine.run(_WRITTEN).bytes() or 0)
        data: bytes = self._engine.run(text, output_format).bytes()
        self.stats.written_rows += int(self._engine.run(_WRITTEN).bytes() or 0) - before
        return data


class TurnEngine:
    """In the place of genesis_ch.server.engine.Engine."""

    package: Path
    """The directory that pip installed the engine into."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._native = load_native(self.package).connect(str(directory))
        self._turn = threading.Lock()
        row = self.run("SELECT version(), timezone()").bytes().decode()
        self.version, self.timezone = row.rstrip("\n").split("\t")
        self.run("CREATE DATABASE IF NOT EXISTS default")
        self.rights = Rights(Allow(files=True, network=True))

    @classmethod
    def open(cls, directory: Path, allow: Allow | None = None) -> TurnEngine:
        return cls(directory)

    def run(self, text: str, output_format: str = "TabSeparated") -> Any:
        """One statement on the session, by whoever has the turn."""
        try:
            result = self._native.query(_SYNC.sub(r"\1", text), output_format)
        except RuntimeError as error:
            raise engine_error(str(error)) from None
        if result.has_error():
            raise engine_error(result.error_message())
        return result

    @contextmanager
    def session(self) -> Iterator[TurnSession]:
        session = self.new_session()
        try:
            yield session
        finally:
            self.end_session(session)

    def new_session(self) -> TurnSession:
        """Waits for the turn."""
        self._turn.acquire()
        return TurnSession(self)

    def end_session(self, session: TurnSession) -> None:
        try:
            session.close()
        finally:
            self._turn.release()

    def kill(self, mark: str) -> None:
        """Nothing: a statement on the one session cannot be stopped from another."""

    def trim(self) -> None:
        """Nothing."""

    def close(self) -> None:
        self._native.close()


def load_native(package: Path) -> Any:
    """chdb's extension module without its package's __init__, which wants pandas and pyarrow."""
    chdb = types.ModuleType("chdb")
    chdb.__path__ = [str(package / "chdb")]
    sys.modules["chdb"] = chdb
    return importlib.import_module("chdb._chdb")


def main() -> int:
    """Serve until a signal."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", type=Path, required=True)
    parser.add_argument("--path", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--idle", type=float, default=0.0)
    options = parser.parse_args()
    TurnEngine.package = options.engine
    loop.Engine = TurnEngine  # type: ignore[assignment, misc]

    def announce(dsn: str) -> None:
        # The engine puts handlers of its own in place of the server's.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.getsignal(number))
        print(dsn, flush=True)

    return serve(options.path.absolute(), port=options.port, idle=options.idle, on_ready=announce)


if __name__ == "__main__":
    code = main()
    # As in genesis_ch.server: the engine's threads do not survive the interpreter's own clean-up.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
