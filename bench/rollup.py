"""Whether the roll-up of traces (sql/optional/traces_rollup.up.sql) pays: on many observations, against asking the tables themselves.

The same observations, in the same batches, go into two databases: one with the tables of the migrations, one with the roll-up on top.
Some traces are then asked about in the ways that a dashboard asks: on the base tables with final=1, and on traces_all_amt.

    python bench/rollup.py [--observations N]      writes bench/rollup.md

Ends with 1 when the two give different answers.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from bed import ROOT, Bed, bed, machine, statements, table, take_turns

from genesis_ch.queries import SETTINGS

HERE = Path(__file__).resolve().parent
ROLLUP = ROOT / "sql" / "optional" / "traces_rollup.up.sql"
BASE, ROLLED = "base", "rolled"
PER_TRACE = 20
PROJECTS = 10
BATCH = 250_000
START = "toDateTime64('2025-01-15 00:00:00.000', 3, 'UTC')"
SECONDS_APART = 10
ROUNDS = 5
CLEARLY = 1.2


@dataclass(frozen=True)
class Question:
    """One question, for the base tables and for the roll-up. `newest` is the trace it is about."""

    name: str
    base: str
    rolled: str


def trace_id(number: str) -> str:
    """SQL for the id of the trace of a number."""
    return f"lower(hex(sipHash128(toInt64({number}))))"


def batch_of_traces(begin: int, count: int) -> str:
    """SELECT of traces, in the order of time."""
    return (
        f"SELECT {trace_id('number')} AS id, {START} + toIntervalSecond({SECONDS_APART} * number) AS timestamp, 'evolve' AS name, "
        f"concat('project-', toString(number % {PROJECTS})) AS project_id, toNullable(concat('user-', toString(number % 100))) AS user_id, "
        "if(number % 5 = 0, ['a', 'b'], []) AS tags, toNullable(repeat('in ', 30)) AS input, toNullable(repeat('out ', 30)) AS output, "
        f"timestamp AS event_ts FROM numbers({begin}, {count})"
    )


def batch_of_observations(begin: int, count: int) -> str:
    """SELECT of observations, in the order of time; half of them are calls of a model, with tokens and dollars."""
    trace = f"intDiv(number, {PER_TRACE})"
    return (
        f"SELECT lower(hex(sipHash128(toInt64(number), 1))) AS id, {trace_id(trace)} AS trace_id, "
        f"concat('project-', toString({trace} % {PROJECTS})) AS project_id, if(number % 2 = 0, 'GENERATION', 'SPAN') AS type, "
        f"{START} + toIntervalSecond({SECONDS_APART} * {trace} + number % {PER_TRACE}) AS start_time, "
        "toNullable(start_time + toIntervalSecond(1 + cityHash64(number) % 20)) AS end_time, 'step' AS name, "
        "if(type = 'GENERATION', map('input', toUInt64(cityHash64(number) % 5000), 'output', toUInt64(cityHash64(number, 1) % 900)), map()) AS usage_details, "
        "if(type = 'GENERATION', map('total', toDecimal64(cityHash64(number, 2) % 10000 / 1e6, 12)), map()) AS cost_details, "
        f"toNullable(if(type = 'GENERATION', 'some-model', '')) AS provided_model_name, start_time AS event_ts FROM numbers({begin}, {count})"
    )


def questions(traces: int) -> list[Question]:
    """What a dashboard asks."""
    middle, newest = f"{trace_id(str(traces // 2))}", f"{START} + toIntervalSecond({SECONDS_APART * (traces - 2000)})"
    one = f"WHERE project_id = 'project-{traces // 2 % PROJECTS}'"
    cost = "sumMap(cost_details)['total']"
    return [
        Question(
            "traces of each hour and project (analytics_traces)",
            "SELECT project_id, hour, countTraces, hasTags FROM analytics_traces ORDER BY project_id, hour",
            "SELECT project_id, toStartOfHour(started) AS hour, uniq(id), max(tagged) FROM (SELECT project_id, id, min(timestamp) AS started, "
            "max(length(tags) > 0) AS tagged FROM traces_all_amt GROUP BY project_id, id) GROUP BY project_id, hour ORDER BY project_id, hour",
        ),
        Question(
            "cost of each project",
            f"SELECT project_id, {cost} FROM observations GROUP BY project_id ORDER BY project_id",
            f"SELECT project_id, {cost} FROM traces_all_amt GROUP BY project_id ORDER BY project_id",
        ),
        Question(
            "the ten dearest traces of a project",
            f"SELECT trace_id AS id, {cost} AS dollars FROM observations {one} GROUP BY id ORDER BY dollars DESC, id LIMIT 10",
            f"SELECT id, {cost} AS dollars FROM traces_all_amt {one} GROUP BY id ORDER BY dollars DESC, id LIMIT 10",
        ),
        Question(
            "one trace: steps, cost, end",
            f"SELECT count(), {cost}, max(end_time) FROM observations {one} AND trace_id = {middle}",
            f"SELECT length(groupUniqArrayArray(observation_ids)), {cost}, max(end_time) FROM traces_all_amt {one} AND id = {middle}",
        ),
        Question(
            "the fifty newest traces of a project, with cost and input",
            f"SELECT t.id, t.input, o.dollars FROM (SELECT id, timestamp, input FROM traces {one} AND timestamp >= {newest} ORDER BY timestamp DESC LIMIT 50) AS t "
            f"LEFT JOIN (SELECT trace_id, {cost} AS dollars FROM observations {one} AND start_time >= {newest} GROUP BY trace_id) AS o "
            "ON o.trace_id = t.id ORDER BY t.timestamp DESC",
            f"SELECT id, argMaxMerge(input) AS text, {cost} FROM traces_all_amt {one} GROUP BY id HAVING min(timestamp) >= {newest} ORDER BY min(timestamp) DESC LIMIT 50",
        ),
    ]


def fill(place: Bed, count: int) -> dict[str, float]:
    """Insert everything into both databases, a batch into each in turn; the seconds that each took."""
    place.migrate(BASE)
    place.migrate(ROLLED)
    for statement in statements(ROLLUP):
        place.run(statement, ROLLED)
    seconds = dict.fromkeys((BASE, ROLLED), 0.0)
    for turn, begin in enumerate(range(0, count, BATCH)):
        size = min(BATCH, count - begin)
        for database in (BASE, ROLLED) if turn % 2 else (ROLLED, BASE):
            for name, select in (
                ("traces", batch_of_traces(begin // PER_TRACE, size // PER_TRACE)),
                ("observations", batch_of_observations(begin, size)),
            ):
                columns = ", ".join(row[0] for row in place.rows(f"DESCRIBE ({select})"))
                seconds[database] += place.seconds(f"INSERT INTO {name} ({columns}) {select}", database)
    return seconds


def stored(place: Bed, database: str, names: str) -> int:
    """Bytes on disk of the tables whose names match."""
    where = f"active AND database = '{database}' AND match(table, '{names}')"
    return int(place.run(f"SELECT sum(bytes_on_disk) FROM system.parts WHERE {where}"))


def main() -> int:
    """Measure, write the report; 1 when the answers differ."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--observations", type=int, default=5_000_000)
    count = parser.parse_args().observations
    rows, wrong, faster = [], [], []
    with bed() as place:
        seconds = fill(place, count)
        place.settle(BASE, ROLLED)
        for question in questions(count // PER_TRACE):
            if place.run(question.base, BASE, **SETTINGS) != place.run(question.rolled, ROLLED):
                wrong.append(question.name)
            base, rolled = take_turns([place.timer(question.base, BASE, **SETTINGS), place.timer(question.rolled, ROLLED)], ROUNDS)
            rows.append([question.name, f"{base * 1e3:.1f}", f"{rolled * 1e3:.1f}", f"{base / rolled:.2f}"])
            faster += [question.name] if base / rolled > CLEARLY else []
        base_bytes = stored(place, BASE, "^(traces|observations)$")
        sizes = {name: stored(place, ROLLED, f"^{name}$") for name in ("traces_all_amt", "traces_7d_amt", "traces_30d_amt")}
        engine = machine(place.engine)
    text = REPORT.format(
        engine=engine,
        count=count,
        traces=count // PER_TRACE,
        table=table(["question", "base tables, ms", "roll-up, ms", "base : roll-up"], rows),
        insert=seconds[ROLLED] / seconds[BASE],
        rate=count / seconds[BASE] / 1e3,
        rolled_rate=count / seconds[ROLLED] / 1e3,
        base=base_bytes / 1e6,
        all=sizes["traces_all_amt"] / 1e6,
        faster="; ".join(faster) or "none",
        share=100 * sizes["traces_all_amt"] / base_bytes,
    )
    (HERE / "rollup.md").write_text(text)
    print(text)
    for name in wrong:
        print(f"{name}: the roll-up answers otherwise than the tables", file=sys.stderr)
    return 1 if wrong else 0


REPORT = """# Does the roll-up of traces pay?

Made by `python bench/rollup.py`. {engine}. {count:,} observations of {traces:,} traces, each sent once; times are medians of interleaved runs after background
merges. The base tables are read as `genesis_ch.queries` reads them. Both give the same answers here; once a row is sent again, the sums of the
roll-up are too high (see sql/optional/traces_rollup.up.sql).

{table}
Clearly faster on the roll-up: {faster}.

Inserting took {insert:.2f} times as long with the roll-up: {rolled_rate:.0f} thousand observations a second against {rate:.0f}.
The tables have {base:.0f} MB; traces_all_amt adds {all:.0f} MB ({share:.0f} %). The variants with a TTL hold as much again for the time that they keep,
which for rows of last year, as here, is nothing.
"""


if __name__ == "__main__":
    sys.exit(main())
