"""Individuals, the archive of the best of them, and the Pareto front."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

BYTES_PER_POINT = 100_000
"""A program this long loses one point of its combined score."""


@dataclass
class Individual:
    """One program of the search: where it comes from, what it scored, what it cost in dollars."""

    id: str
    generation: int
    parent_id: str
    mutation_type: str
    summary: str
    code: str
    api_cost: float = 0.0
    novelty_cost: float = 0.0
    parent_score: float = 0.0
    score: float = 0.0
    seconds: float = 0.0
    error: str | None = None
    is_pareto: bool = field(default=False, compare=False)

    @property
    def correct(self) -> bool:
        """Whether the program ran and its packing keeps the rules."""
        return self.error is None

    @property
    def size(self) -> int:
        """Bytes of the program's text: the second objective, to be small."""
        return len(self.code.encode())

    @property
    def combined(self) -> float:
        """Both objectives in one number."""
        return self.score - self.size / BYTES_PER_POINT

    @property
    def code_hash(self) -> str:
        """SHA-256 of the program's text, in hexadecimal."""
        return hashlib.sha256(self.code.encode()).hexdigest()

    @property
    def metrics(self) -> dict[str, float]:
        """What was measured, by name."""
        return {
            "sum_of_radii": self.score,
            "code_bytes": float(self.size),
            "run_seconds": self.seconds,
        }


def pareto_front(individuals: Iterable[Individual]) -> list[Individual]:
    """Return the correct ones that no other beats in score and size, the best score first."""
    front: list[Individual] = []
    for one in sorted((i for i in individuals if i.correct), key=lambda i: (-i.score, i.size)):
        if not front or one.size < front[-1].size:
            front.append(one)
    return front


class Archive:
    """The best individuals so far, at most `capacity`, no text twice."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.members: list[Individual] = []

    def add(self, one: Individual) -> bool:
        """Offer an individual; return whether the archive changed."""
        if not one.correct or any(one.code == member.code for member in self.members):
            return False
        self.members.append(one)
        self.members.sort(key=lambda member: member.score, reverse=True)
        dropped = self.members[self.capacity :]
        del self.members[self.capacity :]
        return one not in dropped

    def parent(self, rng: random.Random, front: Sequence[Individual]) -> Individual:
        """Choose a parent: mostly by score, sometimes from a Pareto front."""
        if front and rng.random() < 0.25:
            return rng.choice(front)
        return self.members[min(rng.randrange(len(self.members)) for _ in range(2))]

    def inspiration(self, rng: random.Random, parent: Individual) -> Individual:
        """Choose another program to show beside the parent, the parent when there is none."""
        others = [member for member in self.members if member is not parent]
        return rng.choice(others) if others else parent

    def closest(self, code: str, siblings: Iterable[Individual] = ()) -> str:
        """Return the text of the member that shares most lines with this text, "" when there is no member.

        A sibling with the very same text is closer than any member.
        """
        if any(sibling.code == code for sibling in siblings):
            return code
        lines = set(code.splitlines())
        known = max(self.members, key=lambda member: _agreement(lines, member.code), default=None)
        return known.code if known else ""


def _agreement(lines: set[str], code: str) -> float:
    others = set(code.splitlines())
    return len(lines & others) / max(1, len(lines | others))
