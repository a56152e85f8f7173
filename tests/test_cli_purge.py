"""`genesis-ch purge`: what it shows, what it asks, what it says of rows that it does not reach."""

from __future__ import annotations

from cli_fixtures import PRODUCER, STAY, World
from cli_fixtures import world as world
from test_cli_outbox import REFUSED

EVIL = "it's \"run\" \\ {run:String}\n-- é; %"
LOGGED = """
import sys
from genesis_ch import ch_logger as l
for run in sys.argv[1:]:
    l.log_evolution_run(run, "t", {}, 2, "c", "/" + run)
    l.log_generation(run, 0, 2, 1, 1, 1)
    l.log_individual(run, "i", 0, "", "m", 1, 1, {}, True)
    l.log_llm_interaction("m", [], "x", run_id=run)
    l.update_evolution_run(run, "completed", 1)
assert l.flush(60)
"""


def test_the_command(world: World) -> None:
    runs = (EVIL, "run_b")
    assert world.python("-c", LOGGED, *runs).returncode == 0
    shown = world.cli("purge", "--run", EVIL, "--dry-run")
    assert shown.returncode == 0 and "Nothing was deleted" in shown.stdout, shown.stdout + shown.stderr
    assert "This run is being written" in shown.stdout and "'completed'" in shown.stdout
    asked = world.cli("purge", "--run", EVIL)
    assert asked.returncode == 1 and "for good?" in asked.stdout
    tables = ("evolution_runs", "generations", "individuals", "llm_logs")
    assert [world.query(f"SELECT count() FROM {table}")[0][0] for table in tables] == [2, 2, 2, 2]
    done = world.cli("purge", "--run", EVIL, "--yes")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "✅ run " in done.stdout and "rows of 5 tables" in done.stdout
    for table in tables:
        assert world.query(f"SELECT run_id FROM {table}") == [("run_b",)]
    again = world.cli("purge", "--run", EVIL, "--yes")
    assert again.returncode == 1 and "❌ No table has a run" in again.stdout
    typo = world.cli("purge", "--run", "run_c", "--yes")
    assert typo.returncode == 1 and "did you mean 'run_b'?" in typo.stdout
    assert world.cli("purge").returncode == 2
    empty = world.cli("purge", "--run", "", "--yes")
    assert empty.returncode == 2 and "belong to no run" in empty.stderr


def test_rows_in_the_outbox_are_counted(world: World) -> None:
    """Those of a process that still has them, and those that the server refused; neither is deleted."""
    assert world.python("-c", REFUSED).returncode == 0
    alive = world.start("-c", PRODUCER + STAY, "r", "5", GENESIS_CH_BATCH_INTERVAL="100")
    assert alive.stdout is not None and alive.stdout.readline() == "ready\n"
    done = world.cli("purge", "--run", "r", "--yes")
    assert done.returncode == 0, done.stdout
    assert "5 rows of this run wait in this store's outbox" in done.stdout
    assert "3 rows of this run were refused by the server" in done.stdout
    assert "1 rows of 1 tables" in done.stdout
    gone = world.cli("purge", "--run", "r", "--yes")
    assert gone.returncode == 1 and "No table has a run 'r'" in gone.stdout
    assert "5 rows of it wait" in gone.stdout and "3 rows of it were refused" in gone.stdout
    alive.kill()
    alive.wait()
    again = world.cli("purge", "--run", "r", "--yes")
    assert again.returncode == 0 and "5 rows of 1 tables" in again.stdout, "what an ended process left is delivered first"
