"""What is said about a name that nobody knows."""

from __future__ import annotations

from genesis_ch._core import TABLES
from genesis_ch._nearest import LISTED, SHOWN, nearest, unknown


def test_each_table_is_found_behind_a_slip_of_the_finger() -> None:
    for name in TABLES:
        for slip in (name[:-1], name.upper(), name.replace("_", ""), name[1:], name + "x", name[:2] + name[3:]):
            assert nearest(slip, TABLES)[0] == name, slip


def test_nothing_is_like_nonsense() -> None:
    assert nearest("qqq", TABLES) == []
    assert nearest("", TABLES) == []
    assert nearest("anything", []) == []


def test_few_are_offered() -> None:
    assert nearest("run_7", [f"run_{number}" for number in range(100)])[0] == "run_7"
    assert len(nearest("run_", [f"run_{number}" for number in range(100)])) == SHOWN


def test_the_line_names_the_nearest_and_the_list() -> None:
    assert unknown("table", "llm_log", ["llm_logs", "traces"]) == (
        "no table 'llm_log'; did you mean llm_logs? there are: llm_logs, traces"
    )
    assert unknown("query", "qqq", ["best", "worst"]) == "no query 'qqq'; there are: best, worst"
    assert unknown("run", "x", []) == "no run 'x'; there are none"
    many = [f"run_{number}" for number in range(LISTED + 1)]
    assert unknown("run", "run_30 ", many).startswith("no run 'run_30 '; did you mean run_30 or ")
    assert "there are" not in unknown("run", "qqq", many)
