"""The offline reviewer: stands where a language model would judge whether a program is new."""

from __future__ import annotations

import difflib

from genesis_ch.demo import offline, patch
from genesis_ch.demo.prompts import Messages
from genesis_ch.demo.source import Program

MODEL = "offline-reviewer"


def query(messages: Messages) -> offline.Reply:
    """Answer a prompt of `prompts.review`; the text begins with NOVEL or DUPLICATE."""
    return offline.answer(MODEL, messages, _write)


def is_novel(reply: offline.Reply) -> bool:
    """Read the verdict out of a reply."""
    return reply.text.startswith("NOVEL")


def _write(request: str) -> str:
    texts = patch.fenced(request)
    if len(texts) == 1:
        return "NOVEL. Nothing was tried before."
    proposal, closest = texts
    if proposal == closest:
        return "DUPLICATE. The two programs are the same, letter by letter."
    matcher = difflib.SequenceMatcher(None, proposal.splitlines(), closest.splitlines())
    return f"NOVEL. {_differences(proposal, closest)} {matcher.ratio():.0%} of the lines agree."


def _differences(proposal: str, closest: str) -> str:
    new, old = Program.parse(proposal), Program.parse(closest)
    functions = [f"{name}()" for name in new.functions if new.functions[name] != old.functions.get(name)]
    constants = [name for name in new.constants if new.constants[name] != old.constants.get(name)]
    parts = functions + constants
    return f"It differs in {', '.join(parts)}." if parts else "It only leaves something out."
