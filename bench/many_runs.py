"""The rows of bench/queries.py: a thousand runs of program evolution with their LLM calls, made by the engine out of numbers and source text.

They go into two databases, `ours` with the tables of the migrations and `plain` with MergeTree tables that have the documented columns and the
keys of the older logger. The same numbers make the same rows.
"""

from __future__ import annotations

import json

from bed import Bed, pieces, source_text

OURS, PLAIN = "ours", "plain"
RUNS, GENERATIONS, SIZE = 1000, 50, 20
CALLS = 200_000
TRACES = 100_000
BATCHES = 50
TWICE = (7, 23, 41)
"""The batches that our tables get a second time."""
START = "toDateTime64('2025-01-15 14:23:45.000', 3, 'UTC')"

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
    "agent_actions": "id UUID, timestamp DateTime64(3), action_type String, details String, metadata String",
    "traces": "id String, timestamp DateTime64(3), name String, user_id Nullable(String), metadata Map(LowCardinality(String), String), "
    "release Nullable(String), version Nullable(String), project_id String, public Bool, bookmarked Bool, tags Array(String), "
    "input Nullable(String), output Nullable(String), session_id Nullable(String), created_at DateTime64(3), updated_at DateTime64(3), "
    "event_ts DateTime64(3), is_deleted UInt8, environment LowCardinality(String)",
}
PLAIN_KEYS = {
    "evolution_runs": "run_id, start_time",
    "generations": "run_id, generation",
    "individuals": "run_id, generation, individual_id",
    "pareto_fronts": "run_id, generation, individual_id",
    "code_lineages": "run_id, generation, child_id, parent_id",
    "llm_logs": "timestamp",
    "agent_actions": "timestamp",
    "traces": "project_id, toDate(timestamp), id",
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


def actions(batch: int, ours: bool) -> str:
    """SELECT of one batch of agent actions: a job is submitted and then ends, one of ten badly."""
    size = CALLS // BATCHES
    kind = "['job_submitted', if(cityHash64(n, 7) % 10 = 0, 'job_failed', 'job_completed')][1 + n % 2]"
    more = f", {run_name(f'(10 * intDiv(n, {10 * CALLS // RUNS}) + n % 10)')} AS run_id, toNullable(toInt32(intDiv(intDiv(n, 10) % 200, 4))) AS generation"
    return (
        f"SELECT reinterpretAsUUID(sipHash128(n, 9)) AS id, {START} + toIntervalSecond(36 * n) AS timestamp, {kind} AS action_type, "
        "concat('{\"job_id\":\"job_', toString(intDiv(n, 2)), '\",\"correct\":', if(n % 3 = 0, 'false', 'true'), ',\"error\":\"\"}') AS details, "
        f"'{{\"cluster\":\"local\"}}' AS metadata{more if ours else ''} FROM (SELECT number AS n FROM numbers({batch * size}, {size}))"
    )


def traces(batch: int, texts: int) -> str:
    """SELECT of one batch of traces, of 200 projects."""
    size = TRACES // BATCHES
    return (
        f"SELECT lower(hex(sipHash128(n, 5))) AS id, {START} + toIntervalSecond(72 * n) AS timestamp, 'evolve' AS name, "
        "toNullable(concat('user-', toString(n % 50))) AS user_id, map('environment', if(n % 3 = 0, 'production', 'staging')) AS metadata, "
        "concat('project-', toString(n % 200)) AS project_id, if(n % 5 = 0, ['a', 'b'], []) AS tags, "
        "toNullable(substring(a.text, 1, 500)) AS input, toNullable(substring(a.text, 500, 500)) AS output, "
        "timestamp AS event_ts, toUInt8(0) AS is_deleted, 'default' AS environment "
        f"FROM (SELECT number AS n, cityHash64(n, 6) % {texts} AS first FROM numbers({batch * size}, {size})) AS c "
        "INNER JOIN source AS a ON a.place = c.first"
    )


def steps(batch: int) -> dict[str, str]:
    """SELECTs of what goes with one batch of traces: two observations and a score each. Only our tables have these."""
    size = TRACES // BATCHES
    start = f"{START} + toIntervalSecond(72 * n)"
    common = "lower(hex(sipHash128(n, 5))) AS trace_id, concat('project-', toString(n % 200)) AS project_id"
    return {
        "observations": f"SELECT lower(hex(sipHash128(number, 6))) AS id, {common}, if(number % 2 = 0, 'GENERATION', 'SPAN') AS type, "
        f"{start} AS start_time, start_time + 2 AS end_time, 'step' AS name, if(type = 'SPAN', '', 'some-model') AS provided_model_name, "
        "map('input', number % 5000, 'output', number % 900) AS usage_details, map('total', toDecimal64(0.01, 12)) AS cost_details, "
        f"toDecimal64(0.01, 12) AS total_cost, start_time AS event_ts FROM (SELECT number, intDiv(number, 2) AS n FROM numbers({batch * 2 * size}, {2 * size}))",
        "scores": f"SELECT lower(hex(sipHash128(number, 7))) AS id, {common}, {start} AS timestamp, 'quality' AS name, "
        f"n % 100 / 100 AS value, timestamp AS event_ts FROM (SELECT number, number AS n FROM numbers({batch * size}, {size}))",
    }


def fill(place: Bed) -> None:
    """Make both sets of tables and their rows; every insert stays a part."""
    place.migrate(OURS)
    place.run(f"CREATE DATABASE {PLAIN}")
    for name, columns in DOCUMENTED.items():
        partitions = "PARTITION BY toYYYYMM(timestamp)" if name == "traces" else ""
        place.run(f"CREATE TABLE {name} ({columns}) ENGINE = MergeTree {partitions} ORDER BY ({PLAIN_KEYS[name]})", PLAIN)
    place.run(place.run("SHOW CREATE VIEW analytics_traces FORMAT TSVRaw", OURS).replace(f"{OURS}.", f"{PLAIN}."))
    texts = [json.dumps(piece)[1:-1] for piece in pieces(source_text())]
    for database in (OURS, PLAIN):
        place.run("CREATE TABLE source (place UInt32, text String) ENGINE = Memory", database)
        place.insert("source", [{"place": at, "text": text} for at, text in enumerate(texts)], database)
        place.merges("STOP", database)
    both = (OURS, PLAIN)
    for batch, databases in [(batch, both) for batch in range(BATCHES)] + [(batch, (OURS,)) for batch in TWICE]:
        for database in databases:
            ours = database == OURS
            selects = evolution(batch, ours) | {
                "llm_logs": calls(batch, ours, len(texts)),
                "agent_actions": actions(batch, ours),
                "traces": traces(batch, len(texts)),
                **(steps(batch) if ours else {}),
            }
            for name, select in selects.items():
                place.store(name, select, database)
