"""What FINAL costs: each documented query on our tables with final=1, against the same rows in plain MergeTree tables.

1,000,000 individuals in 1,000 runs, their generations, lineages and fronts, and 200,000 LLM calls whose prompts and answers
are source text. The plain tables have the documented columns only and the keys of the older logger. Both are measured twice:
with every insert still a part of its own (of ours some were sent twice), and after the background merges are done.

    python bench/queries.py [--rounds N]      writes bench/queries.md

Ends with 1 when a query of one run reads granules that hold none of its rows, when a query returns another number of rows than on the plain
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

from bed import ROOT, Bed, bed, machine, table, take_turns
from many_runs import OURS, PLAIN, fill

from genesis_ch import queries
from genesis_ch._client import READING

PRINTED = ROOT / "tests" / "printed_queries.sql"
HERE = Path(__file__).resolve().parent
RUN = 437
"""The number of the run that is asked about."""
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

# What the references print in part only, or as a view.
OBSERVABILITY = {"analytics_traces": "SELECT project_id, sum(countTraces), max(hasTags) FROM analytics_traces GROUP BY project_id"}

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


@dataclass(frozen=True)
class Question:
    """A query with its parameters; `of_a_run` if it is about one run."""

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
        found = [len(self.place.rows(question.sql, OURS, **reading, **bound)), len(self.place.rows(peer_sql, PLAIN, final=0, **bound))] if on_plain else []
        if len(set(found)) > 1:
            self.failures.append(f"{question.name} has {found[0]} rows, and {found[1]} on plain tables")
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
    parser.add_argument("--rounds", type=int, default=5)
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
