"""Programs run in processes of their own, whatever they do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from genesis_ch.demo.sandbox import Sandbox

GOOD = "def pack():\n    return [[(i % 6 + .5) / 6, (i // 6 + .5) / 6, 1 / 12] for i in range(26)]\n"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(workers=2, time_limit=0.5) as opened:
        yield opened


def error_of(sandbox: Sandbox, source: str) -> str | None:
    (execution,) = sandbox.execute([source])
    assert execution.verdict.score == 0.0
    return execution.verdict.error


def test_order_is_kept(sandbox: Sandbox) -> None:
    sources = [GOOD.replace("1 / 12", f"{n} / 1200") for n in range(1, 21)]
    scores = [execution.verdict.score for execution in sandbox.execute(sources)]
    assert scores == pytest.approx([26 * n / 1200 for n in range(1, 21)])


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("def pack(:", "SyntaxError: invalid syntax (program.py, line 1)"),
        ("x = 1", "KeyError: 'pack'"),
        ("def pack(): raise ValueError('no')", "ValueError: no"),
        ("def pack(): raise SystemExit(3)", "SystemExit: 3"),
        ("def pack(): return [object()]", "TypeError: Object of type object is not JSON serializable"),
        ("def pack(): return 'x' * 100000", "pack() returned more than 65536 bytes"),
        ("import numpy\ndef pack(): return []", "ModuleNotFoundError: No module named 'numpy'"),
        ("import os\ndef pack(): os._exit(0)", "the program ended its process"),
        ("def pack():\n    while True: pass", "the program took more than 0.5 s"),
    ],
)
def test_a_failure_is_named_and_the_next_program_runs(sandbox: Sandbox, source: str, error: str) -> None:
    assert error_of(sandbox, source) == error
    (execution,) = sandbox.execute([GOOD])
    assert execution.verdict.correct


def test_memory_is_limited(sandbox: Sandbox) -> None:
    assert error_of(sandbox, "def pack(): return len(bytearray(4 << 30))") == "MemoryError: "


def test_what_a_program_prints_or_reads_is_no_answer(sandbox: Sandbox) -> None:
    noisy = f"import sys, os\nprint('{{}}')\nos.write(1, b'{{}}\\n')\nassert sys.stdin.read() == ''\n{GOOD}"
    (execution,) = sandbox.execute([noisy])
    assert execution.verdict.error is None


def test_no_state_passes_from_one_program_to_the_next(sandbox: Sandbox) -> None:
    leak = "LEAK = 1\n" + GOOD
    probe = "assert 'LEAK' not in globals()\n" + GOOD
    assert all(execution.verdict.correct for execution in sandbox.execute([leak, leak, probe, probe]))
