"""`genesis-ch doctor` against real causes: servers, addresses, passwords and missing packages as users meet them."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator

import pytest

from cli_fixtures import PRODUCER, STAY, Done, World
from cli_fixtures import shared_world as shared_world
from cli_fixtures import world as world
from genesis_ch.cli import trouble
from genesis_ch.cli.doctor import TABLES
from server_fixtures import LiveServer
from server_fixtures import server as server

SECRET = "hunter2secret"
DOCUMENTED = [
    "✅ ClickHouse connection successful!",
    "Connected to database: default",
    "📊 Tables: evolution_runs, generations, individuals, pareto_fronts, code_lineages, llm_logs, agent_actions",
]


def closed_port() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def refused(done: Done) -> list[str]:
    """The lines of a doctor that found no connection, after what holds for all of them."""
    assert done.returncode == 1, done.stdout
    assert done.stderr == ""
    assert SECRET not in done.stdout
    assert "successful" not in done.stdout
    lines = done.stdout.splitlines()
    assert lines[0].startswith("❌ ClickHouse ")
    assert sum(lines[0].split(": ", 1)[1] in line for line in lines) == 1, "the reason stands there once"
    return lines


def test_a_healthy_store(shared_world: World) -> None:
    done = shared_world.cli("doctor")
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[:3] == DOCUMENTED
    for name in (*TABLES, "genesis_ch", "Python", "ClickHouse server", "libcurl", "chdb-core", "clickhouse-connect"):
        assert any(line.startswith(f"  {name} ") for line in lines), name
    assert f"destination        {shared_world.home} (embedded)" in done.stdout
    assert "\x1b" not in done.stdout
    token = (shared_world.home / "token").read_text().strip()
    assert token and token not in done.stdout


def test_no_data_in_tables(shared_world: World) -> None:
    done = shared_world.cli("doctor")
    assert f"💡 {trouble.NO_DATA}" in done.stdout.splitlines()


def test_rows_are_counted(world: World) -> None:
    world.produce("r", 7)
    done = world.cli("doctor")
    assert done.returncode == 0
    assert "  individuals        7\n" in done.stdout
    assert trouble.NO_DATA not in done.stdout
    assert "💡 7 rows that ended processes had left were taken up just now." in done.stdout


def test_a_server_by_url(shared_world: World, server: LiveServer) -> None:
    done = shared_world.cli("doctor", CLICKHOUSE_URL=server.dsn.removesuffix("default") + "doctor_db")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[:2] == [DOCUMENTED[0], "Connected to database: doctor_db"]
    assert server.token not in done.stdout


def test_wrong_password(shared_world: World, server: LiveServer) -> None:
    url = f"http://default:{SECRET}@127.0.0.1:{server.port}/default"
    lines = refused(shared_world.cli("doctor", CLICKHOUSE_URL=url))
    assert "Authentication failed" in lines[0] and "check user and password in CLICKHOUSE_URL" in lines[0]
    assert lines[1] == f"   • {trouble.PERCENT}"


def test_refused_port(shared_world: World) -> None:
    lines = refused(shared_world.cli("doctor", CLICKHOUSE_URL=f"http://default:{SECRET}@127.0.0.1:{closed_port()}/d"))
    assert "Couldn't connect to server; check host and port in CLICKHOUSE_URL and that the server runs" in lines[0]
    assert lines[1] == f"   • {trouble.FIREWALL}"


def test_unknown_host(shared_world: World) -> None:
    lines = refused(shared_world.cli("doctor", CLICKHOUSE_URL=f"https://default:{SECRET}@nowhere.invalid:8443/d"))
    assert "Couldn't resolve host name" in lines[0]
    assert "typing error" in lines[1]


def test_https_against_a_port_without_tls(shared_world: World, server: LiveServer) -> None:
    url = f"https://default:{SECRET}@127.0.0.1:{server.port}/default"
    done = shared_world.cli("doctor", "--timeout", "5", CLICKHOUSE_URL=url, GENESIS_CH_CONNECT_TIMEOUT="1")
    assert f"   • {trouble.TLS_PORTS}" in refused(done)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (f"htp://default:{SECRET}@host/default", 'the ClickHouse URL starts with "htp://"'),
        (f"http://default:{SECRET}@host:81x3/default", "the port is not a number from 1 to 65535"),
    ],
)
def test_a_typo_in_the_url(shared_world: World, url: str, reason: str) -> None:
    lines = refused(shared_world.cli("doctor", CLICKHOUSE_URL=url))
    assert lines[0].startswith("❌ ClickHouse logging disabled: ") and reason in lines[0]
    assert trouble.URL_FORM in lines[1]


def test_disabled_by_mode(shared_world: World) -> None:
    lines = refused(shared_world.cli("doctor", GENESIS_CH_MODE="disabled"))
    assert lines[:2] == [
        "❌ ClickHouse logging disabled: GENESIS_CH_MODE is disabled",
        "   • unset GENESIS_CH_MODE, which says disabled",
    ]


def test_nothing_installed_and_no_url(shared_world: World) -> None:
    lines = refused(shared_world.cli("doctor", **shared_world.without("chdb", "waitress")))
    assert lines[0].startswith("❌ ClickHouse logging disabled: CLICKHOUSE_URL is not set")
    assert any("pip install 'genesis_ch[embedded]'" in line for line in lines[1:3])
    assert any("export CLICKHOUSE_URL=" in line for line in lines[1:3])


def test_clickhouse_connect_missing(shared_world: World) -> None:
    done = shared_world.cli("doctor", **shared_world.without("clickhouse_connect"))
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert lines[0] == DOCUMENTED[0]
    assert lines[1].startswith("❌ clickhouse-connect not installed")
    assert lines[2] == "   • run: python -m pip install clickhouse-connect"


class Stranger(http.server.BaseHTTPRequestHandler):
    """Answers everything with 200 and a page, as a captive portal does."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "7")
        self.end_headers()
        self.wfile.write(b"<html/>")

    do_GET = do_POST

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def stranger() -> Iterator[int]:
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made.server_address[1]
    made.shutdown()
    made.server_close()


