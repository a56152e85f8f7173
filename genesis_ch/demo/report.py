"""What a run left behind, read back from ClickHouse and compared with what was logged."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from genesis_ch.cli import screen
from genesis_ch.cli.store import outbox_files
from genesis_ch.demo.meter import Meter
from genesis_ch.demo.packing import BEST_KNOWN
from genesis_ch.demo.runner import Runner

if TYPE_CHECKING:
    from genesis_ch import ClickHouseLogger, FlushResult

FINAL = {"final": 1}

_GENERATIONS = """
SELECT
    generation,
    best_score,
    avg_score,
    pareto_size,
    total_cost,
    num_individuals
FROM generations
WHERE run_id = {run_id:String}
ORDER BY generation
"""

_BYTES = """
SELECT
    table,
    sum(data_compressed_bytes),
    sum(data_uncompressed_bytes)
FROM system.parts
WHERE active AND database = currentDatabase()
GROUP BY table
"""


class Report:
    """Reads one run back, once; `show` prints it and `problems` says what is missing."""

    def __init__(self, logger: ClickHouseLogger, runner: Runner, meter: Meter, home: Path | None = None) -> None:
        self._logger = logger
        self._home = home
        self._run_id = runner.run_id
        self._path = str(runner.store.path)
        self._best = runner.best
        self._seconds = runner.seconds
        self._meter = meter
        self._client: Any = logger.client
        self._stored = {table: self._count(table) for table in meter.rows} if self._client else {}

    def show(self, console: Console) -> None:
        """Print all tables; what cannot be read back is left out, and `problems` names it."""
        if self._client:
            console.print()
            console.print(self._generations())
            screen.say("The mutator is offline: nothing was paid. The cost is nominal, what the same text would")
            screen.say("cost at 0.40 (prompt) and 1.60 (reply) dollars per million tokens of 4 characters.")
            console.print()
            console.print(self._rows())
        self._print_numbers()
        self._print_next()

    def problems(self, result: FlushResult) -> list[str]:
        """Return one sentence for everything that did not arrive; empty when all of it did."""
        found = []
        if not result:
            found.append(
                f"Not everything was delivered: {result.pending} rows wait in the outbox, {result.rejected} were "
                f"refused, {result.dropped} were dropped; {result.last_error or 'no error was reported'}"
            )
        if not self._client:
            found.append("clickhouse-connect not installed: nothing can be read back")
        for table, stored in self._stored.items():
            if stored < self._meter.rows[table]:
                found.append(f"{table} holds {stored} rows of this run, {self._meter.rows[table]} were logged")
        return found

    def _query(self, sql: str) -> list[tuple[Any, ...]]:
        result = self._client.query(sql, parameters={"run_id": self._run_id}, settings=FINAL)
        return [tuple(row) for row in result.result_rows]

    def _count(self, table: str) -> int:
        return int(self._query(f"SELECT count() FROM {table} WHERE run_id = {{run_id:String}}")[0][0])

    def _generations(self) -> Any:
        columns = ("generation", "best", "mean", "pareto size", "nominal cost $", "individuals")
        rows = [
            (generation, f"{best:.4f}", f"{mean:.4f}", pareto, f"{cost:.4f}", individuals)
            for generation, best, mean, pareto, cost, individuals in self._query(_GENERATIONS)
        ]
        return screen.table(f"Run {self._run_id}, read back from ClickHouse", columns, rows)

    def _rows(self) -> Any:
        sizes = {table: (packed, plain) for table, packed, plain in self._query(_BYTES)}
        rows = []
        for table, stored in self._stored.items():
            packed, plain = sizes.get(table, (0, 0))
            rows.append((table, self._meter.rows[table], stored, screen.size(packed), screen.size(plain)))
        rows.append(
            (
                "total",
                sum(self._meter.rows.values()),
                sum(self._stored.values()),
                screen.size(sum(sizes[table][0] for table in self._stored if table in sizes)),
                screen.size(sum(sizes[table][1] for table in self._stored if table in sizes)),
            )
        )
        columns = ("table", "logged now", "read back", "compressed", "uncompressed")
        return screen.table("Rows of this run; bytes of the whole table", columns, rows)

    def _print_numbers(self) -> None:
        times = self._meter.microseconds()
        calls = len(self._meter.nanoseconds)
        outbox = self._logger.stats()["outbox_path"]
        files, size = outbox_files(outbox)
        screen.say()
        screen.say(f"Search          {self._seconds:.1f} s")
        if self._best:
            screen.say(f"Best program    {self._best.id}: {self._best.score:.6f} (published searches: {BEST_KNOWN})")
        screen.say(
            f"Log calls       {calls} calls, {times['mean']:.1f} µs on average, "
            f"p50 {times['p50']:.1f} µs, p99 {times['p99']:.1f} µs"
        )
        screen.say(f"Outbox          {screen.size(size)} in {files} files, {outbox}")
        known = self._logger.get_run_id_by_path(self._path)
        screen.say(f"Programs        {self._path}")
        if known:
            screen.say(f"                get_run_id_by_path of this file gives {known}: a runner resumes by it")

    def _print_next(self) -> None:
        endpoint = self._logger.endpoint()
        login = f"{endpoint.user}:{endpoint.password}" if self._logger.stats()["mode"] == "embedded" else endpoint.user
        sql = f"SELECT generation, best_score FROM generations WHERE run_id = '{self._run_id}' ORDER BY generation"
        read = f'from genesis_ch import ch_logger; print(ch_logger.client.query(\\"{sql}\\").result_rows)'
        screen.say()
        screen.say("What to type next")
        if self._home:
            screen.say(f"  export GENESIS_CH_HOME={shlex.quote(str(self._home))}")
        screen.say("  genesis-ch doctor")
        screen.say(f'  python -c "{read}"')
        screen.say(f"  curl -u '{login}' '{endpoint.url}/?database={endpoint.database}' --data-binary \"{sql}\"")
