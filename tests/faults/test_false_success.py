"""Answers that look like a success to a careless reader: none acknowledges a row."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

from faults.figures import Figure
from faults.harness import Engine, database, engine, home, start
from faults.proxy import Fault, Proxy, Raw, Request

__all__ = ["database", "engine", "home"]

OURS = (
    'X-ClickHouse-Server-Display-Name: s\r\nX-ClickHouse-Query-Id: q\r\nX-ClickHouse-Summary: {"written_rows":"5"}\r\n'
    "X-ClickHouse-Format: TabSeparated\r\nX-ClickHouse-Timezone: UTC\r\n"
)
"""Headers of a real answer: most shapes have them, so that only what is wrong with a shape can give it away."""
CHUNKED = OURS + "Transfer-Encoding: chunked\r\n"
PORTAL = "<html><head><title>Welcome</title></head><body>Log in to the network</body></html>"
ROWS = 5
"""Rows in a cell that are plainly inserted; they come before the merged ones and the update of their run."""
MERGED = 3
"""Rows in a cell that are merged with what is stored: a trace, what is added to it, and its score."""
CELL = ROWS + MERGED + 1


def answer(status: str, headers: str = OURS, body: bytes | str = b"", length: str | None = "") -> Raw:
    """An answer; length "" is the true one, None leaves it out."""
    data = body.encode() if isinstance(body, str) else body
    said = "" if length is None else f"Content-Length: {length or len(data)}\r\n"
    return Raw(f"HTTP/1.1 {status}\r\n{headers}{said}\r\n".encode() + data, keep=length is not None)


def redirect(status: str) -> Raw:
    return answer(status, f"{OURS}Location: /elsewhere\r\n", "")


SHAPES: dict[str, Raw] = {
    "exception header": answer("200 OK", OURS + "X-ClickHouse-Exception-Code: 241\r\n"),
    "exception header with an unknown code": answer("200 OK", OURS + "X-ClickHouse-Exception-Code: 99999\r\n"),
    "exception header of 0": answer("200 OK", OURS + "X-ClickHouse-Exception-Code: 0\r\n"),
    "body of an exception": answer("200 OK", OURS, "Code: 241. DB::Exception: Memory limit exceeded\n"),
    "body of an exception behind a proxy": answer("200 OK", "", "Code: 252. DB::Exception: Too many parts\n"),
    "exception at the tail": answer("200 OK", OURS, "1\r\n__exception__\r\nCode: 159. DB::Exception: Timeout\r\n"),
    "exception behind a long body": answer("200 OK", OURS, b"x" * 300_000 + b"\r\n__exception__\r\nCode: 159. Timeout"),
    "long body": answer("200 OK", OURS, b"\n" * 300_000),
    "short body": answer("200 OK", OURS, "1\n"),
    "chunks without an end": Raw(f"HTTP/1.1 200 OK\r\n{CHUNKED}\r\n5\r\nhello\r\n".encode()),
    "no chunk at all": Raw(f"HTTP/1.1 200 OK\r\n{CHUNKED}\r\n".encode()),
    "half a chunk": Raw(f"HTTP/1.1 200 OK\r\n{CHUNKED}\r\nff\r\nhello".encode()),
    "no chunk size": Raw(f"HTTP/1.1 200 OK\r\n{CHUNKED}\r\nzz\r\n0\r\n\r\n".encode()),
    "exception in a trailer": Raw(
        f"HTTP/1.1 200 OK\r\n{CHUNKED}\r\n0\r\nX-ClickHouse-Exception-Code: 241\r\n\r\n".encode(), keep=True
    ),
    "captive portal": answer("200 OK", "Content-Type: text/html\r\nServer: portal\r\n", PORTAL),
    "captive portal without a length": answer("200 OK", "Content-Type: text/html\r\n", PORTAL, None),
    "captive portal that keeps our headers": answer("200 OK", OURS + "Content-Type: text/html\r\n", PORTAL),
    "web server": answer("200 OK", "Server: nginx\r\n"),
    "web server that echoes the request": answer("200 OK", "X-ClickHouse-User: default\r\nX-ClickHouse-Key: k\r\n"),
    "our cloud's gateway": answer("200 OK", "Content-Type: application/json\r\n", '{"error":"service is asleep"}'),
    "gateway that keeps our headers": answer("200 OK", OURS, '{"error":"quota exceeded","code":429}'),
    "201": answer("201 Created"),
    "202": answer("202 Accepted"),
    "203": answer("203 Non-Authoritative Information"),
    "204": answer("204 No Content", length=None),
    "205": answer("205 Reset Content"),
    "206": answer("206 Partial Content", OURS + "Content-Range: bytes 0-0/9\r\n", "x"),
    "207": answer("207 Multi-Status"),
    "299": answer("299 Odd"),
    "301": redirect("301 Moved Permanently"),
    "302": redirect("302 Found"),
    "303": redirect("303 See Other"),
    "304": answer("304 Not Modified", length=None),
    "307": redirect("307 Temporary Redirect"),
    "308": redirect("308 Permanent Redirect"),
    "nothing": Raw(b""),
    "no status line": Raw(b"Ok.\n"),
    "another protocol": Raw(f"ICY 200 OK\r\n{OURS}\r\n".encode()),
    "status of two digits": Raw(f"HTTP/1.1 20 OK\r\n{OURS}\r\n".encode()),
    "a header line of 200 KiB": answer("200 OK", f"{OURS}X-Long: {'x' * 200_000}\r\n"),
    "headers of 400 KiB": answer("200 OK", OURS + "X-Many: 0123456789012345678901\r\n" * 13_000),
    "headers without an end": Raw(f"HTTP/1.1 200 OK\r\n{OURS}".encode()),
    "headers without an end, held": Raw(f"HTTP/1.1 200 OK\r\n{OURS}".encode(), hold=1.0),
    "half a header": Raw(f"HTTP/1.1 200 OK\r\n{OURS[:-20]}".encode()),
    "status line only": Raw(b"HTTP/1.1 200 OK\r\n"),
    "length larger than the body": answer("200 OK", OURS, "", "10"),
    "length larger than the body, held": Raw(f"HTTP/1.1 200 OK\r\n{OURS}Content-Length: 9\r\n\r\n".encode(), hold=1.0),
    "two lengths": answer("200 OK", OURS + "Content-Length: 5\r\n", "", "0"),
    "two lengths the other way": answer("200 OK", OURS + "Content-Length: 0\r\n", "hello", "5"),
    "length that is no number": answer("200 OK", OURS, "", "none"),
    "negative length": answer("200 OK", OURS, "", "-1"),
    "100 only": Raw(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "100 only, held": Raw(b"HTTP/1.1 100 Continue\r\n\r\n", hold=1.0),
    "flood of 102": Raw(f"HTTP/1.1 102 Processing\r\n{OURS}\r\n".encode() * 500),
    "our headers in an early hint": Raw(
        f"HTTP/1.1 103 Early Hints\r\n{OURS}\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".encode(), keep=True
    ),
    "compressed garbage": answer("200 OK", OURS + "Content-Encoding: gzip\r\n", gzip.compress(b"\n")[:12] + b"\xff" * 40),
    "400": answer("400 Bad Request"),
    "401": answer("401 Unauthorized", OURS + 'WWW-Authenticate: Basic realm="x"\r\n'),
    "403": answer("403 Forbidden"),
    "404": answer("404 Not Found"),
    "407": answer("407 Proxy Authentication Required"),
    "408": answer("408 Request Timeout"),
    "413": answer("413 Payload Too Large"),
    "429": answer("429 Too Many Requests", OURS + "Retry-After: 1\r\n"),
    "500 without a body": answer("500 Internal Server Error"),
    "502 of a proxy": answer("502 Bad Gateway", "Server: nginx\r\n", "<html><h1>502 Bad Gateway</h1></html>"),
    "503": answer("503 Service Unavailable", OURS + "Retry-After: 0\r\n"),
    "504 of a proxy": answer("504 Gateway Time-out", "Server: nginx\r\n", "<html><h1>504</h1></html>"),
}

PROGRAM = f"""
import json
while True:
    run = sys.stdin.readline().strip()
    if run == "end":
        break
    before = ch_logger.stats()
    ch_logger.log_evolution_run(run, "t", {{}}, 1, "c", "/p")
    issue_many(run, 0, {ROWS - 1})
    ch_logger.log_trace(run, id=run, input=run, metadata={{"n": run}}, tags=[run])
    ch_logger.log_trace(id=run, output=run)
    ch_logger.log_score("s", number_of(run), id=run, trace_id=run)
    ch_logger.update_evolution_run(run, "done", 7)
    def grown(name):
        return ch_logger.stats()[name] - before[name]
    until = time.monotonic() + 20
    ch_logger.flush(0.01)
    while grown("retries") == 0 and time.monotonic() < until and ch_logger.stats()["rows_pending"]:
        time.sleep(0.005)
    say(delivered=grown("rows_delivered"), pending=ch_logger.stats()["rows_pending"], retries=grown("retries"))
    sys.stdin.readline()
    result = ch_logger.flush(20)
    say(delivered=grown("rows_delivered"), pending=result.pending, parked=grown("rows_parked"),
        rejected=grown("rows_rejected"), dropped=grown("rows_dropped"))
