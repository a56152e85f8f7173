"""Ids of LLM calls and actions: rows of one key replace each other, so no two rows may ever share one."""

from __future__ import annotations

from pathlib import Path

from faults.harness import Engine, database, engine, home, run

__all__ = ["database", "engine", "home"]


def test_children_of_a_parent_that_never_logged(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    text = """
    import multiprocessing
    moment = 1700000000.0

    def work(_):
        for _ in range(50):
            ch_logger.log_action("a", {}, timestamp=moment)
        assert ch_logger.flush(30)

    context = multiprocessing.get_context("fork")
    children = [context.Process(target=work, args=(i,)) for i in range(8)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    """
    run(text, tmp_path, CLICKHOUSE_URL=engine.url(database), GENESIS_CH_HOME=str(home)).quiet()
    assert engine.ask("SELECT count(), uniqExact(id) FROM agent_actions FINAL", database) == "400\t400\n"


def test_calls_inside_calls(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    text = """
    class Logs:
        def __repr__(self):
            ch_logger.log_action("inner", {}, timestamp=1700000000.0)
            return "x"

    for _ in range(200):
        ch_logger.log_action("outer", Logs(), timestamp=1700000000.0)
    assert ch_logger.flush(30)
    """
    run(text, tmp_path, CLICKHOUSE_URL=engine.url(database), GENESIS_CH_HOME=str(home)).quiet()
    assert engine.ask("SELECT count(), uniqExact(id) FROM agent_actions FINAL", database) == "400\t400\n"


def test_fork_inside_a_call(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    """The parent stores the row, once; the child goes on and records on its own."""
    text = """
    class Forks:
        def __repr__(self):
            self.pid = os.fork()
            return "x"

    value = Forks()
    ch_logger.log_action("forked", value)
    ch_logger.log_action("after", {})
    done = bool(ch_logger.flush(30))
    if value.pid == 0:
        os._exit(0 if done else 1)
    say(child=os.waitpid(value.pid, 0)[1], done=done)
    """
    said = run(text, tmp_path, CLICKHOUSE_URL=engine.url(database), GENESIS_CH_HOME=str(home)).quiet().said[0]
    assert said == {"child": 0, "done": True}
    counts = engine.ask("SELECT action_type, count() FROM agent_actions FINAL GROUP BY 1 ORDER BY 1", database)
    assert counts == "after\t2\nforked\t1\n"


def test_a_front_larger_than_a_row_may_be(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    text = """
    big = {"text": "x" * 1_000_000}
    front = [{"individual_id": f"i{n}", "fitness_score": 1.0, "combined_score": 1.0, "metrics": big} for n in range(140)]
    ch_logger.log_pareto_front("r", 0, front)
    result = ch_logger.flush(60)
    say(delivered=result.delivered, dropped=result.dropped, lines=lines)
    """
    said = run(text, tmp_path, CLICKHOUSE_URL=engine.url(database), GENESIS_CH_HOME=str(home)).quiet().said[0]
    assert said == {"delivered": 140, "dropped": 0, "lines": []}


def test_update_without_a_status_leaves_the_run_open(engine: Engine, database: str, home: Path, tmp_path: Path) -> None:
    text = """
    ch_logger.log_evolution_run("r", "t", {}, 1, "local", "db")
    ch_logger.update_evolution_run("r", None, 3)
    ch_logger.flush(30)
    """
    run(text, tmp_path, CLICKHOUSE_URL=engine.url(database), GENESIS_CH_HOME=str(home)).quiet()
    stored = engine.ask("SELECT status, total_generations, toUnixTimestamp(end_time) FROM evolution_runs FINAL", database)
    assert stored == "running\t3\t0\n"
