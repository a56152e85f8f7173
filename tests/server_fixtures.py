"""A running embedded server for tests: started as its users start it, ended by its process id."""

from __future__ import annotations

import atexit
import base64
import http.client
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

START_SECONDS = 20.0
STOP_SECONDS = 20.0
SERVER_VARIABLE = "GENESIS_CH_TEST_SERVER"
"""The command of another server to test against, which takes the options of `python -m genesis_ch.server`."""
ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Reply:
    """Status, headers by lower-case name, body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def code(self) -> int:
        """ClickHouse's error number, 0 for none."""
        return int(self.headers.get("x-clickhouse-exception-code", "0"))


@dataclass
class LiveServer:
    """A server process in the foreground on `directory`."""

    directory: Path
    process: subprocess.Popen[str]
    dsn: str
    endpoint: dict[str, Any]
    extra: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        return urlsplit(self.endpoint["url"]).port or 0

    @property
    def token(self) -> str:
        return str(self.endpoint["token"])

    def auth(self, password: str | None = None) -> dict[str, str]:
        word = f"default:{self.token if password is None else password}".encode()
        return {"Authorization": "Basic " + base64.b64encode(word).decode()}

    def ask(
        self,
        query: str = "",
        body: bytes | Iterator[bytes] = b"",
        *,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        auth: bool = True,
        path: str = "/",
        **params: str,
    ) -> Reply:
        """One request on a connection of its own; `query` goes into the URL."""
        fields = {**({"query": query} if query else {}), **params}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            target = path + ("?" + urlencode(fields) if fields else "")
            sent = {**(self.auth() if auth else {}), **(headers or {})}
            connection.request(method, target, body=body, headers=sent, encode_chunked=not isinstance(body, bytes))
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def rows(self, query: str, **params: Any) -> str:
        """The TabSeparated result of a query that must succeed."""
        reply = self.ask("", query.encode(), **params)
        assert reply.status == 200, reply.text
        return reply.text

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(STOP_SECONDS)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


def server_environment() -> dict[str, str]:
    """The environment of a server process: this checkout's package."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}


def server_command(directory: Path, *extra: str) -> list[str]:
    command = shlex.split(os.environ.get(SERVER_VARIABLE, "")) or [sys.executable, "-m", "genesis_ch.server"]
    return [*command, "--path", str(directory), *extra]


def start_server(directory: Path, *extra: str) -> LiveServer:
    """Start a server in the foreground and wait for the DSN that it prints."""
    process = subprocess.Popen(
        server_command(directory, *extra), stdout=subprocess.PIPE, text=True, env=server_environment()
    )
    end_at_exit(process)
    assert process.stdout is not None
    dsn = process.stdout.readline().strip()
    assert dsn, f"the server did not start: {process.wait(STOP_SECONDS)}"
    endpoint = json.loads((directory / "endpoint.json").read_text())
    return LiveServer(directory, process, dsn, endpoint, list(extra))


def end_at_exit(process: subprocess.Popen[str]) -> None:
    """End a process with the test run, should its test fail before."""
    atexit.register(lambda: process.kill() if process.poll() is None else None)


def wait_for(condition: Any, seconds: float = START_SECONDS) -> None:
    """Wait until `condition()` is true; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One server for all tests that do not stop it. Tests make tables of their own names."""
    live = start_server(tmp_path_factory.mktemp("server") / ".genesis_ch", "--idle", "0")
    yield live
    assert live.stop() == 0
