"""Of the queries that the references print."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from evolution_model import (
    PROJECTS,
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
ALL_AND_EACH = ({}, *EVERY_RUN)


def total(values: Iterable[float]) -> float:
    return math.fsum(finite(values))


def known_total(values: Iterable[float]) -> float | None:
    """None without a finite one."""
    found = finite(values)
    return math.fsum(found) if found else None


def groups(rows: Iterable[Row], name: str) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[name]].append(row)
    return found


def last_seen(tables: Tables, run: Row) -> datetime:
    times = [run["start_time"], run["heartbeat_at"]]
    for table in ("generations", "individuals", "llm", "actions"):
        times += [row["timestamp"] for row in tables.of_run(table, run["run_id"])]
    return max(times)


def running(tables: Tables, minutes: int, silent: bool) -> Rows:
    limit = datetime.now(UTC) - timedelta(minutes=minutes)
    found = []
    for run in tables.runs:
        seen = last_seen(tables, run)
        if run["status"] == "running" and (seen < limit) == silent:
            made = [row["generation"] for row in tables.of_run("generations", run["run_id"])]
            found.append((run["run_id"], run["task_name"], run["start_time"], max(made, default=None), seen))
    return ordered(found, lambda row: row[2], lambda row: row[0])


@oracle({}, {"minutes": 700}, {"minutes": 10_000})
def active_runs(tables: Tables, minutes: int) -> Rows:
    return running(tables, minutes, silent=False)


@oracle({}, {"minutes": 700}, {"minutes": 10_000})
def crashed_runs(tables: Tables, minutes: int) -> Rows:
    return running(tables, minutes, silent=True)


@oracle(*({"task_name": task} for task in TASKS))
def compare_configs(tables: Tables, task_name: str) -> Rows:
    found = sorted((run for run in tables.runs if run["task_name"] == task_name), key=lambda run: run["run_id"])
    found.sort(key=lambda run: run["start_time"], reverse=True)
    return [(run["run_id"], run["task_name"], run["config"]) for run in found]


def generations_of(tables: Tables, run_id: str) -> list[Row]:
    return sorted(tables.of_run("generations", run_id), key=lambda row: row["generation"])


@oracle(*EVERY_RUN)
def fitness_trajectory(tables: Tables, run_id: str) -> Rows:
    names = ("generation", "best_score", "avg_score", "pareto_size", "total_cost")
    found: Rows = []
    best: float | None = None
    for row in generations_of(tables, run_id):
        best = highest([row["best_score"], *([] if best is None else [best])])
        found.append((*(row[name] for name in names), best))
    return found


@oracle(*EVERY_RUN)
def generation_costs(tables: Tables, run_id: str) -> Rows:
    rows = generations_of(tables, run_id)
    return [(r["generation"], r["total_cost"], r["total_cost"] / r["num_individuals"] if r["num_individuals"] else None) for r in rows]


def scored_pairs(tables: Tables, run_id: str) -> list[tuple[Row, float | None]]:
    """Each generation with a finite best_score and the one before it."""
    rows = [row for row in generations_of(tables, run_id) if math.isfinite(row["best_score"])]
    return [(row, rows[place - 1]["best_score"] if place else None) for place, row in enumerate(rows)]


@oracle(*EVERY_RUN)
def generation_improvements(tables: Tables, run_id: str) -> Rows:
    found: Rows = []
    for place, (row, before) in enumerate(pairs := scored_pairs(tables, run_id)):
        record = None if before is None else row["best_score"] > max(earlier["best_score"] for earlier, _ in pairs[:place])
        found.append((row["generation"], row["best_score"], None if before is None else row["best_score"] - before, record))
    return ordered(found, lambda row: descending(row[2]), lambda row: row[0])


@oracle(*EVERY_RUN, {"run_id": RUNS[0], "share": 0.0}, {"run_id": RUNS[2], "share": 0.5})
def breakthroughs(tables: Tables, run_id: str, share: float) -> Rows:
    found: Rows = []
    for row, before in scored_pairs(tables, run_id):
        if before is not None and row["best_score"] - before > share * abs(before):
            gain = row["best_score"] - before
            found.append((row["generation"], row["best_score"], gain, gain / abs(before) if before else None))
    return ordered(found, lambda row: (0, 0.0) if row[3] is None else (1, -row[3]), lambda row: row[0])


def by_score(rows: Iterable[Row]) -> list[Row]:
    scored = [row for row in rows if math.isfinite(row["fitness_score"])]
    return sorted(scored, key=lambda row: (-row["fitness_score"], row["generation"], row["run_id"], row["individual_id"]))


@oracle(*EVERY_RUN, {"run_id": RUNS[0], "limit": 3})
def top_individuals(tables: Tables, run_id: str, limit: int) -> Rows:
    names = ("individual_id", "generation", "fitness_score", "combined_score", "mutation_type", "metrics")
    return [tuple(row[name] for name in names) for row in by_score(tables.of_run("individuals", run_id))[:limit]]


@oracle(*({"task_name": task} for task in TASKS), {"task_name": TASKS[0], "limit": 5})
def best_individual(tables: Tables, task_name: str, limit: int) -> Rows:
    runs = {run["run_id"] for run in tables.runs if run["task_name"] == task_name}
    names = ("run_id", "individual_id", "generation", "fitness_score", "metrics")
    rows = by_score(row for row in tables.individuals if row["run_id"] in runs)
    return [tuple(row[name] for name in names) for row in rows[:limit]]


@oracle(*EVERY_RUN)
def duplicate_code(tables: Tables, run_id: str) -> Rows:
    by_hash = groups(tables.of_run("individuals", run_id), "code_hash")
    found = [(key, len(rows), sorted(r["individual_id"] for r in rows)) for key, rows in by_hash.items() if key and len(rows) > 1]
    return ordered(found, lambda row: -row[1], lambda row: row[0])


@oracle(*EVERY_RUN)
def mutation_effectiveness(tables: Tables, run_id: str) -> Rows:
    found = []
    evolved = [row for row in tables.of_run("individuals", run_id) if row["generation"] > 0]
    for kind, rows in groups(evolved, "mutation_type").items():
        scores = [row["fitness_score"] for row in rows]
        median, p90 = quantile(scores, 0.5), quantile(scores, 0.9)
        found.append((kind, len(rows), len(finite(scores)), mean(scores), median, p90, highest(scores)))
    return ordered(found, lambda row: descending(row[3]), lambda row: row[0])


@oracle(*EVERY_RUN)
def pareto_individuals(tables: Tables, run_id: str) -> Rows:
    names = ("generation", "individual_id", "fitness_score", "combined_score")
    found = [tuple(row[name] for name in names) for row in tables.of_run("individuals", run_id) if row["is_pareto"]]
    return ordered(found, lambda row: row[0], lambda row: descending(row[2]), lambda row: row[1])


def fronts_of(tables: Tables, run_id: str) -> dict[int, list[Row]]:
    """The front of each generation: of one that was logged again after the run's last start, the later one."""
    starts = [run["start_time"] for run in tables.runs if run["run_id"] == run_id]
    found = {}
    for generation, rows in sorted(groups(tables.of_run("fronts", run_id), "generation").items()):
        late = [row for row in rows if starts and row["timestamp"] >= starts[0]]
        found[generation] = late or rows
    return found