def test_a_server_that_is_not_clickhouse(shared_world: World, stranger: int) -> None:
    lines = refused(shared_world.cli("doctor", CLICKHOUSE_URL=f"http://default:{SECRET}@127.0.0.1:{stranger}/default"))
    assert "is not ClickHouse" in lines[0]
    assert "8123" in lines[1] and "9000" in lines[1]


def test_rows_of_ended_processes_wait_while_the_server_is_away(world: World) -> None:
    url = f"http://default:{SECRET}@127.0.0.1:{closed_port()}/default"
    world.produce("r", 5, CLICKHOUSE_URL=url)
    alive = world.start("-c", PRODUCER + STAY, "r", "3", CLICKHOUSE_URL=url)
    assert alive.stdout is not None and alive.stdout.readline() == "ready\n"
    lines = refused(world.cli("doctor", CLICKHOUSE_URL=url))
    alive.kill()
    assert "  rows waiting       8" in lines
    at = lines.index("❌ 5 rows that ended processes left wait in the outbox.")
    assert lines[at + 1] == "   • once the server answers, run: genesis-ch sync"


def test_refused_rows_are_shown_with_the_reason(world: World) -> None:
    assert world.cli("migrate").returncode == 0
    world.query("ALTER TABLE individuals ADD CONSTRAINT small CHECK fitness_score < 6")
    world.produce("r", 7)
    done = world.cli("doctor")
    assert done.returncode == 1, done.stdout
    lines = done.stdout.splitlines()
    at = lines.index("❌ 1 rows were refused by the server.")
    assert "VIOLATED_CONSTRAINT" in "".join(lines[at + 1 :])
    assert str(world.home / "outbox" / "quarantine") in lines[at + 2]
    assert "  individuals        6" in lines
    assert world.cli("doctor").returncode == 1, "it is still there"
    for file in (world.home / "outbox" / "quarantine").iterdir():
        file.unlink()
    assert world.cli("doctor").returncode == 0


def test_duplicates_are_explained(world: World) -> None:
    assert world.cli("migrate").returncode == 0
    world.query("CREATE TABLE plain AS individuals ENGINE = MergeTree ORDER BY run_id")
    world.query("DROP TABLE individuals")
    world.query("RENAME TABLE plain TO individuals")
    world.query("SYSTEM STOP MERGES generations")
    for _ in range(2):
        world.query("INSERT INTO generations (run_id, generation) VALUES ('r', 0)")
    done = world.cli("doctor")
    assert done.returncode == 0, done.stdout
    assert "  generations        1\n" in done.stdout
    assert "Duplicate data is possible in individuals: " in done.stdout
    assert "not merged yet: generations 1." in done.stdout


def test_a_missing_table(world: World) -> None:
    assert world.cli("migrate").returncode == 0
    world.query("DROP TABLE generations")
    done = world.cli("doctor")
    assert done.returncode == 1
    assert "❌ Missing tables: generations" in done.stdout


def test_path_names_the_store(shared_world: World) -> None:
    done = shared_world.cli("doctor", "--path", str(shared_world.home.relative_to(shared_world.path)))
    assert done.returncode == 0
    assert f"{shared_world.home / 'outbox'}" in done.stdout
