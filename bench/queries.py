"""What FINAL costs: each documented query on our tables with final=1, against the same rows in plain MergeTree tables.

1,000,000 individuals in 1,000 runs, their generations, lineages and fronts, and 200,000 LLM calls whose prompts and answers
are source text. The plain tables have the documented columns only and the keys of the older logger. Both are measured twice:
with every insert still a part of its own (of ours some were sent twice), and after the background merges are done.

    python bench/queries.py [--rounds N]      writes bench/queries.md

Ends with 1 when a query of one run reads granules that hold none of its rows, when a query returns something else than on the plain
tables, or when a ratio is beyond its bound.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bed import Bed, bed, machine, pieces, source_text, table, take_turns

HERE = Path(__file__).resolve().parent
OURS, PLAIN = "ours", "plain"
RUNS, GENERATIONS, SIZE = 1000, 50, 20
CALLS = 200_000
BATCHES = 50
TWICE = (7, 23, 41)
"""The batches that our tables get a second time."""
RUN = 437
START = "toDateTime64('2025-01-15 14:23:45.000', 3, 'UTC')"
HEAD = "SELECT number AS n, "

DOCUMENTED = {
    "evolution_runs": "run_id String, start_time DateTime64(3), end_time DateTime64(3), task_name String, config String, "
    "status String, total_generations Int32, population_size Int32, cluster_type String, database_path String",
    "generations": "run_id String, generation Int32, timestamp DateTime64(3), num_individuals Int32, best_score Float64, "
    "avg_score Float64, pareto_size Int32, total_cost Float64, metadata String, task_name String",
    "individuals": "run_id String, individual_id String, generation Int32, timestamp DateTime64(3), parent_id String, "
    "mutation_type String, fitness_score Float64, combined_score Float64, metrics String, is_pareto Bool, api_cost Float64, "
    "embed_cost Float64, novelty_cost Float64, code_hash String, code_size Int32",
    "pareto_fronts": "run_id String, generation Int32, timestamp DateTime64(3), individual_id String, fitness_score Float64, "
    "combined_score Float64, metrics String",
    "code_lineages": "run_id String, child_id String, parent_id String, generation Int32, mutation_type String, "
    "timestamp DateTime64(3), fitness_delta Float64, edit_summary String",
    "llm_logs": "id UUID, timestamp DateTime64(3), model String, messages String, response String, cost Float64, "
    "execution_time Float64, metadata String",
}
PLAIN_KEYS = {
    "evolution_runs": "run_id, start_time",
    "generations": "run_id, generation",
    "individuals": "run_id, generation, individual_id",
    "pareto_fronts": "run_id, generation, individual_id",
    "code_lineages": "run_id, generation, child_id, parent_id",
    "llm_logs": "timestamp",
}
CONFIG = {
    "evolution": {"num_generations": GENERATIONS, "pop_size": SIZE, "patch_types": ["diff", "full", "cross"], "patch_type_probs": [0.6, 0.3, 0.1]},
    "llm": {"models": ["small-model", "large-model", "thinking-model"], "temperatures": [0.0, 0.5, 1.0], "max_tokens": 16384},
    "database": {"archive_size": 40, "num_islands": 4, "migration_interval": 10, "elite_selection_ratio": 0.3},
    "job": {"eval_program_path": "examples/circle_packing/evaluate.py", "time": "00:05:00", "num_workers": 8},
}  # fmt: skip
TASK = "You improve Python programs. A program of the same score that is shorter is better. Use the standard library only.\\n"


def run_name(run: str) -> str:
    """SQL for the run_id of the run of a number."""
    return f"concat('run_', formatDateTime({START} + toIntervalHour(2 * ({run})), '%Y%m%d_%H%i%S'))"


def identity(run: str, generation: str, place: str) -> str:
    """SQL for an individual_id, in the form of a UUID without dashes."""
    return "lower(hex(sipHash128(" + ", ".join(f"toInt64({part})" for part in (run, generation, place)) + ")))"


def moment(seconds: str) -> str:
    """SQL for a time after the start of a run r."""
    return f"{START} + toIntervalHour(2 * r) + toIntervalSecond({seconds})"


def member(batch: int, size: int = SIZE) -> str:
    """SQL: one generation of every run; a row for each individual."""
    drawn = f"toUInt32(cityHash64(r, g, i) % 10000) AS draw, draw / 1e5 AS luck, cityHash64(r, g, i, 1) % {SIZE} AS mate"
    return (
        f"(SELECT intDiv(number, {size}) AS r, number % {size} AS i, {batch} AS g, {run_name('r')} AS run_id, "
        f"{identity('r', 'g', 'i')} AS individual_id, if(g = 0, '', {identity('r', 'g - 1', 'mate')}) AS parent_id, "
        f"{drawn}, {moment('g * 120 + i * 5')} AS timestamp, round(g * 0.02 + luck, 6) AS score, "
        "if(g = 0, 'init', ['diff', 'full', 'cross'][1 + draw % 3]) AS mutation_type, 1000 + 3 * draw AS bytes, "
        'concat(\'{"public":{"radius_sum":\', toString(score), \',"overlap":0.0},"accuracy":\', toString(luck), '
        "',\"size\":', toString(bytes), '}') AS metrics "
        f"FROM numbers({RUNS * size}))"
    )


def evolution(batch: int, ours: bool) -> dict[str, str]:
    """SELECTs of what one generation of every run adds to each table."""
    numbers = ", map('public.radius_sum', score, 'public.overlap', 0., 'accuracy', luck, 'size', toFloat64(bytes)) AS metrics_num"
    task = "['circle_packing', 'mask_to_seg', 'sorting', 'matmul', 'kissing_number'][1 + r % 5]"
    fronts = "SELECT run_id, g AS generation, timestamp, individual_id, score AS fitness_score, luck AS combined_score, metrics"
    selects = {
        "generations": f"SELECT run_id, g AS generation, timestamp, {SIZE} AS num_individuals, score AS best_score, luck AS avg_score, "
        f'5 AS pareto_size, luck AS total_cost, concat(\'{{"median_score":\', toString(luck), \'}}\') AS metadata'
        f", {task} AS task_name FROM {member(batch, 1)}",
        "individuals": "SELECT run_id, individual_id, g AS generation, timestamp, parent_id, mutation_type, score AS fitness_score, "
        "luck AS combined_score, metrics, i < 5 AS is_pareto, luck AS api_cost, 0.001 AS embed_cost, 0.002 AS novelty_cost, "
        "lower(hex(SHA256(toString(intDiv(bytes, 2) + 100000 * r)))) AS code_hash, bytes AS code_size"
        + (numbers if ours else "")
        + f" FROM {member(batch)}",
        "pareto_fronts": f"{fronts} FROM {member(batch, 5)}",
        "code_lineages": "SELECT run_id, individual_id AS child_id, parent_id, g AS generation, mutation_type, timestamp, "
        "luck - 0.05 AS fitness_delta, concat('Replaced the ', mutation_type, ' step by a loop over ', toString(bytes), ' cells') "
        f"AS edit_summary FROM {member(batch)}",
    }
    if batch == 0:
        selects["evolution_runs"] = (
            f"SELECT run_id, timestamp AS start_time, timestamp + toIntervalHour(2) AS end_time, {task} AS task_name, "
            f"'{json.dumps(CONFIG)}' AS config, if(r > {RUNS - 20}, 'running', 'completed') AS status, "
            f"{GENERATIONS} AS total_generations, {SIZE} AS population_size, 'local' AS cluster_type, "
            f"concat('/results/', run_id, '.db') AS database_path FROM {member(0, 1)}"
        )
    return selects


def calls(batch: int, ours: bool, texts: int) -> str:
    """SELECT of one batch of LLM calls, in the order of time; ten runs go on at once."""
    size = CALLS // BATCHES
    each = CALLS // RUNS
    run = f"(10 * intDiv(n, {10 * each}) + n % 10)"
    more = (
        f", {run_name('r')} AS run_id, toNullable(toInt32(intDiv(intDiv(n, 10) % {each}, 4))) AS generation, 'some' AS provider, "
        "toNullable(toUInt64(1200)) AS input_tokens, toNullable(toUInt64(300)) AS output_tokens, map('input', 1200, 'output', 300) AS usage"
    )
    return (
        f"SELECT reinterpretAsUUID(sipHash128(n)) AS id, {START} + toIntervalSecond(36 * n) AS timestamp, "
        "['small-model', 'large-model', 'thinking-model'][1 + cityHash64(n) % 3] AS model, "
        f'concat(\'[{{"role":"system","content":"{TASK}"}},{{"role":"user","content":"\', a.text, \'"}}]\') AS messages, '
        "substring(b.text, 1, 1000) AS response, cityHash64(n) % 1000 / 1e5 AS cost, cityHash64(n, 2) % 1000 / 50 AS execution_time, "
        f"'{{\"task\":\"circle_packing\"}}' AS metadata{more if ours else ''} "
        f"FROM (SELECT number AS n, {run} AS r, cityHash64(n, 3) % {texts} AS first, cityHash64(n, 4) % {texts} AS second "
        f"FROM numbers({batch * size}, {size})) AS c "
        "INNER JOIN source AS a ON a.place = c.first INNER JOIN source AS b ON b.place = c.second"
    )


def fill(place: Bed) -> None:
    """Make both sets of tables and their rows; every insert stays a part."""
    place.migrate(OURS)
    place.run(f"CREATE DATABASE {PLAIN}")
    for name, columns in DOCUMENTED.items():
        place.run(f"CREATE TABLE {name} ({columns}) ENGINE = MergeTree ORDER BY ({PLAIN_KEYS[name]})", PLAIN)
    texts = [json.dumps(piece)[1:-1] for piece in pieces(source_text())]
    for database in (OURS, PLAIN):
        place.run("CREATE TABLE source (place UInt32, text String) ENGINE = Memory", database)
        place.insert("source", [{"place": at, "text": text} for at, text in enumerate(texts)], database)
        for name in DOCUMENTED:
            place.run(f"SYSTEM STOP MERGES {name}", database)
    both = (OURS, PLAIN)
    for batch, databases in [(batch, both) for batch in range(BATCHES)] + [(batch, (OURS,)) for batch in TWICE]:
        for database in databases:
            selects = evolution(batch, database == OURS) | {"llm_logs": calls(batch, database == OURS, len(texts))}
            for name, select in selects.items():
                place.store(name, select, database)


@dataclass(frozen=True)
class Question:
    """A query of the reference, or of sql/queries, on the run that is measured."""

    name: str
    sql: str
    of_a_run: bool


@dataclass
class Answer:
    """What one query cost on both sets of tables."""

    question: Question
    ours: float
    plain: float

    @property
    def ratio(self) -> float:
        return self.ours / self.plain


def printed(run: str, best: str) -> list[Question]:
    """The queries that the reference prints, with names that exist in the place of its examples."""
    texts = re.findall(r"^-- (\w+)\n(.*?);$", (HERE / "printed.sql").read_text(), re.DOTALL | re.MULTILINE)
    found = []
    for name, text in texts:
        sql = re.sub(r"(?i)'(run_20240115_142345|your_run_id|run_12345)'", f"'{run}'", text)
        found.append(Question(name, sql.replace("ind_gen10_best", best), sql != text))
    return found


