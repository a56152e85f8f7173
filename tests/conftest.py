"""What every test may use: one real server for the session, scripts in a clean process, and a recorder with a database of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from evolution_fixtures import clean, messy
from faults.figures import figure, long_form, pytest_addoption
from genesis_ch import ClickHouseLogger, ch_logger
from server_fixtures import ROOT, LiveServer, server

SCRIPT_SECONDS = 60.0

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in its background so, and the programs of the tests would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

__all__ = ["clean", "figure", "long_form", "messy", "pytest_addoption", "server"]


@dataclass
class Script:
    """Runs Python programs in fresh processes: their own working directory and home, no setting of ours in the environment."""

    directory: Path
    environment: dict[str, str] = field(default_factory=dict)

    def start(self, program: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a program; the caller waits for it or ends it."""
        return subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            cwd=self.directory,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program to its end. It must succeed and write nothing to stderr."""
        process = self.start(program, *arguments, **environment)
        try:
            output, errors = process.communicate(timeout=SCRIPT_SECONDS)
        finally:
            process.kill()
            process.wait()
        assert (process.returncode, errors) == (0, ""), f"{process.returncode}: {errors}\n{output}"
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def clean_environment(directory: Path) -> dict[str, str]:
    """The environment of a user who has set nothing; an embedded server that is started ends soon after."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLICKHOUSE_", "GENESIS_CH_", "XDG_"))}
    path = [str(ROOT), *filter(None, [kept.get("PYTHONPATH")])]
    return {
        **kept,
        "HOME": str(directory),
        "XDG_STATE_HOME": str(directory / "state"),
        "PYTHONPATH": os.pathsep.join(path),
        "GENESIS_CH_SERVER_IDLE": "2",
    }


@pytest.fixture
def script(tmp_path: Path) -> Script:
    directory = tmp_path / "script"
    directory.mkdir()
    return Script(directory, clean_environment(directory))


@dataclass
class Recorder:
    """The process's ch_logger on a database of its own, and a client that reads it back."""

    logger: ClickHouseLogger
    reader: Client
    database: str
    url: str

    def rows(self, table: str, columns: str | Sequence[str] = "*", order: str = "", where: str = "1") -> list[dict[str, Any]]:
        """Deliver what was logged, all of it, and read a table."""
        result = self.logger.flush(60)
        assert result, (result, self.logger.stats())
        return self.read(table, columns, order, where)

    def read(self, table: str, columns: str | Sequence[str] = "*", order: str = "", where: str = "1") -> list[dict[str, Any]]:
        """Read a table as it is now, each row once."""
        names = columns if isinstance(columns, str) else ", ".join(columns)
        query = f"SELECT {names} FROM {self.database}.{table} FINAL WHERE {where} {'ORDER BY ' + order if order else ''}"
        result = self.reader.query(query)
        return [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]

    def count(self, name: str) -> int:
        """One counter of stats()."""
        return int(self.logger.stats()[name])


@pytest.fixture(scope="session")
def reader(server: LiveServer) -> Iterator[Client]:
    """A client on the session's server; it reads UTC times as they are and strings as they are."""
    client = clickhouse_connect.get_client(dsn=server.dsn, autogenerate_session_id=False)
    yield client
    client.close()


@pytest.fixture
def database(reader: Client) -> Iterator[str]:
    """The name of a database that this test alone uses; the recorder makes it."""
    name = f"db_{uuid.uuid4().hex}"
    yield name
    reader.command(f"DROP DATABASE IF EXISTS {name}")


@pytest.fixture
def recorder(server: LiveServer, reader: Client, database: str, tmp_path: Path) -> Iterator[Recorder]:
    url = f"http://default:{server.token}@127.0.0.1:{server.port}/{database}"
    options: dict[str, Any] = {"url": url, "mode": "http", "home": tmp_path / "recorder", "batch_interval": 0.02}
    ch_logger.configure(**options)
    yield Recorder(ch_logger, reader, database, url)
    ch_logger.close(60)
    ch_logger.configure(**dict.fromkeys(options))
