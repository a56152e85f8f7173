"""ch_logger: the documented API of genesis.utils.clickhouse_logger, on the C core.

The log methods are the core's own and are documented there (help(ch_logger.log_individual)). Here is what is not on a hot path:
flushing, configuring, and reading back.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
from typing import TYPE_CHECKING

from . import _client, _runtime
from ._core import Logger
from ._results import ConnectError, Endpoint, FlushResult

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

FLUSH_TIMEOUT = 30.0
CONNECT_TIMEOUT = 30.0
READ_TIMEOUT = 10
RUN_BY_PATH = """
SELECT run_id
FROM evolution_runs FINAL
WHERE database_path = {path:String}
ORDER BY start_time DESC
LIMIT 1
"""

_log = logging.getLogger("genesis_ch")


class ClickHouseLogger(Logger):
    """Records runs, generations, individuals, Pareto fronts, lineages, LLM calls and actions in ClickHouse.

    There is one in a process; calling the class again gives the same one. It opens itself at the first log call: CLICKHOUSE_URL names
    the server; without it an embedded one is used when the extra `embedded` is installed; without that, every method does nothing.
    The log methods return at once, never raise and never print: what is wrong goes to logging.getLogger("genesis_ch").
    """

    _instance: ClickHouseLogger | None = None
    _client: tuple[int, Endpoint, Client] | None

    def __new__(cls) -> ClickHouseLogger:
        if ClickHouseLogger._instance is None:
            ClickHouseLogger._instance = super().__new__(cls)
        return ClickHouseLogger._instance

    def __init__(self) -> None:
        if hasattr(self, "_client"):
            return
        super().__init__(_runtime.prepare, _runtime.notify)
        self._client = None
        atexit.register(self._at_exit)

    def __repr__(self) -> str:
        stats = self.stats()
        return f"<ClickHouseLogger {stats['state']} {stats['destination'] or ''}>"

    def _at_exit(self) -> None:
        """Delivers what can be delivered in close_timeout; the rest waits in the outbox. A daemon thread may still log behind us."""
        self._end()
        with contextlib.suppress(Exception):
            _runtime.prepare()  # a __del__ may log the first row when nothing can be imported any more
        timeout = self._seconds("close_timeout")
        try:
            result = self.close(timeout)
        except KeyboardInterrupt:
            return
        if result.pending:
            _log.warning(
                "rows not delivered at exit: %d; they wait in the outbox, and the next run or `genesis-ch sync` delivers them%s",
                result.pending,
                f" ({result.last_error})" if result.last_error else "",
            )

    def configure(self, **options: str | float | None) -> None:
        """Sets options, which then count more than the environment; None takes one back.

        The names are those of docs/configuration.md: url, mode, home, close_timeout and so on. An open recording is closed first, as by
        close(); the next log call opens the new one. Raises TypeError for an unknown option and ValueError for a value it cannot
        take; nothing is changed then.
        """
        self._set_options({name: os.fspath(value) if isinstance(value, os.PathLike) else value for name, value in options.items()})
        self.close()

    def flush(self, timeout: float | None = FLUSH_TIMEOUT) -> FlushResult:
        """Waits until every row logged before is stored, also those that dead processes left, at most timeout seconds.

        None waits without limit. Ctrl-C ends the wait. Returns early when the server refuses the password.
        """
        return FlushResult(*(self._flush(timeout) or ()))

    def close(self, timeout: float | None = None) -> FlushResult:
        """Flushes for timeout seconds (default: the option close_timeout) and ends the threads. Rows that are left stay in the outbox.

        A log call after it opens the recording again.
        """
        if timeout is None:
            timeout = self._seconds("close_timeout")
        result = FlushResult(*(self._close(timeout) or ()))
        self._drop_client()
        return result

    def connect(self, timeout: float = CONNECT_TIMEOUT) -> None:
        """Reaches the server, starting the embedded one if that is the place, and creates the tables, within timeout seconds.

        No caller needs it before logging. Raises ConnectError with the cause and the cure.
        """
        failed, kind, reason = self._connect(timeout)
        if failed:
            raise ConnectError(kind, reason)

    def endpoint(self) -> Endpoint:
        """The server that rows go to. Connects if that has not happened yet; raises ConnectError."""
        found = self._endpoint()
        if found is None:
            self.connect()
            found = self._endpoint()
        if found is None:
            raise ConnectError("disabled", "ClickHouse logging disabled")
        return Endpoint(*found)

    @property
    def client(self) -> Client | None:
        """A clickhouse-connect client on the server that rows go to; None when there is none, with a line to logging.

        .database, .query(sql).result_rows, .query_df, .command, .insert, .close and the rest of clickhouse-connect. It reads with
        final=1, so each row is seen once. Rows logged a moment ago may still be on their way: flush() first.
        """
        try:
            endpoint = self._reach()
            if self._client is None or self._client[:2] != (os.getpid(), endpoint):
                self._client = (os.getpid(), endpoint, _client.make(endpoint, READ_TIMEOUT))
        except Exception as error:  # whatever clickhouse-connect, its HTTP library or the network raises
            _log.warning("ch_logger.client: %s", _client.words_of(error))
            return None
        return self._client[2]

    def _reach(self) -> Endpoint:
        """The server, alive: an embedded one ends when it is idle, and comes back on another port."""
        if not self.enabled:
            raise ConnectError("disabled", str(self.stats()["destination"]))
        if self._client is None or self._client[0] != os.getpid() or self.stats()["mode"] == "embedded":
            self.connect()
        return self.endpoint()

    def _drop_client(self) -> None:
        held, self._client = self._client, None
        if held is None or held[0] != os.getpid():
            return
        try:
            _client.close(held[2])
        except Exception as error:  # a connection that is gone already
            _log.debug("closing the client: %s", _client.words_of(error))

    def get_run_id_by_path(self, database_path: str | os.PathLike[str]) -> str | None:
        """The run_id of the latest run with this database_path, or None; what a runner asks before it resumes."""
        if not self.enabled:
            return None
        self.flush(READ_TIMEOUT)
        client = self.client
        if client is None:
            return None
        try:
            rows = client.query(RUN_BY_PATH, parameters={"path": os.fspath(database_path)}).result_rows
        except Exception as error:  # whatever clickhouse-connect, its HTTP library or the network raises
            _log.warning("get_run_id_by_path: %s", _client.words_of(error))
            return None
        return str(rows[0][0]) if rows else None


ch_logger = ClickHouseLogger()
