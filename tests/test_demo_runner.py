"""What the demo's runner hands to the logger, call by call; tests/test_demo.py reads back what became of it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest

from genesis_ch.demo.meter import Meter, percentile
from genesis_ch.demo.runner import Runner, Settings
from genesis_ch.demo.store import Store, is_unfinished

Call = tuple[str, dict[str, Any]]
METHODS = {
    "log_evolution_run",
    "update_evolution_run",
    "log_generation",
    "log_individual",
    "log_pareto_front",
    "log_lineage",
    "log_llm_interaction",
    "log_action",
}


class Recorder:
    """Remembers every call; knows the run of a path as ClickHouse would."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def get_run_id_by_path(self, path: str) -> str | None:
        return next((k["run_id"] for k in self.of("log_evolution_run") if k["database_path"] == path), None)

    def update_evolution_run(self, run_id: str, status: str, total_generations: int, *, error: str = "") -> None:
        arguments = {"status": status, "total_generations": total_generations, "error": error}
        self.calls.append(("update_evolution_run", arguments))

    def __getattr__(self, name: str) -> Any:
        if name not in METHODS:
            raise AttributeError(name)
        return lambda **arguments: self.calls.append((name, arguments))

    def of(self, name: str) -> list[dict[str, Any]]:
        return [arguments for called, arguments in self.calls if called == name]


def search(path: Path, recorder: Recorder, on_progress: Any = lambda runner: None, **settings: int) -> Runner:
    chosen = Settings(**{"generations": 3, "population": 5, **settings})
    runner = Runner(chosen, Store(path), cast(Any, recorder), on_progress)
    runner.run()
    return runner


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Runner, Recorder]:
    recorder = Recorder()
    return search(tmp_path_factory.mktemp("demo") / "run.db", recorder, seed=5), recorder


def test_all_eight_methods_are_used_and_the_counts_agree(recorded: tuple[Runner, Recorder]) -> None:
    _, recorder = recorded
    counts = Counter(name for name, _ in recorder.calls)
    assert set(counts) == METHODS
    assert counts["log_individual"] == counts["log_lineage"] == 15
    assert counts["log_generation"] == counts["log_pareto_front"] == 3
    assert counts["log_llm_interaction"] >= 30
    actions = Counter(arguments["action_type"] for arguments in recorder.of("log_action"))
    assert actions["job_submitted"] == actions["job_completed"] + actions["job_failed"] == 15
    assert actions["generation_started"] == actions["generation_completed"] == 3
    assert recorder.calls[-1] == ("update_evolution_run", {"status": "completed", "total_generations": 3, "error": ""})


def test_front_and_generation_agree_with_the_individuals(recorded: tuple[Runner, Recorder]) -> None:
    _, recorder = recorded
    for row in recorder.of("log_generation"):
        same = [i for i in recorder.of("log_individual") if i["generation"] == row["generation"]]
        front = [f for f in recorder.of("log_pareto_front") if f["generation"] == row["generation"]]
        members = {one["individual_id"] for one in front[0]["pareto_individuals"]}
        assert members == {one["individual_id"] for one in same if one["is_pareto"]}
        assert row["pareto_size"] == len(members) > 0
        assert row["best_score"] == max(one["fitness_score"] for one in same)
        assert row["num_individuals"] == 5


def test_delta_is_the_difference_to_the_parent(recorded: tuple[Runner, Recorder]) -> None:
    _, recorder = recorded
    scores = {one["individual_id"]: one["fitness_score"] for one in recorder.of("log_individual")}
    for line in recorder.of("log_lineage"):
        assert line["fitness_delta"] == scores[line["child_id"]] - scores.get(line["parent_id"], 0.0)
        assert (line["mutation_type"] == "init") == (line["parent_id"] == "") == (line["generation"] == 0)


def test_prompts_hold_the_parent_and_nothing_claims_to_be_a_model(recorded: tuple[Runner, Recorder]) -> None:
    runner, recorder = recorded
    codes = {one.id: one.code for generation in runner.store.generations() for one in generation}
    parents = {line["child_id"]: line["parent_id"] for line in recorder.of("log_lineage")}
    calls = recorder.of("log_llm_interaction")
    assert {call["model"] for call in calls} == {"offline-mutator", "offline-reviewer"}
    last = {call["individual_id"]: call for call in calls if call["metadata"]["purpose"] == "propose"}
    for name, call in last.items():
        assert [message["role"] for message in call["messages"]] == ["system", "user"]
        if parents[name]:
            assert codes[parents[name]] in call["messages"][1]["content"]


def test_everything_logged_is_plain_data(recorded: tuple[Runner, Recorder]) -> None:
    json.dumps(recorded[1].calls, allow_nan=False)


def choices(recorder: Recorder) -> list[Any]:
    return [(i["individual_id"], i["parent_id"], i["code_hash"]) for i in recorder.of("log_individual")]


def test_same_seed_same_programs(recorded: tuple[Runner, Recorder], tmp_path: Path) -> None:
    again, other = Recorder(), Recorder()
    search(tmp_path / "again.db", again, seed=5)
    search(tmp_path / "other.db", other, seed=6)
    assert choices(again) == choices(recorded[1])
    assert choices(other) != choices(again)


def test_interrupted_run_is_resumed_under_its_id_and_ends_the_same(
    recorded: tuple[Runner, Recorder], tmp_path: Path
) -> None:
    recorder, path = Recorder(), tmp_path / "run.db"

    def interrupt(runner: Runner) -> None:
        if runner.executed == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(path, recorder, interrupt, seed=5)
    failed = {"status": "failed", "total_generations": 1, "error": "KeyboardInterrupt()"}
    assert recorder.calls[-1] == ("update_evolution_run", failed)
    assert is_unfinished(path)
    seen: list[int] = []
    search(path, recorder, lambda runner: seen.append(runner.executed), seed=99)
    first, second = recorder.of("log_evolution_run")
    assert first["run_id"] == second["run_id"]
    assert seen == list(range(6, 16))
    assert choices(recorder) == choices(recorded[1])
    assert not is_unfinished(path)


def test_meter_counts_the_rows_of_every_table() -> None:
    recorder = Recorder()
    meter = Meter(recorder)
    meter.log_action(action_type="x", details={})
    meter.log_pareto_front(run_id="r", generation=0, pareto_individuals=[{}, {}, {}])
    meter.update_evolution_run("r", "completed", 1)
    assert meter.get_run_id_by_path("nowhere") is None
    assert {table: n for table, n in meter.rows.items() if n} == {"agent_actions": 1, "pareto_fronts": 3}
    assert len(meter.calls()) == 3
    assert meter.median("log_action") > 0.0 == meter.median("log_lineage")


def test_percentiles_are_in_microseconds() -> None:
    assert [percentile(list(range(1000, 101_000, 1000)), p) for p in (0, 50, 99, 100)] == [1.0, 51.0, 100.0, 100.0]
    assert percentile([], 50) == 0.0
