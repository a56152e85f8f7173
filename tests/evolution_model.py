"""Evolution runs as a list of log calls, and what the tables hold after them: the model that query results are compared with.

A call is (method, keyword arguments), with a time of its own, so that the same list can be logged anywhere and anything can be computed
from it in plain Python.
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Row = dict[str, Any]
Call = tuple[str, Row]

EPOCH = datetime.fromtimestamp(0, UTC)
MODELS = {"gpt-4.1-mini": ("openai", 0.0004), "claude-sonnet-4-5": ("anthropic", 0.003), "local": ("vllm", 0.0), "unpriced": ("new", math.nan)}
MUTATIONS = ("diff", "full", "crossover", "mutate")
SHARED = "ind_gen10_best"
"""An individual of this name is in generation 10 of every run that gets there."""


@dataclass(frozen=True)
class Plan:
    """One run: how far it gets, how its scores lie, and in which state it is left."""

    run_id: str
    task: str
    generations: int
    population: int
    status: str
    score: float = 1.0
    step: float = 0.03
    minutes_ago: int = 0


PLANS = (
    Plan("run_20240115_142345", "circle_packing", 12, 8, "completed", minutes_ago=5000),
    Plan("your_run_id", "circle_packing", 11, 6, "completed", score=2.0, step=0.05, minutes_ago=4000),
    Plan("YOUR_RUN_ID", "mask_to_seg", 12, 7, "failed", score=-0.5, step=0.08, minutes_ago=3000),
    Plan("run_12345", "circle_packing", 9, 5, "running", score=0.0, step=0.1, minutes_ago=1),
    Plan("run_crashed", "mask_to_seg", 6, 5, "running", minutes_ago=600),
    Plan("run_begun", "mask_to_seg", 0, 0, "running", minutes_ago=2),
    Plan("run_lost", "", 0, 0, "running", minutes_ago=900),
)
RUNS = [plan.run_id for plan in PLANS]
PROJECTS = ["xxx", "default", "no such project"]
NEW_TRACE: Row = {"name": "", "user_id": None, "session_id": None, "tags": [], "metadata": {}, "run_id": "", "output": None}
TASKS = ["circle_packing", "mask_to_seg", "", "no such task"]


@dataclass
class Tables:
    """Rows as a reader with final=1 sees them: of a key the one that was logged last. Calls without a key are all there."""

    runs: list[Row] = field(default_factory=list)
    generations: list[Row] = field(default_factory=list)
    individuals: list[Row] = field(default_factory=list)
    fronts: list[Row] = field(default_factory=list)
    lineages: list[Row] = field(default_factory=list)
    llm: list[Row] = field(default_factory=list)
    actions: list[Row] = field(default_factory=list)
    traces: list[Row] = field(default_factory=list)
    observations: list[Row] = field(default_factory=list)
    scores: list[Row] = field(default_factory=list)

    @classmethod
    def of(cls, calls: Iterable[Call]) -> Tables:
        """What calls leave behind."""
        runs: dict[Any, Row] = {}
        kept: dict[str, dict[Any, Row]] = {"log_generation": {}, "log_individual": {}, "log_lineage": {}, "front": {}}
        keys = {
            "log_generation": ("run_id", "generation"),
            "log_individual": ("run_id", "generation", "individual_id"),
            "log_lineage": ("run_id", "generation", "child_id", "parent_id"),
        }
        tables = cls()
        traces: dict[Any, Row] = {}
        tasks: dict[str, str] = {}
        told: dict[str, dict[str, Row]] = {"log_observation": {}, "log_score": {}}
        for method, given in calls:
            row = copy.deepcopy(given)
            if method == "log_evolution_run":
                tasks[row["run_id"]] = row["task_name"]
                begun = {"start_time": row["timestamp"], "heartbeat_at": row["timestamp"], "end_time": EPOCH, "total_generations": 0}
                runs[row["run_id"]] = {"status": "running", "error": "", **row, **begun}
            elif method == "update_evolution_run":
                update(runs[row["run_id"]], row)
            elif method == "log_pareto_front":
                for member in row.pop("pareto_individuals"):
                    kept["front"][row["run_id"], row["generation"], member["individual_id"]] = {**row, **member}
            elif method == "log_trace":
                project = row.setdefault("project_id", "default")
                merge(traces.setdefault((project, row["id"]), dict(NEW_TRACE)), row)
            elif method == "delete_trace":
                del traces[row.get("project_id", "default"), row["id"]]
            elif method == "log_llm_interaction":
                tables.llm.append(row)
            elif method == "log_action":
                tables.actions.append(row)
            elif method in told:
                told[method][row["id"]] = row
            else:
                if method == "log_generation":
                    row["task_name"] = tasks.get(row["run_id"], "")
                kept[method][tuple(row[name] for name in keys[method])] = row
        tables.runs, tables.traces = list(runs.values()), list(traces.values())
        tables.generations, tables.individuals, tables.lineages, tables.fronts = (list(rows.values()) for rows in kept.values())
        tables.observations, tables.scores = list(told["log_observation"].values()), list(told["log_score"].values())
        return tables

    def of_run(self, table: str, run_id: str) -> list[Row]:
        """The rows of one run."""
        return [row for row in getattr(self, table) if row["run_id"] == run_id]


def update(run: Row, given: Row) -> None:
    """What update_evolution_run does to a run."""
    run.update(status=given["status"], total_generations=given["total_generations"], heartbeat_at=given["timestamp"])
    run["end_time"] = EPOCH if given["status"] == "running" else given["timestamp"]
    run["error"] = given.get("error", "") or run["error"]


def merge(trace: Row, given: Row) -> None:
    """What log_trace does to a trace: entries of metadata and tags add up, the first timestamp stays, the rest is replaced."""
    trace["metadata"] = {**trace["metadata"], **given.pop("metadata", {})}
    trace["tags"] = list(dict.fromkeys([*trace["tags"], *given.pop("tags", [])]))
    trace.update({"timestamp": given.pop("timestamp"), **trace} if "timestamp" not in trace else {}, **without_time(given))


def without_time(given: Row) -> Row:
    """All but the time of the call."""
    return {name: value for name, value in given.items() if name != "timestamp"}


def finite(values: Iterable[float]) -> list[float]:
    """Without NaN and infinities."""
    return [value for value in values if math.isfinite(value)]


def mean(values: Iterable[float]) -> float | None:
    """Of the finite ones; None without one."""
    found = finite(values)
    return math.fsum(found) / len(found) if found else None


def highest(values: Iterable[float]) -> float | None:
    """Of the finite ones; None without one."""
    return max(finite(values), default=None)


def lowest(values: Iterable[float]) -> float | None:
    """Of the finite ones; None without one."""
    return min(finite(values), default=None)


def quantile(values: Iterable[float], level: float) -> float | None:
    """Interpolated between the two nearest finite values, both ends included; None without one."""
    found = sorted(finite(values))
    if not found:
        return None
    place = level * (len(found) - 1)
    below = math.floor(place)
    above = min(below + 1, len(found) - 1)
    return found[below] + (found[above] - found[below]) * (place - below)


def descending(value: float | None) -> tuple[int, float]:
    """A sorting key: highest first, then NaN, then None."""
    if value is None:
        return 2, 0.0
    return (1, 0.0) if math.isnan(value) else (0, -value)


def ascending(value: float | None) -> tuple[int, float]:
    """A sorting key: lowest first, then NaN, then None."""
    if value is None:
        return 2, 0.0
    return (1, 0.0) if math.isnan(value) else (0, value)


def metric(row: Row, name: str) -> float | None:
    """A number in metrics by its dotted name; None when it is missing, no number, or not finite."""
    place: Any = row["metrics"]
    for key in [name] if name in place else name.split("."):
        place = place.get(key) if isinstance(place, dict) else None
    number = isinstance(place, int | float) and not isinstance(place, bool) and math.isfinite(place)
    return float(place) if number else None


def milliseconds(time: datetime) -> datetime:
    """What a DateTime64(3) holds of a time."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


