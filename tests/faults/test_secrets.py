"""A canary password and canary rows are looked for wherever they must not be, behind everything that can go wrong."""

from __future__ import annotations

import base64
import json
import os
import re
import stat
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from faults import doors
from faults.doors import Door
from faults.figures import Figure
from faults.harness import (
    Engine,
    Outcome,
    Program,
    clean_environment,
    database,
    end_server_of,
    engine,
    home,
    start,
    wait_for,
)
from faults.proxy import Proxy, Reply, Request

__all__ = ["database", "engine", "home"]

ROW = "CANARYrow'qzx7 \"kq9j\" é"
"""Stands in every text of every row; with quotation marks, in which a server's own would end."""
ROW_SIGNS = ("CANARYrow", "qzx7", "kq9j")
PASSWORD = "CANARYpassword-9d2e"
ENVIRONMENT_KEY = "CANARYenvironment-55aa"
TEXT_MAX = 512
SIDE_BY_SIDE = 4

PROGRAM = """
import traceback
told = []
class Everything(logging.Handler):
    def emit(self, record):
        told.append(f"{record.name} {record.getMessage()} {record.args!r} {record.exc_text or ''}")
logging.getLogger().addHandler(Everything())
logging.getLogger().setLevel(1)
logging.getLogger("genesis_ch").propagate = True
ROW = os.environ["ROW"]

def log_all(name):
    \"\"\"A row in every table, with the canary in every text.\"\"\"
    c = ROW + name
    ch_logger.log_llm_interaction(c, [{"role": c, "content": c}], c, 0.1, 0.2, {c: c}, c, run_id=name, provider=c, error=c)
    ch_logger.log_action(c, {c: c}, {c: c}, run_id=name)
    ch_logger.log_evolution_run(name, c, {"text": c}, 1, c, c, project_id=c, tags=[c], error=c)
    ch_logger.log_generation(name, 1, 1, 0.5, 0.5, 1, 0.1, {c: c})
    ch_logger.log_individual(name, c, 1, c, c, 0.5, 0.5, {"n": 1.5, c: c}, True, code_hash=c)
    ch_logger.log_pareto_front(name, 1, [{"individual_id": c, "metrics": {c: 1}}])
    ch_logger.log_lineage(name, c, c, 1, c, 0.1, c)
    ch_logger.update_evolution_run(name, "failed", 3, error=c)

def all_of(error):
    \"\"\"What an exception shows of itself, and those behind it.\"\"\"
    return [repr(error), str(error), repr(error.args), repr(getattr(error, "__dict__", "")), *traceback.format_exception(error)]

def tell(*more):
    stats = ch_logger.stats()
    say(told=told, stats=stats, repr=[repr(ch_logger), str(ch_logger), *map(str, more), *map(repr, more)], lines=lines)
"""


@dataclass
class Findings:
    """Everything that may be seen from outside, by where it was seen."""

    texts: dict[str, str] = field(default_factory=dict)

    def add(self, place: str, text: str | bytes) -> None:
        known = self.texts.get(place, "")
        self.texts[place] = known + (text.decode("utf-8", "replace") if isinstance(text, bytes) else text) + "\n"

    def add_outcome(self, outcome: Outcome) -> None:
        """What a program printed and said; its reports of texts are decoded."""
        assert outcome.status == 0, outcome
        self.add("stdout", outcome.out)
        self.add("stderr", outcome.err)
        for said in outcome.said:
            for name, value in said.items():
                self.add(name, json.dumps(value, ensure_ascii=False))

    def add_files(self, folder: Path) -> int:
        """Names and contents of all files but the outbox's rows and the engine's own; how many there were."""
        count = 0
        for path in folder.rglob("*"):
            parts = path.relative_to(folder).parts
            if not path.is_file() or path.suffix == ".seg" or "data" in parts or path.name in ("token", "endpoint.json"):
                continue
            count += 1
            self.add(f"file {path.name}", str(path))
            self.add(f"file {path.name}", path.read_bytes())
        return count

    def add_wire(self, requests: list[Request]) -> None:
        """Request lines and headers, without those that are there to carry the password."""
        for request in requests:
            self.add("request line", request.target)
            for name, value in request.headers.items():
                if name.lower() not in ("x-clickhouse-key", "authorization"):
                    self.add("header", f"{name}: {value}")

    def check(self, *secrets: str) -> int:
        """Fail where one of them stands, as it is or encoded; the number of characters that were searched."""
        for secret in secrets:
            forms = {secret, base64.b64encode(secret.encode()).decode().rstrip("="), repr(secret)[1:-1]}
            for place, text in self.texts.items():
                for form in forms:
                    at = text.find(form)
                    assert at < 0, f"{place}: {text[max(0, at - 300) : at + 100]}"
        return sum(map(len, self.texts.values()))


