"""The questions of sql/queries that search, on populations drawn at random: against brute force, at their limits, and what they read."""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evolution_model import Row, Tables
from genesis_ch import ch_logger, queries
from query_oracles import every_oracle
from server_fixtures import LiveServer
from test_query_results import difference

ORACLES = every_oracle()
EXAMPLES = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
START = datetime(2026, 11, 1, 12, tzinfo=UTC)
METRICS = ("speed", "memory", "loss")


@dataclass
class Lab:
    """A database with the tables, and runs that are written into it at once."""

    client: Client
    counter: Iterator[int] = field(default_factory=itertools.count)

    def run(self, individuals: list[Row], family: list[tuple[str, str, int]] = ()) -> Tables:  # type: ignore[assignment]
        """Write a new run: its individuals, and its children with their parents and generations."""
        run_id = f"run {next(self.counter)}"
        tables = Tables()
        for place, given_row in enumerate(individuals):
            row = {"generation": 0, "fitness_score": 0.0, "combined_score": 0.0, "code_size": 0, "metrics": {}, "mutation_type": "mutate"}
            row |= {"api_cost": 0.5, "embed_cost": 0.0, "novelty_cost": 0.0, "timestamp": START + timedelta(seconds=place)}
            tables.individuals.append({**row, **given_row, "run_id": run_id})
        for child, parent, generation in family:
            tables.lineages.append({"run_id": run_id, "child_id": child, "parent_id": parent, "generation": generation})
        written = [{**row, "metrics_num": row["metrics"], "metrics": "{}"} for row in tables.individuals]
        self.write("individuals", written)
        self.write("code_lineages", tables.lineages)
        tables.runs.append({"run_id": run_id})
        return tables

    def write(self, table: str, rows: list[Row]) -> None:
        if rows:
            names = list(rows[0])
            self.client.insert(table, [[row[name] for name in names] for row in rows], column_names=names)

    def check(self, name: str, tables: Tables, **parameters: Any) -> list[Any]:
        """The rows of a query about the only run of the tables, which must be those of its oracle."""
        parameters = {"run_id": tables.runs[0]["run_id"], **parameters}
        stored = list(queries.get(name)(self.client, **parameters).result_rows)
        computed = ORACLES[name].answer(tables, **queries.describe(name).values(parameters))
        assert difference(stored, computed) == "", parameters
        return stored


@pytest.fixture(scope="module")
def lab(server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    url = f"http://default:{server.token}@127.0.0.1:{server.port}/questions"
    options: dict[str, Any] = {"url": url, "mode": "http", "home": tmp_path_factory.mktemp("questions")}
    ch_logger.configure(**options)
    try:
        ch_logger.log_action("begun", {})
        assert ch_logger.flush(60)
    finally:
        ch_logger.close(60)
        ch_logger.configure(**dict.fromkeys(options))
    client = clickhouse_connect.get_client(dsn=url, autogenerate_session_id=False)
    yield Lab(client)
    client.command("DROP DATABASE questions")
    client.close()


# ---- points ----

VALUES = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e3, 1e3), st.sampled_from([0.0, -0.0, 1e-300, 1e300]))
SCORES = st.one_of(VALUES, st.sampled_from([math.nan, math.inf, -math.inf]))


EIGHTHS = st.integers(-24, 24).map(lambda number: number / 8)
"""Their areas are exact."""


@st.composite
def populations(draw: Callable[..., Any], values: Any = VALUES, scores: Any = SCORES) -> list[Row]:
    """Individuals of a few generations, with values that are often equal and sometimes missing."""
    rows = []
    for place in range(draw(st.integers(1, 25))):
        row: Row = {"individual_id": f"ind {place}", "generation": draw(st.integers(0, 4)), "fitness_score": draw(scores)}
        row["metrics"] = {name: draw(values) for name in METRICS if draw(st.integers(0, 9))}
        rows.append(row)
    return rows


