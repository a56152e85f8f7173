"""Programs in parts."""

from __future__ import annotations

from itertools import product

import pytest

from genesis_ch.demo import packing, programs, worker
from genesis_ch.demo.programs import IDEAS, Idea
from genesis_ch.demo.source import Program

BY_SLOT = [[idea for idea in IDEAS if idea.slot == slot] for slot in programs.SLOTS]


def test_parse_gives_back_what_was_rendered() -> None:
    program = Program.of(programs.RINGS, programs.PRESS, programs.STARTS)
    text = program.render()
    assert Program.parse(text).render() == text
    assert Program.parse(text).constants == {k: v for k, v in program.constants.items() if program.uses(k)}


def test_unused_constants_and_imports_are_left_out() -> None:
    text = Program.of(programs.ROWS, programs.KEEP, programs.SCALE, programs.ONCE).render()
    assert "import" not in text
    assert "SAFETY" in text
    program = Program.parse(text)
    program.adopt(programs.EQUAL)
    assert "SAFETY" not in program.render()
    assert "import math\n" in program.render()


def test_an_idea_brings_its_partner() -> None:
    program = Program.of(programs.ROWS, programs.KEEP, programs.EQUAL, programs.ONCE)
    program.adopt(programs.PRESS)
    assert program.functions["tighten"] == programs.SETTLE.source


@pytest.mark.parametrize("ideas", list(product(*BY_SLOT[:3])), ids=lambda ideas: "-".join(i.name for i in ideas))
def test_every_combination_of_ideas_runs_and_gives_26_circles(ideas: tuple[Idea, ...]) -> None:
    program = Program.of(*ideas, programs.ONCE)
    program.constants.update({"TRIES": "2", "STEPS": "5"} if "STEPS" in program.constants else {"TRIES": "2"})
    answer = worker.run(program.render())
    assert len(answer["packing"]) == packing.CIRCLES


@pytest.mark.parametrize("pack", [programs.STARTS, programs.HOPS], ids=lambda idea: str(idea.name))
def test_pressing_keeps_every_rule_and_pays(pack: Idea) -> None:
    program = Program.of(programs.SCATTER, programs.KEEP, programs.HALF_GAP, programs.ONCE)
    before = packing.judge(worker.run(program.render())["packing"])
    program.adopt(programs.PRESS)
    program.adopt(pack)
    program.constants["STEPS"] = "200"
    after = packing.judge(worker.run(program.render())["packing"])
    assert before.error is after.error is None
    assert after.score > before.score + 0.2


@pytest.mark.parametrize("idea", IDEAS, ids=lambda idea: str(idea.name))
def test_every_constant_has_limits_that_hold_its_first_value(idea: Idea) -> None:
    for name, literal in idea.constants.items():
        if name not in ("ROWS", "RINGS"):
            low, high = programs.LIMITS[name]
            assert low <= float(literal) <= high
        assert name in idea.source
