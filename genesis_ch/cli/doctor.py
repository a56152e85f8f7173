"""`genesis-ch doctor`: is the logger connected, what is in the tables, what is still on its way."""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genesis_ch.cli import screen, store, trouble

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
FINAL = {"final": 1}
DELIVERY_SECONDS = 5.0

_ENGINES = """
SELECT name, engine
FROM system.tables
WHERE database = currentDatabase()
"""


@click.command("doctor")
@store.path_option
@click.option("--timeout", type=click.FloatRange(min=0), default=30.0, show_default=True, help="Seconds to connect.")
def command(path: Path | None, timeout: float) -> None:
    """Check the connection, the tables and the outbox; name cause and cure of what is wrong.

    The exit code is 0 when rows can be delivered and read, 1 otherwise.
    """
    logger = store.open_logger(path)
    healthy = _connected(logger, timeout) and _tables(logger)
    _print_state(logger)
    healthy = _rejected_nothing(logger) and healthy
    sys.exit(0 if healthy else 1)


def _connected(logger: ClickHouseLogger, timeout: float) -> bool:
    from genesis_ch import ConnectError

    try:
        logger.connect(timeout=timeout)
    except ConnectError as error:
        screen.fail(f"ClickHouse connection failed: {error.reason}", trouble.cures(error.kind))
        return False
    if find_spec("clickhouse_connect") is None or logger.client is None:
        screen.fail(trouble.NO_CLIENT, trouble.NO_CLIENT_CURES)
        return False
    return True


def _tables(logger: ClickHouseLogger) -> bool:
    """Print the documented lines, the rows of every table, and hints; False if a table is missing."""
    client: Any = logger.client
    logger.flush(DELIVERY_SECONDS)
    engines = {str(name): str(engine) for name, engine in client.query(_ENGINES).result_rows}
    missing = [name for name in TABLES if name not in engines]
    screen.say("✅ ClickHouse connection successful!")
    screen.say(f"Connected to database: {client.database}")
    screen.say(f"📊 Tables: {', '.join(name for name in TABLES if name in engines)}")
    screen.say()
    if missing:
        screen.fail(f"Missing tables: {', '.join(missing)}", trouble.cures("schema"))
        return False
    counts = {name: _rows(client, name, FINAL) for name in TABLES}
    screen.console().print(screen.table("Rows", ("table", "rows"), counts.items()))
    _hint(client, engines, counts)
    return True


def _rows(client: Any, table: str, settings: dict[str, int]) -> int:
    return int(client.query(f"SELECT count() FROM {table}", settings=settings).result_rows[0][0])


def _hint(client: Any, engines: dict[str, str], counts: dict[str, int]) -> None:
    """Say what is not wrong but surprises: empty tables, rows stored twice, slow queries."""
    if not any(counts.values()):
        _advise(trouble.NO_DATA, trouble.NO_DATA_CURES)
    plain = [name for name in TABLES if "Replacing" not in engines[name]]
    twice = {name: _rows(client, name, {"final": 0}) - rows for name, rows in counts.items()}
    copies = [f"{name} {extra}" for name, extra in twice.items() if extra > 0]
    if plain:
        _advise(
            f"Duplicate data is possible: {', '.join(plain)} keep every row that is sent twice.",
            ["run: genesis-ch migrate, which makes ReplacingMergeTree of them"],
        )
    if copies:
        _advise(
            f"Duplicate data: rows stored more than once and not merged yet: {', '.join(copies)}.",
            ["read with FINAL, or with the setting final=1: then every row shows once"],
        )
    if max(counts.values()) >= BIG_TABLE:
        _advise("Queries are slow? These tables are large.", trouble.SLOW_CURES)


def _advise(title: str, cures: tuple[str, ...] | list[str]) -> None:
    screen.say(f"💡 {title}")
    for cure in cures:
        screen.say(f"   • {cure}")


def _print_state(logger: ClickHouseLogger) -> None:
    stats = logger.stats()
    outbox = stats.get("outbox_path")
    files, size = store.outbox_files(outbox)
    outbox_rows = [
        ("path", outbox or "none"),
        ("files", files),
        ("bytes on disk", screen.size(size)),
        ("rows pending", stats["rows_pending"]),
        ("rows rejected", stats["rows_rejected"]),
        ("mode", stats["mode"]),
        ("destination", stats["destination"]),
        ("last error", stats.get("last_error") or "none"),
    ]
    screen.say()
    for title, rows in (("Outbox", outbox_rows), ("Versions", _versions(logger))):
        screen.say(title)
        for name, value in rows:
            screen.say(f"  {name:<18} {value}")


def _versions(logger: ClickHouseLogger) -> list[tuple[str, object]]:
    import genesis_ch

    client: Any = logger.client if logger.enabled else None
    return [
        ("genesis_ch", genesis_ch.__version__),
        ("Python", platform.python_version()),
        ("ClickHouse server", client.server_version if client else "not connected"),
        ("libcurl", logger.stats().get("libcurl_version", "unknown")),
        ("chdb-core", _installed("chdb-core")),
        ("clickhouse-connect", _installed("clickhouse-connect")),
    ]


def _installed(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"


def _rejected_nothing(logger: ClickHouseLogger) -> bool:
    stats = logger.stats()
    if not stats["rows_rejected"]:
        return True
    screen.fail(
        f"{stats['rows_rejected']} rows were refused by the server: {stats.get('last_error') or 'see the outbox'}",
        [f"they are kept, with the reason, in {stats['outbox_path']}"],
    )
    return False
