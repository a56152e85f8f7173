"""What to say about a name that nobody knows: the nearest right ones, and all of them where they are few."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

SHOWN = 3
"""Names that are offered at most."""
LISTED = 30
"""Up to so many right names all of them are listed."""
LIKENESS = 0.5
"""How alike two names are at least, from 0 to 1, to be taken for each other."""


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """Return the names most like `word`, the nearest first; none when nothing is like it. Upper and lower case count as alike."""
    names = list(dict.fromkeys(known))
    lower = {name.lower(): name for name in reversed(names)}
    found = difflib.get_close_matches(word.lower(), lower, SHOWN, LIKENESS)
    return [lower[name] for name in found]


def unknown(kind: str, word: str, known: Iterable[str]) -> str:
    """Return one line: no such `kind` (table, column, query, parameter ...), what may have been meant, and what there is."""
    names = list(dict.fromkeys(known))
    near = nearest(word, names)
    meant = f"; did you mean {' or '.join(near)}?" if near else ""
    if len(names) > LISTED:
        return f"no {kind} {word!r}{meant}"
    there = f"there are: {', '.join(sorted(names))}" if names else "there are none"
    return f"no {kind} {word!r}{meant or ';'} {there}"