@oracle(*EVERY_RUN)
def pareto_front_sizes(tables: Tables, run_id: str) -> Rows:
    return [(generation, len(rows)) for generation, rows in fronts_of(tables, run_id).items()]


@oracle(*EVERY_RUN)
def pareto_progress(tables: Tables, run_id: str) -> Rows:
    found: Rows = []
    for generation, rows in fronts_of(tables, run_id).items():
        fitness, combined = ([row[name] for row in rows] for name in ("fitness_score", "combined_score"))
        found.append((generation, len({row["individual_id"] for row in rows}), highest(fitness), lowest(combined)))
    return found


@oracle(*EVERY_RUN)
def latest_pareto_front(tables: Tables, run_id: str) -> Rows:
    fronts = fronts_of(tables, run_id)
    names = ("individual_id", "fitness_score", "combined_score", "metrics")
    found = [tuple(row[name] for name in names) for row in (fronts[max(fronts)] if fronts else [])]
    return ordered(found, lambda row: descending(row[1]), lambda row: row[0])


@oracle(
    *EVERY_RUN,
    {"run_id": RUNS[0], "x": "public.accuracy", "y": "private.deep.loss"},
    {"run_id": RUNS[1], "x": "valid", "y": "no.such"},
)
def pareto_metrics(tables: Tables, run_id: str, x: str, y: str) -> Rows:
    rows = [row for rows in fronts_of(tables, run_id).values() for row in rows]
    found = [(row["generation"], row["individual_id"], metric(row, x), metric(row, y)) for row in rows]
    return ordered(found, lambda row: row[0], lambda row: descending(row[2]), lambda row: row[1])


