"""The command line, `genesis-ch`."""

from __future__ import annotations

import codecs
import sys
from importlib import import_module
from typing import cast

import click

from genesis_ch import _nearest

COMMANDS = ("demo", "doctor", "query", "serve", "exec", "sync", "outbox", "migrate", "retention", "purge")
_MODULES = {"exec": "execute", "outbox": "outbox_commands"}
INTERRUPTED = 130
_PLAIN = {"✅": "ok:", "❌": "error:", "💡": "note:", "📊": "*", "•": "-", "µ": "u", "×": "x"}


class _Group(click.Group):
    """Loads the module of a command when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"genesis_ch.cli.{_MODULES.get(cmd_name, cmd_name)}")
        return cast(click.Command, module.command)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; the error about one that is unknown names the nearest."""
        near = _nearest.nearest(args[0], COMMANDS)
        if args[0] not in COMMANDS and near and not args[0].startswith("-"):
            ctx.fail(f"No such command {args[0]!r}. Did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; Ctrl-C ends it without a traceback."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("\nInterrupted.", err=True)
            ctx.exit(INTERRUPTED)


def _print_version(ctx: click.Context, option: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    import genesis_ch

    click.echo(f"genesis-ch {genesis_ch.__version__}")
    ctx.exit()


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def _group() -> None:
    """Record evolution experiments in ClickHouse, and look after what was recorded."""


def main() -> None:
    """Run the command line; the entry point of the `genesis-ch` script."""
    tame(sys.stdout)
    tame(sys.stderr)
    _group(prog_name="genesis-ch")


def tame(stream: object) -> None:
    """Make a stream write something plain for a character that its encoding lacks, instead of raising."""
    codecs.register_error("genesis_ch", _plain)
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure:
        reconfigure(errors="genesis_ch")


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(char, "?") for char in error.object[error.start : error.end]), error.end
