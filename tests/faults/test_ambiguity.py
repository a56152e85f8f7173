"""Connections that fail at any byte of a request or an answer, so that nobody knows whether the rows were stored."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from faults.figures import Figure
from faults.harness import Engine, database, engine, home, start
from faults.proxy import Break, How, Proxy, Request

__all__ = ["database", "engine", "home"]

Place = Callable[[int, int], int]
CUTS: dict[str, tuple[Literal["request", "reply"], Place]] = {
    "in the request line": ("request", lambda head, body: 10),
    "in the headers": ("request", lambda head, body: head // 2),
    "before the end of the headers": ("request", lambda head, body: head - 1),
    "before the body": ("request", lambda head, body: head),
    "behind its first byte": ("request", lambda head, body: head + 1),
    "in its middle": ("request", lambda head, body: head + body // 2),
    "before its last byte": ("request", lambda head, body: head + body - 1),
    "behind it": ("request", lambda head, body: head + body),
    "before the answer": ("reply", lambda head, rest: 0),
    "in the status line": ("reply", lambda head, rest: 9),
    "in the answer's headers": ("reply", lambda head, rest: head // 2),
    "before their end": ("reply", lambda head, rest: head - 1),
    "behind them": ("reply", lambda head, rest: head),
    "in the last chunk's size": ("reply", lambda head, rest: head + 1),
    "before the last chunk's end": ("reply", lambda head, rest: head + rest - 2),
    "before the last byte": ("reply", lambda head, rest: head + rest - 1),
}
ACTIONS: tuple[How, ...] = get_args(How)
TABLES = (
    "evolution_runs", "individuals", "code_lineages", "llm_logs", "agent_actions", "update", "traces", "observations", "scores",
)  # fmt: skip
REQUEST_TIMEOUT = 1.5
"""Seconds: a busy machine merges a batch in less. One that does not makes each attempt slower than the last."""
LATE = REQUEST_TIMEOUT + 0.1
ROWS = 12
"""Rows of each of the tables with many."""
ROWS_OF_A_CELL = 8 * ROWS + 3
"""A trace is two, its second call adds to it; so is an LLM call, with its observation."""

PROGRAM = f"""
while True:
    words = sys.stdin.readline().split()
    if words[0] == "end":
        break
    run = words[0]
    ch_logger.log_evolution_run(run, "t", {{"n": run}}, 1, "c", "/p")
    for i in range({ROWS}):
        issue(run, i)
        name = f"{{run}}-{{i}}"
        ch_logger.log_lineage(run, name, "p" + name, i, "m", fitness_delta=number_of(name))
        ch_logger.log_llm_interaction("m", [{{"role": "user", "content": name}}], name, cost=number_of(name), run_id=run)
        ch_logger.log_action("a", {{"name": name}}, run_id=run)
        ch_logger.log_trace(name, id=name, input=name, metadata={{"first": name}}, tags=[name], run_id=run)
        ch_logger.log_score("s", number_of(name), id=name, trace_id=name, run_id=run)
    ch_logger.update_evolution_run(run, "half", 1)
    ch_logger.update_evolution_run(run, "done", 2)
    for i in range({ROWS}):
        name = f"{{run}}-{{i}}"
        ch_logger.log_trace(id=name, output=name, metadata={{"then": name}}, tags=["late", name])
    result = ch_logger.flush(60)
    say(**result.__dict__)
"""


@dataclass
class Cell:
    """One cut at one byte, in one way, of the first request for one table."""

    run: str
    cut: str
    how: How
    table: str


@dataclass
class Stage:
    """Breaks the first request for the cell's table."""

    cell: Cell | None = None
    broken: list[Request] = field(default_factory=list)

    def early(self, request: Request) -> Break | None:
        """The cell's fault, once."""
        if self.cell is None or request.table != self.cell.table:
            return None
        part, place = CUTS[self.cell.cut]
        how, self.cell = self.cell.how, None
        self.broken.append(request)
        return Break(part, place, how, LATE)


def cells_of(how: How, long_form: bool) -> list[Cell]:
    """All cut points of an action: with each table in the long form, else with the tables in turn.

    What waits for a time limit takes long: the short form tries it at every other cut, and the two ways at different ones.
    """
    start_at = ACTIONS.index(how)
    chosen: list[Cell] = []
    for number, cut in enumerate(CUTS):
        if not long_form and how in ("stall", "late") and number % 2 == start_at % 2:
            continue
        tables = TABLES if long_form else (TABLES[(number + start_at) % len(TABLES)],)
        chosen += [Cell(f"{how}-{number}-{table}", cut, how, table) for table in tables]
    return chosen


def run_cells(engine: Engine, database: str, home: Path, cwd: Path, how: How, cells: list[Cell]) -> dict[str, int]:
    """Run the cells of one action in one process; how many cut requests were stored, and how many were sent again."""
    stage = Stage()
    with Proxy(engine.port(), early=stage.early) as proxy:
        program = start(
            PROGRAM,
            cwd,
            CLICKHOUSE_URL=engine.url(database, proxy.port),
            GENESIS_CH_HOME=str(home / how),
            GENESIS_CH_REQUEST_TIMEOUT=str(REQUEST_TIMEOUT),
        )
        for number, cell in enumerate(cells):
            stage.cell = cell
            program.tell(cell.run)
            result = program.listen()
            assert len(stage.broken) == number + 1, f"{cell}: nothing was cut"
            settled = {"delivered": (number + 1) * ROWS_OF_A_CELL, "pending": 0, "rejected": 0, "dropped": 0, "parked": 0}
            assert result == {**settled, "last_error": None}, (cell, result)
        program.tell("end")
        program.finish().quiet()
        stored = [request for request in stage.broken if request in proxy.stored]
        again = [request for request in stage.broken if sent_again(request, proxy.requests)]
    return {"stored": len(stored), "replayed": len([request for request in stored if request in again])}


