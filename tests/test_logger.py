"""ch_logger as its callers meet it: the documented snippets, updates, reading back, settings, and the edges of a process's life."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import genesis_ch
from conftest import SCRIPT_SECONDS, Recorder, Script
from genesis_ch import ClickHouseLogger, FlushResult, _core, ch_logger
from server_fixtures import LiveServer

# The documented usage, with only the import line changed.
RUNNER = """
from genesis_ch import ch_logger
cfg = {"evolution": {"num_generations": 10, "pop_size": 20}, "llm": {"model": "claude-3-5-sonnet"}}

# Start of evolution run
ch_logger.log_evolution_run(
    run_id="run_12345",
    task_name="circle_packing",
    config=cfg,  # Hydra config dict
    population_size=20,
    cluster_type="local",
    database_path="results/circle_packing.db",
)

# Each generation
ch_logger.log_generation(
    run_id="run_12345",
    generation=5,
    num_individuals=20,
    best_score=0.95,
    avg_score=0.82,
    pareto_size=3,
    total_cost=1.25,
)

# Each individual evaluation
ch_logger.log_individual(
    run_id="run_12345",
    individual_id="ind_001",
    generation=5,
    parent_id="ind_parent",
    mutation_type="mutate",
    fitness_score=0.95,
    combined_score=0.90,
    metrics={"accuracy": 0.95, "size": 1024},
    is_pareto=True,
    api_cost=0.05,
)

# Track lineage
ch_logger.log_lineage(
    run_id="run_12345",
    child_id="ind_001",
    parent_id="ind_parent",
    generation=5,
    mutation_type="mutate",
    fitness_delta=0.05,
    edit_summary="Optimized loop algorithm",
)
"""
WRAPPER = """
from genesis_ch import ch_logger
ch_logger.log_llm_interaction(
    model="claude-3-5-sonnet-20241022",
    messages=[{"role": "user", "content": "..."}],
    response="...",
    cost=0.01,
    execution_time=2.5,
)
"""
NOTEBOOK = """
import sys, json
from clickhouse_connect import get_client

host, port, password = sys.argv[1:]
client = get_client(
    host=host,
    port=int(port),
    username='default',
    password=password,
    secure=False
)

