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
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bed import ROOT, Bed, bed, machine, pieces, source_text, table, take_turns

from genesis_ch import queries
from genesis_ch._client import READING

PRINTED = ROOT / "tests" / "printed_queries.sql"
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

SETTLED_BOUND = 4.0
"""Merged tables are read as plain ones are. The rest is what a plain table may do and ours may not: look at a condition on any column
before it reads the others."""
UNMERGED_BOUND = 15.0
"""Fifty parts that all hold all runs are the worst that there is, for the seconds until they are merged: all rows are compared."""
NOTICED_SECONDS = 0.05
"""A query that is done in less is no failure whatever its ratio: count() alone, say, is answered by a plain table without reading."""
BY_TIME = ("llm_logs", "agent_actions", "traces", "observations", "scores")
"""Tables that find a run by a skip index. With FINAL the engine also reads the neighbours of what it found, for newer versions."""
WITHOUT_RUN = ("programs_code",)
TRACES = 100_000

# What the references print in part only, or as a view.
OBSERVABILITY = {"analytics_traces": "SELECT project_id, sum(countTraces), max(hasTags) FROM analytics_traces GROUP BY project_id"}

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


REPORT = """# What FINAL costs

Made by `python bench/queries.py`. {engine}. Each query on our tables with final=1, as `ch_logger.client` reads, or as `genesis_ch.queries` does for those of
sql/queries, against plain MergeTree tables that have the documented columns only (and task_name in generations, which a printed query needs). Medians of interleaved runs, inside of the engine. A query marked * uses what plain tables lack;
its peer is the same table read without FINAL. Merged: as background merges leave the tables. Unmerged: merges stopped, every insert a
part of its own that holds all runs, and three in fifty sent twice. Granules: what a query of one run reads, of all granules of its tables, and how many hold rows of the run.

{summary}

{table}
Merged: {settled}.

Unmerged: {raw}.
"""


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


@dataclass(frozen=True)
class Question:
    """A query with its parameters. `tables` is those that it reads rows of one run from; none if it is about all runs."""

    name: str
    source: str
    sql: str
    parameters: dict[str, str]
    of_a_run: bool


@dataclass
class Answer:
    """What one query cost, in seconds: on our tables with final=1, and on its peer."""

    question: Question
    ours: float
    peer: float
    on_plain: bool
    granules: str

    @property
    def ratio(self) -> float:
        return self.ours / self.peer


def printed(run: str, best: str) -> list[Question]:
    """The queries that the references print, with names that exist in the place of their examples."""
    texts = re.findall(r"^-- (\w+)\n(.*?);$", PRINTED.read_text(), re.DOTALL | re.MULTILINE)
    found = []
    for name, text in [*texts, *OBSERVABILITY.items()]:
        sql = re.sub(r"(?i)'(run_20240115_142345|your_run_id|run_12345)'", f"'{run}'", text)
        if not sql.startswith("ALTER"):
            found.append(Question(name, "printed", sql.replace("ind_gen10_best", best).replace("'xxx'", "'project-7'"), {}, sql != text))
    return found


def files(values: dict[str, str]) -> list[Question]:
    """The queries of sql/queries; one that may be asked of a run or of all is asked both ways."""
    found = []
    for name in queries.names():
        query = queries.describe(name)
        chosen = {p.name: values[p.name] if p.name in values and (p.required or p.name == "project_id") else literal(p.default) for p in query.parameters}
        ways = [chosen]
        if "run_id" in chosen and not chosen["run_id"]:
            ways.append({**chosen, "run_id": values["run_id"]})
        found += [Question(name + " of a run" * at, "sql/queries", query.statement, way, bool(way.get("run_id"))) for at, way in enumerate(ways)]
    return found


