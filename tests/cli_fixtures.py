"""Runs the command line as users do: in a process of its own, in a fresh directory, with a clean environment."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest

from genesis_ch.server.loop import dsn
from genesis_ch.server.store import Store
from server_fixtures import wait_for

ROOT = Path(__file__).resolve().parents[1]
OURS = ("CLICKHOUSE_URL", "PYTHONPATH", "PYTHONIOENCODING", "NO_COLOR", "COLUMNS")
PRODUCER = """
import os, signal, sys
from genesis_ch import ch_logger
run, rows = sys.argv[1], int(sys.argv[2])
for n in range(rows):
    ch_logger.log_individual(run, f"i{n}", 0, "", "init", n, n, {"n": n}, False)
"""
KILL = "os.kill(os.getpid(), signal.SIGKILL)"
STAY = "print('ready', flush=True)\nsys.stdin.read()"
BLOCKER = """
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *rest: None if name in BLOCKED else find(name, *rest)
"""

Done = subprocess.CompletedProcess[str]


class World:
    """A directory and an environment. What is started in it is ended by `close`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        kept = {k: v for k, v in os.environ.items() if k not in OURS and not k.startswith("GENESIS_CH_")}
        self.environment = {
            **kept,
            "PYTHONPATH": str(ROOT),
            "XDG_STATE_HOME": str(path / "state"),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
            "GENESIS_CH_SERVER_IDLE": "60",
        }
        self._started: list[subprocess.Popen[str]] = []

    @property
    def home(self) -> Path:
        """The embedded store."""
        return self.path / ".genesis_ch"

    def python(self, *words: str, **variables: str) -> Done:
        """Run Python to its end."""
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.path,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def cli(self, *words: str, **variables: str) -> Done:
        """Run genesis-ch to its end."""
        return self.python("-m", "genesis_ch.cli", *words, **variables)

    def start(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        """Start Python with pipes."""
        process = subprocess.Popen(
            [sys.executable, *words],
            cwd=self.path,
            env={**self.environment, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def serve(self, *words: str) -> tuple[subprocess.Popen[str], str]:
        """Start `genesis-ch serve`; the process and its DSN."""
        process = self.start("-m", "genesis_ch.cli", "serve", *words)
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    def produce(self, run: str, rows: int, **variables: str) -> None:
        """Log rows in a process that kills itself when the last call has returned."""
        assert self.python("-c", PRODUCER + KILL, run, str(rows), **variables).returncode == -signal.SIGKILL

    def without(self, *modules: str) -> dict[str, str]:
        """Return variables for a Python in which these modules are not installed."""
        folder = self.path / "blocker"
        folder.mkdir(exist_ok=True)
        (folder / "sitecustomize.py").write_text(f"BLOCKED = {modules!r}\n{BLOCKER}")
        return {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}

    def query(self, sql: str, address: str = "") -> list[tuple[Any, ...]]:
        """Read from the embedded store of this world, or from another address."""
        if not address:
            endpoint = Store(self.home).read_endpoint()
            assert endpoint is not None
            address = dsn(endpoint)
        with clickhouse_connect.get_client(dsn=address, settings={"final": 1}) as client:
            return [tuple(row) for row in client.query(sql).result_rows]

    def close(self) -> None:
        """End every process of this world and wait for it."""
        for process in self._started:
            if process.poll() is None:
                process.terminate()
            process.communicate(timeout=20)
        endpoint = self.home / "endpoint.json"
        with contextlib.suppress(OSError, ValueError, KeyError):
            os.kill(int(json.loads(endpoint.read_text())["pid"]), signal.SIGTERM)
        wait_for(lambda: not endpoint.exists())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world for one test."""
    made = World(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world for the tests of one module that only read."""
    made = World(tmp_path_factory.mktemp("world"))
    yield made
    made.close()
