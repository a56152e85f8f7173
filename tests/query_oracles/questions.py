"""Of the questions that nobody printed: by brute force, without the tricks of the statements."""

from __future__ import annotations

import json
import math
import re
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from evolution_model import (
    RUNS,
    SHARED,
    TASKS,
    Row,
    Tables,
    descending,
    finite,
    highest,
    lowest,
    mean,
    metric,
    quantile,
)
from query_oracles import EVERY_RUN, oracle, ordered

Rows = list[tuple[Any, ...]]
Ancestry = dict[str, int]
CHAMPION = "run_20240115_142345"
PAIR = [f"{CHAMPION}/11-{place}" for place in range(8)]
FOREIGN = "another run/0-0"


def dollars(row: Row, *names: str) -> float:
    return math.fsum(finite(row[name] for name in names or ("api_cost", "embed_cost", "novelty_cost")))


def born(tables: Tables, run_id: str) -> dict[str, Row]:
    """Each individual of a run once, as of its first generation."""
    found: dict[str, Row] = {}
    for row in sorted(tables.of_run("individuals", run_id), key=lambda row: -row["generation"]):
        found[row["individual_id"]] = row
    return found


def edges(tables: Tables, run_id: str) -> list[tuple[str, str]]:
    """Child and parent."""
    return [(row["child_id"], row["parent_id"]) for row in tables.of_run("lineages", run_id) if row["parent_id"]]


def reach(start: str, steps: Iterable[tuple[str, str]]) -> Ancestry:
    """Where the steps lead from one place, and how many they are at least."""
    depth = {start: 0}
    known = list(steps)
    for _ in known:
        for source, target in known:
            if source in depth and depth[source] + 1 < depth.get(target, math.inf):
                depth[target] = depth[source] + 1
    return depth


def best_of(rows: Iterable[Row]) -> Row | None:
    scored = [row for row in rows if math.isfinite(row["fitness_score"])]
    return min(scored, key=lambda row: (-row["fitness_score"], row["generation"], row["individual_id"]), default=None)


@oracle(*EVERY_RUN, *({"run_id": run, "individual_id": SHARED} for run in RUNS), {"run_id": CHAMPION, "individual_id": "nobody"})
def ancestors(tables: Tables, run_id: str, individual_id: str) -> Rows:
    known = born(tables, run_id)
    start = known.get(individual_id) if individual_id else best_of(known.values())
    if start is None:
        return []
    family = edges(tables, run_id)
    found: list[list[Any]] = []
    for one, depth in reach(start["individual_id"], family).items():
        row = known.get(one)
        parents = sorted({parent for child, parent in family if child == one})
        facts = [row["generation"], parents, row["mutation_type"], row["fitness_score"], dollars(row)] if row else [None, parents, "", None, 0.0]
        found.append([depth, one, row is not None, *facts])
    found.sort(key=lambda row: (row[2], row[3] or 0, -row[0], row[1]))
    spent = [row[7] for row in found]
    return [(*row, math.fsum(spent[: place + 1])) for place, row in enumerate(found)]


@oracle(*({"run_id": run, "individual_id": f"{run}/0-{place}"} for run in RUNS for place in range(3)), {"run_id": CHAMPION, "individual_id": FOREIGN})
def descendants(tables: Tables, run_id: str, individual_id: str) -> Rows:
    known = born(tables, run_id)
    found: Rows = []
    progeny = reach(individual_id, ((parent, child) for child, parent in edges(tables, run_id)))
    best = best_of(known[one] for one in progeny if one in known and one != individual_id)
    for one, depth in progeny.items():
        if depth and one in known:
            row = known[one]
            facts = (row["generation"], row["mutation_type"], row["fitness_score"], dollars(row), row is best)
            found.append((depth, one, True, *facts))
        elif depth:
            found.append((depth, one, False, None, "", None, 0.0, False))
    return ordered(found, lambda row: row[0], lambda row: row[3] or 0, lambda row: row[1])