NAMES = st.lists(st.sampled_from(["fitness_score", *METRICS]), min_size=1, max_size=4, unique=True)
DIRECTIONS = st.lists(st.sampled_from(["max", "min"]), min_size=4, max_size=4)


@EXAMPLES
@given(rows=populations(), names=NAMES, directions=DIRECTIONS, generation=st.sampled_from([-1, 0]))
def test_pareto_front(lab: Lab, rows: list[Row], names: list[str], directions: list[str], generation: int) -> None:
    lab.check("pareto_front", lab.run(rows), objectives=names, directions=directions[: len(names)], generation=generation)


@EXAMPLES
@given(
    rows=populations(EIGHTHS, st.one_of(EIGHTHS, st.sampled_from([math.nan, math.inf, -math.inf]))),
    directions=DIRECTIONS,
    reference=st.tuples(EIGHTHS, EIGHTHS).map(list),
)
def test_hypervolume(lab: Lab, rows: list[Row], directions: list[str], reference: list[float]) -> None:
    found = lab.check("hypervolume", lab.run(rows), objectives=["fitness_score", "speed"], reference=reference, directions=directions[:2])
    assert all(gained >= 0 for _, _, gained in found)


def test_a_front_that_does_not_move_gains_nothing(lab: Lab) -> None:
    """To the last digit, though generation after generation is evaluated below it."""
    front = [(place / 7, (10 - place) / 3) for place in range(1, 10)]
    rows = [{"individual_id": f"ind {place}", "metrics": {"speed": x, "memory": y}} for place, (x, y) in enumerate(front)]
    for number in range(1, 40):
        for place, (x, y) in enumerate(front):
            below = {"speed": x - number / 300, "memory": y - place / 100}
            rows.append({"individual_id": f"ind {number} {place}", "generation": number, "metrics": below})
    found = lab.check("hypervolume", lab.run(rows), objectives=["speed", "memory"], reference=[0, 0])
    assert [gained for _, _, gained in found[1:]] == [0.0] * 39


