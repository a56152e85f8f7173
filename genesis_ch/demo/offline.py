"""What every offline stand-in for a language model shares: the reply, with a nominal price."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from genesis_ch.demo.prompts import Messages

CHARACTERS_PER_TOKEN = 4
DOLLARS_PER_INPUT_TOKEN = 0.40e-6
DOLLARS_PER_OUTPUT_TOKEN = 1.60e-6


@dataclass(frozen=True)
class Reply:
    """A reply: text, seconds it took, tokens (estimated), and what they would cost in dollars.

    Nothing is paid: `cost` is the nominal price of the same text at the two prices above.
    """

    model: str
    text: str
    seconds: float
    input_tokens: int
    output_tokens: int

    @property
    def cost(self) -> float:
        """Nominal price in dollars."""
        paid_in = self.input_tokens * DOLLARS_PER_INPUT_TOKEN
        return paid_in + self.output_tokens * DOLLARS_PER_OUTPUT_TOKEN


def answer(model: str, messages: Messages, write: Callable[[str], str]) -> Reply:
    """Let `write` turn the user's message into the text of a reply, and time it."""
    start = time.perf_counter()
    text = write(messages[-1]["content"])
    seconds = time.perf_counter() - start
    asked = sum(len(message["content"]) for message in messages)
    return Reply(model, text, seconds, _tokens(asked), _tokens(len(text)))


def _tokens(characters: int) -> int:
    return -(-characters // CHARACTERS_PER_TOKEN)
