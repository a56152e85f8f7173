"""The two forms of a fault test, and the figures that it reports.

A test of tests/faults asks `long_form` how much to do and hands what it found to `figure`. With `--long`, `make faults`
collects the figures into the table of docs/reliability.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Figure = Callable[[int, str, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `make faults`."""
    group = parser.getgroup("faults")
    group.addoption("--long", action="store_true", help="run the fault tests in their long form")
    group.addoption("--figures", type=Path, metavar="DIRECTORY", help="write what the fault tests measured there")


@pytest.fixture(scope="session")
def long_form(request: pytest.FixtureRequest) -> bool:
    """Whether the long form was asked for."""
    return bool(request.config.getoption("--long"))


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """figure(point, done, found): what a test did for a point of docs/reliability.md, and what came out."""
    directory: Path | None = request.config.getoption("--figures")

    def note(point: int, done: str, found: str) -> None:
        if directory is None:
            return
        directory.mkdir(parents=True, exist_ok=True)
        with (directory / f"{request.node.path.stem}.jsonl").open("a") as file:
            file.write(json.dumps({"point": point, "done": done, "found": found, "test": request.node.name}) + "\n")

    return note
