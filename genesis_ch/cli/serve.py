"""`genesis-ch serve`: the embedded server in the foreground."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

import click

from genesis_ch.cli import screen, store


@click.command("serve", short_help="Run the embedded server; print its URL.")
@store.path_option
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: any free port.")
@click.option("--password", metavar="P", help="Instead of the store's own; other users of this machine can see it.")
@click.option("--allow-files", is_flag=True, help="Let queries read and write this user's files.")
@click.option("--allow-network", is_flag=True, help="Let queries reach other servers.")
def command(path: Path | None, port: int, password: str | None, allow_files: bool, allow_network: bool) -> None:
    """Serve the embedded store on 127.0.0.1 and print its DSN; Ctrl-C ends it.

    The DSN is the value for CLICKHOUSE_URL of other programs, and for clickhouse-connect.
    """
    directory = store.home(path)
    code = 1
    try:
        from genesis_ch.server import serve
        from genesis_ch.server.errors import QueryError
        from genesis_ch.server.store import StoreBusy
    except ImportError as error:
        _fail_without_engine(error)
    try:
        code = serve(
            directory,
            port=port,
            password=password,
            on_ready=_announce,
            allow_files=allow_files,
            allow_network=allow_network,
            fenced=True,
        )
    except StoreBusy as error:
        screen.fail(str(error), _uses(directory))
    except ImportError as error:
        _fail_without_engine(error)
    except QueryError as error:
        screen.fail(f"The engine cannot open {directory / 'data'}: {error}")
    except (OSError, ValueError) as error:
        screen.fail(f"Cannot serve {directory}: {error}", ["choose another --port or another --path"])
    sys.stdout.flush()
    sys.stderr.flush()
    # The engine's threads do not survive the interpreter's own clean-up.
    os._exit(code)


def _announce(dsn: str) -> None:
    screen.say(dsn)
    sys.stdout.flush()
    click.echo(f"To use it from another shell: export CLICKHOUSE_URL='{dsn}'    Ctrl-C ends it.", err=True)


def _uses(directory: Path) -> list[str]:
    """What to do when another process serves the directory."""
    from genesis_ch.server.loop import dsn
    from genesis_ch.server.store import Store

    endpoint = Store(directory).read_endpoint()
    if endpoint is None:
        return ["try again in a moment"]
    return [
        f"use that one: export CLICKHOUSE_URL='{dsn(endpoint)}'",
        f"one that a logger started leaves when it is idle; to end it now: kill {endpoint.pid}",
    ]


def _fail_without_engine(error: ImportError) -> NoReturn:
    screen.fail(
        f"The embedded server is not installed: {error.name or error}",
        ["run: python -m pip install 'genesis_ch[embedded]'"],
    )
    sys.exit(1)