@oracle(
    *({"run_id": CHAMPION, "first": PAIR[0], "second": other} for other in PAIR),
    *({"run_id": CHAMPION, "first": f"{CHAMPION}/6-0", "second": f"{CHAMPION}/{other}"} for other in ("6-1", "2-0", "5-2")),
    {"run_id": CHAMPION, "first": FOREIGN, "second": f"{CHAMPION}/2-0"},
    {"run_id": RUNS[1], "first": f"{RUNS[1]}/10-1", "second": f"{RUNS[1]}/10-2"},
    {"run_id": RUNS[1], "first": f"{RUNS[1]}/0-1", "second": f"{RUNS[1]}/0-2"},
    {"run_id": CHAMPION, "first": "", "second": ""},
)
def common_ancestor(tables: Tables, run_id: str, first: str, second: str) -> Rows:
    if not first or not second:
        return []
    known, family = born(tables, run_id), edges(tables, run_id)
    above_first, above_second = reach(first, family), reach(second, family)
    found: Rows = []
    for one in above_first.keys() & above_second.keys():
        row = known.get(one)
        facts = (row["generation"], row["fitness_score"]) if row else (None, None)
        found.append((one, row is not None, *facts, above_first[one], above_second[one]))
    return ordered(found, lambda row: not row[1], lambda row: -(row[2] or 0), lambda row: row[4] + row[5], lambda row: row[0])[:1]


def objective(row: Row, name: str) -> float:
    if name in ("fitness_score", "combined_score", "code_size"):
        return float(row[name])
    found = metric(row, name)
    return math.nan if found is None else found


def dominates(one: list[float], other: list[float]) -> bool:
    return one != other and all(a >= b for a, b in zip(one, other, strict=True))


@oracle(
    *({**run, "objectives": ["fitness_score", "code_size"], "directions": ["max", "min"]} for run in EVERY_RUN),
    {"run_id": CHAMPION, "objectives": ["fitness_score"]},
    {"run_id": CHAMPION, "objectives": ["fitness_score", "accuracy", "size", "speed"], "directions": ["max", "max", "min", "min"]},
    {"run_id": CHAMPION, "objectives": ["public.accuracy", "public.size"]},
    {"run_id": CHAMPION, "objectives": ["private.deep.loss", "combined_score"], "directions": ["min", "max"], "generation": 7},
    {"run_id": CHAMPION, "objectives": ["no such metric"]},
)
def pareto_front(tables: Tables, run_id: str, objectives: list[str], directions: list[str], generation: int) -> Rows:
    signs = [-1.0 if direction == "min" else 1.0 for direction in directions or ["max"] * len(objectives)]
    rows = born(tables, run_id).values() if generation == -1 else [r for r in tables.of_run("individuals", run_id) if r["generation"] == generation]
    values = [(row, [objective(row, name) for name in objectives]) for row in rows]
    compared = [(row, found, [s * v for s, v in zip(signs, found, strict=True)]) for row, found in values if not any(map(math.isnan, found))]
    names = ("individual_id", "generation", "fitness_score", "combined_score")
    front = [
        (tuple(-value for value in point), (*(row[name] for name in names), found, len(values) - len(compared)))
        for row, found, point in compared
        if not any(dominates(other, point) for _, _, other in compared)
    ]
    return [found for _, found in sorted(front, key=lambda one: (one[0], one[1][1], one[1][0]))]


def area(points: Iterable[tuple[float, float]]) -> float:
    """Of the union of rectangles between the origin and each point: slab by slab."""
    inside = [point for point in points if point[0] > 0 and point[1] > 0]
    cuts = sorted({0.0, *(x for x, _ in inside)})
    slabs = zip(cuts, cuts[1:], strict=False)
    return math.fsum((right - left) * max(y for x, y in inside if x >= right) for left, right in slabs)


@oracle(
    *({**run, "objectives": ["fitness_score", "code_size"], "reference": [-1.0, 4000.0], "directions": ["max", "min"]} for run in EVERY_RUN),
    {"run_id": CHAMPION, "objectives": ["accuracy", "size"], "reference": [0.2, 500.0]},
    {"run_id": CHAMPION, "objectives": ["accuracy", "size"], "reference": [2.0, 500.0]},
)
def hypervolume(tables: Tables, run_id: str, objectives: list[str], reference: list[float], directions: list[str]) -> Rows:
    signs = [-1.0 if direction == "min" else 1.0 for direction in directions or ["max"] * 2]
    rows = tables.of_run("individuals", run_id)
    gains = [
        (row["generation"], [(objective(row, name) - bound) * sign for name, bound, sign in zip(objectives, reference, signs, strict=True)])
        for row in rows
    ]
    found: Rows = []
    before = 0.0
    for generation in sorted({row["generation"] for row in rows}):
        covered = area((x, y) for born_in, (x, y) in gains if born_in <= generation and math.isfinite(x) and math.isfinite(y))
        found.append((generation, covered, covered - before))
        before = covered
    return found