@oracle(*EVERY_RUN, {"run_id": RUNS[0], "limit": 1000})
def best_mutations(tables: Tables, run_id: str, limit: int) -> Rows:
    names = ("child_id", "parent_id", "generation", "mutation_type", "fitness_delta", "edit_summary")
    rows = [row for row in tables.of_run("lineages", run_id) if 0 < row["fitness_delta"] < math.inf]
    found = [tuple(row[name] for name in names) for row in rows]
    return ordered(found, lambda row: -row[4], lambda row: row[2], lambda row: row[:2])[:limit]


@oracle(*EVERY_RUN)
def mutation_success(tables: Tables, run_id: str) -> Rows:
    found = []
    edges = [row for row in tables.of_run("lineages", run_id) if row["generation"] > 0 and row["parent_id"]]
    for kind, rows in groups(edges, "mutation_type").items():
        deltas = [row["fitness_delta"] for row in rows]
        better = sum(delta > 0 for delta in deltas)
        found.append((kind, len(rows), len({row["child_id"] for row in rows}), better, better / len(rows), mean(deltas)))
    return ordered(found, lambda row: -row[4], lambda row: row[0])


@oracle(*ALL_AND_EACH)
def improvements_by_mutation_type(tables: Tables, run_id: str) -> Rows:
    edges = tables.of_run("lineages", run_id) if run_id else tables.lineages
    better = [row for row in edges if 0 < row["fitness_delta"] < math.inf]
    deltas = {kind: [row["fitness_delta"] for row in rows] for kind, rows in groups(better, "mutation_type").items()}
    found = [(kind, len(values), mean(values), max(values)) for kind, values in deltas.items()]
    return ordered(found, lambda row: -row[2], lambda row: row[0])


@oracle(*EVERY_RUN, *({"run_id": run, "individual_id": SHARED} for run in RUNS), {"run_id": RUNS[0], "individual_id": "nobody"})
def lineage(tables: Tables, run_id: str, individual_id: str) -> Rows:
    edges = groups(tables.of_run("lineages", run_id), "child_id")
    best = by_score(tables.of_run("individuals", run_id))
    start = individual_id or (best[0]["individual_id"] if best else "")
    distance = {start: 0}
    waiting = [start]
    while waiting:
        child = waiting.pop(0)
        for edge in edges.get(child, []):
            if edge["parent_id"] and edge["parent_id"] not in distance:
                distance[edge["parent_id"]] = distance[child] + 1
                waiting.append(edge["parent_id"])
    names = ("child_id", "parent_id", "generation", "mutation_type", "fitness_delta", "edit_summary")
    found = [(*(edge[name] for name in names), steps) for one, steps in distance.items() for edge in edges.get(one, [])]
    return ordered(found, lambda row: row[2], lambda row: row[:2])


@oracle(*EVERY_RUN, {"run_id": RUNS[0], "limit": 2})
def prolific_parents(tables: Tables, run_id: str, limit: int) -> Rows:
    found = []
    for parent, rows in groups(tables.of_run("lineages", run_id), "parent_id").items():
        deltas = [row["fitness_delta"] for row in rows]
        found.append((parent, len(rows), mean(deltas), sum(delta > 0 for delta in deltas)))
    return ordered([row for row in found if row[0]], lambda row: -row[1], lambda row: row[0])[:limit]


