"""Who gets at the embedded server and how far: files and addresses out of reach, passwords and origins, caps, slow clients."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from faults.figures import Figure
from genesis_ch.server import wire
from genesis_ch.server.body import zstd_module
from genesis_ch.server.loop import MAX_CONNECTIONS
from genesis_ch.server.store import Endpoint, Store
from server_fixtures import LiveServer, server_environment, start_server, wait_for

CANARY = "canary-of-another-user"
SMALL = {"GENESIS_CH_SERVER_MAX_BODY_MIB": "8", "GENESIS_CH_SERVER_MAX_RESULT_MIB": "16"}
MIB = 1024 * 1024
BOMB_MIB = 256


@dataclass
class World:
    """A file outside of the server's directory, a place where nothing may be written, and a server that counts visits."""

    canary: Path
    outside: Path
    port: int
    visits: list[str] = field(default_factory=list)

    def fill(self, query: str) -> str:
        """The query with this world's names."""
        names = {"@F": str(self.canary), "@D": str(self.outside), "@P": str(self.port)}
        for name, value in names.items():
            query = query.replace(name, value)
        return query


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    canary, outside = tmp_path / "theirs" / "canary.txt", tmp_path / "outside"
    canary.parent.mkdir()
    canary.write_text(CANARY + "\n")
    outside.mkdir()
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    made = World(canary, outside, listener.getsockname()[1])

    def answer() -> None:
        while True:
            try:
                visitor, _ = listener.accept()
            except OSError:
                return
            with visitor, contextlib.suppress(OSError):
                visitor.settimeout(0.5)
                made.visits.append(visitor.recv(4096).decode("latin-1"))
                reply = CANARY.encode() + b"\n"
                visitor.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(reply) + reply)

    threading.Thread(target=answer, daemon=True).start()
    yield made
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server as it is without options, but for small caps."""
    live = start(tmp_path_factory.mktemp("closed") / ".genesis_ch", **SMALL)
    live.rows("CREATE TABLE t (a String) ENGINE = MergeTree ORDER BY a")
    yield live
    assert live.stop() == 0


def start(directory: Path, *extra: str, **environment: str) -> LiveServer:
    """A server in the foreground, with more in its environment."""
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        return start_server(directory, "--idle", "0", *extra)
    finally:
        os.environ.clear()
        os.environ.update(before)


# Reads of a file: each must fail, and its answer must not hold the file's text.
FILE_READS = r"""
SELECT * FROM file('@F', 'LineAsString')
SELECT * FROM file('@F')
select*from/*x*/FILE/**/('@F','LineAsString')
SELECT file('@F')
SELECT file/**/('@F')
SELECT `file`('@F')
SELECT "fi\x6ce"('@F')
SELECT arrayMap(file, ['@F'])
SELECT * APPLY(file) FROM (SELECT '@F')
SELECT * APPLY file FROM (SELECT '@F')
SELECT * FROM format(Values, 'a String', '(file(\'@F\'))')
SELECT * FROM format(Values, 'a String', concat('(fi', 'le(\'@F\'))'))
INSERT INTO t VALUES (file('@F'))
INSERT INTO t VALUES (`fi\x6ce`('@F'))
INSERT INTO t SELECT file('@F')
INSERT INTO t SELECT * FROM file('@F', 'LineAsString')
INSERT INTO t FROM INFILE '@F' FORMAT LineAsString
INSERT INTO t FROM/* */INFILE '@F' FORMAT LineAsString
INSERT INTO t FROM -- x@NINFILE '@F' FORMAT LineAsString
INSERT INTO t SETTINGS max_threads = 1 FROM INFILE '@F' FORMAT LineAsString
SELECT * FROM `@F`
SELECT * FROM "@F"
SELECT path, content FROM filesystem('@D/../theirs')
SELECT * FROM sqlite('@F', 't')
SELECT * FROM icebergLocal('@D')
SELECT * FROM deltaLakeLocal('@D')
SELECT * FROM executable('cat @F', 'TSV', 'a String')
SELECT * FROM python(canary)
WITH x AS (SELECT * FROM file('@F', 'LineAsString')) SELECT * FROM x
SELECT * FROM view(SELECT * FROM file('@F', 'LineAsString'))
SELECT * FROM loop(file('@F', 'LineAsString')) LIMIT 1
SELECT * FROM eval('SELECT * FROM file(\'@F\', \'LineAsString\')') SETTINGS allow_experimental_eval_table_function = 1
EXPLAIN SELECT * FROM file('@F', 'LineAsString')
DESCRIBE file('@F')
SELECT (SELECT * FROM file('@F', 'LineAsString'))
CREATE TABLE f1 (a String) ENGINE = File('LineAsString', '@F')
CREATE TABLE f2 AS file('@F', 'LineAsString')
CREATE TABLE f3 ENGINE = MergeTree ORDER BY tuple() AS SELECT * FROM file('@F', 'LineAsString')
CREATE TABLE f4 (a UInt8, b String DEFAULT file('@F')) ENGINE = Memory
CREATE VIEW f5 AS SELECT * FROM file('@F', 'LineAsString')
CREATE VIEW f6 SQL SECURITY NONE AS SELECT * FROM file('@F', 'LineAsString', 'line String')
CREATE MATERIALIZED VIEW f7 REFRESH EVERY 1 HOUR ENGINE = Memory AS SELECT * FROM file('@F', 'LineAsString')
CREATE FUNCTION f8 AS (x) -> file(x)
CREATE DICTIONARY f9 (k UInt64, v String) PRIMARY KEY k SOURCE(FILE(path '@F' format 'TSV')) LAYOUT(FLAT()) LIFETIME(1)
CREATE DICTIONARY fa (k UInt64, v String) PRIMARY KEY k SOURCE(EXECUTABLE(command 'cat @F' format 'TSV')) LAYOUT(FLAT()) LIFETIME(1)
CREATE DICTIONARY fb (k UInt64, v String) PRIMARY KEY k SOURCE(CLICKHOUSE(query 'SELECT 1, file(\'@F\')')) LAYOUT(FLAT()) LIFETIME(1)
CREATE TABLE fc (a String) ENGINE = Executable('cat', 'TSV')
CREATE TABLE fd (a String) ENGINE = FileLog('@D', 'LineAsString')
CREATE DATABASE fe ENGINE = Filesystem('@D')
CREATE DATABASE ff ENGINE/* */=/* */Filesystem('@D')
CREATE DATABASE fg ENGINE = `File\x73ystem`('@D')
RESTORE TABLE t AS t2 FROM File('@F')
ATTACH TABLE fh FROM '@D' (a Int8) ENGINE = Log
SELECT * FROM t FORMAT Protobuf SETTINGS format_schema = '@F:M'
SELECT * FROM t FORMAT CapnProto SETTINGS format_schema = '@F:M'
SELECT 'x' AS a FORMAT Template SETTINGS format_template_row = '@F'
SELECT * FROM t FORMAT Template SETTINGS format_template_resultset = '@F'
SET format_schema = '@F:M'
SELECT 1; SELECT * FROM file('@F', 'LineAsString')
"""
# Writes: nothing may appear in the directory outside.
FILE_WRITES = r"""
INSERT INTO FUNCTION file('@D/w1', 'TSV', 'a String') SELECT 'x'
INSERT INTO TABLE FUNCTION file('@D/w2', 'TSV', 'a String') VALUES ('x')
SELECT 1 INTO OUTFILE '@D/w3'
SELECT 1 INTO/**/OUTFILE '@D/w4' FORMAT TSV
SELECT 1 AS a$x$ INTO OUTFILE '@D/w5' FORMAT TSV --$x$
SHOW TABLES INTO OUTFILE '@D/w6'
EXPLAIN SELECT 1 INTO OUTFILE '@D/w7'
DESCRIBE TABLE t INTO OUTFILE '@D/w8'
CREATE TABLE w9 (a String) ENGINE = File(TSV, '@D/w9')
CREATE DATABASE wa ENGINE = SQLite('@D/wa')
CREATE DATABASE wb ENGINE = Backup('x', File('@D/wb'))
CREATE TABLE wc (a Int8) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = 'local', path = '@D/wc/')
CREATE TABLE wd (a Int8) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = 'object_storage', object_storage_type = 'local_blob_storage', path = '@D/wd/')
CREATE TABLE we (a String) ENGINE = EmbeddedRocksDB(0, '@D/we') PRIMARY KEY a
BACKUP TABLE t TO File('@D/wf')
BACKUP TABLE t TO Disk('default', '@D/wg')
"""
# Connections: the server that counts visits must count none.
NETWORK = r"""
SELECT * FROM url('http://127.0.0.1:@P/', 'LineAsString')
SELECT/* */*/**/FROM URL/**/('http://127.0.0.1:@P/', 'LineAsString')
INSERT INTO FUNCTION url('http://127.0.0.1:@P/', 'TSV', 'a String') SELECT 'x'
EXPLAIN PIPELINE SELECT * FROM url('http://127.0.0.1:@P/')
CREATE TABLE n1 (a String) ENGINE = URL('http://127.0.0.1:@P/', 'LineAsString')
CREATE TABLE n2 (a String) ENGINE = Remote('127.0.0.1:@P', 'system', 'one')
CREATE TABLE n3 (a String) ENGINE = Kafka('127.0.0.1:@P', 't', 'g', 'TSV')
SELECT * FROM s3('http://127.0.0.1:@P/bucket/k', 'k', 's', 'LineAsString')
SELECT * FROM gcs('http://127.0.0.1:@P/bucket/k', 'k', 's', 'LineAsString')
SELECT * FROM azureBlobStorage('http://127.0.0.1:@P/', 'c', 'b', 'n', 'a2V5', 'LineAsString')
SELECT * FROM hdfs('hdfs://127.0.0.1:@P/x', 'LineAsString')
SELECT * FROM remote('127.0.0.1:@P', 'system', 'one')
SELECT * FROM remoteSecure('127.0.0.1:@P', 'system', 'one')
SELECT * FROM mysql('127.0.0.1:@P', 'd', 't', 'u', 'p')
SELECT * FROM postgresql('127.0.0.1:@P', 'd', 't', 'u', 'p')
SELECT * FROM mongodb('127.0.0.1:@P', 'd', 't', 'u', 'p', 'a String')
SELECT * FROM redis('127.0.0.1:@P', 'k', 'k String, v String')
SELECT * FROM iceberg('http://127.0.0.1:@P/bucket/k', 'k', 's')
SELECT * FROM deltaLake('http://127.0.0.1:@P/bucket/k', 'k', 's')
SELECT * FROM ytsaurus('http://127.0.0.1:@P', '//t', 'x', 'a String')
CREATE DATABASE n4 ENGINE = MySQL('127.0.0.1:@P', 'd', 'u', 'p')
CREATE DATABASE n5 ENGINE = PostgreSQL('127.0.0.1:@P', 'd', 'u', 'p')
CREATE DATABASE n6 ENGINE = Remote('127.0.0.1:@P', 'system')
CREATE DATABASE n7 ENGINE = URL('http://127.0.0.1:@P/')
CREATE DATABASE n8 ENGINE = S3('http://127.0.0.1:@P/bucket', 'k', 's')
CREATE DICTIONARY n9 (k UInt64, v String) PRIMARY KEY k SOURCE(HTTP(url 'http://127.0.0.1:@P/' format 'TSV')) LAYOUT(FLAT()) LIFETIME(1)
CREATE DICTIONARY na (k UInt64, v String) PRIMARY KEY k SOURCE(MYSQL(host '127.0.0.1' port @P user 'x' password '' db 'd' table 't')) LAYOUT(FLAT()) LIFETIME(1)
CREATE TABLE nb (a Int8) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = 'web', endpoint = 'http://127.0.0.1:@P/x/')
BACKUP TABLE t TO S3('http://127.0.0.1:@P/bucket/k', 'k', 's')
CREATE NAMED COLLECTION nc AS url = 'http://127.0.0.1:@P/'
"""
OTHER = r"""
SYSTEM SHUTDOWN
SYSTEM KILL
CREATE USER x
GRANT ALL ON *.* TO default
GRANT FILE ON *.* TO default
SET dialect = 'kusto'
SELECT 1 SETTINGS dialect = 'prql'
"""


def lines(block: str, world: World) -> list[str]:
    """The statements of a block."""
    return [world.fill(line).replace("@N", "\n") for line in block.strip().splitlines()]


# Without the kernel's part (Landlock) these two run: the expression stands in data, which nobody reads as a statement.
KERNEL_ONLY = ("INSERT INTO t VALUES (file(", r"INSERT INTO t VALUES (`fi\x6ce`(")


class TestFilesAndNetwork:
    def test_nothing_outside_of_the_directory_is_reached(self, closed: LiveServer, world: World, figure: Figure) -> None:
        before = world.canary.stat()
        with_cure = 0
        tried = [*lines(FILE_READS, world), *lines(FILE_WRITES, world), *lines(NETWORK, world), *lines(OTHER, world)]
        kernel = "kept by the kernel: yes" in (closed.directory / "server.log").read_text()
        tried = [query for query in tried if kernel or not query.startswith(KERNEL_ONLY)]
        for query in tried:
            for reply in (closed.ask("", query.encode()), closed.ask(query, b"", method="POST")):
                assert reply.status >= 400 and reply.code, (query, reply.text)
                assert CANARY not in reply.text, query
                assert not list(world.outside.iterdir()), query
                assert not world.visits, query
            with_cure += "genesis-ch serve --allow-" in reply.text
            assert closed.process.poll() is None, query
        assert CANARY not in closed.rows("SELECT * FROM t")
        assert world.canary.stat().st_mtime_ns == before.st_mtime_ns
        assert with_cure > len(tried) * 0.6, with_cure
        figure(
            15,
            f"{len(tried)} statements in URL and body{'' if kernel else ', without Landlock'}: file(), url(), S3, remote, MySQL and other sources, INFILE, OUTFILE, "
            "dictionaries, disks, ATTACH, BACKUP, comments, escapes, strings that hold a query",
            f"all refused, {with_cure} with the option that allows it; no canary read, no file made, {len(world.visits)} connections",
        )

    def test_parts_of_a_request_carry_no_query(self, closed: LiveServer, world: World) -> None:
        outfile = f"TSV; SELECT 1 INTO OUTFILE '{world.outside}/x'"
        assert closed.ask("SELECT 1", default_format=outfile).code == 73
        part = b'--XX\r\nContent-Disposition: form-data; name="up"; filename="u"\r\n\r\n1\n\r\n--XX--\r\n'
        kind = {"Content-Type": "multipart/form-data; boundary=XX"}
        for fields in (
            {"up_structure": "n UInt8", "up_format": outfile},
            {"up_structure": f"n UInt8) AS SELECT 1 INTO OUTFILE '{world.outside}/x' --"},
            {"up_structure": f"n String) ENGINE = File(TSV, '{world.canary}') --"},
            {"up_structure": f"n String DEFAULT file('{world.canary}')"},
        ):
            params: dict[str, Any] = fields
            reply = closed.ask("SELECT * FROM up", part, headers=kind, **params)
            assert reply.code and CANARY not in reply.text, reply.text
        bound = closed.ask("SELECT * FROM {t:Identifier}", b"", param_t=str(world.canary))
        assert bound.code and CANARY not in bound.text
        assert not list(world.outside.iterdir())

    def test_its_owner_allows_it(self, world: World, tmp_path: Path) -> None:
        read = world.fill("SELECT * FROM file('@F', 'LineAsString')")
        fetch = world.fill("SELECT * FROM url('http://127.0.0.1:@P/', 'LineAsString')")
        live = start(tmp_path / "files" / ".genesis_ch", "--allow-files")
        try:
            assert live.rows(read) == CANARY + "\n"
            assert live.rows(world.fill("SELECT file('@F')")) == CANARY + "\\n\n"
            refused = live.ask("", fetch.encode())
            assert refused.code == 497 and "--allow-network" in refused.text and not world.visits
        finally:
            assert live.stop() == 0
        live = start(tmp_path / "network" / ".genesis_ch", GENESIS_CH_SERVER_ALLOW="network")
        try:
            assert live.rows(fetch) == CANARY + "\n" and len(world.visits) >= 1
            refused = live.ask("", read.encode())
            assert refused.code == 497 and "--allow-files" in refused.text
        finally:
            assert live.stop() == 0

    def test_what_tables_need_goes_on_working(self, closed: LiveServer) -> None:
        for query in (
            "CREATE DATABASE IF NOT EXISTS plain ENGINE = Atomic",
            "CREATE TABLE plain.r (a UInt64, file String, engine String) ENGINE = ReplacingMergeTree ORDER BY a",
            "INSERT INTO plain.r SELECT number, 'x', 'y' FROM numbers(10)",
            "INSERT INTO plain.r (a, file) VALUES (11, concat('INTO OUTFILE ', 'x')), (12, 'file(')",
            "CREATE VIEW plain.v AS SELECT a, file FROM plain.r",
            "CREATE MATERIALIZED VIEW plain.m ENGINE = MergeTree ORDER BY a AS SELECT a FROM plain.r",
            "ALTER TABLE plain.r ADD COLUMN b Int8 DEFAULT 1",
            "OPTIMIZE TABLE plain.r FINAL",
            "CREATE FUNCTION plus_one AS (x) -> x + 1",
            "SELECT count() FROM plain.r WHERE file LIKE '%file(%' OR concat(file, 'INTO OUTFILE') = 'x'",
            "SELECT file, engine, plus_one(a) FROM plain.r FORMAT JSON",
            "SELECT 'INTO OUTFILE', name FROM system.tables WHERE database = 'plain'",
            "SELECT * FROM generateRandom('a Int8') LIMIT 3",
            "SHOW CREATE TABLE plain.v",
            "SYSTEM FLUSH LOGS",
            "DROP DATABASE plain",
        ):
            closed.rows(query)


def exchange(port: int, data: bytes, seconds: float = 10.0) -> bytes:
    """What the server answers to raw bytes, until it closes or is silent."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as link:
        link.sendall(data)
        answer = b""
        with contextlib.suppress(OSError):
            while piece := link.recv(65536):
                answer += piece
                if b"\r\n\r\n" in answer and b"Connection: close" not in answer:
                    break
        return answer


