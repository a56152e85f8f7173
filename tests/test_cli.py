"""The commands, with a logger and a client that answer from memory."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

import genesis_ch
from genesis_ch.cli import COMMANDS, _group, doctor, screen, store, trouble

ROOT = Path(__file__).parents[1]
PASSWORD = "hunter2secret"


class ConnectError(Exception):
    """Stands for genesis_ch.ConnectError."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind, self.reason = kind, reason


@dataclass
class FlushResult:
    """Stands for genesis_ch.FlushResult."""

    delivered: int = 0
    pending: int = 0
    rejected: int = 0
    dropped: int = 0
    last_error: str | None = None

    def __bool__(self) -> bool:
        return not (self.pending or self.rejected or self.dropped)


class Client:
    """Answers the statements that the commands send."""

    database = "default"
    server_version = "26.9.1"

    def __init__(self, logger: Logger) -> None:
        self._logger = logger

    def query(self, sql: str, parameters: Any = None, settings: Any = None) -> Any:
        logger = self._logger
        if "system.tables" in sql:
            rows: list[tuple[object, ...]] = list(logger.engines.items())
        elif "genesis_schema_migrations" in sql:
            rows = [("0001_evolution", "2026-01-01 00:00:00.000", 0), ("0002_more", "2026-01-02 00:00:00.000", 1)]
        else:
            table = sql.split("FROM ")[1].split()[0]
            final = (settings or {}).get("final", 1)
            rows = [(logger.counts.get(table, 0) + (0 if final else logger.copies.get(table, 0)),)]
        return SimpleNamespace(result_rows=rows)


@dataclass
class Logger:
    """Stands for ch_logger."""

    error: ConnectError | None = None
    engines: dict[str, str] = field(default_factory=lambda: dict.fromkeys(doctor.TABLES, "ReplacingMergeTree"))
    counts: dict[str, int] = field(default_factory=dict)
    copies: dict[str, int] = field(default_factory=dict)
    results: list[FlushResult] = field(default_factory=lambda: [FlushResult()])
    rejected: int = 0
    has_client: bool = True
    configured: dict[str, Any] = field(default_factory=dict)

    @property
    def client(self) -> Client | None:
        return Client(self) if self.has_client else None

    @property
    def enabled(self) -> bool:
        return self.error is None

    def configure(self, **options: Any) -> None:
        self.configured.update(options)

    def connect(self, timeout: float = 30.0) -> None:
        if self.error:
            raise self.error

    def flush(self, timeout: float | None = None) -> FlushResult:
        return self.results.pop(0) if len(self.results) > 1 else self.results[0]

    def stats(self) -> dict[str, Any]:
        return {
            "mode": "http",
            "destination": "https://example.org:8443/default",
            "outbox_path": None,
            "rows_pending": self.results[0].pending,
            "rows_rejected": self.rejected,
            "rows_delivered": self.results[-1].delivered,
            "last_error": None,
        }


@pytest.fixture
def logger(monkeypatch: pytest.MonkeyPatch) -> Logger:
    standing = Logger()
    monkeypatch.setattr(genesis_ch, "ch_logger", standing, raising=False)
    monkeypatch.setattr(genesis_ch, "ConnectError", ConnectError, raising=False)
    monkeypatch.setattr(genesis_ch, "__version__", "1.2.3", raising=False)
    for name in ("CLICKHOUSE_URL", "GENESIS_CH_MODE", "GENESIS_CH_HOME"):
        monkeypatch.delenv(name, raising=False)
    return standing


def invoke(*words: str) -> Result:
    return CliRunner().invoke(_group, words)


def test_help_names_every_command(logger: Logger) -> None:
    result = invoke("--help")
    assert result.exit_code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in result.output
        assert invoke(name, "--help").exit_code == 0


def test_version(logger: Logger) -> None:
    assert invoke("--version").output == "genesis-ch 1.2.3\n"