class _Run:
    """Writes the calls of one run."""

    def __init__(self, plan: Plan, chance: random.Random, end: datetime) -> None:
        self.plan = plan
        self.chance = chance
        self.calls: list[Call] = []
        self.time = end - timedelta(minutes=max(1, 10 * plan.generations))
        self.end = end
        self.step = (end - self.time) / max(1, plan.generations * (6 * plan.population + 4) * 2)
        self.alive: list[Row] = []
        self.hashes: list[str] = []

    def call(self, method: str, at_once: bool = False, **arguments: Any) -> None:
        """The next call, a little later than the one before or in the same moment."""
        self.time = min(self.time + self.step * (not at_once), self.end)
        self.calls.append((method, {**arguments, "timestamp": milliseconds(self.time)}))

    def begin(self) -> None:
        plan = self.plan
        config = {"evolution": {"num_generations": plan.generations}, "llm": list(MODELS), "attempt": len(self.calls)}
        database = f"/results/{plan.run_id}.db"
        self.call(
            "log_evolution_run",
            run_id=plan.run_id,
            task_name=plan.task,
            config=config,
            population_size=plan.population,
            cluster_type="local",
            database_path=database,
        )

    def finish(self) -> None:
        """What the runner says at the end; a run that is going on or died says nothing."""
        plan = self.plan
        if plan.status == "running":
            return
        error = "evaluator gave up" if plan.status == "failed" else ""
        self.call("update_evolution_run", run_id=plan.run_id, status=plan.status, total_generations=plan.generations, error=error)

    def generation(self, number: int, attempt: str = "") -> None:
        """One generation: calls to models, individuals, lineages, the front and the summary."""
        empty = number == 4 and self.plan.run_id == "YOUR_RUN_ID"
        born = [] if empty else [self.individual(number, f"{number}-{place}{attempt}") for place in range(self.plan.population)]
        if number == 10:
            born.append(self.individual(number, SHARED))
        self.alive += born
        if number == 0 and len(born) > 2:
            self.lineage(born[2], [born[0]])  # a seed made from another one
        if number == 6 and self.plan.run_id == "run_12345":
            self.cycle(born)
        if number == 2:
            self.graft(born[0])
        if number == 2 and self.plan.run_id in RUNS[:2]:
            self.trace(number)
        scores = [one["fitness_score"] for one in born]
        front = self.front()
        self.call(
            "log_generation",
            run_id=self.plan.run_id,
            generation=number,
            num_individuals=len(born),
            best_score=highest(scores) if finite(scores) else math.nan,
            avg_score=sum(scores) / len(scores) if scores else math.nan,
            pareto_size=len(front),
            total_cost=self.total_cost(number, born),
            metadata={"median_score": quantile(scores, 0.5)},
        )
        members = [{name: one[name] for name in ("individual_id", "fitness_score", "combined_score", "metrics")} for one in front]
        twice = members[:1] if number % 3 == 0 else []
        self.call("log_pareto_front", run_id=self.plan.run_id, generation=number, pareto_individuals=members + twice)

    def total_cost(self, number: int, born: list[Row]) -> float:
        """Paid for nobody, once, and once nobody knows."""
        if not born:
            return 0.5
        lost = number == 7 and self.plan.run_id == "YOUR_RUN_ID"
        return math.nan if lost else round(sum(finite(one["api_cost"] for one in born)), 6)

    def individual(self, number: int, name: str) -> Row:
        """One individual. The first of a generation is the smallest of all so far, so it is on the front; one scores infinitely.

        Names of the first generations are the same in all runs.
        """
        plan, chance = self.plan, self.chance
        parents = self.parents(number)
        kind = "init" if number == 0 else "crossover" if len(parents) == 2 else chance.choice([m for m in MUTATIONS if m != "crossover"])
        small = name.split("-")[1:2] == ["0"]
        score = math.inf if name.startswith("5-1") else self.score(number, sure=small)
        name = name if name == SHARED else f"{'common' if number < 5 else plan.run_id}/{name}"
        cost = sum(finite([self.llm_call(number, name) for _ in range(chance.choice((1, 1, 2)))]))
        row = {
            "run_id": plan.run_id,
            "individual_id": name,
            "generation": number,
            "parent_id": parents[0]["individual_id"] if parents else "",
            "mutation_type": kind,
            "fitness_score": score,
            "metrics": self.metrics(),
            "is_pareto": chance.random() < 0.3,
            "api_cost": math.nan if chance.random() < 0.04 else cost,
            "embed_cost": math.nan if chance.random() < 0.05 else round(chance.random() / 1000, 7),
            "novelty_cost": chance.choice((0.0, 0.0, 0.002, math.nan)),
            "code_hash": self.code_hash(),
            "code_size": 150 - number if small else chance.randrange(200, 4000),
        }
        if number == 2 and math.isnan(score):
            row["mutation_type"] = "rewrite"  # which never succeeds
        row["combined_score"] = row["fitness_score"] - row["code_size"] / 1e5
        failed = math.isnan(row["fitness_score"])
        self.call("log_action", action_type="job_submitted", details={"individual": name}, run_id=plan.run_id, generation=number)
        self.call("log_individual", **row)
        self.call(
            "log_action",
            action_type="job_failed" if failed else "job_completed",
            details={"individual": name, "error": "timeout" if failed else ""},
            run_id=plan.run_id,
            generation=number,
        )
        self.lineage(row, parents)
        return row

    def lineage(self, row: Row, parents: list[Row]) -> None:
        for parent in parents or [None]:
            self.call(
                "log_lineage",
                at_once=parent is parents[-1] if len(parents) > 1 else False,
                run_id=self.plan.run_id,
                child_id=row["individual_id"],
                parent_id=parent["individual_id"] if parent else "",
                generation=row["generation"],
                mutation_type=row["mutation_type"],
                fitness_delta=row["fitness_score"] - parent["fitness_score"] if parent else 0.0,
                edit_summary=f"edit {self.chance.randrange(100)}" if parent else "none",
            )

    def cycle(self, born: list[Row]) -> None:
        """Two children that name each other as parents: a runner with a mistake."""
        for child, parent in ((born[0], born[1]), (born[1], born[0])):
            self.lineage({**child, "mutation_type": "diff"}, [parent])

    def graft(self, child: Row) -> None:
        """One more parent, an individual of another run that is not recorded in this one."""
        self.lineage(child, [{"individual_id": "another run/0-0", "fitness_score": self.plan.score}])

    def trace(self, number: int) -> None:
        """What made a generation, as a trace: a tree of observations with a few that are not where they should be, and scores."""
        trace, begun = f"{self.plan.run_id}/trace-{number}", self.time
        self.call("log_trace", id=trace, name=f"generation {number}", run_id=self.plan.run_id, generation=number)
        kinds = (("AGENT", ""), ("GENERATION", "0"), ("GENERATION", "0"), ("TOOL", "2"), ("SPAN", "3"), ("SPAN", "none"), ("SPAN", "7"), ("SPAN", "6"))
        for place, (kind, parent) in enumerate(kinds):
            start = begun + timedelta(milliseconds=self.chance.randrange(500 if place else 1))
            lasting = timedelta(milliseconds=self.chance.randrange(1000))
            row: Row = {"id": f"{trace}/{place}", "trace_id": trace, "name": f"step {place}", "type": kind, "run_id": self.plan.run_id}
            row |= {"parent_observation_id": f"{trace}/{parent}" if parent else None}
            row |= {"start_time": milliseconds(start), "end_time": None if place == 4 else milliseconds(start + lasting)}
            self.calls.append(("log_observation", row | (self.usage(place) if kind == "GENERATION" else {})))
        for place, value in enumerate((round(self.chance.random(), 6), math.nan, "good", True)):
            about = {"observation_id": f"{trace}/{place}"} if place % 2 else {}
            self.call("log_score", name=f"score {place % 3}", value=value, trace_id=trace, id=f"{trace}/score-{place}", **about)

    def usage(self, place: int) -> Row:
        """Tokens by bucket, and a cost that is divided, not divided or unknown."""
        chance = self.chance
        cost: Any = chance.choice((None, round(chance.random(), 6), {"input": round(chance.random(), 6), "output": round(chance.random(), 6)}))
        usage = {"input": chance.randrange(1, 9000), "output": chance.randrange(100, 900), "output.reasoning": chance.randrange(1, 100)}
        if place == 2:
            usage["input_cache_read"] = chance.randrange(1, 5000)
        return {"model": chance.choice(list(MODELS)), "usage": usage, "cost": cost}

    def parents(self, number: int) -> list[Row]:
        """Good ones more often; sometimes two, sometimes none, the second way to begin anew."""
        older = [one for one in self.alive if one["generation"] < number]
        if not older or self.chance.random() < 0.05:
            return []
        older.sort(key=lambda one: descending(one["fitness_score"]))
        draw = [older[min(int(self.chance.expovariate(0.4)), len(older) - 1)] for _ in range(2)]
        two = self.chance.random() < 0.35 and draw[0] is not draw[1]
        return draw if two else draw[:1]

    def score(self, number: int, sure: bool = False) -> float:
        if (number, self.plan.run_id) in ((3, "your_run_id"), (0, "run_crashed")):
            return math.nan
        odd = 1.0 if sure else self.chance.random()
        if odd < 0.1:
            return math.nan
        if odd < 0.12:
            return self.chance.choice((math.inf, -math.inf))
        if self.plan.score == 0.0 and number < 3:
            return 0.0
        return round(self.plan.score + self.plan.step * number * self.chance.uniform(0.2, 1.0) - 0.1 * self.chance.random(), 2)

    def metrics(self) -> Row:
        accuracy, size = round(self.chance.random(), 6), self.chance.randrange(100, 5000)
        forms: list[Row] = [
            {"accuracy": accuracy, "size": size, "speed": self.chance.uniform(0.1, 9.0)},
            {"public": {"accuracy": accuracy, "size": size}, "private": {"deep": {"loss": -accuracy}}},
            {"accuracy": math.nan, "size": size},
            {"size": "large", "valid": True},
        ]
        return self.chance.choices(forms, (6, 4, 1, 1))[0]

    def code_hash(self) -> str:
        odd = self.chance.random()
        if odd < 0.2:
            return ""
        if odd < 0.35 and self.hashes:
            return self.chance.choice(self.hashes)
        self.hashes.append(f"{self.chance.getrandbits(256):064x}")
        return self.hashes[-1]

    def front(self) -> list[Row]:
        """Of all so far, those that no other beats in both scores and size."""
        scored = [one for one in self.alive if math.isfinite(one["fitness_score"])]
        if not scored:
            return self.alive
        marks = [(one["fitness_score"], -one["code_size"]) for one in scored]
        return [one for one, mark in zip(scored, marks, strict=True) if not any(a >= mark[0] and b > mark[1] for a, b in marks)]

    def llm_call(self, number: int, individual: str) -> float:
        chance = self.chance
        model = chance.choice(list(MODELS))
        provider, price = MODELS[model]
        failed = chance.random() < 0.08
        tokens = None if failed else chance.randrange(100, 9000)
        unknown = failed or math.isnan(price)
        cost = math.nan if chance.random() < 0.03 or (unknown and not failed) else 0.0 if failed else round(price * (tokens or 0) / 1000, 8)
        self.call(
            "log_llm_interaction",
            model=model,
            messages=[{"role": "user", "content": f"improve {individual}"}],
            response="" if failed else "done",
            cost=cost,
            execution_time=math.nan if unknown else round(chance.expovariate(0.5), 4),
            run_id=self.plan.run_id,
            generation=number,
            individual_id=individual,
            provider=provider,
            input_tokens=tokens,
            output_tokens=None if tokens is None else tokens // 3,
            error=chance.choice((f"RateLimitError: {number} calls a minute are the limit", "Timeout")) if failed else "",
        )
        return cost