def foreign_hosts(port: int) -> list[str]:
    """Names by which a page in a browser could reach loopback."""
    return [
        "evil.com", f"evil.com:{port}", f"127.0.0.1.evil.com:{port}", f"localhost.evil.com:{port}", "127.0.0.1@evil.com",
        f"127.0.0.1:{port}@evil.com", "evil.com#127.0.0.1", "169.254.169.254", "0.0.0.0", "127.1", "2130706433",
        f"[::ffff:127.0.0.1]:{port}", "[::1", "localhost.", "127.0.0.1, evil.com", "metadata", " ",
    ]  # fmt: skip


class TestAccess:
    def test_passwords(self, closed: LiveServer, figure: Figure) -> None:
        token = closed.token
        wrong = ["", "wrong", token[:-1], token + "x", token.swapcase(), token.encode().hex(), "\udcff", "é", token + "\x00"]
        attempts: list[tuple[dict[str, str], dict[str, Any]]] = [({}, {}), ({"Authorization": "Bearer " + token}, {})]
        attempts.append(({}, {"token": token}))
        attempts.append(({"Cookie": f"token={token}; password={token}"}, {}))
        attempts.append(({"Authorization": "Basic " + token}, {}))
        for word in wrong:
            attempts.append((closed.auth(word) if word.isascii() else closed.auth("q"), {}))
            attempts.append(({}, {"user": "default", "password": word.encode("utf-8", "surrogateescape")}))
            if word.isprintable() and word.isascii():
                attempts.append(({"X-ClickHouse-User": "default", "X-ClickHouse-Key": word}, {}))
        for user in ("root", "DEFAULT", "default'--", "default2"):
            attempts.append(({"X-ClickHouse-User": user, "X-ClickHouse-Key": token}, {}))
            attempts.append(({}, {"user": user, "password": token}))
        # A right password in one place does not mend a wrong one in the place that counts.
        attempts.append(({"X-ClickHouse-Key": "wrong", **closed.auth()}, {}))
        attempts.append((closed.auth("wrong"), {"user": "default", "password": token}))
        for headers, params in attempts:
            reply = closed.ask("SELECT 7 * 6", auth=False, headers=headers, **params)
            assert (reply.status in (401, 403), reply.code) == (True, 516), (headers, params, reply.text)
            assert "42" not in reply.text.split("version")[0] and token not in reply.text
        assert closed.ask("SELECT 7 * 6", auth=False, user="default", password=token).text == "42\n"
        figure(15, f"{len(attempts)} requests with no, a wrong or a misplaced password or user", "all refused with 516")

    def test_browsers_and_foreign_names(self, closed: LiveServer, figure: Figure) -> None:
        port, own = closed.port, f"127.0.0.1:{closed.port}"
        cases: list[dict[str, str]] = [{"Host": host} for host in foreign_hosts(port)]
        for origin in ("http://evil.com", "null", f"http://evil.com:{port}", f"http://{own}.evil.com", "http://127.0.0.1:1"):
            cases.append({"Host": own, "Origin": origin})
        cases += [{"Host": own, "Sec-Fetch-Site": site} for site in ("cross-site", "same-site", "CROSS-SITE", "x")]
        cases += [{"Host": own, "Referer": "http://evil.com/page"}, {"Host": own, "Referer": "https://localhost.evil.com/"}]
        for headers in cases:
            for method in ("GET", "POST"):
                reply = closed.ask("SELECT 7 * 6", method=method, headers=headers)
                assert reply.status == 403 and "42" not in reply.text, (headers, reply.text)
                assert not [name for name in reply.headers if name.startswith("access-control")]
        preflight = {"Host": own, "Origin": "http://evil.com", "Access-Control-Request-Method": "POST"}
        refused = closed.ask("", method="OPTIONS", headers=preflight, auth=False)
        assert refused.status == 403 and not [n for n in refused.headers if n.startswith("access-control")]
        form = {"Host": own, "Origin": "http://evil.com", "Content-Type": "text/plain"}
        assert closed.ask("", b"query=DROP TABLE t", headers=form).status == 403
        assert closed.ask("", method="GET", headers={"Host": own, "Sec-Fetch-Mode": "navigate"}, auth=False).status == 401
        for host in ("localhost", own, f"localhost:{port}", "127.0.0.1", "[::1]", f"[::1]:{port}", "LOCALHOST"):
            assert closed.ask("SELECT 7 * 6", headers={"Host": host}).text == "42\n"
        assert closed.ask("SELECT 1", headers={"Host": own, "Origin": f"http://{own}", "Referer": f"http://{own}/"}).text == "1\n"
        count = 2 * len(cases) + 3
        figure(15, f"{count} requests with a foreign Host, Origin, Referer or Sec-Fetch-Site, a preflight, a form", "all refused")

    def test_requests_that_two_readers_could_take_apart(self, closed: LiveServer, figure: Figure) -> None:
        auth = f"Host: localhost\r\nAuthorization: {closed.auth()['Authorization']}\r\n".encode()
        query = b"SELECT 7 * 6"
        post = b"POST / HTTP/1.1\r\n" + auth
        chunked = b"c\r\n" + query + b"\r\n0\r\n\r\n"
        length = b"Content-Length: 12\r\n"
        cases = [
            post + length + b"Content-Length: 13\r\n\r\n" + query,
            post + length + length + b"\r\n" + query,
            post + b"Content-Length: 12, 12\r\n\r\n" + query,
            post + b"Content-Length: +12\r\n\r\n" + query,
            post + b"Content-Length: 0x0c\r\n\r\n" + query,
            post + b"Content-Length: -1\r\n\r\n" + query,
            post + b"Content-Length: 1_2\r\n\r\n" + query,
            post + length + b"Transfer-Encoding: chunked\r\n\r\n" + chunked,
            post + b"Transfer-Encoding: chunked\r\n" + length + b"\r\n" + chunked,
            post + b"Transfer-Encoding: chunked, identity\r\n\r\n" + chunked,
            post + b"Transfer-Encoding: xchunked\r\n\r\n" + chunked,
            post + b"Transfer-Encoding : chunked\r\n\r\n" + chunked,
            post + b"Transfer-Encoding:\x0bchunked\r\n\r\n" + chunked,
            post + b"Transfer-Encoding: chunked\r\n\r\n" + chunked.replace(b"c\r\n", b"c;\x00\r\n", 1),
            post + b"Transfer-Encoding: chunked\r\n\r\n" + chunked.replace(b"c\r\n", b"0x0c\r\n", 1),
            post + b"X: a\r\n b\r\n" + length + b"\r\n" + query,
            post + b"X: a\n" + length + b"\r\n" + query,
            post + b"X: a\rY: b\r\n" + length + b"\r\n" + query,
            post + b"X y: b\r\n" + length + b"\r\n" + query,
            post.replace(b"HTTP/1.1", b"HTTP/1.0") + b"Transfer-Encoding: chunked\r\n\r\n" + chunked,
            post.replace(b"Host: localhost\r\n", b"") + length + b"\r\n" + query,
            b"post / HTTP/1.1\r\n" + auth + length + b"\r\n" + query,
            b"POST /\x00 HTTP/1.1 x\r\n" + auth + length + b"\r\n" + query,
            post + b"X: y\r\n" * (wire.MAX_HEADERS + 1) + length + b"\r\n" + query,
            post + b"X: " + b"y" * (2 * MIB) + b"\r\n\r\n",
            b"GET /?query=SELECT+" + b"1" * (2 * MIB) + b" HTTP/1.1\r\n" + auth + b"\r\n",
        ]
        assert b"200 OK" in exchange(closed.port, post + length + b"\r\n" + query)
        for case in cases:
            answer = exchange(closed.port, case)
            assert answer == b"" or answer.split(b" ")[1] in (b"400", b"403", b"431", b"501"), (case[:300], answer[:300])
            assert b"42\n" not in answer, case[:300]
        figure(15, f"{len(cases)} malformed or smuggling requests (two lengths, length beside chunks, folded lines)", "none run")

    def test_tls_on_the_plain_port_fails_at_once(self, closed: LiveServer) -> None:
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", closed.port), timeout=10) as link, pytest.raises(ssl.SSLError):
            ssl.create_default_context().wrap_socket(link, server_hostname="localhost")
        assert time.monotonic() - began < wire.HEADER_SECONDS - 1
        answer = exchange(closed.port, b"\x00\x01binary")
        assert answer.startswith(b"HTTP/1.0 400")

    def test_nothing_is_open_to_other_users_of_the_machine(self, tmp_path: Path, figure: Figure) -> None:
        home = tmp_path / ".genesis_ch"
        before = os.umask(0)
        try:
            live = start(home)
        finally:
            os.umask(before)
        try:
            live.rows("CREATE TABLE t (a String) ENGINE = MergeTree ORDER BY a")
            live.rows("INSERT INTO t VALUES ('x')")
            assert stat.S_IMODE(home.stat().st_mode) == 0o700
            open_to_others = [
                path for path in home.iterdir() if not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) & 0o077
            ]
            assert not open_to_others, open_to_others
            seen = len(list(home.rglob("*")))
        finally:
            assert live.stop() == 0
        for name in ("token", "endpoint.json", "server.log", "server.lock"):
            trapped = Store(tmp_path / f"trap-{name}")
            (trapped.path / name).symlink_to(tmp_path / "victim")
            with contextlib.suppress(OSError):
                trapped.lock()
            with contextlib.suppress(OSError):
                trapped.open_log().close()
            with contextlib.suppress(OSError):
                assert trapped.password()
            trapped.publish(Endpoint("http://127.0.0.1:1", 1, "secret", "1"))
            trapped.unlock()
            assert not (tmp_path / "victim").exists(), name
        loose = tmp_path / "loose"
        loose.mkdir()
        loose.chmod(0o777)
        assert start(loose).stop() == 0
        assert stat.S_IMODE(loose.stat().st_mode) == 0o700
        figure(
            15,
            f"a store made under umask 000 ({seen} files), four links laid for its files, a store that others may write",
            "nothing open to others, no link followed, the open store closed",
        )


