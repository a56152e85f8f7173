"""Password and rows go to a server that proves who it is, and nowhere else: bad TLS, redirects, proxies, .netrc."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from faults import certificates, doors
from faults.doors import Door, Greeting
from faults.figures import Figure
from faults.harness import Engine, Program, database, engine, start

__all__ = ["database", "engine"]

ROWS = 5
OLD_TLS = ssl.TLSVersion.TLSv1_1

PROGRAM = """
import json, sys
for line in sys.stdin:
    case = json.loads(line)
    if case["do"] == "end":
        break
    if case["do"] == "begin":
        lines.clear()
        ch_logger.configure(**case["options"])
        run, first = case["run"], 0
    issue_many(run, first, first + case["rows"])
    first += case["rows"]
    result = ch_logger.flush(case["seconds"])
    stats = ch_logger.stats()
    told = list(lines)
    say(pending=result.pending, delivered=result.delivered, lost=result.dropped + result.rejected, error=result.last_error, told=told, stats=stats)
    lines.clear()
"""


@dataclass(frozen=True)
class Authorities:
    """Two roots; the program trusts the first."""

    ours: certificates.Issued
    foreign: certificates.Issued
    folder: Path

    @property
    def trusted(self) -> str:
        return str(certificates.trusted_file(self.ours))

    def leaf(self, name: str, **options: Any) -> Path:
        """The file of a certificate that ours signed."""
        return certificates.issue(self.folder / name, options.pop("issuer", self.ours), **options).file

    def good(self) -> Greeting:
        return doors.tls(self.leaf("good"))


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Authorities:
    folder = tmp_path_factory.mktemp("authorities")
    ours = certificates.authority(folder / "ours", "our authority")
    return Authorities(ours, certificates.authority(folder / "foreign", "another authority"), folder)


@pytest.fixture(scope="module")
def refused() -> dict[str, int]:
    """The cases that held, and how often each was run."""
    return {}


class Runner:
    """One program that takes case after case, each with an outbox of its own."""

    def __init__(self, program: Program, folder: Path) -> None:
        self.program = program
        self.folder = folder
        self.cases = 0

    def begin(self, url: str, run: str, *, seconds: float = 0.6, **options: Any) -> dict[str, Any]:
        """Record rows for url and try to deliver them."""
        self.cases += 1
        given = {
            "url": url,
            "mode": "http",
            "home": str(self.folder / f"outbox-{self.cases}"),
            "close_timeout": 0,
            "connect_timeout": 1,
            "ca_file": "",
            **options,
        }
        return self._ask(do="begin", options=given, run=run, rows=ROWS, seconds=seconds)

    def go_on(self, rows: int = 0, seconds: float = 20) -> dict[str, Any]:
        """Record some more and wait until all is delivered, or for so long."""
        return self._ask(do="more", rows=rows, seconds=seconds)

    def _ask(self, **case: Any) -> dict[str, Any]:
        self.program.tell(json.dumps(case))
        return self.program.listen()


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    folder = tmp_path_factory.mktemp("runner")
    (folder / ".netrc").write_text("machine localhost login netrcuser password netrcsecret\n" * 2)
    (folder / ".netrc").chmod(0o600)
    program = start(PROGRAM, folder, HOME=str(folder))
    yield Runner(program, folder)
    program.tell('{"do": "end"}')
    program.finish().quiet()


def https(engine: Engine, door: Door, database: str) -> str:
    return engine.url(database, door.port).replace("http://", "https://").replace("127.0.0.1", "localhost")


Bad = Callable[[Authorities], Greeting]
CERTIFICATES: dict[str, tuple[Bad, str]] = {
    "expired": (lambda a: doors.tls(a.leaf("old", days=(-30, -1))), "expired"),
    "not yet valid": (lambda a: doors.tls(a.leaf("new", days=(1, 30))), "not yet valid"),
    "for another host": (lambda a: doors.tls(a.leaf("other", names=["db.example"])), "does not match|no alternative"),
    "for another address": (lambda a: doors.tls(a.leaf("address", names=["127.0.0.2"])), "does not match|no alternative|unable to obtain"),
    "without a name": (lambda a: doors.tls(a.leaf("nameless", subject="", names=[])), "unable to obtain|does not match|name"),
    "self-signed": (lambda a: doors.tls(certificates.issue(a.folder / "self", None).file), "self.signed"),
    "unknown authority": (lambda a: doors.tls(a.leaf("foreign-leaf", issuer=a.foreign)), "local issuer|self.signed certificate in"),
    "issued by what is no authority": (
        lambda a: doors.tls(a.leaf("grandchild", issuer=certificates.issue(a.folder / "child", a.ours, subject="a child"))),
        "invalid CA|local issuer|get issuer",
    ),
    "for clients only": (lambda a: doors.tls(a.leaf("client", for_clients=True)), "purpose"),
}
HANDSHAKES: dict[str, tuple[Bad, str]] = {
    "TLS 1.1 at most": (lambda a: doors.tls(a.leaf("tls11"), newest=OLD_TLS, ciphers="ALL:@SECLEVEL=0"), "protocol|version|alert|SSL"),
    "anonymous ciphers only": (
        lambda a: doors.tls(a.leaf("anonymous"), newest=ssl.TLSVersion.TLSv1_2, ciphers="aNULL:@SECLEVEL=0"),
        "handshake|cipher|alert|SSL",
    ),
    "plain HTTP on the port": (lambda _: doors.plain_http, "wrong version|packet length|SSL|TLS"),
    "silence in the handshake": (lambda _: doors.hang, "imeout|timed out"),
    "reset in the handshake": (lambda _: doors.reset, "reset|SSL|closed"),
}
CASES = {**CERTIFICATES, **HANDSHAKES}


def check_refused(said: dict[str, Any], door: Door, token: str, words: str) -> None:
    """Nothing reached the other side, the rows wait, and one line says why and what helps."""
    seen = door.take_seen()
    assert door.connections > 0, "nobody came"
    assert b"POST" not in seen and b"X-ClickHouse" not in seen and token.encode() not in seen, seen[:200]
    assert said["pending"] == ROWS and said["delivered"] == said["lost"] == 0, said
    assert len(said["told"]) == 1, said["told"]
    line = said["told"][0]
    assert re.search(words, line) and re.search("certificate|firewall|GENESIS_CH_CA_FILE", line), line
    assert token not in line and token not in str(said["stats"]), line


@pytest.mark.parametrize("case", CASES)
def test_bad_tls(
    case: str,
    engine: Engine,
    authorities: Authorities,
    runner: Runner,
    database: str,
    refused: dict[str, int],
    long_form: bool,
) -> None:
    """Neither password nor rows are sent; when the server becomes good, the rows are delivered."""
    bad, words = CASES[case]
    token = engine.endpoint()["token"]
    rounds = 3 if long_form else 1
    for round_number in range(rounds):
        run = f"r{round_number}"
        with Door(bad(authorities), engine.port()) as door:
            url = https(engine, door, database)
            seconds = 1.6 if "silence" in case else 0.4
            check_refused(runner.begin(url, run, seconds=seconds, ca_file=authorities.trusted), door, token, words)
            door.drop()
            door.greeting = authorities.good()
            said = runner.go_on()
            assert (said["pending"], said["delivered"]) == (0, ROWS), said
            assert b"POST" in door.take_seen()
        assert engine.stored(run, database) == set(range(ROWS))
    refused[case] = rounds


def test_table_of_bad_tls(refused: dict[str, int], figure: Figure) -> None:
    """At least ten kinds, when all of them were run."""
    if not refused:
        pytest.skip("none was run")
    assert len(CASES) >= 10 and set(refused) <= set(CASES)
    figure(
        15,
        f"{len(refused)} kinds of bad TLS by a local authority, {sum(refused.values())} runs: {', '.join(refused)}",
        "no request line, password or row reached the other side, rows waited, one log line each; delivered once it was good",
    )


def test_certificate_that_changes(engine: Engine, authorities: Authorities, runner: Runner, database: str) -> None:
    """Good, then expired behind a new connection, then good again."""
    token = engine.endpoint()["token"]
    with Door(authorities.good(), engine.port()) as door:
        said = runner.begin(https(engine, door, database), "r", seconds=20, ca_file=authorities.trusted)
        assert said["delivered"] == ROWS, said
        door.greeting = CASES["expired"][0](authorities)
        door.drop()
        assert b"POST" in door.take_seen()
        said = runner.go_on(ROWS, 0.5)
        seen = door.take_seen()
        assert said["pending"] == ROWS and token.encode() not in seen and b"POST" not in seen, said
        assert "expired" in said["error"], said
        door.drop()
        door.greeting = authorities.good()
        assert runner.go_on()["delivered"] == 2 * ROWS
    assert engine.stored("r", database) == set(range(2 * ROWS))


def test_the_system_does_not_trust_our_authority(
    engine: Engine, authorities: Authorities, runner: Runner, database: str
) -> None:
    """Without ca_file the good certificate is one of an unknown authority; a ca_file that is missing is named."""
    token = engine.endpoint()["token"]
    with Door(authorities.good(), engine.port()) as door:
        url = https(engine, door, database)
        check_refused(runner.begin(url, "r"), door, token, "local issuer|self.signed certificate in")
        said = runner.begin(url, "r", ca_file="/nowhere/ca.pem")
        assert said["pending"] == ROWS and "/nowhere/ca.pem" in said["told"][0], said
        assert token.encode() not in door.take_seen()


def test_certificate_of_its_own(engine: Engine, authorities: Authorities, runner: Runner, database: str) -> None:
    """A server that signed its own certificate is trusted when ca_file names that certificate, and it alone."""
    own = certificates.issue(authorities.folder / "own", None)
    with Door(doors.tls(own.file), engine.port()) as door:
        said = runner.begin(https(engine, door, database), "r", seconds=20, ca_file=str(own.file))
        assert (said["delivered"], said["told"]) == (ROWS, []), said
        door.greeting = authorities.good()
        door.drop()
        said = runner.go_on(ROWS, 0.4)
        assert said["pending"] == ROWS and "certificate" in said["error"], said


REDIRECTS = (301, 302, 303, 307, 308)


@pytest.mark.parametrize("way", ["https to http", "http to another port"])
def test_redirect(
    way: str,
    engine: Engine,
    authorities: Authorities,
    runner: Runner,
    database: str,
    figure: Figure,
    long_form: bool,
) -> None:
    """The target hears nothing, whatever the status; the rows are delivered when the redirection is gone."""
    first = authorities.good() if way.startswith("https") else doors.plain
    statuses = REDIRECTS if long_form else (302, 307)
    for status in statuses:
        with Door(doors.plain, engine.port()) as target, Door(first, engine.port()) as door:
            where = f"http://localhost:{target.port}/"
            door.answer = f"HTTP/1.1 {status} Moved\r\nLocation: {where}\r\nContent-Length: 0\r\n\r\n".encode()
            url = https(engine, door, database) if way.startswith("https") else engine.url(database, door.port)
            said = runner.begin(url, f"r{status}", seconds=0.3, ca_file=authorities.trusted)
            assert said["pending"] == ROWS and len(said["told"]) == 1, said
            assert f"HTTP {status}" in said["told"][0] and "CLICKHOUSE_URL" in said["told"][0], said
            assert b"POST" in door.take_seen(), "the redirection did not happen"
            door.answer = b""
            assert runner.go_on()["delivered"] == ROWS
            assert (target.connections, target.take_seen()) == (0, b"")
        assert engine.stored(f"r{status}", database) == set(range(ROWS))
    figure(
        15,
        f"redirects {way}, with {', '.join(map(str, statuses))}",
        "the target got no connection; rows waited and were delivered when the redirect was gone",
    )


def test_offers_of_another_protocol(engine: Engine, runner: Runner, database: str) -> None:
    """Alt-Svc, Upgrade and a 101 that nobody asked for do not move password and rows."""
    offers = [
        b'HTTP/1.1 200 OK\r\nAlt-Svc: h2="localhost:PORT"; ma=3600, http/1.1="localhost:PORT"\r\nContent-Length: 0\r\n\r\n',
        b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: TLS/1.0, h2c\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    ]
    for number, offer in enumerate(offers):
        with Door(doors.plain, engine.port()) as target, Door(doors.plain, engine.port()) as door:
            door.answer = offer.replace(b"PORT", str(target.port).encode())
            said = runner.begin(engine.url(database, door.port), f"r{number}", seconds=0.4)
            assert said["pending"] == ROWS and b"POST" in door.take_seen(), said
            door.answer = b""
            assert runner.go_on()["delivered"] == ROWS
            assert target.connections == 0


def test_proxies_and_netrc(engine: Engine, authorities: Authorities, tmp_path: Path, database: str) -> None:
    """A proxy of the environment gets nothing that is meant for this machine, and .netrc is not read."""
    (tmp_path / ".netrc").write_text("machine localhost login netrcuser password netrcsecret\n")
    (tmp_path / ".netrc").chmod(0o600)
    with Door(doors.plain, engine.port()) as proxy, Door(authorities.good(), engine.port()) as door:
        there = f"http://127.0.0.1:{proxy.port}"
        program = start(
            """
            import json
            issue_many("r", 0, 5)
            result = ch_logger.flush(20)
            client = ch_logger.client
            count = client.query("SELECT count() FROM individuals WHERE run_id = {r:String}", parameters={"r": "r"}).result_rows
            say(delivered=result.delivered, count=count[0][0], lines=lines)
            """,
            tmp_path,
            HOME=str(tmp_path),
            CLICKHOUSE_URL=https(engine, door, database),
            GENESIS_CH_HOME=str(tmp_path / "home"),
            GENESIS_CH_CA_FILE=authorities.trusted,
            http_proxy=there,
            https_proxy=there,
            HTTPS_PROXY=there,
            ALL_PROXY=there,
        )
        outcome = program.finish()
        assert outcome.said == [{"delivered": 5, "count": 5, "lines": []}], outcome
        seen = door.take_seen()
        assert b"POST" in seen and b"netrc" not in seen and proxy.connections == 0


def test_client_follows_no_redirect(engine: Engine, tmp_path: Path, database: str) -> None:
    """ch_logger.client neither, which is another HTTP library."""
    with Door(doors.plain, engine.port()) as target, Door(doors.plain, engine.port()) as door:
        program = start(
            """
            issue_many("r", 0, 5)
            ch_logger.flush(20)
            client = ch_logger.client
            say(ready=True)
            sys.stdin.readline()
            try:
                client.query("SELECT 'canary'")
                failed = ""
            except Exception as error:
                failed = type(error).__name__
            say(failed=failed)
            """,
            tmp_path,
            CLICKHOUSE_URL=engine.url(database, door.port),
            GENESIS_CH_HOME=str(tmp_path / "home"),
        )
        assert program.listen()["ready"]
        door.answer = f"HTTP/1.1 307 Moved\r\nLocation: http://localhost:{target.port}/\r\nContent-Length: 0\r\n\r\n".encode()
        door.drop()
        program.tell()
        assert program.listen()["failed"] != ""
        assert b"canary" in door.take_seen(), "the redirection did not happen"
        assert (target.connections, target.take_seen()) == (0, b"")
        program.finish()