def repeated(plan: Plan) -> int:
    """The generation that a resumed run makes again."""
    return 10 if plan.run_id == "your_run_id" else 5


def evolve(seed: int, end: datetime, resumed: bool = False) -> list[Call]:
    """The calls of all PLANS, as they would be if the newest of them ended at `end`.

    When resumed, each run of more than five generations died behind its fifth, one behind its last, began again with the same run_id, and
    made that generation anew: under the same names when its population is odd, else as new individuals.
    """
    chance = random.Random(seed)
    calls: list[Call] = []
    hashes: list[str] = []
    for plan in PLANS:
        run = _Run(plan, chance, end - timedelta(minutes=plan.minutes_ago))
        run.hashes = hashes
        run.begin()
        for number in range(plan.generations):
            run.generation(number)
            if resumed and number == repeated(plan):
                run.begin()
                run.alive = [one for one in run.alive if one["generation"] < number]
                run.generation(number, "" if plan.population % 2 else "-again")
        if plan.status == "running" and plan.generations:
            run.alive += [run.individual(plan.generations, f"{plan.generations}-{place}") for place in range(2)]
        if plan.run_id == "run_begun":
            run.time = run.end
            run.llm_call(0, "")
        run.finish()
        calls += run.calls
    outside = _Run(Plan("", "", 0, 0, ""), chance, end)
    for _ in range(5):
        outside.llm_call(0, "")
    return calls + outside.calls + trace_calls(chance, end)


