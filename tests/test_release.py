"""Which ClickHouse a server is: known to stats(), named by one line and by the doctor when it is none that is tested."""

from __future__ import annotations

import http.client
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli_fixtures import World, shared_world
from conftest import Recorder
from faults.proxy import Fault, Proxy, Reply, Request
from genesis_ch import ch_logger
from server_fixtures import LiveServer

__all__ = ["shared_world"]

OLD = "ClickHouse 23.8.1.2 is older than 24.8, the oldest that is tested"


@contextmanager
def a_server_that_says(version: str, server: LiveServer) -> Iterator[Proxy]:
    """The real server, but for what it says of its version."""

    def plan(request: Request) -> Fault:
        if not request.body.startswith(b"SELECT version(), *"):
            return None
        upstream = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        upstream.request("POST", request.target, request.body, request.headers)
        answer = upstream.getresponse()
        body = answer.read().replace(server.endpoint["version"].encode(), version.encode())
        upstream.close()
        kept = {name: value for name, value in answer.getheaders() if name.lower().startswith("x-clickhouse")}
        return Reply(answer.status, kept, body)

    with Proxy(server.port, plan) as proxy:
        yield proxy


def log_through(proxy: Proxy, recorder: Recorder, home: Path, caplog: pytest.LogCaptureFixture) -> list[str]:
    """Deliver two batches and return the lines of logging."""
    ch_logger.configure(url=recorder.url.replace(f":{proxy.upstream}/", f":{proxy.port}/"), home=home)
    with caplog.at_level(logging.INFO, logger="genesis_ch"):
        for name in "ab":
            ch_logger.log_action(name, {})
            assert ch_logger.flush(60)
        ch_logger.connect()
        ch_logger.log_action("c", {})
        assert ch_logger.flush(60)
    return [record.getMessage() for record in caplog.records if record.name == "genesis_ch"]


def test_the_version_is_what_the_server_says(recorder: Recorder) -> None:
    assert ch_logger.stats()["server_version"] is None
    ch_logger.connect()
    assert ch_logger.stats()["server_version"] == recorder.reader.command("SELECT version()")


def test_an_older_release_is_named_once_and_gets_its_rows(
    recorder: Recorder, server: LiveServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with a_server_that_says("23.8.1.2", server) as proxy:
        lines = log_through(proxy, recorder, tmp_path / "old", caplog)
        assert [line for line in lines if line.startswith(OLD)] == lines
        assert len(lines) == 1
        assert ch_logger.stats()["server_version"] == "23.8.1.2"
        assert len(recorder.rows("agent_actions")) == 3


def test_what_is_no_release_is_named_as_it_is(
    recorder: Recorder, server: LiveServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with a_server_that_says("OurFork-beta 7", server) as proxy:
        (line,) = log_through(proxy, recorder, tmp_path / "fork", caplog)
        assert 'its version is "OurFork-beta 7", which is no release of ClickHouse' in line
        assert len(recorder.rows("agent_actions")) == 3


def test_the_doctor_names_an_older_release(shared_world: World, server: LiveServer) -> None:
    with a_server_that_says("23.8.1.2", server) as proxy:
        url = f"http://default:{server.token}@127.0.0.1:{proxy.port}/release_db"
        done = shared_world.cli("doctor", CLICKHOUSE_URL=url)
        assert done.returncode == 0, done.stdout
        assert f"💡 {OLD}" in done.stdout