def begin(text: str, cwd: Path, **env: str) -> Program:
    """Start a program that has canaries in its rows and in its environment; its home is cwd."""
    (cwd / "tmp").mkdir(exist_ok=True)
    return start(
        PROGRAM + textwrap.dedent(text),
        cwd,
        ROW=ROW,
        HOME=str(cwd),
        TMPDIR=str(cwd / "tmp"),
        XDG_STATE_HOME=str(cwd / "state"),
        OPENAI_API_KEY=ENVIRONMENT_KEY,
        GENESIS_CH_CLOSE_TIMEOUT="0.2",
        **env,
    )


def program(text: str, cwd: Path, **env: str) -> Outcome:
    """Run one to its end."""
    return begin(text, cwd, **env).finish()


TRY = """
log_all("r")
result = ch_logger.flush(SECONDS)
errors = []
try:
    ch_logger.connect(0.5)
except Exception as error:
    errors += all_of(error)
client = ch_logger.client
if os.environ.get("ASK"):
    ch_logger.get_run_id_by_path(ROW + "r")
try:
    errors.append(repr(ch_logger.endpoint()))
except Exception as error:
    errors += all_of(error)
tell(result, errors, client)
"""


def situations(engine: Engine, database: str, tls_port: int) -> dict[str, tuple[dict[str, str], str]]:
    """Name: the environment, and a word that has to be in what the program tells."""
    token = engine.endpoint()["token"]
    here = f"127.0.0.1:{engine.port()}"
    return {
        "wrong password": ({"CLICKHOUSE_URL": f"http://default:{PASSWORD}@{here}/{database}"}, "password"),
        "wrong user": ({"CLICKHOUSE_URL": f"http://nobody:{PASSWORD}@{here}/{database}"}, "password"),
        "unreachable": ({"CLICKHOUSE_URL": f"http://u:{PASSWORD}@127.0.0.1:1/{database}"}, "no answer"),
        "no such host": ({"CLICKHOUSE_URL": f"http://u:{PASSWORD}@no-such-host.invalid/{database}"}, "host"),
        "https to a port without": ({"CLICKHOUSE_URL": f"https://u:{PASSWORD}@127.0.0.1:{tls_port}/{database}"}, "https"),
        "unknown setting": ({"CLICKHOUSE_URL": engine.url(database, no_such_setting="1")}, "no_such_setting"),
        "scheme": ({"CLICKHOUSE_URL": f"htp://u:{PASSWORD}@h/d"}, "http://"),
        "no scheme": ({"CLICKHOUSE_URL": f"u:{PASSWORD}@h:8123/d"}, "disabled"),
        "port": ({"CLICKHOUSE_URL": f"http://u:{PASSWORD}@h:port/d"}, "port"),
        "path": ({"CLICKHOUSE_URL": f"http://u:a/{PASSWORD}@h/d"}, "disabled"),
        "percent": ({"CLICKHOUSE_URL": f"http://u:%zz{PASSWORD}@h/d"}, "%25"),
        "space": ({"CLICKHOUSE_URL": f"http://u:{PASSWORD} @h/d"}, "space"),
        "number sign": ({"CLICKHOUSE_URL": f"http://u:{PASSWORD}#@h/d"}, "%23"),
        "password as a setting": ({"CLICKHOUSE_URL": f"http://h/d?password={PASSWORD}"}, "do not belong"),
        "mode": ({"CLICKHOUSE_URL": engine.url(database), "GENESIS_CH_MODE": "remote"}, "GENESIS_CH_MODE"),
        "all is well": ({"CLICKHOUSE_URL": engine.url(database)}, token[:0]),
    }