def test_more_individuals_than_the_few_that_drop_most_of_the_others(lab: Lab) -> None:
    chance = random.Random(3)
    rows = [{"individual_id": str(n), "metrics": {name: float(chance.randrange(12)) for name in METRICS}} for n in range(400)]
    tables = lab.run(rows)
    for objectives in (METRICS, METRICS[:2]):
        lab.check("pareto_front", tables, objectives=list(objectives), directions=["max", "min", "max"][: len(objectives)])
    circle = [{"individual_id": str(n), "metrics": {"speed": math.cos(n // 2 / 60), "loss": math.sin(n // 2 / 60) - n % 2}} for n in range(188)]
    lab.check("pareto_front", lab.run(circle), objectives=["speed", "loss"])


def test_every_individual_on_the_front(lab: Lab) -> None:
    count = 2000
    rows = [{"individual_id": str(n), "metrics": {"speed": n / count, "loss": n / count}} for n in range(count)]
    found = queries.get("pareto_front")(lab.client, run_id=lab.run(rows).runs[0]["run_id"], objectives=["speed", "loss"], directions=["max", "min"])
    assert len(found.result_rows) == count


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("pareto_front", {"objectives": []}, "objectives: give at least one"),
        ("pareto_front", {"objectives": ["speed", "loss"], "directions": ["max"]}, "directions: give one for each objective, or none"),
        ("pareto_front", {"objectives": ["speed"], "directions": ["up"]}, "directions: each is max or min"),
        ("hypervolume", {"objectives": ["speed"], "reference": [0.0, 0.0]}, "objectives: give two"),
        ("hypervolume", {"objectives": ["speed", "loss"], "reference": [0.0]}, "reference: give a value for each of the two objectives"),
        ("hypervolume", {"objectives": ["speed", "loss"], "reference": [0.0, 0.0], "directions": ["down", "max"]}, "directions: each is max or min"),
    ],
)
def test_wrong_parameters_are_named(lab: Lab, name: str, parameters: dict[str, Any], message: str) -> None:
    run_id = lab.run([{"individual_id": "one"}]).runs[0]["run_id"]
    with pytest.raises(DatabaseError, match=re.escape(message)):
        queries.get(name)(lab.client, run_id=run_id, **parameters)


def test_lists_from_a_command_line(lab: Lab) -> None:
    run_id = lab.run([{"individual_id": "one", "metrics": {"speed": 3.0, "loss": 0.5}}]).runs[0]["run_id"]
    given_text = {"objectives": "speed, loss", "reference": "1,2.5", "directions": "max,min"}
    assert queries.get("hypervolume")(lab.client, run_id=run_id, **given_text).result_rows == [(0, 4.0, 4.0)]
    with pytest.raises(ValueError, match=r"reference: '1,low' is no Array\(Float64\)"):
        queries.get("hypervolume")(lab.client, run_id=run_id, **{**given_text, "reference": "1,low"})


# ---- families ----


@st.composite
def families(draw: Callable[..., Any]) -> tuple[list[Row], list[tuple[str, str, int]]]:
    """Up to two parents a child, from any earlier place or from elsewhere; sometimes an edge that closes a cycle."""
    count = draw(st.integers(1, 14))
    names = [f"ind {place}" for place in range(count)]
    generations = sorted(draw(st.lists(st.integers(0, 5), min_size=count, max_size=count)))
    lost = draw(st.sets(st.integers(0, count - 1), max_size=2))
    rows = [
        {"individual_id": name, "generation": generation, "fitness_score": draw(SCORES)}
        for place, (name, generation) in enumerate(zip(names, generations, strict=True))
        if place not in lost
    ]
    family = []
    for place, name in enumerate(names):
        for parent in draw(st.sets(st.sampled_from(["", "elsewhere", *names[:place]]), max_size=2)):
            family.append((name, parent, generations[place]))
    if draw(st.integers(0, 3)) == 0:
        family.append((names[0], names[-1], generations[0]))
    return rows, family


@EXAMPLES
@given(drawn=families())
def test_ancestors(lab: Lab, drawn: tuple[list[Row], list[tuple[str, str, int]]]) -> None:
    tables = lab.run(*drawn)
    lab.check("ancestors", tables)
    lab.check("ancestors", tables, individual_id="ind 3")


@EXAMPLES
@given(drawn=families())
def test_descendants(lab: Lab, drawn: tuple[list[Row], list[tuple[str, str, int]]]) -> None:
    tables = lab.run(*drawn)
    for name in ("ind 0", "elsewhere"):
        lab.check("descendants", tables, individual_id=name)


@EXAMPLES
@given(drawn=families(), places=st.tuples(st.integers(0, 13), st.integers(0, 13)))
def test_common_ancestor(lab: Lab, drawn: tuple[list[Row], list[tuple[str, str, int]]], places: tuple[int, int]) -> None:
    tables = lab.run(*drawn)
    for first, second in (places, (12, 13), (places[0], places[0])):
        lab.check("common_ancestor", tables, first=f"ind {first}", second=f"ind {second}")


def test_common_ancestors_in_a_large_family(lab: Lab) -> None:
    chance = random.Random(5)
    rows = [{"individual_id": f"ind {n}", "generation": n // 6} for n in range(36)]
    family = [(f"ind {n}", f"ind {chance.randrange(n // 6 * 6)}", n // 6) for n in range(6, 36) for _ in range(2)]
    family.append(("ind 8", "ind 33", 1))
    tables = lab.run(rows, list(dict.fromkeys(family)))
    for _ in range(20):
        first, second = chance.sample(range(18, 36), 2)
        lab.check("common_ancestor", tables, first=f"ind {first}", second=f"ind {second}")
    for start in range(30, 36):
        lab.check("ancestors", tables, individual_id=f"ind {start}")


def test_of_equal_best_scores_the_first_counts(lab: Lab) -> None:
    tables = lab.run([{"individual_id": name, "fitness_score": score} for name, score in (("z", 1.0), ("b", 2.0), ("a", 2.0), ("c", math.nan))])
    run_id = tables.runs[0]["run_id"]
    lab.write("evolution_runs", [{"run_id": run_id, "task_name": "equal", "status": "running", "start_time": START - timedelta(seconds=9)}])
    (found,) = queries.get("compare_runs")(lab.client, task_name="equal").result_rows
    assert (found[0], *found[3:]) == (run_id, 1, 4, 2.0, 2.0, "b", 0, 2, 1.0, 10.0)


def test_a_family_of_two_parents_for_sixty_generations(lab: Lab) -> None:
    """There are 2^60 ways from its youngest to its oldest."""
    rows = [{"individual_id": f"{n}{side}", "generation": n} for n in range(60) for side in "ab"]
    family = [(f"{n}{side}", f"{n - 1}{other}", n) for n in range(1, 60) for side in "ab" for other in "ab"]
    tables = lab.run(rows, family)
    found = lab.check("ancestors", tables, individual_id="59a")
    assert (len(found), found[-1][-1]) == (119, 119 * 0.5)
    assert len(lab.check("descendants", tables, individual_id="0a")) == 118
    assert lab.check("common_ancestor", tables, first="59a", second="59b")[0][:4] == ("58a", True, 58, 0.0)


def test_a_family_deeper_than_the_engine_s_own_limit_of_recursion(lab: Lab) -> None:
    depth = 1100
    rows = [{"individual_id": str(n), "generation": n} for n in range(depth)]
    run_id = lab.run(rows, [(str(n), str(n - 1), n) for n in range(1, depth)]).runs[0]["run_id"]
    found = queries.get("ancestors")(lab.client, run_id=run_id, individual_id=str(depth - 1)).result_rows
    assert [row[0] for row in found] == list(range(depth - 1, -1, -1))


# ---- what is read ----

BY_RUN: dict[str, dict[str, Any]] = {
    "ancestors": {},
    "common_ancestor": {"first": "2999", "second": "2998"},
    "convergence": {},
    "descendants": {"individual_id": "0"},
    "diversity": {},
    "hypervolume": {"objectives": ["fitness_score", "code_size"], "reference": [0.0, 0.0]},
    "operator_success": {},
    "pareto_front": {"objectives": ["fitness_score"]},
    "stagnation": {},
}


@pytest.fixture(scope="module")
def many_runs(lab: Lab) -> Lab:
    """Sixty runs of 3,000 individuals in one part of each table."""
    source = "SELECT concat('many ', toString(intDiv(number, 3000))) AS run_id, number % 3000 AS place FROM numbers(180000)"
    for insert in (
        f"individuals (run_id, individual_id, generation, fitness_score) SELECT run_id, toString(place), intDiv(place, 100), place FROM ({source})",
        "code_lineages (run_id, child_id, parent_id, generation) "
        f"SELECT run_id, toString(place), toString(intDiv(place, 2)), intDiv(place, 100) FROM ({source}) WHERE place > 0",
        f"generations (run_id, generation, best_score) SELECT run_id, place, place FROM ({source})",
        "evolution_runs (run_id, task_name) SELECT concat('many ', toString(number)), 'many' FROM numbers(20000)",
    ):
        lab.client.command(f"INSERT INTO {insert}")
    for table in ("individuals", "code_lineages", "generations", "evolution_runs"):
        lab.client.command(f"OPTIMIZE TABLE {table} FINAL")
    return lab


@pytest.mark.parametrize("name", BY_RUN)
def test_only_the_granules_of_the_run_are_read(many_runs: Lab, name: str) -> None:
    statement, parameters = queries.bind(name, run_id="many 33", **BY_RUN[name])
    options = {"final": 1, "force_primary_key": 1}
    assert many_runs.client.query(statement, parameters=parameters, settings=options).result_rows
    plan = many_runs.client.query(f"EXPLAIN indexes = 1 {statement}", parameters=parameters, settings=options)
    text = "\n".join(row[0] for row in plan.result_rows)
    read = [(int(some), int(every)) for some, every in re.findall(r"PrimaryKey.*?Granules: (\d+)/(\d+)", text, re.DOTALL)]
    assert read
    assert all(some <= 4 < every for some, every in read), f"{read}: 3,000 rows lie in four granules of 1,024 rows"


@pytest.mark.parametrize("name", ["ancestors", "common_ancestor", "descendants"])
def test_each_step_of_a_walk_reads_only_the_granules_of_the_run(many_runs: Lab, name: str) -> None:
    """EXPLAIN does not show the steps of a recursion, so what they read is counted."""
    statement, parameters = queries.bind(name, run_id="many 33", **BY_RUN[name])
    read = int(many_runs.client.query(statement, parameters=parameters, settings={"final": 1}).summary["read_rows"])
    if read == 0:
        pytest.skip("this engine does not tell what it read")
    steps = math.ceil(math.log2(3000))
    assert 3000 * steps < read < 180_000 * steps / 3


# ---- causes and times ----

TRACEBACK = """Traceback (most recent call last):
  File "/home/{user}/gen_{n}/main.py", line {n}, in <module>
ValueError: could not broadcast shape ({n},{n}) into shape (26,)
"""
CAUSES = {
    "ValueError: could not broadcast shape (<n>) into shape (<n>,)": [TRACEBACK.format(user="a", n=12), TRACEBACK.format(user="bc", n=7)],
    "KeyError: <path>": ["KeyError: /tmp/x7/eval.json", "KeyError: ./runs/2026.11.20_default/gen_12/eval.json", "KeyError: C:\\runs\\x"],
    "<C object at <address>> was lost": ["<C object at 0x7f0012ab> was lost", "<C object at 0x1> was lost"],
    "request <id> failed after <n>s": [
        "request 550e8400-e29b-41d4-a716-446655440000 failed after 1.5s",
        "request 01a1fcda206e76e19818f762 failed after 30s\nsecond line",
    ],
    "it's {odd} \\ text": ["\n\n  it's {odd} \\ text  \n"],
    "n/a and/or 'x'": ["n/a and/or 'x'"],
}


def test_failures_of_one_cause_are_one_row(lab: Lab) -> None:
    texts = [(cause, text) for cause, texts in CAUSES.items() for text in texts]
    rows = [
        {"id": f"00000000-0000-0000-0000-{place:012d}", "timestamp": START + timedelta(minutes=place), "error": text, "run_id": f"r{place % 2}"}
        for place, (_, text) in enumerate(texts)
    ]
    lab.write("llm_logs", rows)
    found = queries.get("failures")(lab.client).result_rows
    assert {row[1]: row[2] for row in found if row[0] == "llm call"} == {cause: len(texts) for cause, texts in CAUSES.items()}
    last = {cause: text for cause, text in texts}
    assert all(row[6] == last[row[1]] for row in found if row[0] == "llm call")
    later = queries.get("failures")(lab.client, since="2026-11-01 12:04:00Z", until=START + timedelta(minutes=6)).result_rows
    assert sum(row[2] for row in later) == 2
    assert sum(row[2] for row in queries.get("failures")(lab.client, run_id="r1").result_rows) == len(rows) // 2


def test_latency_in_a_window_of_time(lab: Lab) -> None:
    rows = [
        {"id": f"00000000-0000-0000-0001-{n:012d}", "timestamp": START + timedelta(days=n), "model": "m", "execution_time": float(n)} for n in range(10)
    ]
    lab.write("llm_logs", [*rows, {**rows[0], "id": "00000000-0000-0000-0002-000000000000", "execution_time": math.nan}])
    ask = queries.get("llm_latency")
    known = [row for row in ask(lab.client, since="2026-11-03", until="2026-11-08T12:00:00Z").result_rows if row[0] == "m"]
    assert known == [("m", 5, 4.0, 5.6, 5.96, 6.0, 0, None)]
    everything = [row for row in ask(lab.client).result_rows if row[0] == "m"]
    assert everything[0][1:3] == (11, 4.5)
