"""`genesis-ch demo` as a newcomer types it: the search, the rows, the report and what it says to type next."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli_fixtures import Done, World
from cli_fixtures import world as world
from genesis_ch.demo.packing import judge
from genesis_ch.demo.population import Individual
from genesis_ch.demo.store import Store
from genesis_ch.demo.worker import run as execute

TABLES = ("evolution_runs", "generations", "individuals", "pareto_fronts", "code_lineages", "llm_logs", "agent_actions")
SMALL = ("--generations", "2", "--population", "4")
SECRET = "hunter2secret"


def cells(output: str, columns: int) -> list[list[str]]:
    """The rows of the tables with so many columns."""
    found = []
    for line in output.splitlines():
        row = [cell.strip() for cell in re.split("[│|]", line.strip("│|"))]
        if len(row) == columns and "─" not in line:
            found.append(row)
    return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Done]]:
    """The demo as it is, once, in an empty directory."""
    made = World(tmp_path_factory.mktemp("demo"))
    yield made, made.cli("demo")
    made.close()


def test_it_ends_well_and_says_what_it_is(demo: tuple[World, Done]) -> None:
    world, done = demo
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Recording to {world.home} (embedded)\n")
    assert "An offline mutator stands where the language model would be." in done.stdout
    assert "nothing was paid" in done.stdout
    assert "\x1b" not in done.stdout
    for line in done.stdout.split("What to type next")[0].splitlines():
        assert len(line) <= 90, line


def test_rows_are_as_many_as_the_reference_estimates_and_read_back(demo: tuple[World, Done]) -> None:
    world, done = demo
    shown = {row[0]: [int(row[1]), int(row[2])] for row in cells(done.stdout, 5)}
    assert list(shown) == [*TABLES, "total"]
    for table in TABLES:
        logged, read = shown[table]
        assert logged == read == world.query(f"SELECT count() FROM {table}")[0][0], table
    assert 1250 < shown["total"][1] < 1500
    exact = {"evolution_runs": 1, "generations": 10, "individuals": 200, "code_lineages": 200}
    assert {table: shown[table][1] for table in exact} == exact
    assert 20 <= shown["pareto_fronts"][1] <= 150
    assert 400 <= shown["llm_logs"][1] <= 480 <= shown["agent_actions"][1] <= 600


def test_generations_are_read_back_and_the_score_climbs(demo: tuple[World, Done]) -> None:
    world, done = demo
    rows = cells(done.stdout, 7)
    stored = world.query(
        "SELECT generation, num_individuals, best_score, avg_score FROM generations ORDER BY generation"
    )
    assert [(int(r[0]), int(r[1]), r[2], r[4]) for r in rows] == [
        (g, n, f"{best:.4f}", f"{mean:.4f}") for g, n, best, mean in stored
    ]
    so_far = [float(row[3]) for row in rows]
    assert so_far == sorted(so_far) and len(so_far) == 10
    assert so_far[0] < 2.3 and so_far[-1] > 2.5 and len(set(so_far)) >= 5


def programs(world: World) -> list[Individual]:
    (file,) = (world.home / "demo").glob("*.db")
    store = Store(file)
    found = [one for generation in store.generations() for one in generation]
    store.close()
    return found


def test_individuals_read_back_are_those_of_the_runner_bit_for_bit(demo: tuple[World, Done]) -> None:
    world, _ = demo
    columns = "generation, individual_id, parent_id, mutation_type, fitness_score, combined_score, code_hash, code_size"
    stored = world.query(
        f"SELECT {columns}, is_pareto, metrics_num FROM individuals ORDER BY generation, individual_id"
    )
    expected = [
        (
            i.generation,
            i.id,
            i.parent_id,
            i.mutation_type,
            i.score,
            i.combined,
            i.code_hash,
            i.size,
            i.is_pareto,
            i.metrics,
        )
        for i in programs(world)
    ]
    assert stored == expected and len(expected) == 200
    deltas = world.query("SELECT child_id, parent_id, fitness_delta, edit_summary FROM code_lineages ORDER BY child_id")
    assert deltas == sorted((i.id, i.parent_id, i.score - i.parent_score, i.summary) for i in programs(world))


def test_scores_are_those_of_the_programs(demo: tuple[World, Done]) -> None:
    chosen = sorted(programs(demo[0]), key=lambda one: one.score)
    for one in (*chosen[:3], chosen[100], chosen[-1]):
        answer = execute(one.code)
        assert one.score == (judge(answer["packing"]).score if "packing" in answer else 0.0)


def test_every_language_model_call_is_labelled_offline(demo: tuple[World, Done]) -> None:
    models = demo[0].query("SELECT model, provider, count() > 100 FROM llm_logs GROUP BY 1, 2 ORDER BY 1")
    assert models == [("offline-mutator", "offline", True), ("offline-reviewer", "offline", True)]
    assert demo[0].query("SELECT status, total_generations, task_name, error FROM evolution_runs") == [
        ("completed", 10, "circle_packing", "")
    ]


def test_numbers_are_measured(demo: tuple[World, Done]) -> None:
    _, done = demo
    found = re.search(r"log calls +(\d+), ([\d.]+) µs each on average, p50 ([\d.]+) µs, p99 ([\d.]+) µs", done.stdout)
    assert found
    calls, mean, median, p99 = (float(number) for number in found.groups())
    logged = {row[0]: int(row[1]) for row in cells(done.stdout, 5)}
    assert calls == logged["total"] - logged["pareto_fronts"] + 10 + 1, "a front is one call, an update is one more"
    assert 0.1 < median < 1000 and mean > 0.1 and median <= p99
    assert re.search(r"store +\.genesis_ch, \d+\.\d [KM]iB on disk", done.stdout)
    assert re.search(r"\d\.\d MiB of values take \d+\.\d KiB on disk", done.stdout)


def type_in(world: World, command: str) -> subprocess.CompletedProcess[str]:
    """Run what a person would type in the directory of the demo."""
    return subprocess.run(
        command, shell=True, cwd=world.path, env=world.environment, capture_output=True, text=True, timeout=60, check=False
    )


def next_lines(done: Done) -> list[str]:
    return [line.strip() for line in done.stdout.split("What to type next\n")[1].splitlines()]


def test_what_to_type_next_works_as_typed(demo: tuple[World, Done]) -> None:
    world, done = demo
    lines = next_lines(done)
    assert [line.split()[0] for line in lines] == ["genesis-ch", "python", "curl"]
    for line in lines:
        typed = type_in(world, line)
        assert typed.returncode == 0, (line, typed.stderr)
        assert "completed" in typed.stdout or "✅ ClickHouse connection successful!" in typed.stdout, line
    assert (world.home / "token").read_text().strip() not in done.stdout


def test_it_may_be_run_again_in_the_same_directory(world: World) -> None:
    outputs = [world.cli("demo", *SMALL) for _ in range(2)]
    assert [done.returncode for done in outputs] == [0, 0]
    assert world.query("SELECT count(), uniqExact(run_id) FROM evolution_runs WHERE status = 'completed'") == [(2, 2)]
    first, second = (cells(done.stdout, 5)[-1][1:3] for done in outputs)
    assert first == second and first[0] == first[1], "only the rows of this run are counted"
    assert world.cli("demo", "--resume").returncode == 1, "both have reached their end"


def test_a_path_is_named_in_what_to_type_next(world: World) -> None:
    done = world.cli("demo", *SMALL, "--path", "else where")
    lines = next_lines(done)
    assert lines[0] == f"export GENESIS_CH_HOME='{world.path / 'else where'}'"
    typed = type_in(world, "\n".join(["set -e", *lines]))
    assert typed.returncode == 0, typed.stderr
    assert not world.home.exists()
    world.python("-c", "import os, json; os.kill(json.load(open('else where/endpoint.json'))['pid'], 15)")


def test_a_server_by_url(world: World) -> None:
    _, address = world.serve("--path", "served", "--password", SECRET)
    done = world.cli("demo", *SMALL, CLICKHOUSE_URL=address)
    assert (done.returncode, done.stderr) == (0, "")
    assert SECRET not in done.stdout
    assert done.stdout.startswith(f"Recording to {address.replace(f':{SECRET}', '')} (http)\n")
    assert world.query("SELECT status FROM evolution_runs", address) == [("completed",)]
    assert [line.split()[0] for line in next_lines(done)] == ["genesis-ch", "python"]


def test_without_a_server_it_fails_before_it_searches(world: World) -> None:
    done = world.cli("demo", GENESIS_CH_MODE="disabled")
    assert done.returncode == 1
    assert done.stdout.splitlines()[0].startswith("❌ The demo has nowhere to write: ClickHouse logging disabled")
    assert not world.home.exists()


def test_ctrl_c_keeps_the_run_and_resume_ends_it(world: World) -> None:
    """On a terminal of 80 columns, as a person sees it."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(world.path)
        os.execve(
            sys.executable,
            [sys.executable, "-m", "genesis_ch.cli", "demo", "--generations", "6"],
            {**world.environment, "TERM": "xterm", "COLUMNS": "80"},
        )
    shown, sent = "", False
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                shown += os.read(terminal, 1 << 16).decode(errors="replace")
            except OSError:
                break
        if not sent and re.search(r" (2[1-9]|[3-7]\d)/120", shown):
            os.write(terminal, b"\x03")
            sent = True
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 130, shown
    assert "Traceback" not in shown and "programs" in shown
    assert "The run is marked failed; its rows are delivered." in shown
    ((status, generations, error),) = world.query("SELECT status, total_generations, error FROM evolution_runs")
    assert (status, error) == ("failed", "KeyboardInterrupt()")
    assert 0 < generations < 6
    ((individuals,),) = world.query("SELECT count() FROM individuals")
    assert 20 * generations <= individuals <= 20 * (generations + 1), "the generation in work may be there, or a part of it"
    done = world.cli("demo", "--resume")
    assert done.returncode == 0, done.stdout
    assert world.query("SELECT status, total_generations, error FROM evolution_runs") == [("completed", 6, "")]
    assert world.query("SELECT count() FROM individuals") == [(120,)]


def test_a_killed_demo_leaves_its_rows_for_sync(world: World) -> None:
    process = world.start("-m", "genesis_ch.cli", "demo")
    assert process.stdout is not None
    while "generation 1" not in process.stdout.readline():
        pass
    process.kill()
    process.wait()
    assert world.cli("sync").returncode == 0
    ((rows,),) = world.query("SELECT count() FROM individuals")
    assert rows >= 20
    assert process.returncode == -signal.SIGKILL
    (file,) = Path(world.home / "demo").glob("*.db")
    assert sqlite3.connect(file).execute("SELECT count(*) FROM generations").fetchone()[0] >= 1
