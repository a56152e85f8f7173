"""Record every call of a language model, also those that fail, in the one place where calls are made.

`call_model` is a fake that needs no key; put the client of your provider in its place.
"""

import time
from dataclasses import dataclass

from genesis_ch import ch_logger

Messages = list[dict[str, str]]


@dataclass
class Reply:
    """What a provider's client returns, more or less."""

    text: str
    input_tokens: int
    output_tokens: int


def call_model(model: str, messages: Messages) -> Reply:
    """A fake model: answers with the question in capitals, and refuses the empty one."""
    question = messages[-1]["content"]
    if not question:
        raise ValueError("the message is empty")
    return Reply(question.upper(), len(question) // 4, len(question) // 4)


def query(model: str, messages: Messages, **metadata: object) -> str:
    """Ask the model and record it. The record costs microseconds and never raises."""
    start = time.perf_counter()
    try:
        reply = call_model(model, messages)
    except Exception as error:
        seconds = time.perf_counter() - start
        ch_logger.log_llm_interaction(model, messages, "", execution_time=seconds, metadata=metadata, error=repr(error))
        raise
    ch_logger.log_llm_interaction(
        model,
        messages,
        reply.text,
        cost=reply.input_tokens * 3e-6 + reply.output_tokens * 15e-6,
        execution_time=time.perf_counter() - start,
        metadata=metadata,
        input_tokens=reply.input_tokens,
        output_tokens=reply.output_tokens,
    )
    return reply.text


if __name__ == "__main__":
    print(query("fake-model", [{"role": "user", "content": "improve this program"}], task="toy", generation=1))
    try:
        query("fake-model", [{"role": "user", "content": ""}], task="toy", generation=1)
    except ValueError as refused:
        print("refused:", refused)
    print(ch_logger.flush())