def test_nothing_is_told(engine: Engine, database: str, tmp_path: Path, figure: Figure, long_form: bool) -> None:
    """Log lines, exceptions, repr, stats, files and output of programs that meet every kind of trouble."""
    searched = files = 0
    token = engine.endpoint()["token"]
    with Door(doors.plain_http, engine.port()) as closed:
        cases = situations(engine, database, closed.port)


        def attempt(name: str) -> tuple[Outcome, Path]:
            cwd = tmp_path / name.replace(" ", "-")
            cwd.mkdir()
            well = "well" in name
            asks = {"ASK": "1"} if long_form or well or "wrong" in name else {}
            return program(TRY.replace("SECONDS", "10" if well else "0.4"), cwd, **cases[name][0], **asks), cwd

        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            outcomes = dict(zip(cases, pool.map(attempt, cases), strict=True))
        for name, (outcome, cwd) in outcomes.items():
            findings = Findings()
            findings.add_outcome(outcome)
            word = cases[name][1]
            assert word in findings.texts["told"] + findings.texts["repr"] + findings.texts["stats"], (name, findings.texts)
            files += findings.add_files(cwd)
            searched += findings.check(PASSWORD, token, ENVIRONMENT_KEY, *ROW_SIGNS)
    figure(
        15,
        f"canary password, key and rows through {len(cases)} situations: {', '.join(cases)}",
        f"not in {searched} characters of log lines, exceptions, repr, stats, output and {files} files",
    )


def real_texts(engine: Engine, database: str) -> list[str]:
    """What the engine says to inserts and queries that hold the canary where it cannot be read."""
    q = "'" + ROW.replace("'", "\\'") + "'"
    engine.ask(f"CREATE DATABASE IF NOT EXISTS {database}")
    engine.ask(
        "CREATE TABLE provoked (a Int32, s String, d DateTime64(3), e Enum8('x' = 1), u UUID, f FixedString(3), i IPv4, "
        "b Bool, l Array(Int32), m Map(String, Float64), x Decimal(9, 2), "
        "CONSTRAINT c CHECK s NOT LIKE '%CANARY%') ENGINE = MergeTree ORDER BY a",
        database,
    )
    statements = [
        *(f"INSERT INTO provoked ({column}) FORMAT JSONEachRow {json.dumps({column: ROW})}" for column in "adeufiblmxs"),
        *(f"INSERT INTO provoked ({column}) FORMAT JSONEachRow {{\"{column}\": {ROW}}}" for column in "ad"),
        *(f"INSERT INTO provoked FORMAT {name} {ROW}" for name in ("CSV", "TSV", "JSONCompactEachRow", "TSKV", "JSON")),
        f"INSERT INTO provoked (a, s) FORMAT JSONCompactEachRow [{json.dumps(ROW)}, 1]",
        f"INSERT INTO provoked (a, d) FORMAT CSV 1,{ROW}",
        f"INSERT INTO provoked (a, s) SELECT 1, {q}",
        *(f"SELECT {name}({q})" for name in ("toInt32", "toUUID", "toDate", "toDateTime", "toIPv4", "toIPv6", "toFloat64", "nope")),
        f"SELECT toDecimal32({q}, 2)",
        f"SELECT CAST({q} AS Enum8('a' = 1))",
        f"SELECT CAST({q} AS Array(Int32))",
        f"SELECT CAST({q} AS Map(String, Int32))",
        f"SELECT CAST({q} AS Bool)",
        f"SELECT toFixedString({q}, 3)",
        f"SELECT match('a', concat('(', {q}))",
        f"SELECT {q} + 1",
        f"SELECT nope FROM provoked WHERE s = {q}",
        f"SELECT {q} FROM FROM",
        f"SELECT {q}",
        f"SELECT JSONExtract('{{}}', {q})",
        f"SELECT throwIf(s = {q}) FROM (SELECT {q} AS s)",
        f"SELECT reinterpret({q}, 'Nope')",
        f"SELECT parseDateTimeBestEffort({q})",
        f"SELECT accurateCast({q}, 'UInt8')",
        f"SELECT arrayElement({q}, 1)",
        f"SELECT dictGet('d', 'a', {q})",
    ]
    texts = []
    for statement in statements:
        try:
            engine.ask(statement, database)
        except AssertionError as error:
            texts.append(str(error))
    return texts