@oracle(*EVERY_RUN, *({"run_id": run, "min_improvement": least} for run in RUNS for least in (0.05, 0.2, 10.0)))
def stagnation(tables: Tables, run_id: str, min_improvement: float) -> Rows:
    told = {row["generation"]: row["best_score"] for row in tables.of_run("generations", run_id)}
    if not told:
        return []
    numbers = range(min(told), max(told) + 1)
    mark: float | None = None
    improved: list[int] = []
    for number in numbers:
        score = told.get(number, math.nan)
        if math.isfinite(score) and (mark is None or score > mark + min_improvement):
            mark = score
            improved.append(number)
    plateaus = []
    run_of = []
    for number in [*numbers, max(numbers) + 1]:
        if number in improved or number > max(numbers):
            plateaus.append(run_of)
            run_of = []
        else:
            run_of.append(number)
    longest = max(plateaus, key=len)
    last = improved[-1] if improved else None
    since = len(plateaus[-1])
    ends = (longest[0], longest[-1]) if longest else (None, None)
    return [(len(told), max(told), highest(told.values()), len(improved), last, since, len(longest), *ends)]


def in_order(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["timestamp"], row["generation"], row["individual_id"]))


def new_bests(tables: Tables, run_id: str) -> list[tuple[int, Row, float | None, float, float]]:
    """Number of evaluations, individual, gain, dollars and seconds."""
    rows = in_order(born(tables, run_id).values())
    starts = [run["start_time"] for run in tables.runs if run["run_id"] == run_id] + [row["timestamp"] for row in rows]
    found = []
    for place, row in enumerate(rows):
        before = highest(earlier["fitness_score"] for earlier in rows[:place])
        if math.isfinite(row["fitness_score"]) and (before is None or row["fitness_score"] > before):
            gain = None if before is None else row["fitness_score"] - before
            spent = math.fsum(dollars(one) for one in rows[: place + 1])
            found.append((place + 1, row, gain, spent, (row["timestamp"] - min(starts)).total_seconds()))
    return found


@oracle(*EVERY_RUN)
def convergence(tables: Tables, run_id: str) -> Rows:
    names = ("generation", "individual_id", "mutation_type", "fitness_score")
    return [(number, *(row[name] for name in names), *facts) for number, row, *facts in new_bests(tables, run_id)]


@oracle(*({"task_name": task} for task in TASKS))
def compare_runs(tables: Tables, task_name: str) -> Rows:
    found: Rows = []
    for run in tables.runs:
        if run["task_name"] != task_name:
            continue
        rows = born(tables, run["run_id"]).values()
        bests = new_bests(tables, run["run_id"])
        best: tuple[Any, ...] = (None,) * 6
        if bests:
            number, row, _, spent, seconds = bests[-1]
            best = (row["fitness_score"], row["individual_id"], row["generation"], number, spent, seconds)
        size = (len({row["generation"] for row in rows}), len(rows), math.fsum(map(dollars, rows)))
        found.append((run["run_id"], run["status"], run["start_time"], *size, *best))
    return ordered(found, lambda row: descending(row[6]), lambda row: row[0])


def gains(tables: Tables, run_id: str) -> dict[str, float | None]:
    """Of each child its distance from the best parent that has a finite one."""
    deltas = defaultdict(list)
    for row in tables.of_run("lineages", run_id):
        if row["parent_id"]:
            deltas[row["child_id"]].append(row["fitness_delta"])
    return {child: lowest(values) for child, values in deltas.items()}


