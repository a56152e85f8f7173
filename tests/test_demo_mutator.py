"""The offline stand-ins: what they answer is text, runs, and repeats for a seed."""

from __future__ import annotations

import ast

import pytest

from genesis_ch.demo import mutator, patch, programs, prompts, reviewer
from genesis_ch.demo.source import Program

PARENT = Program.of(programs.ROWS, programs.KEEP, programs.HALF_GAP, programs.ONCE).render()
OTHER = Program.of(programs.RINGS, programs.PRESS, programs.HOPS).render()
PROMPT = prompts.better_program(PARENT, 1.5, OTHER, 2.5)


def child(seed: int) -> patch.Patch:
    return patch.read(mutator.query(PROMPT, seed).text, PARENT)


@pytest.mark.parametrize("seed", range(150))
def test_every_reply_leads_to_another_program_with_a_pack_function(seed: int) -> None:
    proposal = child(seed)
    assert proposal.code != PARENT
    assert proposal.name and proposal.description
    names = [node.name for node in ast.parse(proposal.code).body if isinstance(node, ast.FunctionDef)]
    assert names == list(programs.SLOTS)


def test_replies_are_varied_and_come_in_both_forms() -> None:
    replies = [mutator.query(PROMPT, seed).text for seed in range(100)]
    assert sum("<DIFF>" in reply for reply in replies) > 30
    assert sum("<CODE>" in reply for reply in replies) > 10
    assert len({child(seed).code for seed in range(100)}) > 60


def test_first_programs_are_complete() -> None:
    reply = mutator.query(prompts.first_program(), 3)
    assert list(Program.parse(patch.read(reply.text, "").code).functions) == list(programs.SLOTS)


def test_same_seed_gives_the_same_text_and_another_seed_another() -> None:
    assert mutator.query(PROMPT, 7).text == mutator.query(PROMPT, 7).text
    assert mutator.query(PROMPT, 7).text != mutator.query(PROMPT, 8).text


def test_crossover_takes_function_and_constants_from_the_inspiration() -> None:
    crossed = [child(seed) for seed in range(100) if child(seed).name == "cross_improve"]
    assert crossed
    for proposal in crossed:
        assert Program.parse(proposal.code).functions["improve"] == programs.PRESS.source
        assert "SHRINK = " in proposal.code


def test_reply_is_labelled_and_priced_by_its_text() -> None:
    reply = mutator.query(PROMPT, 1)
    assert reply.model == "offline-mutator"
    assert reply.output_tokens == -(-len(reply.text) // 4)
    assert reply.cost == pytest.approx(reply.input_tokens * 0.4e-6 + reply.output_tokens * 1.6e-6)


def test_reviewer_tells_a_copy_from_a_change() -> None:
    changed = PARENT.replace("MARGIN = 0.06", "MARGIN = 0.07")
    assert not reviewer.is_novel(reviewer.query(prompts.review(PARENT, PARENT)))
    reply = reviewer.query(prompts.review(changed, PARENT))
    assert reviewer.is_novel(reply)
    assert "It differs in MARGIN." in reply.text
    assert reviewer.is_novel(reviewer.query(prompts.review(PARENT, "")))
