"""The messages that a runner sends to its language model, here to the offline stand-ins."""

from __future__ import annotations

from genesis_ch.demo.packing import BEST_KNOWN, CIRCLES

Messages = list[dict[str, str]]

TASK = f"""\
You improve Python programs that pack {CIRCLES} circles into the unit square. A program defines
pack(), which returns a list of {CIRCLES} circles [x, y, r]. Every circle lies inside the square
and no two overlap. The score is the sum of the radii; the best known packing reaches {BEST_KNOWN}.
Of two programs with the same score the shorter one is better. Use the standard library only.
"""

FORMAT = """\
Answer with a short name between <NAME> tags, a description between <DESCRIPTION> tags, and either
SEARCH/REPLACE blocks between <DIFF> tags or the whole program in a python fence between <CODE> tags.
"""

REVIEW = """\
You judge whether a proposed program is new. Compare it with the most similar program that was
tried already. Begin your answer with NOVEL or with DUPLICATE, then say what differs.
"""


def first_program() -> Messages:
    """Ask for a program from nothing."""
    return _messages(f"{TASK}\n{FORMAT}", "Write a first, simple program for this task.")


def better_program(parent: str, score: float, inspiration: str, inspired_score: float) -> Messages:
    """Ask for a better program, given the parent's text and another program's text."""
    return _messages(
        f"{TASK}\n{FORMAT}",
        f"# Current program\n\nIts score is {score:.6f}, its size {len(parent)} characters.\n\n"
        f"```python\n{parent}```\n\n"
        f"# Inspiration\n\nThis program scores {inspired_score:.6f}.\n\n"
        f"```python\n{inspiration}```\n\n"
        "Propose a better program.",
    )


def review(proposal: str, closest: str) -> Messages:
    """Ask whether the proposal differs from the closest program (empty text when there is none)."""
    known = f"# Closest known program\n\n```python\n{closest}```\n" if closest else ""
    return _messages(REVIEW, f"# Proposal\n\n```python\n{proposal}```\n\n{known}")


def _messages(system: str, user: str) -> Messages:
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]