@oracle(*EVERY_RUN, {"run_id": CHAMPION, "z": 1.0})
def operator_success(tables: Tables, run_id: str, z: float) -> Rows:
    gained = gains(tables, run_id)
    children = defaultdict(list)
    for row in born(tables, run_id).values():
        if row["individual_id"] in gained:
            children[row["mutation_type"]].append(row)
    found: Rows = []
    for kind, rows in children.items():
        n = len(rows)
        better = [gain for row in rows if (gain := gained[row["individual_id"]]) is not None and gain > 0]
        failed = sum(not math.isfinite(row["fitness_score"]) for row in rows)
        # The bounds are the two p at which the observed share is z standard deviations of p away.
        share = len(better) / n
        a, b, c = 1 + z * z / n, -(2 * share + z * z / n), share * share
        roots = [(-b + sign * math.sqrt(max(b * b - 4 * a * c, 0.0))) / (2 * a) for sign in (-1, 1)]
        found.append((kind, n, failed, len(better), mean(better), share, max(roots[0], 0.0), min(roots[1], 1.0)))
    return ordered(found, lambda row: -round(row[6], 12), lambda row: -row[5], lambda row: row[0])


@oracle(*EVERY_RUN)
def diversity(tables: Tables, run_id: str) -> Rows:
    rows = tables.of_run("individuals", run_id)
    found: Rows = []
    seen: set[str] = set()
    for generation in sorted({row["generation"] for row in rows}):
        hashes = [row["code_hash"] for row in rows if row["generation"] == generation]
        programs = {code for code in hashes if code}
        families = [row for row in tables.of_run("lineages", run_id) if row["generation"] == generation and row["parent_id"]]
        children = Counter(row["parent_id"] for row in families).values()
        effective = 1 / math.fsum((count / len(families)) ** 2 for count in children) if families else None
        copies = len([code for code in hashes if code]) - len(programs)
        found.append((generation, len(hashes), len(programs), len(programs - seen), copies, len(children), effective))
        seen |= programs
    return found


@oracle(*EVERY_RUN, {"run_id": CHAMPION, "min_improvement": 0.05})
def cost_per_improvement(tables: Tables, run_id: str, min_improvement: float) -> Rows:
    calls = [row for row in tables.of_run("llm", run_id) if row["individual_id"]]
    known, gained = born(tables, run_id), gains(tables, run_id)
    ledger: dict[tuple[str, str], list[Any]] = defaultdict(lambda: [0, 0, []])
    for one in known.keys() | {row["individual_id"] for row in calls}:
        mine = [row for row in calls if row["individual_id"] == one]
        by_model = {
            model: tuple(math.fsum(finite(row[name] for row in mine if row["model"] == model)) for name in ("cost", "execution_time"))
            for model in {row["model"] for row in mine}
        }
        model = max(by_model, key=lambda model: (*by_model[model], model), default="")
        called = math.fsum(cost for cost, _ in by_model.values())
        if one not in known:
            ledger["(never recorded)", model][2].append(called)
            continue
        row = known[one]
        line = ledger[row["mutation_type"], model]
        line[0] += 1
        line[1] += (gain := gained.get(one)) is not None and gain > min_improvement
        line[2].append(max(called, dollars(row, "api_cost", "novelty_cost")) + dollars(row, "embed_cost"))
    found = [
        (*key, individuals, improved, math.fsum(spent), math.fsum(spent) / improved if improved else None)
        for key, (individuals, improved, spent) in ledger.items()
    ]
    return ordered(found, lambda row: math.inf if row[5] is None else row[5], lambda row: -row[4], lambda row: row[:2])


def known_sum(values: Iterable[Any]) -> Any:
    """None when no value is known."""
    known = [value for value in values if value is not None]
    return sum(known[1:], known[0]) if known else None


@oracle(*EVERY_RUN)
def run_cost_by_model(tables: Tables, run_id: str) -> Rows:
    kinds = defaultdict(list)
    for row in tables.of_run("llm", run_id):
        kinds[row["generation"], row["model"]].append(row)
    found = []
    for key, rows in kinds.items():
        costs = finite(row["cost"] for row in rows)
        tokens = [known_sum(row[name] for row in rows) for name in ("input_tokens", "output_tokens")]
        failed = sum(row["error"] != "" for row in rows)
        found.append((*key, len(rows), failed, math.fsum(costs) if costs else None, len(rows) - len(costs), *tokens))
    return ordered(found, lambda row: row[0], lambda row: descending(row[4]), lambda row: row[1])


