"""The ClickHouse engine of this process: one directory, many short-lived connections.

An engine connection costs about 0.2 ms, so each request opens its own. What SET and USE change on it is gone with it,
and requests on different connections run in parallel. The engine itself lives as long as the connection that
`Engine.open` keeps.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import sys
import tempfile
import threading
import types
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import IO, Any

from .errors import QueryError, engine_error, own_error
from .rights import HIDDEN_DATABASE, Allow, Rights, engine_config, with_cure
from .statement import find_insert_settings, quote_identifier, quote_literal

OLDEST_ENGINE = "26.9"
"""The oldest chdb-core that has what a Session needs."""
_MIB = 1024 * 1024
MEMORY_SHARE = 4
"""The engine may use one part in this many of the machine's memory ..."""
MEMORY_FLOOR_BYTES = 1024 * _MIB
MEMORY_CEILING_BYTES = 8192 * _MIB
"""... but no less than the floor and no more than the ceiling."""
THREADS_PER_QUERY = 4
INSERT_BUFFER_BYTES = 256 * 1024

# The engine's own defaults are for a machine it has to itself: caches of gigabytes, a thousand idle threads kept.
_ENGINE_LIMITS = {
    "mark_cache_size": 64 * _MIB,
    "primary_index_cache_size": 64 * _MIB,
    "index_mark_cache_size": 16 * _MIB,
    "index_uncompressed_cache_size": 0,
    "uncompressed_cache_size": 0,
    "query_condition_cache_size": 16 * _MIB,
    "compiled_expression_cache_size": 16 * _MIB,
    "parquet_metadata_cache_size": 16 * _MIB,
    "vector_similarity_index_cache_size": 64 * _MIB,
    "text_index_tokens_cache_size": 16 * _MIB,
    "text_index_header_cache_size": 16 * _MIB,
    "text_index_postings_cache_size": 16 * _MIB,
    "max_thread_pool_free_size": 8,
    "max_io_thread_pool_free_size": 0,
    "max_format_parsing_thread_pool_free_size": 0,
    "max_active_parts_loading_thread_pool_size": 4,
}
_SESSION_DEFAULTS = {
    # Every table of ours is a ReplacingMergeTree; readers mean its latest rows.
    "final": "1",
    # Conditions on the key are looked at first, and the long text of other rows stays unread. Other conditions are not moved.
    "optimize_move_to_prewhere_if_final": "1",
    # A queued insert would be acknowledged by a buffer in memory, or wait for a timer.
    "async_insert": "0",
    "max_threads": str(min(THREADS_PER_QUERY, os.cpu_count() or 1)),
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")
_PATH_SPOILERS = frozenset("?\n\0")


@dataclass(slots=True)
class Stats:
    """What a query did so far: rows and bytes."""

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    result_bytes: int = 0


class Session:
    """One engine connection with the settings of one request. Used by one thread; a stream on it excludes a query."""

    def __init__(self, native: Any) -> None:
        self.mark = uuid.uuid4().hex
        self._native = native
        self._params: dict[str, str] = {}
        self._closed = False
        self.stats = Stats()

    def set_settings(self, settings: Mapping[str, str]) -> None:
        """Apply settings over the server's defaults; QueryError 115 names one the engine does not know."""
        # The engine gives a query an id of its own; the comment is how `Engine.kill` finds it.
        self._set({**_SESSION_DEFAULTS, **settings, "log_comment": self.mark})

    def set_params(self, params: Mapping[str, str]) -> None:
        """Bind `{name:Type}` placeholders; values are in ClickHouse's escaped TSV form, as over HTTP."""
        _check_names(params)
        self._params = dict(params)

    def set_readonly(self, level: str) -> None:
        """Forbid writes on this connection for good: "1" forbids settings as well, "2" does not."""
        self._set({"readonly": level})

    def use(self, database: str) -> None:
        """Make `database` the current one; QueryError 81 if there is none of that name."""
        self.query(f"USE {quote_identifier(database)}".encode("utf-8", "surrogateescape"))

    def classify(self, sql: bytes) -> tuple[str, int]:
        """(class, number of statements) without running: READ_ONLY, MUTATING, MUTATING_GLOBAL, CONTROL, UNKNOWN."""
        with _translated():
            found = self._native.classify_query(sql)
        return found["query_class"].name, int(found["statement_count"])

    def query(self, sql: bytes, output_format: str = "TabSeparated") -> bytes:
        """Run one statement and return the whole result; `output_format` serves where the text has no FORMAT."""
        with _translated():
            result = self._native.query(sql, output_format, params=self._params)
        if result.has_error():
            raise with_cure(engine_error(result.error_message()))
        stats = self.stats
        stats.read_rows += result.storage_rows_read()
        stats.read_bytes += result.storage_bytes_read()
        stats.written_rows += result.rows_written()
        stats.written_bytes += result.bytes_written()
        data: bytes = result.bytes()
        stats.result_rows += result.rows_read()
        stats.result_bytes += len(data)
        return data

    def stream(self, sql: bytes, output_format: str) -> Iterator[bytes]:
        """Run one SELECT and yield its result block by block; closing the iterator cancels the query.

        Each block is a complete text of its format, so the format must be one whose texts can be joined.
        """
        with _translated():
            handle = self._native.send_query(sql, output_format, params=self._params)
        done = False
        try:
            while True:
                with _translated():
                    block = self._native.streaming_fetch_result(handle)
                if block is None:
                    break
                if block.has_error():
                    raise with_cure(engine_error(block.error_message()))
                rows = block.rows_read()
                self._count_block(block, rows)
                data = block.bytes()
                self.stats.result_bytes += len(data)
                if data:
                    yield data
                if rows == 0:
                    break
            done = True
        finally:
            if not done:
                self._cancel(handle)

    def insert(self, sql: bytes, data_format: str, chunks: Iterable[bytes]) -> None:
        """Feed `chunks` of `data_format` to an INSERT given without its FORMAT clause. All of it or none is stored.

        None is stored when the engine or the source of the chunks fails before the end; only an INSERT of more rows
        than min_insert_block_size_rows is stored in steps.

        The data goes through a file, because the engine's own way to take it in pieces (send_insert) reports success
        when the table refuses the rows: a constraint, too many parts, an expression that throws.
        """
        target = find_insert_settings(sql)
        with tempfile.NamedTemporaryFile(prefix="insert-", buffering=INSERT_BUFFER_BYTES) as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            source = f" FROM INFILE {quote_literal(file.name)} COMPRESSION 'none' ".encode()
            text = sql[:target] + source + sql[target:] + f" FORMAT {data_format}".encode()
            with _translated():
                result = self._native.query(text, "TabSeparated", params=self._params)
        if result.has_error():
            raise with_cure(engine_error(result.error_message()))
        self.stats.written_rows += result.rows_written()
        self.stats.written_bytes += result.bytes_written()
        self.stats.read_rows += result.rows_written()
        self.stats.read_bytes += result.bytes_written()

    def close(self) -> None:
        """Give the connection back; a running stream is cancelled."""
        # A stream's iterator may be collected later and must not touch the freed connection.
        self._closed = True
        self._native.close()

    def _set(self, values: Mapping[str, str]) -> None:
        _check_names(values)
        text = ", ".join(f"{name} = {quote_literal(value)}" for name, value in values.items())
        with _translated():
            self._native.query(f"SET {text}".encode("utf-8", "surrogateescape"), "TabSeparated")

    def _count_block(self, block: Any, rows: int) -> None:
        self.stats.result_rows += rows
        self.stats.read_rows = max(self.stats.read_rows, block.storage_rows_read())
        self.stats.read_bytes = max(self.stats.read_bytes, block.storage_bytes_read())

    def _cancel(self, handle: Any) -> None:
        if self._closed:
            return
        with suppress(RuntimeError):
            self._native.streaming_cancel_query(handle)


class Engine:
    """The engine on one directory. Thread-safe. One per process: the engine refuses a second directory."""

    def __init__(self, native_module: Any, directory: Path, allow: Allow) -> None:
        self._module = native_module
        _prepare_default_database(directory)
        self._config, path = _open_config(directory)
        self._config.write(engine_config(allow, path).encode())
        self._config.flush()
        self._target = f"{directory}?config-file={path}&{_connection_options()}"
        self._root = native_module.connect(self._target)
        self._lock = threading.Lock()
        self._open: set[Session] = set()
        try:
            self.version, self.timezone = self._constants()
            self.rights = self._confine(allow)
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(cls, directory: Path, allow: Allow | None = None) -> Engine:
        """Load the engine and open `directory`, an absolute path that is made if missing, with the rights of `allow`.

        Raises ImportError if chdb-core is not installed or too old, ValueError for a path the engine cannot be told, and
        QueryError if the directory cannot be opened.
        """
        if spoilers := _PATH_SPOILERS.intersection(str(directory)):
            raise ValueError(f"the engine cannot open a path with {sorted(spoilers)!r} in it: {directory}")
        module = _load_native()
        if not _fits(module):
            raise ImportError(
                f"{_installed(module)} is installed, and the embedded server needs chdb-core {OLDEST_ENGINE} or newer: "
                "pip install --upgrade 'genesis_ch[embedded]', or set CLICKHOUSE_URL to a ClickHouse server"
            )
        with _translated():
            return cls(module, directory, allow or Allow())

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A connection for one request, closed at the end."""
        session = self.new_session()
        try:
            yield session
        finally:
            self.end_session(session)

    def new_session(self) -> Session:
        """A connection that the caller hands to `end_session`."""
        with _translated():
            session = Session(self._module.connect(self._target))
        with self._lock:
            self._open.add(session)
        return session

    def end_session(self, session: Session) -> None:
        """Close a connection; a second call does nothing."""
        with self._lock:
            if session not in self._open:
                return
            self._open.discard(session)
        session.close()

    def kill(self, mark: str) -> None:
        """Stop the query of the session with that mark, if it runs: it fails with 394 QUERY_WAS_CANCELLED."""
        with _translated():
            self._root.query(f"KILL QUERY WHERE Settings['log_comment'] = {quote_literal(mark)} ASYNC", "TabSeparated")

    def trim(self) -> None:
        """Give free memory back to the system. For a quiet moment: it takes some milliseconds."""
        with _translated():
            self._root.query("SYSTEM JEMALLOC PURGE", "TabSeparated")

    def close(self) -> None:
        """Close every connection and stop the engine. Call once, when no request runs."""
        with self._lock:
            sessions, self._open = list(self._open), set()
        for session in sessions:
            session.close()
        self._root.close()
        self._config.close()

    def _confine(self, allow: Allow) -> Rights:
        """Take away what looks into the working directory, and make sure that the engine has read our configuration."""
        granted = self._root.query("SHOW GRANTS", "TabSeparated").bytes()
        if b"SOURCES" in granted and not (allow.files and allow.network):
            raise RuntimeError("Code: 497. DB::Exception: The engine ignores its access rights (ACCESS_DENIED)")
        self._root.query(f"DETACH DATABASE IF EXISTS {HIDDEN_DATABASE}", "TabSeparated")
        query = "SELECT name FROM system.table_engines UNION ALL SELECT name FROM system.database_engines"
        return Rights(allow, self._root.query(query, "TabSeparated").bytes().decode().split())

    def _constants(self) -> tuple[str, str]:
        row = self._root.query("SELECT version(), timezone()", "TabSeparated").bytes().decode()
        version, timezone = row.rstrip("\n").split("\t")
        return version, timezone


def _check_names(names: Iterable[str]) -> None:
    for name in names:
        if not _NAME.match(name):
            raise own_error(36, f"{name!r} is no legal name of a setting or parameter")


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the engine's RuntimeError into a QueryError; its own chain would carry query text into a traceback."""
    try:
        yield
    except RuntimeError as error:
        raise with_cure(engine_error(str(error))) from None


def _connection_options() -> str:
    limits = dict(_ENGINE_LIMITS)
    limits["max_server_memory_usage"] = _memory_limit()
    return "&".join(f"{name}={value}" for name, value in limits.items())


def _memory_limit() -> int:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return MEMORY_FLOOR_BYTES
    return max(MEMORY_FLOOR_BYTES, min(MEMORY_CEILING_BYTES, total // MEMORY_SHARE))


def _open_config(directory: Path) -> tuple[IO[bytes], str]:
    """A file for the engine's configuration and its path, which has no letter that would end an option.

    It lies in memory, or without a name in `directory`, which the kernel's wall leaves open; elsewhere it has a name.
    """
    if hasattr(os, "memfd_create"):
        file: Any = os.fdopen(os.memfd_create("engine.xml"), "wb")
    elif sys.platform == "linux":  # a Python that was built for an older libc
        file = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115 - closed with the engine
    else:
        file = tempfile.NamedTemporaryFile(prefix="engine-", suffix=".xml")  # noqa: SIM115 - closed with the engine
        return file, file.name
    return file, f"/proc/self/fd/{file.fileno()}"


def _prepare_default_database(directory: Path) -> None:
    """Make the database `default` one of tables alone.

    Left to itself the engine gives that name to a view of its tables together with the files of the working
    directory. An explicit definition comes first; the tables of a directory that has none are those the link names.
    """
    metadata = directory / "metadata"
    metadata.mkdir(mode=0o700, parents=True, exist_ok=True)
    link, definition = metadata / "default", metadata / "default.sql"
    identity = link.readlink().name if link.is_symlink() else str(uuid.uuid4())
    if not definition.exists():
        fresh = definition.with_suffix(".new")
        fresh.write_text(f"ATTACH DATABASE _ UUID '{identity}'\nENGINE = Atomic\n", encoding="ascii")
        fresh.replace(definition)
    # The engine would give the same tables to its own view; it makes the link anew.
    if link.is_symlink():
        link.unlink()


def _load_native() -> Any:
    """Import chdb's extension module alone.

    The package's __init__ opens a throw-away engine, which installs signal handlers for good, and imports pandas and
    pyarrow if they are there: 0.1 s and 20 MB that this process has no use for. An empty package in its place avoids
    both; where a release does not allow that, the ordinary import still works.
    """
    if "chdb" not in sys.modules and (spec := importlib.util.find_spec("chdb")) is not None:
        package = types.ModuleType("chdb")
        package.__path__ = list(spec.submodule_search_locations or [])
        sys.modules["chdb"] = package
        try:
            module = importlib.import_module("chdb._chdb")
            if _fits(module):
                module.set_signal_handlers_enabled(0)
            return module
        except (ImportError, AttributeError):
            sys.modules.pop("chdb._chdb", None)
            del sys.modules["chdb"]
    return importlib.import_module("chdb._chdb")


def _fits(module: Any) -> bool:
    """Whether it has what Session needs; releases before OLDEST_ENGINE cannot tell a statement that only reads."""
    return hasattr(getattr(module, "connect", None), "classify_query")


def _installed(module: Any) -> str:
    """The distribution that the engine came with, and its version."""
    place = str(Path(module.__file__).parents[1])
    found = [f"{one.name} {one.version}" for one in metadata.distributions(path=[place]) if one.name in ("chdb", "chdb-core")]
    return " with ".join(found) or "an older chdb"


__all__ = ["Engine", "QueryError", "Session", "Stats"]