# Query as DataFrame
df = client.query_df(\"\"\"
    SELECT generation, best_score, avg_score
    FROM generations
    WHERE run_id = 'run_12345'
    ORDER BY generation
\"\"\")
tables = [row[0] for row in client.query("SHOW TABLES").result_rows]
rows = {table: client.query(f"SELECT * FROM {table}") for table in tables if not table.startswith("genesis_")}
columns = {table: [row[0] for row in client.query(f"DESCRIBE TABLE {table}").result_rows] for table in rows}
counts = {table: client.command(f"SELECT count() FROM {table}") for table in rows}
contents = {table: list(result.named_results()) for table, result in rows.items()}
print(json.dumps([df.values.tolist(), list(df.columns), counts, columns, contents], default=str))
"""
VIEWS = ["analytics_observations", "analytics_scores", "analytics_traces"]
TABLES = sorted([*_core.TABLES, *VIEWS, "genesis_schema_migrations"])


def read_as_a_notebook(script: Script, url: str, password: str) -> list[Any]:
    host, _, port = url.removeprefix("http://").rstrip("/").partition(":")
    found: list[Any] = json.loads(script.run(NOTEBOOK, host, port, password).stdout)
    return found


@pytest.mark.parametrize("place", ["embedded", "served"])
def test_the_documented_snippets(script: Script, tmp_path: Path, place: str) -> None:
    environment: dict[str, str] = {}
    live = None
    if place == "served":
        from server_fixtures import start_server

        live = start_server(tmp_path / "served" / ".genesis_ch", "--idle", "0")
        environment["CLICKHOUSE_URL"] = live.dsn
    try:
        assert script.run(RUNNER, **environment).stdout == ""
        assert script.run(WRAPPER, GENESIS_CH_SERVER_IDLE="20", **environment).stdout == ""
        if live is not None:
            url, password = f"http://127.0.0.1:{live.port}", live.token
        else:
            endpoint = json.loads((script.directory / ".genesis_ch" / "endpoint.json").read_text())
            url, password = endpoint["url"], endpoint["token"]
        frame, names, counts, columns, contents = read_as_a_notebook(script, url, password)
    finally:
        if live is not None:
            assert live.stop() == 0
    assert (frame, names) == ([[5, 0.95, 0.82]], ["generation", "best_score", "avg_score"])
    logged = ("evolution_runs", "generations", "individuals", "code_lineages", "llm_logs", "observations")
    assert counts == dict.fromkeys(counts, 0) | dict.fromkeys(logged, 1)
    assert columns["generations"][:3] == ["run_id", "generation", "timestamp"]
    run, individual = contents["evolution_runs"][0], contents["individuals"][0]
    assert (run["task_name"], run["status"], run["population_size"], run["total_generations"]) == ("circle_packing", "running", 20, 0)
    assert json.loads(run["config"]) == {"evolution": {"num_generations": 10, "pop_size": 20}, "llm": {"model": "claude-3-5-sonnet"}}
    assert (individual["fitness_score"], individual["is_pareto"], individual["api_cost"]) == (0.95, True, 0.05)
    assert json.loads(individual["metrics"]) == {"accuracy": 0.95, "size": 1024}
    assert contents["code_lineages"][0]["edit_summary"] == "Optimized loop algorithm"
    assert contents["generations"][0]["task_name"] == "circle_packing"
    call = contents["llm_logs"][0]
    assert (call["model"], json.loads(call["messages"])) == ("claude-3-5-sonnet-20241022", [{"role": "user", "content": "..."}])
    assert (call["response"], call["cost"], call["execution_time"]) == ("...", 0.01, 2.5)


def test_another_process_reads_while_the_runner_writes(recorder: Recorder, server: LiveServer, script: Script) -> None:
    program = (
        "import sys, clickhouse_connect\n"
        "client = clickhouse_connect.get_client(dsn=sys.argv[1])\n"
        "seen = [0]\n"
        "while seen[-1] < 2000:\n"
        "    count = client.command('SELECT count() FROM individuals')\n"
        "    assert count >= seen[-1], (count, seen)\n"
        "    seen += [count] if count > seen[-1] else []\n"
        "print(len(seen), len(client.query('SHOW TABLES').result_rows), client.query('DESCRIBE TABLE individuals').row_count)\n"
    )
    ch_logger.connect()
    reading = script.start(program, recorder.url)
    try:
        for generation in range(100):
            for number in range(20):
                ch_logger.log_individual("r", f"i{number}", generation, "", "init", 0.5, 0.5, {"n": number}, False)
            time.sleep(0.01)
        ch_logger.flush()
        output, errors = reading.communicate(timeout=SCRIPT_SECONDS)
    finally:
        reading.kill()
        reading.wait()
    assert errors == ""
    steps, tables, columns = map(int, output.split())
    assert steps > 3, "it saw rows only at the end"
    assert (tables, columns) == (len(TABLES), len(_core.TABLES["individuals"]) + 1)


# ---- updates and resuming ----


def run_row(recorder: Recorder, run_id: str) -> dict[str, Any]:
    (row,) = recorder.rows("evolution_runs", where=f"run_id = '{run_id}'")
    return row


def test_updates_apply_in_order_and_keep_the_rest(recorder: Recorder) -> None:
    ch_logger.log_evolution_run("r", "task", {"a": 1}, 20, "local", "/db", tags=["x"], git_sha="abc")
    first = run_row(recorder, "r")
    for generation in range(1, 6):
        ch_logger.update_evolution_run("r", "running", generation)
    assert (run_row(recorder, "r")["total_generations"], run_row(recorder, "r")["end_time"].year) == (5, 1970)
    ch_logger.update_evolution_run(run_id="r", status="completed", total_generations=10)
    last = run_row(recorder, "r")
    changed = {name for name in first if first[name] != last[name]}
    assert changed == {"status", "total_generations", "end_time", "heartbeat_at"}
    assert last["end_time"] == last["heartbeat_at"] >= last["start_time"]
    ch_logger.update_evolution_run("r", None, None, error="late")
    assert {**last, "error": "late", "heartbeat_at": 0, "end_time": 0} == {**run_row(recorder, "r"), "heartbeat_at": 0, "end_time": 0}


def test_a_resumed_run_replaces_its_row(recorder: Recorder) -> None:
    ch_logger.log_evolution_run("r", "task", {"a": 1}, 20, "local", "/db")
    ch_logger.update_evolution_run("r", "failed", 3)
    ch_logger.flush()
    ch_logger.log_evolution_run("r", "task", {"a": 2}, 20, "local", "/db")
    row = run_row(recorder, "r")
    assert (row["status"], row["config"], row["total_generations"], row["end_time"].year) == ("running", '{"a":2}', 0, 1970)
    ch_logger.update_evolution_run("r", "completed", 9)
    assert (run_row(recorder, "r")["status"], run_row(recorder, "r")["total_generations"]) == ("completed", 9)


def test_an_update_of_an_unknown_run_waits_and_holds_nothing_back(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    ch_logger.update_evolution_run("nobody's", "completed", 3)
    ch_logger.log_evolution_run("known", "task", {}, 1, "local", "")
    ch_logger.update_evolution_run("known", "completed", 4)
    result = ch_logger.flush(30)
    assert (result.parked, result.pending, result.delivered) == (1, 0, 2)
    assert not result
    assert [row["status"] for row in recorder.read("evolution_runs")] == ["completed"]
    assert 'evolution_runs has no run "nobody\'s"; log_evolution_run first' in caplog.text


def test_get_run_id_by_path(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    path: Any
    for number, path in enumerate(["a.db", "b.db", "a.db", Path("c/d.db"), "it's \t 🙂.db"]):
        ch_logger.log_evolution_run(f"r{number}", "t", {}, 1, "local", path, timestamp=1_700_000_000 + number)
    found = [ch_logger.get_run_id_by_path(path) for path in ("a.db", "b.db", Path("c/d.db"), "c/d.db", "it's \t 🙂.db", "none", "")]
    assert found == ["r2", "r1", "r3", "r3", "r4", None, None]
    assert caplog.text == ""
    wrong: Any = None
    assert ch_logger.get_run_id_by_path(wrong) is None
    assert "get_run_id_by_path: " in caplog.text


# ---- the object ----


def test_there_is_one() -> None:
    assert ClickHouseLogger() is ClickHouseLogger() is ch_logger is genesis_ch.ch_logger
    assert repr(ch_logger).startswith("<ClickHouseLogger ")


def test_alias(script: Script) -> None:
    program = (
        "import genesis_ch\n"
        "genesis_ch.alias()\n"
        "from genesis.utils.clickhouse_logger import ch_logger, ClickHouseLogger\n"
        "import sys\n"
        "module = sys.modules['genesis.utils.clickhouse_logger']\n"
        "assert ch_logger is genesis_ch.ch_logger and ClickHouseLogger is genesis_ch.ClickHouseLogger\n"
        "assert genesis_ch.alias() is module\n"
        "other = genesis_ch.alias('elsewhere')\n"
        "import elsewhere\n"
        "print(elsewhere is other, elsewhere.ch_logger is ch_logger)\n"
    )
    assert script.run(program, GENESIS_CH_MODE="disabled").stdout == "True True\n"


def test_the_client(recorder: Recorder) -> None:
    ch_logger.log_generation("r", 1, 2, 0.5, 0.25, 1)
    ch_logger.log_generation("r", 1, 2, 0.75, 0.25, 1)
    ch_logger.flush()
    client = ch_logger.client
    assert client is not None
    assert ch_logger.client is client
    assert client.database == recorder.database
    assert client.query("SELECT best_score FROM generations").result_rows == [(0.75,)]
    assert list(client.query_df("SELECT run_id FROM generations").run_id) == ["r"]
    client.command("CREATE TABLE mine (x Int32) ENGINE = MergeTree ORDER BY x")
    client.insert("mine", [[1], [2]], column_names=["x"])
    assert client.command("SELECT sum(x) FROM mine") == 3
    client.close()


def test_flush_close_and_open_again(recorder: Recorder) -> None:
    ch_logger.log_action("before", {})
    assert ch_logger.flush() == FlushResult(delivered=1)
    client = ch_logger.client
    result = ch_logger.close()
    assert (result, bool(result)) == (FlushResult(delivered=1), True)
    assert ch_logger.stats()["state"] == "closed"
    assert ch_logger.close() == FlushResult()
    ch_logger.log_action("after", {})
    assert {row["action_type"] for row in recorder.rows("agent_actions")} == {"before", "after"}
    assert ch_logger.client is not client
    stats = ch_logger.stats()
    assert (stats["rows_logged"], stats["rows_delivered"], stats["rows_pending"], stats["mode"]) == (1, 1, 0, "http")
    assert recorder.url.split("@")[0].split(":")[-1] not in json.dumps(stats), "the password is in stats()"


def test_configure_takes_all_or_nothing(recorder: Recorder) -> None:
    bad: list[tuple[type[Exception], dict[str, Any], str]] = [
        (TypeError, {"ulr": "http://x"}, 'has no option "ulr"; did you mean "url"'),
        (TypeError, {"url": ["http://x"]}, "url takes text or a number, not list"),
        (TypeError, {"close_timeout": True}, "not bool"),
        (ValueError, {"url": "nonsense"}, "configure()"),
        (ValueError, {"url": "http://u:secret@h:99999/"}, "configure()"),
        (ValueError, {"close_timeout": "soon"}, "close_timeout"),
        (ValueError, {"close_timeout": -1}, "close_timeout"),
        (ValueError, {"close_timeout": float("nan")}, "close_timeout"),
        (ValueError, {"mode": "sometimes"}, "sometimes"),
        (TypeError, {"segment_bytes": 65536, "nope": None}, "nope"),
    ]
    for kind, options, words in bad:
        with pytest.raises(kind) as caught:
            ch_logger.configure(**options)
        assert words in str(caught.value), options
        assert "secret" not in str(caught.value)
    ch_logger.log_action("still", {})
    assert len(recorder.rows("agent_actions")) == 1
    assert recorder.database in ch_logger.stats()["destination"]


def test_close_timeout_is_taken_from_configure(script: Script) -> None:
    program = (
        "import time\nfrom genesis_ch import ch_logger\n"
        "ch_logger.configure(url='http://default:p@127.0.0.1:1/x', close_timeout=0)\n"
        "ch_logger.log_action('a', {})\n"
        "began = time.monotonic()\nprint(ch_logger.close().pending, time.monotonic() - began < 2)\n"
    )
    assert script.run(program, GENESIS_CH_CLOSE_TIMEOUT="30").stdout == "1 True\n"
    assert script.run(program, GENESIS_CH_CLOSE_TIMEOUT="soon").stdout == "1 True\n"


# ---- disabled ----

DISABLED = """
import logging, sys, timeit
records = []
handler = logging.Handler()
handler.emit = records.append
logging.getLogger().addHandler(handler)
logging.getLogger().setLevel(0)
from genesis_ch import ch_logger
values = dict(v=1.5, m={"a": 1}, l=ch_logger)
calls = {
    "log_llm_interaction": "('m', m, 'r')", "log_action": "('a', m)", "log_evolution_run": "('r', 't', m, 1, 'c', 'd')",
    "update_evolution_run": "('r', 's', 1)", "log_generation": "('r', 1, 2, v, v, 1)",
    "log_individual": "('r', 'i', 1, 'p', 'm', v, v, m, True)", "log_pareto_front": "('r', 1, m)",
    "log_lineage": "('r', 'c', 'p', 1, 'm')",
}
best = {}
for attempt in range(20):
    for name, arguments in calls.items():
        runs = sorted(timeit.repeat("l." + name + arguments, globals=values, number=20_000, repeat=5))
        best[name] = min(best.get(name, 1.0), runs[2] / 20_000 * 1e9)
    if max(best.values()) < 100:
        break
print(ch_logger.enabled, ch_logger.client, ch_logger.get_run_id_by_path("x"), bool(ch_logger.flush()), bool(ch_logger.close()))
print(max(best.values()) < 100, best, file=sys.stdout)
lines = [record.getMessage() for record in records if record.name == "genesis_ch"]
print(len([line for line in lines if line.startswith("ClickHouse logging disabled")]), lines)
"""


def test_disabled_is_one_line_and_costs_nothing(script: Script) -> None:
    output = script.run(DISABLED, GENESIS_CH_MODE="disabled").stdout.splitlines()
    assert output[0] == "False None None True True"
    assert output[1].startswith("True "), output[1]
    assert output[2].startswith("1 "), output[2]
    assert list(script.directory.iterdir()) == []


def test_without_url_and_engine_the_line_names_both_cures(script: Script) -> None:
    program = (
        "import logging, sys, importlib.util\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name in ('chdb', 'waitress') else find(name, *rest)\n"
        "logging.basicConfig(stream=sys.stdout, level=0, format='%(name)s %(message)s')\n"
        "from genesis_ch import ch_logger\n"
        "ch_logger.log_action('a', {})\nch_logger.log_action('a', {})\nprint(ch_logger.enabled)\n"
    )
    first, second = script.run(program).stdout.splitlines()
    assert first.startswith("genesis_ch ClickHouse logging disabled")
    assert "CLICKHOUSE_URL" in first
    assert "genesis_ch[embedded]" in first
    assert second == "False"


# ---- the end of the process ----

AT_END = """
import atexit, sys, threading, time
if sys.argv[1] == "early":
    atexit.register(lambda: ch_logger.log_action("early handler", {"a": [1.5]}))
from genesis_ch import ch_logger
class Last:
    def __init__(self, name): self.name = name
    def __del__(self): ch_logger.log_action(self.name, {"at": "end", "set": {1}})
if sys.argv[1] == "late":
    atexit.register(lambda: ch_logger.log_action("late handler", {}))
if sys.argv[1] == "global":
    last = Last("global")
if sys.argv[1] == "module":
    sys.kept = Last("module")
if sys.argv[1] == "thread":
    def log():
        while True:
            ch_logger.log_action("thread", {})
            time.sleep(0.001)
    threading.Thread(target=log, daemon=True).start()
    time.sleep(0.05)
if sys.argv[2] == "open":
    ch_logger.log_action("body", {})
"""


@pytest.mark.parametrize("opened", ["open", "closed"])
def test_rows_logged_at_the_end_arrive_with_the_next_process(script: Script, recorder: Recorder, opened: str) -> None:
    names = {"early": "early handler", "late": "late handler", "global": "global", "module": "module", "thread": "thread"}
    environment = {"CLICKHOUSE_URL": recorder.url, "GENESIS_CH_HOME": str(script.directory / "state")}
    for kind in names:
        script.run(AT_END, kind, opened, **environment)
    next_process = "from genesis_ch import ch_logger\nch_logger.log_action('next', {})\nprint(bool(ch_logger.flush(20)), ch_logger.stats())"
    output = script.run(next_process, **environment).stdout
    assert output.startswith("True "), output
    found = {row["action_type"] for row in recorder.read("agent_actions")}
    assert found == {*names.values(), "next"} | ({"body"} if opened == "open" else set())


def test_a_log_line_of_ours_never_reaches_stderr(script: Script) -> None:
    """Without any logging set up, Python prints warnings to stderr by itself; that is logging, and the only output there is."""
    program = "import logging\nlogging.lastResort = None\nfrom genesis_ch import ch_logger\nch_logger.log_action()\nch_logger.log_action(1, 2, 3, 4, 5)\n"
    assert script.run(program, GENESIS_CH_SERVER_IDLE="1").stdout == ""


def test_logging_that_fails_or_logs_back_is_survived(recorder: Recorder) -> None:
    class Hostile(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            ch_logger.log_action("from the handler", {}, unknown=1)  # type: ignore[call-arg]
            raise RuntimeError("from the caller's handler")

    handler = Hostile()
    log = logging.getLogger("genesis_ch")
    log.addHandler(handler)
    try:
        ch_logger.log_action("a", {}, unknown=1)  # type: ignore[call-arg]
    finally:
        log.removeHandler(handler)
    assert {row["action_type"] for row in recorder.rows("agent_actions")} == {"a", "from the handler"}


def test_running_without_stdin_and_stdout(script: Script, recorder: Recorder) -> None:
    program = "from genesis_ch import ch_logger\nch_logger.log_action('bare', {})\nassert ch_logger.flush(20)\n"
    done = subprocess.run(
        f"exec {sys.executable} -c \"{program}\" <&- >&- 2>&-", shell=True, cwd=script.directory, check=False,
        env={**script.environment, "CLICKHOUSE_URL": recorder.url},
    )  # fmt: skip
    assert done.returncode == 0
    assert [row["action_type"] for row in recorder.read("agent_actions")] == ["bare"]
