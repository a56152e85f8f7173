"""Which codec stores what language models are asked: bytes on disk, and what they cost in time and memory.

Two kinds of rows: those of the demo run, and 2,000 prompts of 20 kB as program evolution makes them. A prompt holds the task, the
current program and inspirations out of an archive that changes slowly; programs descend from one another by edits of a few lines. The
first programs are modules of Python's standard library. Four runs go on at once and their calls lie interleaved in the table.

    python bench/codecs.py [--prompts N]      writes bench/codecs.md

Ends with 1 when another codec stores the prompts in clearly fewer bytes than the one that the migrations choose.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from bed import Bed, bed, machine, pieces, source_text, table, take_turns

from genesis_ch.demo import prompts

HERE = Path(__file__).resolve().parent
CHOSEN = "as migrated"
PROMPT_BYTES = 20_000
PROGRAM_BYTES = 4_000
INSPIRATIONS = 3
ARCHIVE = 24
RUNS = 4
BATCH = 50
MIB = 1 << 20


@dataclass(frozen=True)
class Variant:
    """A codec, and the size of the blocks that it compresses at once: the engine's own if 0."""

    name: str
    codec: str
    block: int = 0

    def column(self, name: str) -> str:
        """The definition of a String column."""
        sizes = f" SETTINGS (min_compress_block_size = {self.block}, max_compress_block_size = {self.block})" if self.block else ""
        return f"{name} String{f' CODEC({self.codec})' if self.codec else ''}{sizes}"


VARIANTS = [
    Variant("LZ4 (default)", "LZ4"),
    Variant("ZSTD(1)", "ZSTD(1)"),
    Variant("ZSTD(3)", "ZSTD(3)"),
    Variant("ZSTD(9)", "ZSTD(9)"),
    Variant("ZSTD(3, 24)", "ZSTD(3, 24)"),
    Variant("ZSTD(1), 4 MiB", "ZSTD(1)", 4 * MIB),
    Variant("ZSTD(3), 4 MiB", "ZSTD(3)", 4 * MIB),
    Variant("ZSTD(1, 22), 4 MiB", "ZSTD(1, 22)", 4 * MIB),
    Variant("ZSTD(3, 22), 4 MiB", "ZSTD(3, 22)", 4 * MIB),
    Variant("ZSTD(1, 24), 16 MiB", "ZSTD(1, 24)", 16 * MIB),
    Variant("ZSTD(3), 16 MiB", "ZSTD(3)", 16 * MIB),
    Variant("ZSTD(3, 24), 16 MiB", "ZSTD(3, 24)", 16 * MIB),
]


class Population:
    """The programs of one run, and the prompts that it sends."""

    def __init__(self, seeds: list[str], lines: list[str], choice: random.Random) -> None:
        self._archive = list(seeds)
        self._lines = lines
        self._choice = choice

    def prompt(self) -> tuple[list[dict[str, str]], str]:
        """The messages of the next call, and the program that comes back."""
        parent, *others = self._choice.sample(self._archive, 1 + INSPIRATIONS)
        child = self._edited(parent)
        messages = prompts.better_program(parent, self._choice.random(), others[0], self._choice.random())
        for other in others[1:]:
            messages[1]["content"] += f"\n# Inspiration\n\nThis program scores {self._choice.random():.6f}.\n\n```python\n{other}```\n"
        self._archive[self._choice.randrange(len(self._archive))] = child
        return messages, f"<NAME>edit</NAME>\n<CODE>\n```python\n{child}```\n</CODE>\n"

    def _edited(self, program: str) -> str:
        lines = program.splitlines(keepends=True)
        for _ in range(self._choice.randint(2, 6)):
            lines[self._choice.randrange(len(lines))] = self._choice.choice(self._lines)
        return "".join(lines)


def evolutionary(count: int) -> list[dict[str, object]]:
    """Rows of llm_logs: the calls of some runs at once, in the order of time. The same rows each time."""
    choice = random.Random(5)
    size = (PROMPT_BYTES - len(prompts.TASK) - len(prompts.FORMAT)) // (1 + INSPIRATIONS)
    text = source_text()
    programs, lines = pieces(text, size), [line for line in text.splitlines(keepends=True) if line.strip()]
    runs = [Population(choice.sample(programs, ARCHIVE), lines, choice) for _ in range(RUNS)]
    rows: list[dict[str, object]] = []
    for number in range(count):
        messages, response = runs[number % RUNS].prompt()
        rows.append(
            {"timestamp": f"2025-01-15 {number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.000", "model": "some-model",
             "messages": json.dumps(messages), "response": response, "run_id": f"run-{number % RUNS}", "cost": 0.01}
        )  # fmt: skip
    return rows