def test_unknown_command_is_a_usage_error(logger: Logger) -> None:
    assert invoke("docter").exit_code == 2


def test_help_imports_neither_the_logger_nor_rich_nor_a_client() -> None:
    probe = (
        "import sys\nfrom genesis_ch.cli import _group\n_group(['doctor', '--help'], standalone_mode=False)\n"
        "print([m for m in ('genesis_ch._core', 'clickhouse_connect', 'chdb', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.endswith("[]\n"), done.stderr


def test_doctor_prints_the_documented_lines_whole(logger: Logger) -> None:
    logger.counts = {"llm_logs": 413, "agent_actions": 7}
    result = invoke("doctor")
    lines = result.output.splitlines()
    assert result.exit_code == 0
    assert lines[:3] == [
        "✅ ClickHouse connection successful!",
        "Connected to database: default",
        "📊 Tables: evolution_runs, generations, individuals, pareto_fronts, code_lineages, llm_logs, agent_actions",
    ]
    assert any("llm_logs" in line and "413" in line for line in lines)
    for name in ("genesis_ch", "Python", "ClickHouse server", "libcurl", "chdb-core", "destination", "rows pending"):
        assert any(line.split("  ")[1:2] == [name] or line.startswith(f"  {name} ") for line in lines), name
    assert "\x1b" not in result.output


@pytest.mark.parametrize("kind", ["disabled", "url", "dns", "refused", "timeout", "tls", "auth", "schema", "server"])
def test_doctor_names_cause_and_cure_of_a_failed_connection(logger: Logger, kind: str) -> None:
    logger.error = ConnectError(kind, f"the reason for {kind}.")
    result = invoke("doctor")
    assert result.exit_code == 1
    assert f"❌ ClickHouse connection failed: the reason for {kind}." in result.output
    assert f"   • {trouble.cures(kind)[0]}" in result.output
    assert "successful" not in result.output


def test_doctor_hints_at_the_cloud_port(logger: Logger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLICKHOUSE_URL", f"http://me:{PASSWORD}@abc.clickhouse.cloud:8123/default")
    logger.error = ConnectError("refused", "Connection refused.")
    output = invoke("doctor").output
    assert trouble.CLOUD_HINT in output
    assert PASSWORD not in output


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("http://u:p@host:8443/default", True),
        ("https://u:p@host:8123/default", True),
        ("https://u:p@host:8443/default", False),
        ("http://u:p@host/default", False),
        ("https://u:p@x.clickhouse.cloud/default", True),
        ("http://u:p@host:many/default", False),
    ],
)
def test_cloud_hint_needs_a_reason(url: str, hint: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLICKHOUSE_URL", url)
    assert (trouble.CLOUD_HINT in trouble.cures("refused")) == hint


def test_doctor_without_clickhouse_connect(logger: Logger) -> None:
    logger.has_client = False
    result = invoke("doctor")
    assert result.exit_code == 1
    assert "clickhouse-connect not installed" in result.output
    assert "python -m pip install clickhouse-connect" in result.output


def test_doctor_says_that_tables_are_missing(logger: Logger) -> None:
    del logger.engines["generations"]
    result = invoke("doctor")
    assert result.exit_code == 1
    assert "❌ Missing tables: generations" in result.output


def test_doctor_hints_when_there_is_no_data(logger: Logger) -> None:
    result = invoke("doctor")
    assert result.exit_code == 0
    assert trouble.NO_DATA in result.output
    logger.counts = {"individuals": 1}
    assert trouble.NO_DATA not in invoke("doctor").output


def test_doctor_explains_duplicates_and_slow_queries(logger: Logger) -> None:
    logger.counts = {"llm_logs": 20_000_000}
    logger.copies = {"llm_logs": 12}
    logger.engines["individuals"] = "MergeTree"
    output = invoke("doctor").output
    assert "not merged yet: llm_logs 12." in output
    assert "Duplicate data is possible: individuals keep" in output
    assert trouble.SLOW_CURES[0] in output


def test_doctor_fails_when_rows_were_refused(logger: Logger) -> None:
    logger.rejected = 3
    result = invoke("doctor")
    assert result.exit_code == 1
    assert "❌ 3 rows were refused" in result.output


def test_path_names_the_store(logger: Logger, tmp_path: Path) -> None:
    invoke("doctor", "--path", str(tmp_path / "x"))
    assert logger.configured == {"home": str(tmp_path / "x")}


def test_sync_delivers_until_nothing_is_left(logger: Logger) -> None:
    logger.results = [FlushResult(pending=5), FlushResult(pending=2), FlushResult(delivered=5)]
    result = invoke("sync")
    assert (result.exit_code, result.output) == (0, "✅ 5 rows delivered, 0 left in the outbox\n")


def test_sync_gives_up_at_its_timeout_and_says_why(logger: Logger) -> None:
    logger.results = [FlushResult(pending=5, last_error="the server is full")]
    result = invoke("sync", "--timeout", "0.05")
    assert result.exit_code == 1
    assert result.output == "❌ 0 rows delivered, 5 left in the outbox; last error: the server is full\n"


def test_sync_without_a_server(logger: Logger) -> None:
    logger.error = ConnectError("refused", "Connection refused.")
    result = invoke("sync")
    assert result.exit_code == 1
    assert result.output.startswith("❌ Nothing was delivered: Connection refused.\n   • ")


def test_migrate_tells_new_from_old(logger: Logger) -> None:
    result = invoke("migrate")
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "applied      2026-01-01 00:00:00.000  0001_evolution",
        "applied now  2026-01-02 00:00:00.000  0002_more",
        "✅ 1 applied, 1 were there already; database default is up to date",
    ]