def sent_again(broken: Request, requests: list[Request]) -> bool:
    """Whether the same rows were sent to the same table once more."""
    later = requests[requests.index(broken) + 1 :]
    return any(request.target == broken.target and request.content == broken.content for request in later)


def check_cell(found: dict[str, list[list[Any]]], cell: Cell) -> None:
    """Every row of a cell is in its table once as FINAL reads it, and no other version of it is there at all."""
    assert found["evolution_runs"] == [[cell.run, "done", 2, 1]], cell
    assert found["individuals"] == found["code_lineages"] == [[ROWS, ROWS, ROWS, ROWS]], (cell, found)
    assert found["llm_logs"] == found["agent_actions"] == [[ROWS, ROWS, ROWS]], (cell, found)
    assert found["observations"] == found["scores"] == [[ROWS, ROWS, ROWS, ROWS]], (cell, found)
    assert found["traces"] == found["of calls"] == found["of names"] == [[ROWS, ROWS, ROWS]], (cell, found)


def versions(table: str, key: str) -> str:
    """Rows and keys as FINAL reads them, keys without it, and how many different rows there are to a key, times ROWS."""
    return f"""
        SELECT run_id, countIf(final), uniqExactIf(key, final), uniqExact(key), max(versions) * {ROWS}
        FROM (SELECT run_id, {key} AS key, true AS final, 1 AS versions FROM {table} FINAL
              UNION ALL
              SELECT run_id, {key}, false, uniqExact(tuple(*)) FROM {table} GROUP BY run_id, {key})
        GROUP BY run_id"""


def counts_by_run(engine: Engine, database: str) -> dict[str, dict[str, list[list[Any]]]]:
    """What check_cell looks at, by run and table."""
    asked = {
        "evolution_runs": "SELECT run_id, run_id, status, total_generations, count() FROM evolution_runs FINAL GROUP BY ALL",
        "individuals": versions("individuals", "individual_id"),
        "code_lineages": versions("code_lineages", "child_id"),
        "llm_logs": """
            SELECT run_id, count(), uniqExact(response),
                   countIf(messages = concat('[{"role":"user","content":"', response, '"}]'))
            FROM llm_logs FINAL GROUP BY run_id""",
        "observations": versions("observations", "id"),
        "scores": versions("scores", "id"),
        "of calls": """
            SELECT o.run_id, count(), uniqExact(o.id), countIf(o.type = 'GENERATION' AND o.output = l.response)
            FROM observations AS o FINAL LEFT JOIN llm_logs AS l FINAL ON toString(l.id) = o.id GROUP BY o.run_id""",
        "of names": """
            SELECT run_id, count(), uniqExact(id), countIf(value = CRC32(id) / 65537. AND trace_id = id AND name = 's')
            FROM scores FINAL GROUP BY run_id""",
        "traces": """
            SELECT run_id, count(), uniqExact(id),
                   countIf(name = id AND input = id AND output = id AND tags = [id, 'late']
                           AND metadata = map('first', id, 'then', id))
            FROM traces FINAL GROUP BY run_id""",
        "agent_actions": "SELECT run_id, count(), uniqExact(details), uniqExact(id) FROM agent_actions FINAL GROUP BY run_id",
    }
    found: dict[str, dict[str, list[list[Any]]]] = {}
    for table, question in asked.items():
        for line in engine.ask(f"{question} FORMAT JSONCompactEachRow", database).splitlines():
            run, *numbers = json.loads(line)
            found.setdefault(run, {}).setdefault(table, []).append([_number(value) for value in numbers])
    return found


def _number(value: Any) -> Any:
    return int(value) if str(value).isdecimal() else value


def test_ambiguity(engine: Engine, database: str, home: Path, tmp_path: Path, long_form: bool, figure: Figure) -> None:
    """Each cut in each way; whatever the cut request did, every row is stored once and the updates are in order."""
    cells = {how: cells_of(how, long_form) for how in ACTIONS}
    with ThreadPoolExecutor(len(ACTIONS)) as pool:
        jobs = {how: pool.submit(run_cells, engine, database, home, tmp_path, how, cells[how]) for how in ACTIONS}
        counted = {how: job.result() for how, job in jobs.items()}
    found = counts_by_run(engine, database)
    for cell in (cell for every in cells.values() for cell in every):
        check_cell(found[cell.run], cell)
        assert engine.stored(cell.run, database) == set(range(ROWS)), cell
    assert len(CUTS) == 16 and len(ACTIONS) == 4
    total = sum(map(len, cells.values()))
    stored = sum(count["stored"] for count in counted.values())
    replayed = sum(count["replayed"] for count in counted.values())
    assert all(count["stored"] >= len(cells[how]) // 2 for how, count in counted.items()), counted
    assert replayed >= stored // 2, counted
    figure(
        4,
        f"{len(CUTS)} cut points with {', '.join(ACTIONS)} of the connection ({total} cells), at requests for "
        f"{len(TABLES) - 1} tables and at updates of a run",
        f"0 lost, 0 doubled, 0 altered in {total} cells; {stored} of the cut requests had stored their rows, "
        f"and {replayed} of those were sent again",
    )
