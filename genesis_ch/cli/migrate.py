"""`genesis-ch migrate`: bring the tables to their newest form now."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from genesis_ch.cli import screen, store, trouble

LEDGER = "genesis_schema_migrations"

_APPLIED = f"""
SELECT
    name,
    toString(applied_at),
    applied_at >= now64(3) - toIntervalMillisecond({{elapsed:UInt64}})
FROM {LEDGER} FINAL
ORDER BY name
"""


@click.command("migrate")
@store.path_option
@click.option("--timeout", type=click.FloatRange(min=0), default=60.0, show_default=True, help="Seconds.")
def command(path: Path | None, timeout: float) -> None:
    """Create the tables, or bring older ones up to date, and print what was applied.

    Loggers do the same at their first connection; every step can be repeated.
    """
    from genesis_ch import ConnectError

    logger = store.open_logger(path)
    start = time.monotonic()
    try:
        logger.connect(timeout=timeout)
    except ConnectError as error:
        screen.fail(f"Nothing was applied: {error.reason}", trouble.cures(error.kind))
        sys.exit(1)
    client = logger.client
    if client is None:
        screen.fail(trouble.NO_CLIENT, trouble.NO_CLIENT_CURES)
        sys.exit(1)
    elapsed = int((time.monotonic() - start) * 1000)
    rows = client.query(_APPLIED, parameters={"elapsed": elapsed}).result_rows
    for name, applied_at, is_new in rows:
        screen.say(f"{'applied now ' if is_new else 'applied     '} {applied_at}  {name}")
    now = sum(bool(is_new) for _, _, is_new in rows)
    screen.say(f"✅ {now} applied, {len(rows) - now} were there already; database {client.database} is up to date")