@oracle({}, *EVERY_RUN)
def llm_latency(tables: Tables, since: str, until: str, run_id: str) -> Rows:
    found: Rows = []
    rows = tables.of_run("llm", run_id) if run_id else tables.llm
    for model in {row["model"] for row in rows}:
        good = [row["execution_time"] for row in rows if row["model"] == model and not row["error"]]
        bad = [row["execution_time"] for row in rows if row["model"] == model and row["error"]]
        times = [quantile(good, level) for level in (0.5, 0.9, 0.99, 1.0)]
        found.append((model, len(good), *times, len(bad), quantile(bad, 0.5)))
    return ordered(found, lambda row: descending(row[3]), lambda row: row[0])


def cause(text: str) -> str:
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    line = lines[-1 if "Traceback (most recent call last)" in text else 0]
    return re.sub("[0-9]+", "<n>", line)


@oracle({}, {"limit": 2}, *EVERY_RUN)
def failures(tables: Tables, run_id: str, since: str, until: str, limit: int) -> Rows:
    trouble = [("run", run, max(run["start_time"], run["end_time"]), run["error"]) for run in tables.runs]
    trouble += [("llm call", row, row["timestamp"], row["error"]) for row in tables.llm]
    trouble += [(row["action_type"], row, row["timestamp"], row["details"]["error"]) for row in tables.actions if row["action_type"] == "job_failed"]
    kinds = defaultdict(list)
    for source, row, time, text in trouble:
        if text and run_id in ("", row["run_id"]):
            kinds[source, cause(text)].append((time, text, row["run_id"]))
    found = []
    for key, events in kinds.items():
        times = [time for time, _, _ in events]
        runs = {run for _, _, run in events if run}
        found.append((*key, len(events), len(runs), min(times), max(times), max(events)[1]))
    return ordered(found, lambda row: -row[2], lambda row: -row[5].timestamp(), lambda row: row[:2])[:limit]


@oracle({}, {"limit": 1}, *({"task_name": task} for task in TASKS if task))
def duplicate_programs(tables: Tables, task_name: str, limit: int) -> Rows:
    programs = defaultdict(list)
    for run in tables.runs:
        for row in born(tables, run["run_id"]).values():
            if row["code_hash"] and task_name in ("", run["task_name"]):
                programs[row["code_hash"]].append(row)
    found: Rows = []
    for code, rows in programs.items():
        first, *again = sorted(rows, key=lambda row: (row["timestamp"], row["run_id"], row["individual_id"]))
        if again:
            scores = [row["fitness_score"] for row in rows]
            runs = len({row["run_id"] for row in rows})
            wasted = math.fsum(map(dollars, again))
            found.append((code, len(rows), runs, first["run_id"], first["individual_id"], wasted, lowest(scores), highest(scores)))
    return ordered(found, lambda row: -row[5], lambda row: -row[1], lambda row: row[0])[:limit]


