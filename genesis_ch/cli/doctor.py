"""`genesis-ch doctor`: is the logger connected, what is in the tables, what is still on its way."""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genesis_ch.cli import outbox, screen, store, trouble
from genesis_ch.cli.outbox import Outbox

if TYPE_CHECKING:
    from genesis_ch import ClickHouseLogger

TABLES = (
    "evolution_runs",
    "generations",
    "individuals",
    "pareto_fronts",
    "code_lineages",
    "llm_logs",
    "agent_actions",
)
BIG_TABLE = 10_000_000
DELIVERY_SECONDS = 5.0

_ENGINES = """
SELECT name, engine
FROM system.tables
WHERE database = currentDatabase()
"""

_COLUMNS = """
SELECT table, name, type
FROM system.columns
WHERE database = currentDatabase()
"""


@click.command("doctor", short_help="Is everything all right, and if not, why not.")
@store.path_option
@click.option("--timeout", type=click.FloatRange(min=0), default=30.0, show_default=True, help="Seconds to connect.")
def command(path: Path | None, timeout: float) -> None:
    """Check the connection, the tables and the outbox; name cause and cure of what is wrong.

    Rows that ended processes left are delivered when the server answers. The exit code is 0 when
    rows can be delivered and read and none were refused, 1 otherwise.
    """
    logger = store.open_logger(path)
    folder = store.outbox_folder(logger)
    connected = _connect(logger, timeout)
    healthy = connected and _tables(logger)
    if folder:
        healthy = _outbox(logger, outbox.look(folder), connected) and healthy
    screen.section("Versions", _versions(logger, connected))
    sys.exit(0 if healthy else 1)


def _connect(logger: ClickHouseLogger, timeout: float) -> bool:
    from genesis_ch import ConnectError

    try:
        logger.connect(timeout=timeout)
    except ConnectError as error:
        reason = error.reason if error.kind in ("disabled", "url") else f"ClickHouse connection failed: {error.reason}"
        screen.fail(reason, trouble.cures(error.kind))
        return False
    screen.say("✅ ClickHouse connection successful!")
    logger.flush(DELIVERY_SECONDS)
    return True


def _tables(logger: ClickHouseLogger) -> bool:
    """Print the documented lines, the rows of every table, and hints; False if something cannot be read."""
    client: Any = logger.client if find_spec("clickhouse_connect") else None
    if client is None:
        screen.fail(trouble.NO_CLIENT, trouble.NO_CLIENT_CURES)
        return False
    engines = {str(name): str(engine) for name, engine in client.query(_ENGINES).result_rows}
    missing = [name for name in TABLES if name not in engines]
    screen.say(f"Connected to database: {client.database}")
    screen.say(f"📊 Tables: {', '.join(name for name in TABLES if name in engines)}")
    if missing:
        screen.fail(f"Missing tables: {', '.join(missing)}", trouble.cures("schema"))
        return False
    fitting = _columns_fit(client)
    counts = {name: _rows(client, name, final=1) for name in TABLES}
    screen.section("Rows", counts.items())
    if not any(counts.values()):
        screen.advise(trouble.NO_DATA, trouble.NO_DATA_CURES)
    if max(counts.values()) >= BIG_TABLE:
        screen.advise("Queries are slow? These tables are large.", trouble.SLOW_CURES)
    _duplicates(client, engines, counts)
    return fitting


def _columns_fit(client: Any) -> bool:
    """Whether every table has the columns that rows are sent with; names those that differ."""
    from genesis_ch._core import TABLES as EXPECTED

    found = {(table, name): type_ for table, name, type_ in client.query(_COLUMNS).result_rows}
    wrong = [
        f"{table}.{name} is {found.get((table, name), 'missing')}, not {type_}"
        for table, columns in EXPECTED.items()
        for name, type_ in columns
        if found.get((table, name)) != type_
    ]
    if wrong:
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        cures = ["their rows wait in the outbox until the table fits; rename it, and it is made anew"]
        screen.fail(f"Columns differ: {'; '.join(wrong[:5])}{more}", cures)
    return not wrong


def _rows(client: Any, table: str, final: int) -> int:
    return int(client.query(f"SELECT count() FROM {table}", settings={"final": final}).result_rows[0][0])


def _duplicates(client: Any, engines: dict[str, str], counts: dict[str, int]) -> None:
    """Say which tables may hold a row twice. A run's own row is kept once more by each update of it: that is no surprise."""
    plain = [name for name in TABLES if "Replacing" not in engines[name]]
    if plain:
        screen.advise(
            f"Duplicate data is possible in {', '.join(plain)}: an older logger made them plain MergeTree.",
            ["a row that is sent twice stays twice there; use code_hash or LIMIT 1 BY the key to read it once"],
        )
    replacing = [name for name in TABLES if name not in plain and name != "evolution_runs"]
    twice = {name: _rows(client, name, final=0) - counts[name] for name in replacing}
    copies = [f"{name} {extra}" for name, extra in twice.items() if extra > 0]
    if copies:
        screen.advise(
            f"Duplicate data: rows sent again, or logged again with the same key, that are not merged yet: {', '.join(copies)}.",
            ["read with FINAL, or with the setting final=1 as ch_logger.client does: then every row shows once"],
        )


def _outbox(logger: ClickHouseLogger, found: Outbox, connected: bool) -> bool:
    """Print what waits, and what was refused; False when something needs a hand."""
    stats = logger.stats()
    screen.section(
        "Outbox",
        [
            ("directory", found.path),
            ("on disk", screen.size(store.bytes_on_disk(found.path))),
            ("rows waiting", f"{found.waiting}{found.more}"),
            ("rows refused", found.refused.total()),
            ("destination", f"{stats['destination']} ({stats['mode']})"),
        ],
    )
    for text in dict.fromkeys(store.warnings.texts):
        if connected and text != stats["last_error"]:
            screen.advise(text)
    if stats["rows_adopted"]:
        screen.advise(f"{stats['rows_adopted']} rows that ended processes had left were taken up just now.")
    if found.orphaned:
        when = "run" if connected else "once the server answers, run"
        screen.fail(
            f"{found.orphaned}{found.more} rows that ended processes left wait in the outbox.",
            [f"{when}: genesis-ch sync"],
        )
    if found.refused:
        reasons = [f"{count} × {', '.join(reason.splitlines())}" for reason, count in found.refused.most_common(5)]
        where = f"they are kept in {found.path / 'quarantine'}; look at them, send them again or drop them: genesis-ch outbox"
        screen.fail(f"{found.refused.total()} rows were refused by the server.", [*reasons, where])
    if found.damaged:
        screen.fail(f"{found.damaged} files of the outbox are damaged.", [f"they are kept in {found.path / 'damaged'}"])
    return not (found.orphaned or found.refused or found.damaged)


def _versions(logger: ClickHouseLogger, connected: bool) -> list[tuple[str, object]]:
    import genesis_ch

    stats = logger.stats()
    return [
        ("genesis_ch", genesis_ch.__version__),
        ("Python", platform.python_version()),
        ("ClickHouse server", (stats["server_version"] or "unknown") if connected else "not connected"),
        ("libcurl", " ".join(stats["libcurl_version"].split()[:2])),
        ("chdb-core", _installed("chdb-core")),
        ("clickhouse-connect", _installed("clickhouse-connect")),
    ]


def _installed(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"
