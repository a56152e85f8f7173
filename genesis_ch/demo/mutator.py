"""The offline mutator: stands where a language model would, and rewrites programs by rule.

It sees what a language model would see, the messages, and answers as one would, in text.
"""

from __future__ import annotations

import ast
import random
from functools import partial

from genesis_ch.demo import offline, patch, programs
from genesis_ch.demo.programs import Idea
from genesis_ch.demo.prompts import Messages
from genesis_ch.demo.source import Program, constants_of

MODEL = "offline-mutator"

Edit = tuple[str, str]
"""Name and description of what was changed."""


def query(messages: Messages, seed: int) -> offline.Reply:
    """Answer a prompt of `prompts.first_program` or `prompts.better_program`.

    The same messages and the same seed give the same text.
    """
    return offline.answer(MODEL, messages, partial(_write, random.Random(seed)))


def _write(rng: random.Random, request: str) -> str:
    texts = patch.fenced(request)
    if not texts:
        return _first_program(rng)
    parent, inspiration = texts[0], Program.parse(texts[-1])
    child = Program.parse(parent)
    if rng.random() < 0.25:
        name, description = _crossover(rng, child, inspiration)
        return patch.write_full(name, description, child.render())
    name, description = _edit(rng, child)
    return patch.write_diff(name, description, parent, child.render())


def _first_program(rng: random.Random) -> str:
    ideas = [rng.choice(choices) for choices in programs.FIRST_IDEAS.values()]
    program = Program.of(*ideas)
    for name in list(program.constants):
        program.constants[name] = _varied(rng, name, program.constants[name])
    return patch.write_full(f"first_{ideas[0].name}", ideas[0].summary, program.render())


def _crossover(rng: random.Random, child: Program, other: Program) -> Edit:
    different = [slot for slot in programs.SLOTS if child.functions[slot] != other.functions[slot]]
    if not different:
        return _edit(rng, child)
    slot = rng.choice(different)
    child.functions[slot] = other.functions[slot]
    child.constants.update(constants_of(other.functions[slot], other.constants))
    _, tuned = _tune(rng, child)
    return f"cross_{slot}", f"Take {slot}() and its constants from the other program. {tuned}"


def _edit(rng: random.Random, child: Program) -> Edit:
    choice = rng.random()
    if choice < 0.40:
        return _new_idea(rng, child)
    if choice < 0.44 and child.uses("ROWS"):
        return _resize_row(rng, child)
    return _tune(rng, child)


def _new_idea(rng: random.Random, child: Program) -> Edit:
    fresh = [idea for idea in programs.IDEAS if child.functions[idea.slot] != idea.source]
    idea: Idea = rng.choice(fresh)
    child.adopt(idea)
    for name in idea.constants:
        child.constants[name] = _varied(rng, name, child.constants[name])
    return f"{idea.slot}_{idea.name}", idea.summary


def _resize_row(rng: random.Random, child: Program) -> Edit:
    """Lengthen one row and forget to shorten another, a slip that language models make too."""
    rows = ast.literal_eval(child.constants["ROWS"])
    rows[rng.randrange(len(rows))] += 1
    child.constants["ROWS"] = repr(rows)
    return "longer_row", "Fill the gap in one row with one more circle."


def _tune(rng: random.Random, child: Program) -> Edit:
    names = [name for name in child.constants if child.uses(name)]
    if not names:
        return _new_idea(rng, child)
    chosen = rng.sample(names, k=min(len(names), rng.choice((1, 2, 3))))
    changes = []
    for name in chosen:
        before = child.constants[name]
        child.constants[name] = _varied(rng, name, before)
        changes.append(f"{name} from {before} to {child.constants[name]}")
    return "tune_" + "_".join(chosen).lower(), f"Change {' and '.join(changes)}."


def _varied(rng: random.Random, name: str, literal: str) -> str:
    value = ast.literal_eval(literal)
    if isinstance(value, list):
        return repr(_moved(rng, value))
    low, high = programs.LIMITS[name]
    if name == "SEED":
        return str(rng.randint(int(low), int(high)))
    scaled = min(high, max(low, value * 2 ** rng.gauss(0, 0.8)))
    if isinstance(value, int):
        step = 1 if rng.random() < 0.5 else -1
        whole = round(scaled) if round(scaled) != value else value + step
        return str(min(int(high), max(int(low), whole)))
    return f"{scaled:.4g}"


def _moved(rng: random.Random, counts: list[int]) -> list[int]:
    """Move one circle from one row or ring to another; the number of circles stays."""
    source = rng.choice([i for i, count in enumerate(counts) if count > 1])
    target = rng.choice([i for i in range(len(counts)) if i != source])
    moved = list(counts)
    moved[source] -= 1
    moved[target] += 1
    return moved
