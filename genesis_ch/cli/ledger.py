"""What a database has been through and what is to be done, as the core tells it (csrc/migrate.h)."""

from __future__ import annotations

import difflib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from genesis_ch import ClickHouseLogger

PENDING, APPLIED, HALF_UNDONE, UNKNOWN = "pending", "applied", "half undone", "unknown"
STEP_SECONDS = 0.1


class Step(NamedTuple):
    """One statement. kind: database, ledger, up, applied, undoing, down, undone; migration is "" for the first two."""

    kind: str
    migration: str
    sql: str


class Entry(NamedTuple):
    """A migration on this database. state is one of the four above; UNKNOWN: a newer release applied it."""

    name: str
    state: str
    applied_at: str


@dataclass(frozen=True)
class Plan:
    """The way from what the ledger says to a target, and how far it was gone. reason is "" when nothing failed."""

    kind: str
    reason: str
    refused: bool
    destination: str
    database: str
    entries: list[Entry]
    unreadable: bool
    steps: list[Step]
    done: int

    def of(self, kind: str, done_only: bool = False) -> list[str]:
        """The migrations that have a step of this kind, in the order of the plan."""
        steps = self.steps[: self.done] if done_only else self.steps
        return [step.migration for step in steps if step.kind == kind]

    @property
    def newer(self) -> list[str]:
        """Migrations that a newer release applied."""
        return [entry.name for entry in self.entries if entry.state == UNKNOWN]


def make(logger: ClickHouseLogger, target: int | None, run: bool, timeout: float, again: bool = False) -> Plan:
    """Plan the way to migration `target` (None: the newest) and, if asked to, go it; `again`: whatever the ledger says.

    The core talks to the server in a thread of its own, so that Ctrl-C and the timeout end the wait at once; a statement that
    is under way then goes on at the server, which does no harm.
    """
    answers: list[dict[str, Any]] = []
    errors: list[Exception] = []

    def ask() -> None:
        try:
            answers.append(logger._migrate(target, run, again))
        except Exception as error:  # handed to the thread that waits
            errors.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    waited = 0.0
    while thread.is_alive() and waited < timeout:
        thread.join(STEP_SECONDS)
        waited += STEP_SECONDS
    if errors:
        raise errors[0]
    if not answers:
        return Plan("timeout", "no answer in time; give it a longer --timeout", False, "", "", [], False, [], 0)
    return _plan(answers[0])


def _plan(answer: dict[str, Any]) -> Plan:
    rows = {name: (applied_at, undoing) for name, applied_at, undoing in answer["ledger"]}
    known = [name for _, name in answer["known"]]
    entries = []
    for name in sorted({*known, *rows}):
        applied_at, undoing = rows.get(name, ("", False))
        state = PENDING if name not in rows else HALF_UNDONE if undoing else APPLIED if name in known else UNKNOWN
        entries.append(Entry(name, state, applied_at))
    return Plan(
        kind=answer["kind"],
        reason=answer["reason"],
        refused=answer["refused"],
        destination=answer["destination"],
        database=answer["database"],
        entries=entries,
        unreadable=answer["unreadable"],
        steps=[Step(*step) for step in answer["steps"]],
        done=answer["done"],
    )


def number_of(text: str, names: list[str]) -> int:
    """The number of the migration that text names: "3", "0003" or "0003_observability"; 0 is before the first.

    Raises ValueError, which names the nearest one.
    """
    numbers = {int(name.partition("_")[0]): name for name in names}
    if not text.isdigit():
        if text in names:
            return int(text.partition("_")[0])
        near = difflib.get_close_matches(text, names, n=1, cutoff=0.0)[0]
        raise ValueError(f"there is no migration {text}; the nearest is {near}")
    number = int(text)
    if number and number not in numbers:
        near_number = min(numbers, key=lambda other: abs(other - number))
        raise ValueError(f"there is no migration {text}; the nearest is {near_number} ({numbers[near_number]})")
    return number
