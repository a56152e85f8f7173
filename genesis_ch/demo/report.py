"""What a run left behind, read back from ClickHouse and compared with what was logged."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genesis_ch.cli import screen
from genesis_ch.cli.store import bytes_on_disk
from genesis_ch.demo.meter import TABLES, Meter, percentile
from genesis_ch.demo.packing import BEST_KNOWN
from genesis_ch.demo.runner import Runner

if TYPE_CHECKING:
    from genesis_ch import ClickHouseLogger, FlushResult

_GENERATIONS = """
SELECT
    generation,
    num_individuals,
    best_score,
    max(best_score) OVER (ORDER BY generation),
    avg_score,
    pareto_size,
    total_cost
FROM generations FINAL
WHERE run_id = {run_id:String}
ORDER BY generation
"""

_RUN = """
SELECT status, total_generations
FROM evolution_runs FINAL
WHERE run_id = {run_id:String}
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

_QUESTION = "SELECT run_id, status, total_generations FROM evolution_runs"


class Report:
    """Reads one run back, once; `show` prints it and `problems` says what is missing."""

    def __init__(self, logger: ClickHouseLogger, runner: Runner, meter: Meter) -> None:
        self._logger = logger
        self._runner = runner
        self._meter = meter
        self._client: Any = logger.client
        self._stored = {table: self._count(table) for table in meter.rows} if self._client else {}

    def show(self, seconds: float) -> None:
        """Print all tables; what cannot be read back is left out, and `problems` names it."""
        if self._client:
            self._print_generations()
            self._print_rows()
        self._print_numbers(seconds)

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
        result = self._client.query(sql, parameters={"run_id": self._runner.run_id})
        return [tuple(row) for row in result.result_rows]

    def _count(self, table: str) -> int:
        return int(self._query(f"SELECT count() FROM {table} FINAL WHERE run_id = {{run_id:String}}")[0][0])

    def _print_generations(self) -> None:
        columns = ("generation", "programs", "best", "best so far", "mean", "front", "nominal $")
        rows = [
            (number, programs, f"{best:.4f}", f"{so_far:.4f}", f"{mean:.4f}", front, f"{cost:.4f}")
            for number, programs, best, so_far, mean, front, cost in self._query(_GENERATIONS)
        ]
        status, generations = self._query(_RUN)[0]
        screen.say()
        screen.say(f"Read back from ClickHouse: {self._runner.run_id}, {status}, {generations} generations")
        screen.console().print(screen.table(columns, rows))
        screen.say("The mutator is offline and nothing was paid: the cost is what the same text would")
        screen.say("cost at $0.40 (prompt) and $1.60 (reply) a million tokens of 4 characters.")

    def _print_rows(self) -> None:
        sizes = {table: (packed, plain) for table, packed, plain in self._query(_BYTES)}
        packed, plain = (sum(sizes[table][i] for table in self._stored if table in sizes) for i in (0, 1))
        rows: list[tuple[object, ...]] = []
        for method, table in TABLES.items():
            logged, stored, median = self._meter.rows[table], self._stored[table], self._meter.median(method)
            rows.append((table, logged, stored, screen.size(sizes.get(table, (0, 0))[0]), f"{median:.1f}"))
        everything = self._meter.calls()
        total = (sum(self._meter.rows.values()), sum(self._stored.values()), screen.size(packed))
        rows.append(("total", *total, f"{percentile(everything, 50):.1f}"))
        screen.say()
        screen.say("Rows of this run, bytes of the whole table, median time of a log call")
        columns = ("table", "rows logged", "rows read back", "on disk", "µs per call")
        screen.console().print(screen.table(columns, rows, last_is_total=True))
        screen.say(
            f"{screen.size(plain)} of values take {screen.size(packed)} on disk. The first call makes the outbox."
        )

    def _print_numbers(self, seconds: float) -> None:
        calls = self._meter.calls()
        mean = sum(calls) / max(1, len(calls)) / 1000
        stats = self._logger.stats()
        rows: list[tuple[str, object]] = [("search", f"{seconds:.1f} s")]
        if self._runner.best:
            best = self._runner.best
            rows.append(("best program", f"{best.id} scores {best.score:.4f} (published searches: {BEST_KNOWN})"))
        p50, p99 = percentile(calls, 50), percentile(calls, 99)
        rows.append(("log calls", f"{len(calls)}, {mean:.1f} µs each on average, p50 {p50:.1f} µs, p99 {p99:.1f} µs"))
        if stats["mode"] == "embedded":
            home = Path(stats["destination"])
            rows.append(("store", f"{_near(home)}, {screen.size(bytes_on_disk(home / 'data'))} on disk"))
        rows.append(("programs", _near(self._runner.store.path)))
        screen.section("Numbers", rows)


def type_next(logger: ClickHouseLogger, home: Path | None) -> list[str]:
    """Return commands that show more of what was recorded; each works as it stands in this directory."""
    question = f"from genesis_ch import ch_logger; print(ch_logger.client.query('{_QUESTION}').result_rows)"
    lines = [f"export GENESIS_CH_HOME={shlex.quote(str(home))}"] if home else []
    lines += [f"{screen.typed('genesis-ch')} doctor", f'{screen.typed("python")} -c "{question}"']
    endpoint = logger.endpoint()
    token = Path(logger.stats()["destination"]) / "token"
    if logger.stats()["mode"] == "embedded" and token.read_text().strip() == endpoint.password:
        login = f'"{endpoint.user}:$(cat {shlex.quote(_near(token))})"'
        lines.append(f'curl -u {login} {endpoint.url.rstrip("/")} -d "{_QUESTION}"  # while the server runs')
    return lines


def _near(path: Path) -> str:
    near = os.path.relpath(path)
    return str(path) if near.startswith("..") else near
