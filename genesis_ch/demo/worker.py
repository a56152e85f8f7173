"""Runs in a process of its own: executes programs and answers with what pack() returned.

Started by its path with `python -I -S`, so it imports nothing of this package. One request
per line, {"source": text}; one answer per line, {"packing": ...} or {"error": text}, always
with "seconds". What a program prints goes nowhere.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

MEMORY_LIMIT = 1 << 30
ANSWER_LIMIT = 1 << 16


def run(source: str) -> dict[str, Any]:
    """Execute a program's text and call its pack()."""
    start = time.perf_counter()
    try:
        namespace: dict[str, Any] = {"__name__": "program"}
        exec(compile(source, "program.py", "exec"), namespace)  # noqa: S102 - this process is there for it
        answer = {"packing": namespace["pack"]()}
        if len(json.dumps(answer)) > ANSWER_LIMIT:
            answer = {"error": f"pack() returned more than {ANSWER_LIMIT} bytes"}
    except BaseException as error:  # noqa: BLE001 - a program may raise anything
        answer = {"error": f"{type(error).__name__}: {error}"[:500]}
    answer["seconds"] = time.perf_counter() - start
    return answer


def limit_memory() -> None:
    """Cap the memory of this process where the system can do that."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    except (ImportError, OSError, ValueError):
        pass


def main() -> None:
    """Answer requests until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    requests = os.fdopen(os.dup(0), "r", encoding="utf-8")
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    limit_memory()
    for line in requests:
        answers.write(json.dumps(run(json.loads(line)["source"])) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