def literal(value: object) -> str:
    """A default as a bound parameter."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def reads(plan: Any) -> list[tuple[str, int, int]]:
    """(table, parts, granules) of each place in a plan that reads a table."""
    found = [read for node in plan.get("Plans", []) for read in reads(node)]
    if plan.get("Node Type", "").startswith("ReadFromMergeTree"):
        last = plan["Indexes"][-1]
        found.append((plan["Description"].rpartition(".")[2], last["Selected Parts"], last["Selected Granules"]))
    return found


class Stand:
    """Both sets of tables, and what is asked of them."""

    def __init__(self, place: Bed) -> None:
        self.place = place
        self.failures: list[str] = []
        self.run = place.run(f"SELECT run_id FROM evolution_runs ORDER BY run_id LIMIT {RUN}, 1", PLAIN).strip()
        people = f"SELECT individual_id FROM individuals WHERE run_id = '{self.run}' AND generation = 10 LIMIT 2"
        first, second = place.run(people, PLAIN).split()
        trace = place.run("SELECT id FROM traces WHERE project_id = 'project-7' LIMIT 1", PLAIN).strip()
        self.questions = printed(self.run, first) + files(
            {"run_id": self.run, "project_id": "project-7", "task_name": "circle_packing", "individual_id": first, "first": first, "second": second, "trace_id": trace,
             "objectives": "['accuracy', 'size']", "directions": "['max', 'min']", "reference": "[-1, 1000000]"}
        )  # fmt: skip

    def ask(self, rounds: int, bound: float) -> list[Answer]:
        """Time every query; what breaks a bound is noted in failures."""
        answers = [answer for question in self.questions if (answer := self._answer(question, rounds))]
        for answer in answers:
            if answer.ratio > bound and answer.ours > NOTICED_SECONDS:
                self.failures.append(f"{answer.question.name}: {answer.ratio:.1f} times its peer; the bound is {bound}")
        return answers

    def _answer(self, question: Question, rounds: int) -> Answer | None:
        bound = {f"param_{name}": value for name, value in question.parameters.items()}
        if problem := self._problem(question.sql, OURS, bound):
            # Two of the printed ones are no SQL that ClickHouse takes; their corrected files are measured.
            if question.source != "printed":
                self.failures.append(f"{question.name}: {problem}")
            return None
        peer_sql = question.sql.replace(" FINAL", "")
        on_plain = not self._problem(peer_sql, PLAIN, bound)
        reading = READING if question.source == "printed" else queries.SETTINGS
        ours = self.place.timer(question.sql, OURS, **reading, **bound)
        peer = self.place.timer(peer_sql, PLAIN if on_plain else OURS, final=0, **bound)
        times = take_turns([ours, peer], rounds)
        return Answer(question, *times, on_plain, self._granules(question, bound) if question.of_a_run else "")

    def _problem(self, sql: str, database: str, bound: dict[str, str]) -> str:
        try:
            self.place.run(f"EXPLAIN {sql}", database, **bound)
        except RuntimeError as error:
            return str(error)
        return ""

    def _granules(self, question: Question, bound: dict[str, str]) -> str:
        """Granules read of those that the tables have; noted as a failure when they are more than hold the run's rows."""
        plan = self.place.run(f"EXPLAIN json = 1, indexes = 1 {question.sql} FORMAT TSVRaw", OURS, **READING, **bound)
        read, least, of = 0, 0, 0
        for name, parts, granules in reads(json.loads(plan)[0]["Plan"]):
            held, all_granules = self._held(name)
            read, least, of = read + granules, least + held, of + all_granules
            # A key index knows where granules begin, and so cannot tell where in the granule before it a run begins.
            if granules > (3 * held + all_granules / 100 if name in BY_TIME else held + parts):
                self.failures.append(f"{question.name} reads {granules} granules of {name}; {held} hold rows of the run")
        return f"{read} of {of}; {least} hold the run" if of else ""

    def _held(self, name: str) -> tuple[int, int]:
        where = f"active AND database = '{OURS}' AND table = '{name}'"
        marks = int(self.place.run(f"SELECT sum(marks - (level >= 0 AND marks > 1)) FROM system.parts WHERE {where}"))
        if name in WITHOUT_RUN:
            return marks, marks
        sql = f"SELECT uniqExact(_part, _part_granule_offset) FROM {name} WHERE run_id = '{self.run}'"
        return int(self.place.run(sql, OURS, final=0)), marks


def lines(before: list[Answer], after: list[Answer]) -> list[list[str]]:
    """The table of the report."""
    settled = {(a.question.source, a.question.name): a for a in after}
    found = []
    for a in before:
        b = settled[a.question.source, a.question.name]
        name = a.question.name + ("" if a.on_plain else " *")
        times = [f"{answer.ours * 1e3:.1f} | {answer.peer * 1e3:.1f} | {answer.ratio:.2f}" for answer in (b, a)]
        found.append([name, a.question.source, *times, b.granules, a.granules])
    return found


def state(place: Bed) -> str:
    """Rows and parts of the tables, in a sentence."""
    found = place.rows(
        f"SELECT database, table, count(), sum(rows) FROM system.parts WHERE active AND database IN ('{OURS}', '{PLAIN}') GROUP BY ALL ORDER BY database, sum(rows) DESC"
    )
    return "; ".join(f"{database}.{name} {int(rows):,} rows in {parts} parts" for database, name, parts, rows in found)


def main() -> int:
    """Measure, write the report; 1 when something is beyond its bound."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with bed() as place:
        begun = time.monotonic()
        fill(place)
        stand = Stand(place)
        print(f"filled in {time.monotonic() - begun:.0f} s", flush=True)
        raw, before = state(place), stand.ask(rounds, UNMERGED_BOUND)
        for database in (OURS, PLAIN):
            place.merges("START", database)
        place.settle(OURS, PLAIN)
        settled, after = state(place), stand.ask(rounds, SETTLED_BOUND)
        engine = machine(place.engine)
    head = ["query", "from", "merged: ours, ms", "plain, ms", "ratio", "unmerged: ours, ms", "plain, ms", "ratio", "granules, merged", "granules, unmerged"]
    rows = lines(before, after)
    text = REPORT.format(engine=engine, settled=settled, raw=raw, table=table(head, rows), summary=summary(before, after))
    (HERE / "queries.md").write_text(text)
    print(text)
    for failure in stand.failures:
        print(failure, file=sys.stderr)
    return 1 if stand.failures else 0


def summary(before: list[Answer], after: list[Answer]) -> str:
    """The ratios in one sentence each."""
    found = []
    for name, answers in (("merged", after), ("unmerged", before)):
        for what, chosen in (("of one run", [a for a in answers if a.question.of_a_run]), ("across runs", [a for a in answers if not a.question.of_a_run])):
            ratios = sorted(a.ratio for a in chosen)
            found.append(f"* {name}, {what}: median {statistics.median(ratios):.2f}, highest {ratios[-1]:.2f} ({len(ratios)} queries)")
    return "\n".join(found)


if __name__ == "__main__":
    sys.exit(main())
