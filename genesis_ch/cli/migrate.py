"""`genesis-ch migrate`: bring the tables to their newest form now."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from genesis_ch.cli import screen, store, trouble

_APPLIED = """
SELECT name, toString(applied_at)
FROM genesis_schema_migrations FINAL
ORDER BY name
"""


@click.command("migrate", short_help="Create the tables or bring them up to date.")
@store.path_option
@click.option("--timeout", type=click.FloatRange(min=0), default=60.0, show_default=True, help="Seconds.")
def command(path: Path | None, timeout: float) -> None:
    """Create the tables, or bring older ones up to date, and print what was applied.

    Loggers do the same at their first connection; every step can be repeated.
    """
    from genesis_ch import ConnectError

    logger = store.open_logger(path)
    try:
        logger.connect(timeout=timeout)
    except ConnectError as error:
        screen.fail(f"Nothing was applied: {error.reason}", trouble.cures(error.kind))
        sys.exit(1)
    applied = int(logger.stats()["migrations_applied"])
    client = logger.client
    if client is None:
        screen.fail(trouble.NO_CLIENT, trouble.NO_CLIENT_CURES)
        sys.exit(1)
    known = client.query(_APPLIED).result_rows
    for name, applied_at in known:
        screen.say(f"{applied_at}  {name}")
    old = len(known) - applied
    screen.say(f"✅ {applied} applied now, {old} before; the tables of database {client.database} are up to date")
