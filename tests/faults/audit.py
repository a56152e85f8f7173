"""The oracle of `harness.issue` for millions of rows: what a row must hold is computed by the engine from the row's name."""

from __future__ import annotations

import json
from dataclasses import dataclass

from faults.harness import Engine

SLICE = 500_000


@dataclass(frozen=True)
class Audit:
    """What an engine holds of the rows of one run, as read with FINAL."""

    rows: int
    distinct: int
    least: int
    most: int
    altered: int

    @property
    def doubled(self) -> int:
        """Rows that are there more than once."""
        return self.rows - self.distinct

    @property
    def missing(self) -> int:
        """Numbers below the highest that are not there."""
        return self.most + 1 - self.distinct if self.rows else 0


def audit(engine: Engine, run: str, database: str = "default", upto: int = SLICE) -> Audit:
    """Count the rows 0 to upto - 1 of a run, and any beyond, and those whose values do not follow from their names."""
    parts = [_slice(engine, run, database, start, start + SLICE) for start in range(0, max(upto, 1), SLICE)]
    parts.append(_slice(engine, run, database, -(1 << 31), 0))
    parts.append(_slice(engine, run, database, -(-max(upto, 1) // SLICE) * SLICE, (1 << 31) - 1))
    full = [part for part in parts if part.rows]
    return Audit(
        rows=sum(part.rows for part in full),
        distinct=sum(part.distinct for part in full),
        least=min((part.least for part in full), default=0),
        most=max((part.most for part in full), default=-1),
        altered=sum(part.altered for part in full),
    )


def _slice(engine: Engine, run: str, database: str, start: int, stop: int) -> Audit:
    sql = f"""
    SELECT count(), uniqExact(generation), min(generation), max(generation), countIf(
        individual_id != concat('{run}-', toString(generation)) OR parent_id != concat('p', individual_id)
        OR fitness_score != CRC32(individual_id) / 65537. OR combined_score != -fitness_score
        OR metrics_num['score'] != fitness_score OR length(metrics_num) != 1
        OR JSONExtractFloat(metrics, 'score') != fitness_score OR is_pareto != (generation % 2 = 0)
        OR code_hash NOT IN ('', lower(hex(SHA512(individual_id)))))
    FROM individuals FINAL
    WHERE run_id = '{run}' AND generation >= {start} AND generation < {stop}
    FORMAT JSONCompactEachRow
    """
    found = json.loads(engine.ask(sql, database))
    return Audit(*(int(value) for value in found))
