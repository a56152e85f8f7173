"""The embedded server as HTTP clients see it: protocol, errors, bodies, security."""

from __future__ import annotations

import gzip
import http.client
import importlib
import json
import socket
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from genesis_ch.server.body import zstd_module
from server_fixtures import LiveServer, server, wait_for

__all__ = ["server"]

zstd = zstd_module()
lz4: Any = importlib.import_module("lz4.frame")


def make_table(server: LiveServer, name: str, columns: str = "a UInt64, s String", engine: str = "MergeTree") -> None:
    server.rows(f"CREATE TABLE {name} ({columns}) ENGINE = {engine} ORDER BY a")


def running(server: LiveServer, needle: str) -> int:
    """How many queries with `needle` in their text run now."""
    query = f"SELECT count() FROM system.processes WHERE query LIKE '%{needle}%' AND query NOT LIKE '%processes%'"
    return int(server.rows(query))


def row_binary(rows: list[tuple[int, bytes]]) -> bytes:
    """Rows of (a UInt64, s String) as RowBinaryWithNamesAndTypes; strings shorter than 128 bytes."""
    head = b"\x02\x01a\x01s\x06UInt64\x06String"
    return head + b"".join(struct.pack("<QB", a, len(s)) + s for a, s in rows)


def raw(server: LiveServer, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as link:
        link.sendall(data)
        link.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := link.recv(65536):
            answer += piece
        return answer


class TestQueries:
    def test_ping_needs_no_password(self, server: LiveServer) -> None:
        reply = server.ask(path="/ping", method="GET", auth=False)
        assert (reply.status, reply.body) == (200, b"Ok.\n")

    def test_query_in_url_body_or_both(self, server: LiveServer) -> None:
        assert server.ask("SELECT 1", method="GET").body == b"1\n"
        assert server.ask("", b"SELECT 2").body == b"2\n"
        assert server.ask("SELECT", b"3").body == b"3\n"

    def test_headers_of_a_result(self, server: LiveServer) -> None:
        reply = server.ask("SELECT number FROM numbers(7)", query_id="q-1")
        assert reply.headers["x-clickhouse-query-id"] == "q-1"
        assert reply.headers["x-clickhouse-format"] == "TabSeparated"
        assert reply.headers["x-clickhouse-timezone"] == server.rows("SELECT timezone()").strip()
        assert reply.headers["x-clickhouse-server-display-name"]
        summary = json.loads(reply.headers["x-clickhouse-summary"])
        assert (summary["read_rows"], summary["result_rows"], summary["written_rows"]) == ("7", "7", "0")
        assert server.ask("SELECT 1").headers["x-clickhouse-query-id"]

    def test_formats(self, server: LiveServer) -> None:
        assert server.ask("SELECT 1 AS a", default_format="JSONEachRow").body == b'{"a":1}\n'
        assert server.ask("SELECT 1 AS a", headers={"X-ClickHouse-Format": "CSV"}).body == b"1\n"
        reply = server.ask("SELECT 1 AS a FORMAT JSON", default_format="CSV")
        assert json.loads(reply.body)["data"] == [{"a": 1}]
        assert reply.headers["content-type"].startswith("application/json")

    def test_a_framed_format_has_one_frame_however_many_blocks(self, server: LiveServer) -> None:
        query = "SELECT number AS the_name FROM numbers(200000) FORMAT "
        assert len(json.loads(server.rows(query + "JSON"))["data"]) == 200_000
        for name in ("CSVWithNames", "TSVWithNamesAndTypes", "RowBinaryWithNamesAndTypes", "ArrowStream"):
            body = server.ask(query + name).body
            assert len(body) > 800_000
            assert body.count(b"the_name") == 1, name
        parquet = server.ask(query + "Parquet").body
        assert parquet[:4] == parquet[-4:] == b"PAR1"

    def test_a_framed_format_of_no_rows_still_has_its_frame(self, server: LiveServer) -> None:
        query = "SELECT number AS n FROM numbers(3) WHERE n > 5 FORMAT "
        assert server.rows(query + "CSVWithNames") == '"n"\n'
        assert json.loads(server.rows(query + "JSON"))["rows"] == 0
        assert server.rows(query + "TSV") == ""

    def test_bound_parameters(self, server: LiveServer) -> None:
        reply = server.ask(
            "SELECT {s:String} AS s, {n:UInt8} + 1, {a:Array(String)}, {z:Nullable(String)}, {i:Identifier}",
            default_format="JSONCompact",
            param_s="tab\\t'quote",
            param_n="41",
            param_a="['x','y']",
            param_z="\\N",
            param_i="s",
        )
        assert json.loads(reply.body)["data"] == [["tab\t'quote", 42, ["x", "y"], None, "tab\t'quote"]]

    def test_a_parameter_may_be_longer_than_a_query(self, server: LiveServer) -> None:
        assert server.rows("SELECT length({s:String})", param_s="x" * 600_000) == "600000\n"

    def test_insert_select_with_parameters(self, server: LiveServer) -> None:
        make_table(server, "bound")
        server.ask("INSERT INTO bound SELECT {n:UInt64}, {s:String}", param_n="5", param_s="it's")
        server.ask("INSERT INTO {t:Identifier} FORMAT CSV", b"6,x", param_t="bound")
        assert server.rows("SELECT * FROM bound ORDER BY a") == "5\tit\\'s\n6\tx\n"

    def test_settings_hold_for_one_query(self, server: LiveServer) -> None:
        assert server.rows("SELECT getSetting('max_block_size')", max_block_size="77") == "77\n"
        assert server.rows("SELECT getSetting('max_block_size')") != "77\n"

    def test_database(self, server: LiveServer) -> None:
        server.rows("CREATE DATABASE IF NOT EXISTS other")
        assert server.rows("SELECT currentDatabase()", database="other") == "other\n"
        assert server.ask("SELECT currentDatabase()", headers={"X-ClickHouse-Database": "other"}).text == "other\n"
        assert server.ask("SELECT 1", database="it`s").code == 81

    def test_final_is_the_default_and_can_be_refused(self, server: LiveServer) -> None:
        make_table(server, "latest", "a UInt64, v UInt64", "ReplacingMergeTree(v)")
        server.rows("SYSTEM STOP MERGES latest")
        for version in (1, 3, 2):
            server.rows(f"INSERT INTO latest VALUES (1, {version})")
        assert server.rows("SELECT v FROM latest") == "3\n"
        assert server.rows("SELECT count() FROM latest", final="0") == "3\n"

    def test_a_session_keeps_settings_and_is_never_locked(self, server: LiveServer) -> None:
        server.rows("SET max_block_size = 99", session_id="s1")
        assert server.rows("SELECT getSetting('max_block_size')", session_id="s1", session_timeout="60") == "99\n"
        assert server.rows("SELECT getSetting('max_block_size')", session_id="s2") != "99\n"
        together: list[str] = []
        slow = threading.Thread(target=lambda: together.append(server.rows("SELECT sleep(1)", session_id="s1")))
        slow.start()
        assert server.rows("SELECT 1", session_id="s1", session_check="0") == "1\n"
        assert not together, "the second query waited for the first"
        slow.join()
        assert server.ask("CREATE TEMPORARY TABLE x (a Int8)", session_id="s1").code == 48

    def test_form_upload_with_an_external_table(self, server: LiveServer) -> None:
        part = b'--XX\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
        form = part % (b"query", b"", b"SELECT sum(n) + {p:UInt8} FROM up")
        form += part % (b"param_p", b"", b"1") + part % (b"up", b'; filename="up.csv"', b"1\n2\n") + b"--XX--\r\n"
        kind = {"Content-Type": "multipart/form-data; boundary=XX"}
        reply = server.ask("", form, headers=kind, up_structure="n UInt8", up_format="CSV")
        assert reply.text == "4\n"


class TestInserts:
    @pytest.mark.parametrize(
        ("encoding", "pack"),
        [
            ("", lambda data: data),
            ("zstd", lambda data: zstd.compress(data)),
            ("lz4", lambda data: lz4.compress(data)),
            ("gzip", lambda data: gzip.compress(data)),
            ("deflate", lambda data: zlib.compress(data)),
        ],
        ids=["plain", "zstd", "lz4", "gzip", "deflate"],
    )
    @pytest.mark.parametrize("place", ["url", "body"])
    @pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
    def test_row_binary(
        self, server: LiveServer, encoding: str, pack: Callable[[bytes], bytes], place: str, chunked: bool
    ) -> None:
        name = f"ins_{encoding or 'plain'}_{place}_{chunked}"
        make_table(server, name)
        rows = [(n, b"\n\n\x00';--" + str(n).encode()) for n in range(40_000)]
        query = f"INSERT INTO {name} (a, s) FORMAT RowBinaryWithNamesAndTypes"
        data = row_binary(rows)
        body = pack(data if place == "url" else query.encode() + b"\n" + data)
        headers = {"Content-Encoding": encoding} if encoding else {}
        sent: bytes | Iterator[bytes] = iter([body[:10], body[10:5000], body[5000:]]) if chunked else body
        reply = server.ask(query if place == "url" else "", sent, headers=headers)
        assert reply.status == 200, reply.text
        assert json.loads(reply.headers["x-clickhouse-summary"])["written_rows"] == "40000"
        check = f"SELECT count(), sum(a), countIf(s = concat('\\n\\n\\0\\';--', toString(a))) FROM {name}"
        assert server.rows(check) == f"40000\t{sum(range(40_000))}\t40000\n"

    def test_text_with_blank_lines(self, server: LiveServer) -> None:
        make_table(server, "blank")
        assert server.ask("INSERT INTO blank FORMAT CSV", b'1,"x\n\ny"\n2,z\n').status == 200
        assert server.ask("", b"INSERT INTO blank VALUES (3, 'x\n\ny'), (2+2, concat('a', 'b'));").status == 200
        assert server.ask("INSERT INTO blank VALUES (5, 'only in the URL')").status == 200
        assert server.rows("SELECT a, length(s) FROM blank ORDER BY a") == "1\t4\n2\t1\n3\t4\n4\t2\n5\t15\n"

    def test_several_compressed_members_are_one_body(self, server: LiveServer) -> None:
        make_table(server, "members")
        body = lz4.compress(b"INSERT INTO members FORMAT CSV\n") + lz4.compress(b"1,a\n2,b\n")
        assert server.ask("", body, headers={"Content-Encoding": "lz4"}).status == 200
        body = zstd.compress(b"3,c\n") + zstd.compress(b"4,d\n")
        assert server.ask("INSERT INTO members FORMAT CSV", body, headers={"Content-Encoding": "zstd"}).status == 200
        assert server.rows("SELECT count() FROM members") == "4\n"

    @pytest.mark.parametrize(("encoding", "code"), [("zstd", 561), ("lz4", 618), ("gzip", 354)])
    @pytest.mark.parametrize("damage", ["cut", "garbage"])
    def test_a_damaged_body_stores_nothing(self, server: LiveServer, encoding: str, code: int, damage: str) -> None:
        name = f"damaged_{encoding}_{damage}"
        make_table(server, name)
        pack = {"zstd": zstd.compress, "lz4": lz4.compress, "gzip": gzip.compress}[encoding]
        whole = pack(row_binary([(n, str(n * 7919 % 10007).encode()) for n in range(30_000)]))
        body = whole[:-9] if damage == "cut" else b"no such thing at all" + whole
        query = f"INSERT INTO {name} (a, s) FORMAT RowBinaryWithNamesAndTypes"
        reply = server.ask(query, body, headers={"Content-Encoding": encoding})
        assert (reply.status, reply.code) == (400, code)
        assert server.rows(f"SELECT count() FROM {name}") == "0\n"

    def test_one_bad_row_stores_nothing(self, server: LiveServer) -> None:
        make_table(server, "bad_row")
        reply = server.ask("INSERT INTO bad_row FORMAT CSV", b"1,x\n" * 20_000 + b"no number,x\n")
        assert (reply.status, reply.code) == (400, 27)
        assert server.rows("SELECT count() FROM bad_row") == "0\n"

    def test_a_wrong_type_is_an_error_and_no_shifted_row(self, server: LiveServer) -> None:
        make_table(server, "wrong_type")
        body = b"\x02\x01a\x01s\x06UInt32\x06String" + struct.pack("<IB", 1, 1) + b"x"
        reply = server.ask("INSERT INTO wrong_type (a, s) FORMAT RowBinaryWithNamesAndTypes", body)
        assert (reply.status, reply.code) == (400, 117)

    def test_a_body_shorter_than_announced_stores_nothing(self, server: LiveServer) -> None:
        make_table(server, "short")
        auth = server.auth()["Authorization"]
        head = f"POST /?query=INSERT+INTO+short+FORMAT+CSV HTTP/1.1\r\nHost: localhost\r\nAuthorization: {auth}\r\n"
        raw(server, head.encode() + b"Content-Length: 100\r\n\r\n1,x\n2,y\n")
        assert server.rows("SELECT count() FROM short") == "0\n"

    def test_ephemeral_version_column(self, server: LiveServer) -> None:
        server.rows(
            "CREATE TABLE versioned (a String, x UInt8, _ts DateTime64(6) EPHEMERAL now64(6), "
            "event_ts DateTime64(6) MATERIALIZED _ts) ENGINE = ReplacingMergeTree(event_ts) ORDER BY a"
        )
        head = b"\x03\x01a\x01x\x03_ts\x06String\x05UInt8\x0dDateTime64(6)"
        for value, ts in ((1, 1_700_000_000_000_000), (2, 1_700_000_000_000_002), (3, 1_700_000_000_000_001)):
            body = head + b"\x01k" + bytes([value]) + struct.pack("<q", ts)
            query = "INSERT INTO versioned (a, x, _ts) FORMAT RowBinaryWithNamesAndTypes"
            settings: dict[str, Any] = {"insert_deduplicate": "0", "async_insert": "0"}
            assert (
                server.ask(query, zstd.compress(body), headers={"Content-Encoding": "zstd"}, **settings).status == 200
            )
        assert server.rows("SELECT *, event_ts FROM versioned") == "k\t2\t2023-11-14 22:13:20.000002\n"

    def test_an_insert_of_no_rows(self, server: LiveServer) -> None:
        make_table(server, "none")
        reply = server.ask("INSERT INTO none FORMAT RowBinary", b"")
        assert (reply.status, json.loads(reply.headers["x-clickhouse-summary"])["written_rows"]) == (200, "0")


class TestReplies:
    @pytest.mark.parametrize("rows", [10, 3_000_000], ids=["small", "streamed"])
    @pytest.mark.parametrize("wait", ["0", "1"])
    def test_compression_on_request(self, server: LiveServer, rows: int, wait: str) -> None:
        unpack: dict[str, Callable[[bytes], Any]] = {
            "zstd": zstd.decompress, "lz4": lz4.decompress, "gzip": gzip.decompress, "deflate": zlib.decompress
        }  # fmt: skip
        query = f"SELECT number FROM numbers({rows}) FORMAT RowBinary"
        plain = server.ask(query, headers={"Accept-Encoding": "zstd"}, wait_end_of_query=wait)
        assert "content-encoding" not in plain.headers
        for encoding, unpacked in unpack.items():
            reply = server.ask(
                query, headers={"Accept-Encoding": encoding}, enable_http_compression="1", wait_end_of_query=wait
            )  # fmt: skip
            assert reply.headers["content-encoding"] == encoding
            assert unpacked(reply.body) == plain.body
            assert len(reply.body) < len(plain.body) or rows == 10

    def test_unknown_encodings_are_left_alone(self, server: LiveServer) -> None:
        reply = server.ask("SELECT 1", headers={"Accept-Encoding": "br, lz4;q=0"}, enable_http_compression="1")
        assert reply.body == b"1\n" and "content-encoding" not in reply.headers

    def test_a_large_result_is_not_held_in_memory(self, server: LiveServer) -> None:
        def anonymous_kib() -> int:
            status = Path(f"/proc/{server.process.pid}/status").read_text()
            return int(status.split("RssAnon:")[1].split()[0])

        server.ask("SELECT number FROM numbers(1000000) FORMAT RowBinary")
        before = anonymous_kib()
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.request("POST", "/", b"SELECT number FROM numbers(100000000) FORMAT RowBinary", server.auth())
        reply = connection.getresponse()
        size = highest = 0
        while piece := reply.read(4 * 1024 * 1024):
            size += len(piece)
            highest = max(highest, anonymous_kib())
        connection.close()
        assert size == 800_000_000
        assert highest - before < 150 * 1024

    def test_an_error_in_mid_stream_is_marked_and_breaks_the_body(self, server: LiveServer) -> None:
        query = "SELECT number, throwIf(number = 2000000) FROM numbers(3000000) FORMAT TSV"
        with pytest.raises(http.client.IncompleteRead) as broken:
            server.ask(query)
        tail = broken.value.partial[-2000:]
        assert b"__exception__\r\n" in tail and b"Code: 395. DB::Exception: " in tail
        assert tail.endswith(b"\r\n__exception__\r\n")

    def test_wait_end_of_query_gives_the_error_its_status(self, server: LiveServer) -> None:
        query = "SELECT number, throwIf(number = 2000000) FROM numbers(3000000) FORMAT TSV"
        reply = server.ask(query, wait_end_of_query="1")
        assert (reply.status, reply.code) == (500, 395)

    def test_a_client_that_leaves_ends_its_query(self, server: LiveServer) -> None:
        for _ in range(5):
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
            connection.request("POST", "/", b"SELECT number FROM numbers(100000000000) FORMAT TSV", server.auth())
            assert connection.getresponse().read(100_000)
            connection.close()
        wait_for(lambda: running(server, "100000000000") == 0, 5)

    def test_a_client_that_leaves_before_the_first_row_ends_its_query(self, server: LiveServer) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        query = b"SELECT sum(cityHash64(number)) FROM numbers(200000000000) SETTINGS max_threads = 1"
        connection.request("POST", "/", query, server.auth())
        wait_for(lambda: running(server, "200000000000") == 1)
        connection.close()
        wait_for(lambda: running(server, "200000000000") == 0, 5)


class TestErrors:
    @pytest.mark.parametrize(
        ("query", "status", "code", "name"),
        [
            ("SELEC 1 FRM", 400, 62, "SYNTAX_ERROR"),
            ("", 400, 62, "SYNTAX_ERROR"),
            ("SELECT 1; SELECT 2", 400, 62, "SYNTAX_ERROR"),
            ("SELECT * FROM no_such_table", 404, 60, "UNKNOWN_TABLE"),
            ("SELECT no_such_column", 404, 47, "UNKNOWN_IDENTIFIER"),
            ("SELECT no_such_function(1)", 404, 46, "UNKNOWN_FUNCTION"),
            ("SELECT 1 FORMAT NoSuchFormat", 404, 73, "UNKNOWN_FORMAT"),
            ("INSERT INTO no_such_table FORMAT CSV\n1", 404, 60, "UNKNOWN_TABLE"),
            ("SELECT toUInt8('x')", 400, 6, "CANNOT_PARSE_TEXT"),
            ("SELECT throwIf(1)", 500, 395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"),
            ("SELECT 1 INTO OUTFILE 'x'", 500, 344, "SUPPORT_IS_DISABLED"),
            ("INSERT INTO x FROM INFILE '/etc/passwd' FORMAT TSV", 500, 344, "SUPPORT_IS_DISABLED"),
            ("SELECT {p:UInt8}", 500, 456, "UNKNOWN_QUERY_PARAMETER"),
        ],
    )
    def test_status_code_and_text(self, server: LiveServer, query: str, status: int, code: int, name: str) -> None:
        reply = server.ask("", query.encode())
        version = server.endpoint["version"]
        assert reply.code == code, reply.text
        assert reply.text.startswith(f"Code: {code}. DB::Exception: ")
        assert reply.text.endswith(f"({name}) (version {version})\n")
        assert reply.text.count("DB::Exception") == 1
        assert reply.status == status

    def test_unknown_setting(self, server: LiveServer) -> None:
        reply = server.ask("SELECT 1", no_such_setting="1")
        assert (reply.status, reply.code) == (404, 115)
        injected: dict[str, Any] = {"a = 1, b": "1"}
        assert server.ask("SELECT 1", **injected).code == 36

    def test_the_status_table_agrees_with_the_engine(self, server: LiveServer) -> None:
        from genesis_ch.server.errors import _NAMES, status_of_code

        numbers = "(SELECT toUInt32(number) AS n FROM numbers(1200))"
        listed = server.rows(f"SELECT n, errorCodeToName(n) FROM {numbers} FORMAT JSONCompact")
        by_code = {int(code): name for code, name in json.loads(listed)["data"]}
        assert {code: by_code[code] for code in _NAMES} == _NAMES
        expected = {"SYNTAX_ERROR": 400, "REQUIRED_PASSWORD": 401, "AUTHENTICATION_FAILED": 403, "ACCESS_DENIED": 403,
                    "UNKNOWN_TABLE": 404, "TIMEOUT_EXCEEDED": 408, "QUERY_IS_TOO_LARGE": 413, "NOT_IMPLEMENTED": 501,
                    "CANNOT_SCHEDULE_TASK": 503, "READONLY": 500, "MEMORY_LIMIT_EXCEEDED": 500}  # fmt: skip
        assert {name: status_of_code(code) for code, name in by_code.items() if name in expected} == expected

    def test_get_is_readonly(self, server: LiveServer) -> None:
        for query in ("CREATE TABLE by_get (a Int8) ENGINE = Memory", "INSERT INTO system.one VALUES (1)"):
            assert server.ask(query, method="GET").code == 164
        assert server.ask("SELECT 1 FORMAT JSON", method="GET", max_threads="1").status == 200
        assert server.ask("CREATE TABLE by_post (a Int8) ENGINE = Memory", readonly="1").code == 164

    def test_what_is_not_offered_says_so(self, server: LiveServer) -> None:
        for name in ("compress", "decompress"):
            wanted: dict[str, Any] = {name: "1"}
            reply = server.ask("SELECT 1", **wanted)
            assert (reply.status, reply.code) == (501, 48)
            assert "Content-Encoding" in reply.text
        assert server.ask("INSERT INTO x FORMAT CSV", b"1", headers={"Content-Encoding": "br"}).code == 89
        assert server.ask("SELECT 1", path="/nowhere").status == 404
        assert server.ask("SELECT 1", method="DELETE").status == 405


class TestSecurity:
    def test_password(self, server: LiveServer) -> None:
        missing = server.ask("SELECT 1", auth=False)
        assert (missing.status, missing.code) == (401, 516)
        assert missing.headers["www-authenticate"].startswith("Basic ")
        for headers in (
            server.auth("wrong"),
            {"X-ClickHouse-User": "default"},
            {"X-ClickHouse-User": "other", "X-ClickHouse-Key": server.token},
            {"Authorization": "Basic %%%"},
        ):
            reply = server.ask("SELECT 1", auth=False, headers=headers)
            assert (reply.status, reply.code) == (403, 516)
            assert server.token not in reply.text
        named = {"X-ClickHouse-User": "default", "X-ClickHouse-Key": server.token}
        assert server.ask("SELECT 1", auth=False, headers=named).text == "1\n"
        assert server.ask("SELECT 1", auth=False, user="default", password=server.token).text == "1\n"

    @pytest.mark.parametrize(
        "headers",
        [
            {"Host": "evil.example"},
            {"Host": "evil.example:80"},
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
        ],
    )
    def test_web_pages_are_refused(self, server: LiveServer, headers: dict[str, str]) -> None:
        assert server.ask("SELECT 1", headers=headers).status == 403

    def test_local_names_are_served(self, server: LiveServer) -> None:
        for host in ("localhost", f"127.0.0.1:{server.port}", "[::1]:8123"):
            assert server.ask("SELECT 1", headers={"Host": host}).status == 200
        own = f"http://127.0.0.1:{server.port}"
        assert server.ask("SELECT 1", headers={"Origin": own, "Host": own[7:]}).status == 200

    def test_files_are_private_and_the_log_holds_no_secret(self, server: LiveServer) -> None:
        server.ask("SELECT 'needle_in_query' FROM no_such", b"needle_in_body")
        server.ask("INSERT INTO no_such FORMAT CSV", b"needle_in_body")
        assert server.directory.stat().st_mode & 0o777 == 0o700
        for name in ("endpoint.json", "token", "server.log", "server.lock"):
            assert (server.directory / name).stat().st_mode & 0o777 == 0o600, name
        log = (server.directory / "server.log").read_text()
        assert "serving" in log
        assert server.token not in log and "needle" not in log
        assert not list((server.directory / "tmp").iterdir())


def test_eight_threads_read_and_write_at_once(server: LiveServer) -> None:
    make_table(server, "busy", "a UInt64, s String", "ReplacingMergeTree")
    failures: list[str] = []

    def work(number: int) -> None:
        for step in range(15):
            if number % 2:
                rows = row_binary([((number * 100 + step) * 1000 + n, b"x") for n in range(1000)])
                reply = server.ask("INSERT INTO busy (a, s) FORMAT RowBinaryWithNamesAndTypes", rows)
            else:
                reply = server.ask("SELECT count() % 1000 FROM busy")
                if reply.text != "0\n":
                    failures.append(f"half an insert: {reply.text}")
            if reply.status != 200:
                failures.append(reply.text)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert server.rows("SELECT count() FROM busy") == f"{4 * 15 * 1000}\n"