"""


MERGED_GOOD = {
    "traces": "name = id AND input = id AND output = id AND metadata = map('n', id) AND tags = [id]",
    "scores": "name = 's' AND trace_id = id AND value = CRC32(id) / 65537.",
}
"""What each merged row must be."""


@dataclass
class Stage:
    """Which requests get which shape."""

    shape: Raw | None = None
    target: str = ""
    given: int = 0

    def plan(self, request: Request) -> Fault:
        """The shape for the requests that it is meant for."""
        meant = {"rows": request.is_insert, "merge": request.merges, "update": request.table == "update", "everything": True}
        if self.shape is None or not meant[self.target]:
            return None
        self.given += 1
        return self.shape


def test_false_success(
    engine: Engine, database: str, home: Path, tmp_path: Path, long_form: bool, figure: Figure
) -> None:
    """While a shape is given no row is acknowledged; when it ends, all arrive, and nothing of them in a second form."""
    stage = Stage()
    every = 1 if long_form else 3
    cells = [(name, "rows") for name in SHAPES]
    cells += [(name, "merge") for name in list(SHAPES)[1 :: every if long_form else 6]] + [(name, "update") for name in list(SHAPES)[::every]]
    cells += [(name, "everything") for name in SHAPES if long_form]
    with Proxy(engine.port(), stage.plan) as proxy:
        program = start(
            PROGRAM,
            tmp_path,
            CLICKHOUSE_URL=engine.url(database, proxy.port),
            GENESIS_CH_HOME=str(home),
            GENESIS_CH_REQUEST_TIMEOUT="0.9",
        )
        for number, (name, target) in enumerate(cells):
            stage.shape, stage.target, stage.given = SHAPES[name], target, 0
            program.tell(f"r{number}")
            during = program.listen()
            assert stage.given > 0 and during["retries"] > 0, f"{name}, {target}: it was never given"
            acknowledged = {"merge": ROWS, "update": ROWS + MERGED}.get(target, 0)
            assert (during["delivered"], during["pending"]) == (acknowledged, CELL - acknowledged), (name, target)
            stage.shape = None
            program.tell()
            after = program.listen()
            assert after == {"delivered": CELL, "pending": 0, "parked": 0, "rejected": 0, "dropped": 0}, (name, target)
        program.tell("end")
        program.finish().quiet()
    for number in range(len(cells)):
        assert engine.stored(f"r{number}", database) == set(range(ROWS - 1)), cells[number]
    runs = engine.ask("SELECT countIf(status = 'done' AND total_generations = 7), count() FROM evolution_runs FINAL", database)
    assert runs == f"{len(cells)}\t{len(cells)}\n"
    for table, good in MERGED_GOOD.items():
        found = engine.ask(f"SELECT count(), uniqExact(id), countIf({good}) FROM {table} FINAL", database).split()
        assert found == [str(len(cells))] * 3, (table, found)
    assert len(SHAPES) >= 24
    figure(
        5,
        f"{len(SHAPES)} shapes of a false success in {len(cells)} cells: in place of the answer to rows, to merged rows, to an update"
        + (", to everything" if long_form else ""),
        f"0 acknowledged; all {len(cells) * CELL} rows and updates stored when the shape ended",
    )
