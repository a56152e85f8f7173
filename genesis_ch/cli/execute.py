"""`genesis-ch exec`: run a command in which Genesis logs through this package."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import click

HOOK = Path(__file__).with_name("hook")
NOT_FOUND, NOT_EXECUTABLE = 127, 126


@click.command(
    "exec",
    short_help="Run a command in which Genesis logs here.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("words", metavar="COMMAND...", nargs=-1, required=True, type=click.UNPROCESSED)
def command(words: tuple[str, ...]) -> None:
    """Run COMMAND so that an unmodified Genesis logs through this package.

    In COMMAND and in every Python process that it starts, `from genesis.utils.clickhouse_logger
    import ch_logger` gives the ch_logger of genesis_ch. The exit status is that of COMMAND.

    \b
    genesis-ch exec -- python -m genesis.launch
    genesis-ch exec -- genesis_launch variant=circle_packing

    It works through PYTHONPATH, so not with python -E, -I or -S, and the Python that COMMAND uses
    needs genesis_ch installed.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execvpe(words[0], words, environment(os.environ))
    except FileNotFoundError:
        click.echo(f"genesis-ch exec: {words[0]}: command not found", err=True)
        sys.exit(NOT_FOUND)
    except OSError as error:
        click.echo(f"genesis-ch exec: {words[0]}: {error.strerror}", err=True)
        sys.exit(NOT_EXECUTABLE)


def environment(current: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with the hook first on PYTHONPATH, once."""
    inherited = current.get("PYTHONPATH")
    others = [part for part in inherited.split(os.pathsep) if part != str(HOOK)] if inherited else []
    return {**current, "PYTHONPATH": os.pathsep.join([str(HOOK), *others])}