OLDER_TEXTS = [
    "Code: 27. DB::ParsingException: Cannot parse input: expected , before: 76043,{0},2017: (at row 722)",
    "Code: 632. DB::Exception: Unexpected data '{0}' after parsed Number value '0': (while reading the value of column cnt)",
    "Code: 27, e.displayText() = DB::Exception: Cannot parse input: expected '\\t' before: '{0}': \nRow 1:\nColumn 2,   name: role,"
    '     type: UInt32,   ERROR: text "{0}<LINE FEED>2" is not like UInt32',
    "Code: 457. DB::Exception: Value {0} cannot be parsed as Int32 for query parameter 'p'",
    "Code: 469. DB::Exception: Constraint `c` for table d.t is violated at row 3. Expression: (a < 1). Column values: s = '{0}'",
    "Code: 117. DB::Exception: Unknown field found while parsing JSONEachRow format: {0}",
    "Code: 62. DB::Exception: Syntax error: failed at position 11 ({0}): {0}. Expected end of query",
]
"""Of other releases, from their issue trackers and sources."""


def test_words_of_a_server(engine: Engine, database: str, tmp_path: Path, figure: Figure) -> None:
    """Errors that quote rows, real ones and those of other releases: cut in the log, last_error, exceptions and the quarantine."""
    real = real_texts(engine, database)
    quoted = [text for text in real if "CANARYrow" in text]
    assert len(quoted) >= 20, "the engine no longer quotes what it cannot read"
    texts = [*real, *(text.format(ROW) for text in OLDER_TEXTS)]
    given = [0] * len(texts)

    def plan(request: Request) -> Reply | None:
        if not request.is_insert:
            return None
        number = int(request.target.partition("max_block_size=")[2].partition("&")[0]) - 1
        given[number] += 1
        code = re.search(r"Code: (\d+)", texts[number])
        return Reply(400, {"X-ClickHouse-Exception-Code": code[1] if code else "1002"}, texts[number].encode())

    findings = Findings()
    with Proxy(engine.port(), plan) as proxy:
        urls = [engine.url(database, proxy.port, max_block_size=str(i + 1)) for i in range(len(texts))]
        outcome = program(
            """
            results = []
            for i, url in enumerate(os.environ["URLS"].split()):
                ch_logger.configure(url=url, home=f"home-{i}", close_timeout=0)
                ch_logger.log_lineage("r", f"{ROW}{i}", ROW, 1, ROW, 0.1, ROW)
                until = time.monotonic() + 5
                while time.monotonic() < until:
                    result = ch_logger.flush(0.05)
                    stats = ch_logger.stats()
                    if stats["last_error"] or result.rejected or result.parked:
                        break
                results += [repr(result), str(stats["last_error"])]
            ch_logger.log_action("the last line of trouble is said by a call", None)
            tell(results)
            """,
            tmp_path,
            URLS=" ".join(urls),
        )
        findings.add_outcome(outcome)
        findings.add_wire(proxy.requests)
    assert min(given) > 0, f"{given.count(0)} texts were not given"
    said = outcome.said[0]
    assert len(said["lines"]) >= len(texts) // 2
    reasons = [path.read_text() for path in tmp_path.rglob("quarantine/*.txt")]
    assert len(reasons) >= 10, "nothing came into the quarantine"
    assert max(len(line.encode()) for line in said["lines"]) <= TEXT_MAX + 20
    assert max(len(reason.encode()) for reason in reasons) <= TEXT_MAX + 100
    files = findings.add_files(tmp_path)
    searched = findings.check(engine.endpoint()["token"], *ROW_SIGNS)
    figure(
        15,
        f"{len(texts)} error texts, {len(quoted)} of them quoting the row as this engine does, {len(OLDER_TEXTS)} as others do",
        f"no quoted row in {searched} characters of log, last_error, {len(reasons)} reasons in the quarantine, {files} files; each text at most 512 bytes",
    )