def packed_zeros(encoding: str, size: int) -> bytes:
    """A body that is small as it arrives and `size` bytes unpacked."""
    if encoding == "gzip":
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        return b"".join(packer.compress(bytes(MIB)) for _ in range(size // MIB)) + packer.flush()
    import importlib

    zeros = bytes(size)
    module: Any = zstd_module() if encoding == "zstd" else importlib.import_module("lz4.frame")
    return bytes(module.compress(zeros))


def memory_mib(live: LiveServer) -> int:
    """Anonymous memory of the server."""
    text = Path(f"/proc/{live.process.pid}/status").read_text()
    return int(text.split("RssAnon:")[1].split()[0]) // 1024


class TestCaps:
    def test_bodies(self, closed: LiveServer, figure: Figure) -> None:
        query = "INSERT INTO t FORMAT RawBLOB"
        rows = closed.rows("SELECT count() FROM t")
        before = memory_mib(closed)
        replies = []
        for encoding in ("gzip", "zstd", "lz4"):
            body = packed_zeros(encoding, BOMB_MIB * MIB)
            assert len(body) < 8 * MIB
            replies.append(closed.ask(query, body, headers={"Content-Encoding": encoding}))
        grown = memory_mib(closed) - before
        replies.append(closed.ask(query, random.Random(1).randbytes(9 * MIB), headers={"Expect": "100-continue"}))
        for reply in replies:
            assert (reply.status, reply.code) == (413, 229), reply.text[:300]
            assert "GENESIS_CH_SERVER_MAX_BODY_MIB" in reply.text
        assert grown < 100, grown
        assert closed.rows("SELECT count() FROM t") == rows
        assert not list((closed.directory / "tmp").iterdir())
        assert closed.ask(query, b"x" * 7 * MIB).status == 200
        figure(
            15,
            f"zstd, lz4 and gzip bombs of {BOMB_MIB} MiB and a plain body of 9 MiB against a cap of 8 MiB",
            f"413 with code 229 each, nothing stored, {max(grown, 0)} MiB more memory",
        )

    def test_a_stranger_sends_little(self, closed: LiveServer) -> None:
        limit = wire.STRANGER_BYTES
        head = f"POST /?query=x HTTP/1.1\r\nHost: localhost\r\nContent-Length: {limit * 4}\r\n\r\n".encode()
        assert exchange(closed.port, head).startswith(b"HTTP/1.1 413")

    def test_results(self, closed: LiveServer, figure: Figure) -> None:
        big = "SELECT number, repeat('x', 100) FROM numbers(400000)"
        for name in ("JSON", "CSVWithNames", "TSVWithNamesAndTypes"):
            reply = closed.ask("", f"{big} FORMAT {name}".encode())
            assert reply.code == 396 and "GENESIS_CH_SERVER_MAX_RESULT_MIB" in reply.text, reply.text[:300]
        with pytest.raises(http.client.IncompleteRead) as broken:
            closed.ask("", (big + " FORMAT TSV").encode())
        assert b"Code: 396" in broken.value.partial[-2000:]
        assert closed.ask("", (big + " FORMAT TSV").encode(), wait_end_of_query="1").code == 396
        assert len(closed.rows("SELECT number, repeat('x', 100) FROM numbers(100000)")) > 10 * MIB
        figure(15, "results past a cap of 16 MiB: streamed, held back, and in three framed formats", "all refused with 396")


class Held:
    """Connections that are kept open and used badly, by one thread."""

    def __init__(self, live: LiveServer) -> None:
        self.links: list[tuple[str, socket.socket, bytes]] = []
        self._live = live
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._drip, daemon=True)

    def open(self, kind: str, start: bytes, drip: bytes, small: bool = False) -> None:
        """One connection that sends `start` at once and then a byte of `drip` every second."""
        link = socket.socket()
        if small:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.settimeout(5)
        link.connect(("127.0.0.1", self._live.port))
        link.sendall(start)
        self.links.append((kind, link, drip))

    def start(self) -> None:
        """Begin to drip."""
        self._thread.start()

    def close(self) -> None:
        """Let go of all."""
        self._stop.set()
        self._thread.join()
        for _, link, _ in self.links:
            link.close()

    def alive(self, kind: str) -> int:
        """How many of a kind the server still holds."""
        return sum(self._is_open(link) for name, link, _ in self.links if name == kind)

    def _drip(self) -> None:
        while not self._stop.wait(1.0):
            for _, link, drip in self.links:
                if drip:
                    with contextlib.suppress(OSError):
                        link.send(drip)

    @staticmethod
    def _is_open(link: socket.socket) -> bool:
        try:
            link.setblocking(False)
            return link.recv(1, socket.MSG_PEEK) != b""
        except BlockingIOError:
            # The connection is idle; a reset shows on the next look.
            return True
        except OSError:
            return False


def test_connections_past_the_limit_give_way(closed: LiveServer, figure: Figure) -> None:
    silent = []
    try:
        for _ in range(MAX_CONNECTIONS + 60):
            silent.append(socket.create_connection(("127.0.0.1", closed.port), timeout=20))
        begun = time.monotonic()
        assert closed.rows("SELECT 1") == "1\n"
        taken = time.monotonic() - begun
        assert taken < 5, taken
        figure(15, f"{len(silent)} silent connections at once, more than the {MAX_CONNECTIONS} it keeps", f"a query answered in {taken:.1f} s")
    finally:
        for link in silent:
            link.close()


RUNNER = """
import sys, time
from genesis_ch import ch_logger
ch_logger.configure(url=sys.argv[1], mode="http", home=sys.argv[2], batch_interval=0.05)
for i in range(500):
    ch_logger.log_individual("slow", f"i{i}", i, "p", "m", 1.0, 1.0, {"score": 1.0}, True)
begun = time.monotonic()
done = ch_logger.flush(30)
print(bool(done), time.monotonic() - begun)
ch_logger.close(5)
"""


def test_slow_clients_do_not_keep_a_runner_waiting(tmp_path: Path, figure: Figure, long_form: bool) -> None:
    live = start(tmp_path / ".genesis_ch")
    each = 80 if long_form else 25
    auth = f"Host: localhost\r\nAuthorization: {live.auth()['Authorization']}\r\n".encode()
    endless = b"GET /?query=SELECT+number+FROM+numbers(1000000000)+FORMAT+TSV HTTP/1.1\r\n"
    held = Held(live)
    try:
        for _ in range(each):
            held.open("header", b"POST / HTTP/1.1\r\nX: ", b"y")
            held.open("body", b"POST /?query=INSERT+INTO+t+FORMAT+TSV HTTP/1.1\r\n" + auth + b"Content-Length: 99999\r\n\r\n", b"y")
            held.open("silent", b"", b"")
            held.open("reader", endless + auth + b"\r\n", b"", small=True)
        held.start()
        # Every worker is at a reply that nobody reads, and more such requests wait.
        time.sleep(1.0)
        opened = {kind: held.alive(kind) for kind in ("header", "body", "silent", "reader")}
        begun = time.monotonic()
        home = str(tmp_path / "runner")
        url = f"http://default:{live.token}@127.0.0.1:{live.port}/slow_db"
        program = subprocess.run(
            [sys.executable, "-c", RUNNER, url, home], env=server_environment(), capture_output=True, text=True, timeout=60, check=True
        )
        taken = time.monotonic() - begun
        delivered, seconds = program.stdout.split()
        assert delivered == "True", program.stdout
        assert float(seconds) < 5.0, f"the rows came after {seconds} s; {taken} s with the start of the program"
        assert live.rows("SELECT count() FROM slow_db.individuals") == "500\n"
        assert opened["header"] == opened["silent"] == opened["body"] == each
        left = wire.HEADER_SECONDS + 5
        wait_for(lambda: held.alive("header") + held.alive("silent") == 0, left)
        dropped = time.monotonic() - begun
        if long_form:
            wait_for(lambda: held.alive("body") == 0, wire.BODY_GRACE_SECONDS + 15)
        figure(
            15,
            f"{4 * each} slow clients held open: headers and bodies a byte a second, silent ones, readers that never read "
            f"({opened['reader']} of {each} held when the runner began)",
            f"a runner's 500 rows in {float(seconds):.1f} s; headers and silent ones dropped within {dropped:.0f} s",
        )
    finally:
        held.close()
        assert live.stop() == 0
