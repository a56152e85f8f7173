"""Replies of a language model: programs in full, or as SEARCH/REPLACE blocks."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

_NAME = re.compile(r"<NAME>\s*(.*?)\s*</NAME>", re.DOTALL)
_DESCRIPTION = re.compile(r"<DESCRIPTION>\s*(.*?)\s*</DESCRIPTION>", re.DOTALL)
_FENCE = re.compile(r"```python\n(.*?)```", re.DOTALL)
_BLOCK = re.compile(r"<<<<<<< SEARCH\n(.*?)=======\n(.*?)>>>>>>> REPLACE", re.DOTALL)


class PatchError(ValueError):
    """The reply cannot be applied to the program; the message says why."""


@dataclass(frozen=True)
class Patch:
    """A reply in parts: its name, its description and the program that it leads to."""

    name: str
    description: str
    code: str


def read(reply: str, parent: str) -> Patch:
    """Apply a reply to the parent's text; raises PatchError when it does not fit."""
    blocks = _BLOCK.findall(reply)
    if blocks:
        code = parent
        for search, replace in blocks:
            code = _replace_once(code, search, replace)
    else:
        code = fenced(reply)[0] if fenced(reply) else ""
    if not code:
        raise PatchError("the reply holds neither a program nor a SEARCH/REPLACE block")
    return Patch(_first(_NAME, reply), _first(_DESCRIPTION, reply), code)


def fenced(text: str) -> list[str]:
    """Return the contents of all ```python fences, in order."""
    return [str(match) for match in _FENCE.findall(text)]


def write_full(name: str, description: str, code: str) -> str:
    """Word a reply that gives the program in full."""
    return f"{_head(name, description)}<CODE>\n```python\n{code}```\n</CODE>\n"


def write_diff(name: str, description: str, parent: str, child: str) -> str:
    """Word a reply as SEARCH/REPLACE blocks; in full when no blocks are unambiguous."""
    for context in range(1, 6):
        blocks = _blocks(parent, child, context)
        reply = f"{_head(name, description)}<DIFF>\n{blocks}</DIFF>\n"
        try:
            if read(reply, parent).code == child:
                return reply
        except PatchError:
            continue
    return write_full(name, description, child)


def _head(name: str, description: str) -> str:
    return f"<NAME>\n{name}\n</NAME>\n\n<DESCRIPTION>\n{description}\n</DESCRIPTION>\n\n"


def _blocks(parent: str, child: str, context: int) -> str:
    old, new = parent.splitlines(keepends=True), child.splitlines(keepends=True)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    blocks = ""
    for group in matcher.get_grouped_opcodes(context):
        search = "".join(old[group[0][1] : group[-1][2]])
        replace = "".join(new[group[0][3] : group[-1][4]])
        blocks += f"<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n\n"
    return blocks


def _replace_once(code: str, search: str, replace: str) -> str:
    found = code.count(search) if search else 0
    if found != 1:
        raise PatchError(f"a SEARCH block fits {found} places instead of one: {search[:60]!r}")
    return code.replace(search, replace)


def _first(pattern: re.Pattern[str], reply: str) -> str:
    match = pattern.search(reply)
    return match.group(1) if match else ""