def trace_calls(chance: random.Random, end: datetime) -> list[Call]:
    """Traces of two projects: some have an environment in their metadata, some are updated later, some deleted."""
    made = _Run(Plan("", "", 1, 1, ""), chance, end - timedelta(minutes=30))
    ids = [(f"trace-{number}", chance.choice(PROJECTS[:2])) for number in range(40)]
    for number, (identity, project) in enumerate(ids):
        metadata = chance.choice(({}, {"environment": "production"}, {"stage": "production"}, {"environment": "test", "host": "a"}))
        made.call(
            "log_trace",
            id=identity,
            project_id=project,
            name=f"request {number % 4}",
            user_id=chance.choice((None, "ann", "bob")),
            session_id=f"s{number % 5}",
            metadata=metadata,
            tags=["slow"] if number % 3 else [],
            run_id=chance.choice(("", RUNS[0])),
        )
    for number, (identity, project) in enumerate(ids):
        if number % 2:
            made.call("log_trace", id=identity, project_id=project, output="done", tags=["checked"], metadata={"by": "reviewer"})
        if number % 7 == 0:
            made.call("delete_trace", id=identity, project_id=project)
    return made.calls


def twice(calls: Iterable[Call]) -> list[Call]:
    """Every call whose row has a key is made again at once; one without a key would be another row."""
    once = ("log_llm_interaction", "log_action", "delete_trace")
    return [call for one in calls for call in ([one] if one[0] in once else [one, one])]


def log(logger: Any, calls: Iterable[Call]) -> None:
    """Make the calls."""
    for method, arguments in calls:
        getattr(logger, method)(**(without_time(arguments) if method.startswith("delete") else arguments))
