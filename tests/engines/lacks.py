"""A pytest plugin of `make engines`: tests of what an older engine lacks must fail on it, and pass on every newer one."""

from __future__ import annotations

import os
import re
import shlex

import pytest

LACKS = (
    # (before this release, tests, why)
    (
        "25.8",
        r"test_the_printed_statement_works|test_a_ttl_of_somebody_else",
        "a TTL of a DateTime64",
    ),
    ("26.9", r"test_a_statement_that_is_under_way_at_the_exchange", "two statements at once (behind front.py)"),
    ("26.5", r"test_rows_that_come_in_between", "UPDATE where a hidden version is stored"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what this engine lacks."""
    release = shlex.split(os.environ["GENESIS_CH_TEST_ENGINE"])[0]
    for before, tests, why in LACKS:
        if release == "newest" or _number(release) >= _number(before):
            continue
        for item in items:
            if re.search(tests, item.nodeid):
                item.add_marker(pytest.mark.xfail(reason=f"ClickHouse before {before} lacks {why}", strict=True))


def _number(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))