@oracle()
def run_costs(tables: Tables) -> Rows:
    tasks = {run["run_id"]: run["task_name"] for run in tables.runs}
    found = []
    for run, rows in groups(tables.generations, "run_id").items():
        costs = [one[name] for one in tables.of_run("individuals", run) for name in ("api_cost", "embed_cost", "novelty_cost")]
        found.append((run, tasks[run], known_total(row["total_cost"] for row in rows), len(rows), total(costs)))
    return ordered(found, lambda row: descending(row[2]), lambda row: row[0])


@oracle(*ALL_AND_EACH)
def llm_costs_by_model(tables: Tables, run_id: str) -> Rows:
    found = []
    for model, rows in groups(tables.of_run("llm", run_id) if run_id else tables.llm, "model").items():
        costs, times = ([row[name] for row in rows] for name in ("cost", "execution_time"))
        found.append((model, len(rows), known_total(costs), mean(costs), mean(times), known_total(times)))
    return ordered(found, lambda row: descending(row[2]), lambda row: row[0])


@oracle(*EVERY_RUN)
def phylogenetic_tree(tables: Tables, run_id: str) -> Rows:
    rows = sorted(tables.of_run("lineages", run_id), key=lambda r: (r["generation"], r["timestamp"], r["child_id"], r["parent_id"]))
    return [tuple(row[name] for name in ("child_id", "parent_id", "generation", "mutation_type", "fitness_delta")) for row in rows]


@oracle(*EVERY_RUN)
def progress(tables: Tables, run_id: str) -> Rows:
    told = {row["generation"]: row for row in tables.of_run("generations", run_id)}
    individuals = tables.of_run("individuals", run_id)
    born = Counter(row["generation"] for row in individuals)
    front = Counter(row["generation"] for row in individuals if row["is_pareto"])
    names = ("best_score", "avg_score", "pareto_size", "total_cost")
    return [(one, *(told[one][n] if one in told else None for n in names), front[one], born[one]) for one in sorted({*told, *born})]


@oracle(*EVERY_RUN)
def cost_breakdown(tables: Tables, run_id: str) -> Rows:
    sums = [total(row[name] for row in tables.of_run("individuals", run_id)) for name in ("api_cost", "embed_cost", "novelty_cost")]
    return [(*sums, sum(sums))]


TRACE = ("id", "timestamp", "name", "user_id", "session_id", "tags", "metadata", "run_id")
EACH_PROJECT = tuple({"project_id": project} for project in PROJECTS)


def traces_of(tables: Tables, project_id: str) -> list[Row]:
    found = [row for row in tables.traces if row["project_id"] == project_id]
    return sorted(found, key=lambda row: (row["timestamp"], row["id"]))


@oracle(*EACH_PROJECT)
def traces_of_project(tables: Tables, project_id: str) -> Rows:
    return [tuple(row[name] for name in TRACE) for row in traces_of(tables, project_id)]


@oracle(*EACH_PROJECT)
def newest_traces(tables: Tables, project_id: str) -> Rows:
    return [tuple(row[name] for name in ("id", "name", "user_id", "session_id", "tags")) for row in sorted(traces_of(tables, project_id), key=lambda r: r["id"])]


@oracle(*EACH_PROJECT, {"key": "by", "project_id": "xxx"})
def traces_with_metadata_key(tables: Tables, key: str, project_id: str) -> Rows:
    rows = [row for row in traces_of(tables, project_id) if key in row["metadata"]]
    return [(row["id"], row["timestamp"], row["name"], row["metadata"][key]) for row in rows]


@oracle(*EACH_PROJECT, {"value": "a", "project_id": "xxx"})
def traces_with_metadata_value(tables: Tables, value: str, project_id: str) -> Rows:
    rows = [row for row in traces_of(tables, project_id) if value in row["metadata"].values()]
    return [(row["id"], row["timestamp"], row["name"], sorted(key for key in row["metadata"] if row["metadata"][key] == value)) for row in rows]
