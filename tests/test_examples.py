"""Every program of examples/ runs unmodified, and the rows that it speaks of are there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from cli_fixtures import ROOT, World
from cli_fixtures import world as world

EXAMPLES = ROOT / "examples"


def run(world: World, name: str, **variables: str) -> str:
    """Run one example to a good end in an empty directory; what it printed."""
    done = world.python(str(EXAMPLES / name), **variables)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def check_runner(world: World, address: str, output: str) -> None:
    assert re.fullmatch(r"run_\d{8}_\d{6}_[0-9a-f]{8} FlushResult\(delivered=32, pending=0, .*\)\n", output)
    name = output.split()[0]
    counts = {"evolution_runs": 1, "generations": 3, "individuals": 12, "pareto_fronts": 3, "code_lineages": 12}
    for table, rows in counts.items():
        assert world.query(f"SELECT count() FROM {table} WHERE run_id = '{name}'", address) == [(rows,)], table
    config = "JSONExtractInt(config, 'generations')"
    runs = world.query(f"SELECT status, total_generations, task_name, {config} FROM evolution_runs", address)
    assert runs == [("completed", 3, "toy", 3)]
    assert world.query(
        "SELECT generation FROM generations g JOIN individuals i USING (run_id, generation) "
        "WHERE is_pareto AND best_score = fitness_score ORDER BY generation",
        address,
    ) == [(0,), (1,), (2,)]


def check_llm_wrapper(world: World, address: str, output: str) -> None:
    assert output.startswith("IMPROVE THIS PROGRAM\nrefused: the message is empty\n")
    columns = "model, response, input_tokens, cost > 0, error, JSONExtractString(metadata, 'task')"
    assert world.query(f"SELECT {columns} FROM llm_logs ORDER BY timestamp, error", address) == [
        ("fake-model", "IMPROVE THIS PROGRAM", 5, True, "", "toy"),
        ("fake-model", "", None, False, "ValueError('the message is empty')", "toy"),
    ]


def check_notebook(world: World, address: str, output: str) -> None:
    counts = [int(number) for number in re.findall(r"^(\d+) generations so far", output, re.MULTILINE)]
    assert counts == sorted(counts) and counts[0] < 10, "it was read while the run went on"
    assert re.search(r"^9 +9 +0\.998047 +0\.499023$", output, re.MULTILINE), output
    assert "\n(1, 0.5, 0.5, True)\n" in output, "the second generation improved most"
    assert world.query("SELECT status, total_generations FROM evolution_runs", address) == [("completed", 10)]


def check_pool(world: World, address: str, output: str) -> None:
    assert output.endswith("\n100 rows read back\n")
    pids = "SELECT uniqExact(JSONExtractInt(metrics, 'pid')), count(), uniqExact(individual_id) FROM individuals"
    assert world.query(pids, address) == [(int(output.split()[0]), 100, 100)]
    assert world.query("SELECT status FROM evolution_runs", address) == [("completed",)]


def check_tracing(world: World, address: str, output: str) -> None:
    first, *lines = output.splitlines()
    assert first.endswith(" True") and len(lines) == 6
    assert all(re.fullmatch(r"ind_\d_\d 0\.\d+ fake-model 0\.0020* mutate", line) for line in lines), lines
    steps = "SELECT type, name, count() FROM observations GROUP BY type, name ORDER BY type, name"
    assert world.query(steps, address) == [
        ("AGENT", "mutate", 6),
        ("EVALUATOR", "evaluate", 6),
        ("GENERATION", "llm", 6),
        ("SPAN", "child", 6),
        ("SPAN", "toy run", 1),
    ]
    assert world.query("SELECT uniqExact(trace_id), countIf(end_time IS NULL) FROM observations", address) == [(1, 0)]
    assert world.query("SELECT name, tags, count() FROM traces GROUP BY ALL", address) == [("toy run", ["toy"], 1)]
    assert world.query("SELECT count() FROM individuals JOIN programs_code USING code_hash", address) == [(6,)]


CHECKS: dict[str, Callable[[World, str, str], None]] = {
    "runner.py": check_runner,
    "llm_wrapper.py": check_llm_wrapper,
    "notebook.py": check_notebook,
    "pool.py": check_pool,
    "tracing.py": check_tracing,
}


def test_every_example_is_checked() -> None:
    assert {file.name for file in EXAMPLES.glob("*.py")} == set(CHECKS)


@pytest.mark.parametrize("name", CHECKS)
def test_with_the_embedded_server(world: World, name: str) -> None:
    CHECKS[name](world, "", run(world, name))


@pytest.mark.parametrize("name", ["runner.py", "pool.py"])
def test_with_a_server_by_url(world: World, name: str) -> None:
    _, address = world.serve("--path", str(Path("served")))
    CHECKS[name](world, address, run(world, name, CLICKHOUSE_URL=address))
    assert not world.home.exists()


@pytest.mark.parametrize("name", ["runner.py", "llm_wrapper.py", "pool.py"])
def test_nothing_breaks_when_it_is_disabled(world: World, name: str) -> None:
    assert "FlushResult(delivered=0" in run(world, name, GENESIS_CH_MODE="disabled")