def test_demo_without_a_server_fails_before_it_searches(logger: Logger) -> None:
    logger.error = ConnectError("disabled", "ClickHouse logging disabled: no URL.")
    result = invoke("demo")
    assert result.exit_code == 1
    assert "❌ The demo has nowhere to write: ClickHouse logging disabled: no URL." in result.output


def test_home_is_the_nearest_upward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logger: Logger) -> None:
    below = tmp_path / "a/b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert store.home(None) == below / ".genesis_ch"
    (tmp_path / ".genesis_ch").mkdir()
    assert store.home(None) == tmp_path / ".genesis_ch"
    monkeypatch.setenv("GENESIS_CH_HOME", "elsewhere")
    assert store.home(None) == below / "elsewhere"
    assert store.home(Path("named")) == below / "named"


def test_outbox_is_measured_on_disk(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/file").write_bytes(b"x" * 10_000)
    count, size = store.outbox_files(str(tmp_path))
    assert count == 1 and 10_000 <= size < 100_000
    assert store.outbox_files(None) == store.outbox_files(str(tmp_path / "none")) == (0, 0)


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (3 << 30, "3.0 GiB")])
def test_sizes_are_written_for_people(count: int, text: str) -> None:
    assert screen.size(count) == text


def test_an_encoding_without_the_characters_does_not_crash() -> None:
    probe = (
        "import sys\nfrom genesis_ch import cli\nfrom genesis_ch.cli import screen\n"
        "cli.tame(sys.stdout)\n"
        "screen.console().print(screen.table('T', ('a', 'b'), [('x', 1)]))\n"
        "screen.say('✅ µs')\n"
    )
    for encoding in ("latin-1", "ascii"):
        variables = {**os.environ, "PYTHONIOENCODING": encoding}
        done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, env=variables, capture_output=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, b""), encoding
        assert b"s" in done.stdout.splitlines()[-1]
        assert b"| x | 1 |" in done.stdout


def test_every_command_is_a_click_command() -> None:
    context = click.Context(_group)
    for name in COMMANDS:
        command = _group.get_command(context, name)
        assert command is not None and command.name == name