def test_a_row_that_the_engine_refuses(engine: Engine, database: str, tmp_path: Path) -> None:
    """A constraint names the values: they are in neither the quarantine's reason nor what the commands print."""
    env = {"CLICKHOUSE_URL": engine.url(database), "GENESIS_CH_HOME": str(tmp_path / "home")}
    program('ch_logger.connect(30)\ntell()', tmp_path, **env)
    engine.ask("ALTER TABLE code_lineages ADD CONSTRAINT c CHECK edit_summary NOT LIKE '%CANARY%'", database)
    findings = Findings()
    outcome = program(
        'ch_logger.log_lineage("r", "a", "b", 1, "m", 0.1, ROW)\nresult = ch_logger.flush(10)\ntell(result, result.rejected)',
        tmp_path,
        **env,
    )
    findings.add_outcome(outcome)
    assert outcome.said[0]["repr"][3] == "1", outcome
    (reason,) = tmp_path.rglob("quarantine/*.txt")
    assert "VIOLATED_CONSTRAINT" in reason.read_text() and "code_lineages" in reason.read_text()
    for arguments in (["doctor"], ["sync"], ["outbox"]):
        done = subprocess.run(
            [sys.executable, "-m", "genesis_ch.cli", *arguments],
            env={**clean_environment(**env), "HOME": str(tmp_path)},
            cwd=tmp_path,
            capture_output=True,
            timeout=60,
            check=False,
        )
        findings.add(f"genesis-ch {arguments[0]}", done.stdout + done.stderr)
    assert "VIOLATED_CONSTRAINT" in findings.texts["genesis-ch doctor"]
    findings.add_files(tmp_path)
    findings.check(engine.endpoint()["token"], *ROW_SIGNS)


def test_on_the_wire(engine: Engine, database: str, tmp_path: Path, figure: Figure) -> None:
    """Rows and password are in no request line and in no header but the two that carry the password."""
    findings = Findings()
    with Proxy(engine.port()) as proxy:
        env = {"CLICKHOUSE_URL": engine.url(database, proxy.port), "GENESIS_CH_HOME": str(tmp_path / "home")}
        outcome = program(TRY.replace("SECONDS", "20"), tmp_path, **env)
        assert outcome.said[0]["stats"]["rows_pending"] == 0, outcome
        findings.add_wire(proxy.requests)
        requests = list(proxy.requests)
    findings.add_outcome(outcome)
    token = engine.endpoint()["token"]
    updates = [request for request in requests if b"param_error" in request.body]
    assert updates and all(b"CANARYrow" in request.body for request in updates), "the update was not seen"
    assert all(token in request.headers.get("X-ClickHouse-Key", token) for request in requests)
    assert "CANARYrow" in engine.ask("SELECT error FROM evolution_runs FINAL WHERE run_id = 'r'", database)
    searched = findings.check(token, *ROW_SIGNS, "CANARYrow%27qzx7")
    figure(
        15,
        f"{len(requests)} requests of delivery and client, among them an update with the canary in its error text",
        f"neither password nor rows in {searched} characters of request lines and headers (the two headers that carry the password aside)",
    )


def process_texts(pid: int) -> dict[str, str]:
    """argv and environment of a process."""
    return {name: Path(f"/proc/{pid}/{name}").read_bytes().decode("utf-8", "replace") for name in ("cmdline", "environ")}