class Uuid:
    """Equal to any id in the form in which observations.id has it."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and str(uuid.UUID(other)) == other

    __hash__ = None  # type: ignore[assignment]


@oracle(
    *({"run_id": run, "individual_id": SHARED} for run in RUNS),
    {"run_id": CHAMPION, "individual_id": f"{CHAMPION}/5-1"},
    {"run_id": CHAMPION, "individual_id": ""},
)
def individual_calls(tables: Tables, run_id: str, individual_id: str) -> Rows:
    calls = [row for row in tables.of_run("llm", run_id) if row["individual_id"] == individual_id != ""]
    found = []
    for row in sorted(calls, key=lambda row: row["timestamp"]):
        tokens = (row["input_tokens"], row["output_tokens"])
        numbers = [value if math.isfinite(value) else None for value in (row["cost"], row["execution_time"])]
        texts = (row["error"], json.dumps(row["messages"], separators=(",", ":")), row["response"])
        found.append((row["timestamp"], Uuid(), "", row["provider"], row["model"], *numbers, *tokens, *texts))
    return found


TRACES = [f"{run}/trace-2" for run in RUNS]


@oracle({}, *EVERY_RUN)
def usage_by_model(tables: Tables, run_id: str, since: str, until: str) -> Rows:
    tokens: dict[tuple[str, str], list[int | None]] = defaultdict(list)
    costs: dict[tuple[str, str], list[Decimal | None]] = defaultdict(list)
    calls = [row for row in tables.observations if "usage" in row]
    for row in tables.llm:
        usage = {} if row["input_tokens"] is None else {"input": row["input_tokens"], "output": row["output_tokens"]}
        calls.append({**row, "usage": usage, "cost": row["cost"] if math.isfinite(row["cost"]) else None})
    for row in calls:
        model, usage, cost = row["model"], row["usage"], row["cost"]
        if run_id not in ("", row["run_id"]) or (not usage and cost is None):
            continue
        whole = known_sum(value for bucket, value in usage.items() if "." not in bucket)
        for bucket, value in {**usage, "total": whole}.items():
            tokens[model, bucket].append(value)
        parts = cost if isinstance(cost, dict) else {}
        divided = {bucket: Decimal(str(value)) for bucket, value in parts.items()}
        total = sum(divided.values(), Decimal()) if divided else None if cost is None else Decimal(str(cost))
        for bucket, spent in {**divided, "total": total}.items():
            costs[model, bucket].append(spent)
    found = [(*key, len(values), known_sum(values), known_sum(costs[key])) for key, values in tokens.items()]
    return ordered(found, lambda row: row[0], lambda row: row[1] != "total", lambda row: row[1])


def seconds(start: datetime, end: datetime) -> float:
    return (end - start) / timedelta(seconds=1)


def alone(span: Row, children: list[Row]) -> float:
    """Milliseconds of a span in which none of its children ran, one by one."""
    start = span["start_time"]
    count = round(1000 * seconds(start, span["end_time"]))
    instants = [start + timedelta(milliseconds=number) for number in range(count)]
    ended = [child for child in children if child["end_time"]]
    return sum(not any(child["start_time"] <= one < child["end_time"] for child in ended) for one in instants) / 1000


@oracle(*({"trace_id": trace} for trace in [*TRACES, "no such trace"]))
def trace_tree(tables: Tables, trace_id: str) -> Rows:
    spans = sorted((row for row in tables.observations if row["trace_id"] == trace_id), key=lambda row: (row["start_time"], row["id"]))
    known = {row["id"] for row in spans}
    found: Rows = []
    written: set[str] = set()

    def write(row: Row, depth: int | None) -> None:
        children = [child for child in spans if child["parent_observation_id"] == row["id"]]
        times = (seconds(row["start_time"], row["end_time"]), alone(row, children)) if row["end_time"] else (None, None)
        cost = row.get("cost")
        spent = sum((Decimal(str(part)) for part in cost.values()), Decimal()) if isinstance(cost, dict) else cost and Decimal(str(cost))
        names = (row["id"], row["parent_observation_id"] or "", row["type"], row["name"], "DEFAULT", row["start_time"])
        found.append((depth, *names, *times, spent))
        written.add(row["id"])
        for child in children if depth is not None else []:
            write(child, depth + 1)

    for row in spans:
        if row["parent_observation_id"] not in known:
            write(row, 0)
    for row in spans:
        if row["id"] not in written:
            write(row, None)
    return found


@oracle(*({"trace_id": trace} for trace in [*TRACES, "no such trace"]))
def trace_scores(tables: Tables, trace_id: str) -> Rows:
    spans = {row["id"]: row for row in tables.observations}
    found: Rows = []
    for row in tables.scores:
        if row["trace_id"] != trace_id:
            continue
        value = row["value"]
        kind = "BOOLEAN" if isinstance(value, bool) else "CATEGORICAL" if isinstance(value, str) else "NUMERIC"
        number = float(value) if kind != "CATEGORICAL" and math.isfinite(value) else None
        about = spans.get(row.get("observation_id", ""), {"id": "", "type": "", "name": ""})
        facts = (number, None if kind == "NUMERIC" else str(value), kind, "API")
        found.append((row["timestamp"], row["id"], row["name"], *facts, about["id"], about["type"], about["name"], None))
    return ordered(found, lambda row: row[0], lambda row: row[2], lambda row: row[1])
