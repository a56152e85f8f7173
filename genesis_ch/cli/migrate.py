"""`genesis-ch migrate`: what the tables have been through, and bringing them to another form."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from genesis_ch.cli import convert, ledger, screen, store, trouble

if TYPE_CHECKING:
    from genesis_ch import ClickHouseLogger

ADMINISTRATOR = "this account may not change tables: an administrator must run what `genesis-ch migrate --print` prints"
AGAIN = "a logger of this release that connects from now on applies them again"
_WIDTH = 23


@click.command("migrate", short_help="Create the tables, bring them up to date, or take that back.")
@store.path_option
@click.option("--status", is_flag=True, help="Say which migrations are applied, and change nothing.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, statement by statement, and change nothing.")
@click.option("--print", "printed", is_flag=True, help="Print the statements for an administrator, to be run by clickhouse-client.")
@click.option("--to", metavar="N", help="Apply migrations up to number N and undo those above it; 0 undoes all.")
@click.option("--again", is_flag=True, help="Apply everything again: brings back tables that were dropped by hand.")
@click.option("--convert", "converts", is_flag=True, help="Rebuild tables of the older Python logger as ReplacingMergeTree.")
@click.option("--drop-old", is_flag=True, help="With --convert: do not keep the old tables.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--timeout", type=click.FloatRange(min=0), default=600.0, show_default=True, help="Seconds.")
def command(
    path: Path | None,
    status: bool,
    dry_run: bool,
    printed: bool,
    to: str | None,
    again: bool,
    converts: bool,
    drop_old: bool,
    yes: bool,
    timeout: float,
) -> None:
    """Create the tables, or bring older ones up to date, and print what was applied.

    Loggers do the same at their first connection; every step can be repeated, and a run that was interrupted is simply
    started again.
    """
    if sum((status, dry_run, printed, converts)) > 1:
        raise click.UsageError("--status, --dry-run, --print and --convert are one at a time")
    if drop_old and not converts:
        raise click.UsageError("--drop-old goes with --convert")
    if to is not None and (converts or again):
        raise click.UsageError("--convert and --again are about all migrations; leave --to out")
    if converts and os.environ.get("GENESIS_CH_CLUSTER"):
        raise click.UsageError("--convert rebuilds tables of one server; unset GENESIS_CH_CLUSTER")
    target = _target(to)
    logger = store.open_logger(path)
    if converts:
        _apply(logger, _plan(logger, None, timeout, again), None, timeout, again)
        sys.exit(convert.run(logger, drop_old=drop_old, yes=yes, timeout=timeout))
    plan = _plan(logger, target, timeout, again and not status)
    if status:
        _say_entries(plan)
    elif dry_run:
        _say_steps(plan)
    elif printed:
        _print_script(plan, again)
    else:
        _check_undoing(plan, target, yes)
        _apply(logger, plan, target, timeout, again)
        _say_outcome(_plan(logger, target, timeout, False), plan)


def _target(to: str | None) -> int | None:
    if to is None:
        return None
    from genesis_ch import _runtime

    try:
        return ledger.number_of(to, [name for name, _, _ in _runtime.migrations()])
    except ValueError as error:
        raise click.UsageError(f"--to {to}: {error}") from None


def _plan(logger: ClickHouseLogger, target: int | None, timeout: float, again: bool) -> ledger.Plan:
    plan = ledger.make(logger, target, False, timeout, again)
    if plan.reason:
        _fail(f"Nothing was applied: {plan.reason}", plan)
    return plan


def _fail(title: str, plan: ledger.Plan) -> NoReturn:
    screen.fail(title, [ADMINISTRATOR] if plan.refused else trouble.cures(plan.kind))
    sys.exit(1)


def _apply(logger: ClickHouseLogger, plan: ledger.Plan, target: int | None, timeout: float, again: bool) -> None:
    """Run what the plan says, if anything; ends the command when that fails."""
    if not plan.steps:
        return
    done = ledger.make(logger, target, True, timeout, again)
    if done.reason:
        what = "Nothing was applied" if done.done == 0 else f"{done.done} of {len(done.steps)} statements were run"
        _fail(f"{what}: {done.reason}", done)


def _check_undoing(plan: ledger.Plan, target: int | None, yes: bool) -> None:
    undone = plan.of("undone")
    if not undone:
        return
    above = [name for name in plan.newer if target is not None and int(name.partition("_")[0]) > target]
    if above:
        screen.fail(f"Nothing was undone: {', '.join(above)} was applied by a newer release", ["run that release's `genesis-ch migrate --to`"])
        sys.exit(1)
    screen.advise(f"To undo: {', '.join(undone)}", ["their tables and columns go, with everything in them", AGAIN])
    if not yes:
        click.confirm(f"Undo {len(undone)} on {plan.destination}?", abort=True)


def _say_entries(plan: ledger.Plan) -> None:
    for entry in plan.entries:
        when = entry.applied_at if entry.state in (ledger.APPLIED, ledger.UNKNOWN) else entry.state
        note = "  unknown to this release: a newer one applied it" if entry.state == ledger.UNKNOWN else ""
        screen.say(f"{when:<{_WIDTH}}  {entry.name}{note}")
    if plan.unreadable:
        screen.advise(f"This account may not read the ledger of database {plan.database}: what is applied is not known.")


def _say_outcome(now: ledger.Plan, plan: ledger.Plan) -> None:
    _say_entries(now)
    applied, undone = plan.of("applied"), plan.of("undone")
    before = sum(entry.state in (ledger.APPLIED, ledger.UNKNOWN) for entry in now.entries) - len(applied)
    pending = [entry.name for entry in now.entries if entry.state in (ledger.PENDING, ledger.HALF_UNDONE)]
    what = f"{len(undone)} undone, {len(applied)} applied now, {before} before" if undone else f"{len(applied)} applied now, {before} before"
    if pending:
        screen.say(f"✅ {what}; {len(pending)} are not applied in database {now.database}, as asked: {AGAIN}")
    else:
        screen.say(f"✅ {what}; the tables of database {now.database} are up to date")


def _say_steps(plan: ledger.Plan) -> None:
    for step in plan.steps:
        screen.say(f"{step.sql};\n")
    files = len(set(plan.of("applied"))) + len(set(plan.of("undone")))
    if plan.steps:
        screen.say(f"💡 {len(plan.steps)} statements of {files} migrations would be run on {plan.destination}; nothing was changed")
    else:
        screen.say(f"✅ nothing to do: the tables of database {plan.database} are as wanted")


def _print_script(plan: ledger.Plan, again: bool) -> None:
    """SQL and comments only, so that the output can be piped into clickhouse-client as it is."""
    if not plan.steps:
        screen.say(f"-- The tables of database {plan.database} are as wanted: there is nothing to run.")
        return
    screen.say("-- For an account that may create and alter tables. Every statement can be repeated.")
    if plan.unreadable and not again:
        screen.say("-- The account that printed this may not read the ledger, so this is everything from the beginning.")
    used = False
    for step in plan.steps:
        if step.kind != "database" and not used:
            quoted = plan.database.replace("\\", "\\\\").replace("`", "\\`")
            screen.say(f"\nUSE `{quoted}`;")
            used = True
        screen.say(f"\n{step.sql};")