@pytest.mark.skipif(not os.path.exists("/proc/self/environ"), reason="needs /proc")
def test_embedded_server_knows_nothing(tmp_path: Path, home: Path, figure: Figure) -> None:
    """Its argv and environment hold no key of the experiment, and its password is in files for its owner alone."""
    outcome = program(
        'log_all("r")\nresult = ch_logger.flush(60)\nassert result, result\ntell(result)',
        tmp_path,
        GENESIS_CH_HOME=str(home),
        GENESIS_CH_MODE="embedded",
        GENESIS_CH_SERVER_IDLE="60",
        CLICKHOUSE_URL=f"http://u:{PASSWORD}@h/d",
        DB_PASSWORD=PASSWORD,
        HTTPS_PROXY=f"http://u:{PASSWORD}@proxy:3128",
        MY_SETTINGS=ENVIRONMENT_KEY,
        PYTHON_KEYRING_TOKEN=ENVIRONMENT_KEY,
        LD_SECRET=ENVIRONMENT_KEY,
    )
    findings = Findings()
    findings.add_outcome(outcome)
    pid = int(wait_for(lambda: Engine(home).pid()))
    texts = process_texts(pid)
    assert "genesis_ch.server" in texts["cmdline"] and "PYTHONPATH=" in texts["environ"]
    token = Engine(home).endpoint()["token"]
    for place, text in texts.items():
        findings.add(place, text)
    for name in ("token", "endpoint.json"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600, name
    files = findings.add_files(tmp_path)
    findings.check(PASSWORD, ENVIRONMENT_KEY, token, *ROW_SIGNS)
    end_server_of(home)
    names = sorted(entry.partition("=")[0] for entry in texts["environ"].split("\0") if entry)
    figure(
        15,
        f"argv, environment ({len(names)} variables), log and {files} files of an embedded server whose experiment has keys in its environment",
        "no key, no password, no row; token and endpoint.json are 0600",
    )


def test_the_search_finds() -> None:
    """A search that cannot find anything would pass everything above."""
    for text in (ROW, base64.b64encode(b"CANARYrow").decode(), f"x {PASSWORD} y"):
        findings = Findings()
        findings.add("here", text)
        with pytest.raises(AssertionError, match="here"):
            findings.check("CANARYrow", PASSWORD)


SECRET_KEYS = ("api key", "openai api key", "access token", "hf token", "token", "db password", "client secret", "secret key", "credentials")
PARAMETERS = {
    "max tokens": 4096,
    "token limit": "8k",
    "tokenizer": "cl100k",
    "num tokens": 3,
    "input tokens": "many",
    "tokens per minute": "90000",
    "eos token": "</s>",
    "api key env": "OPENAI_API_KEY",
    "learning rate": 0.1,
    "key": "loss",
}


def spellings(words: str) -> set[str]:
    """snake, camel, kebab and their variants."""
    parts = words.split()
    pascal = "".join(part.capitalize() for part in parts)
    joined = {mark.join(parts) for mark in "_-."}
    return joined | {name.upper() for name in joined} | {pascal, pascal[0].lower() + pascal[1:]}


def test_config(engine: Engine, database: str, tmp_path: Path, figure: Figure) -> None:
    """Every spelling of every secret key, resolved references and URLs, in four kinds of config; parameters stay."""
    secret = {name: PASSWORD for words in SECRET_KEYS for name in spellings(words)}
    kept = {name: value for words, value in PARAMETERS.items() for name in spellings(words)}
    config = {
        **secret,
        **kept,
        "nested": [{"llm": {"headers": {"Authorization": f"Bearer {PASSWORD}"}}}],
        "db": f"postgres://u:{PASSWORD}@h/d",
        "overrides": [f"llm.api_key={PASSWORD}"],
    }
    outcome = program(
        """
        import dataclasses, json, pydantic
        from omegaconf import OmegaConf
        config = json.loads(os.environ["CONFIG"])
        lazy = OmegaConf.create({**config, "reference": "${oc.env:OPENAI_API_KEY}", "inside": "x ${reference} y"})
        made = dataclasses.make_dataclass("Made", [("config", object), ("api_key", str)])
        model = pydantic.create_model("Model", config=(dict, ...), password=(pydantic.SecretStr, ...), token=(str, ...))
        key = os.environ["OPENAI_API_KEY"]
        kinds = {
            "dict": {**config, "key from the environment": key},
            "DictConfig": lazy,
            "resolved": OmegaConf.to_container(lazy, resolve=True),
            "dataclass": made(config, key),
            "pydantic": model(config=config, password=key, token=key),
        }
        for name, kind in kinds.items():
            ch_logger.log_evolution_run(name, "t", kind, 1, "local", "p")
        result = ch_logger.flush(20)
        tell(result)
        """,
        tmp_path,
        CLICKHOUSE_URL=engine.url(database),
        GENESIS_CH_HOME=str(tmp_path / "home"),
        CONFIG=json.dumps(config),
    )
    findings = Findings()
    findings.add_outcome(outcome)
    stored = engine.ask("SELECT config FROM evolution_runs FINAL FORMAT JSONCompactEachRow", database).splitlines()
    assert len(stored) == 5, outcome
    for line in stored:
        findings.add("config", line)
        read = json.loads(json.loads(line)[0])
        read = read.get("config", read)
        assert {name: read[name] for name in kept} == kept
        assert {read[name] for name in secret} == {"[redacted]"}
    segments = [path.read_bytes() for path in tmp_path.rglob("*.seg")]
    assert not any(PASSWORD.encode() in segment for segment in segments)
    findings.check(PASSWORD, ENVIRONMENT_KEY)
    replaced = outcome.said[0]["stats"]["values_redacted"]
    assert replaced >= len(stored) * len(secret)
    figure(
        15,
        f"{len(secret)} spellings of secret keys, URLs, overrides and resolved references in {len(stored)} configs (dict, DictConfig, "
        f"dataclass, pydantic), beside {len(kept)} keys of parameters",
        f"{replaced} values replaced, none stored, also not in the outbox; every parameter is as it was given",
    )
