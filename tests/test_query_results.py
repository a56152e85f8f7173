"""Every query of sql/queries answers what plain Python computes from what was logged, whatever way the rows took."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from evolution_fixtures import Recorded
from genesis_ch import queries
from query_oracles import every_oracle

ORACLES = every_oracle()
CASES = [(name, case) for name, oracle in ORACLES.items() for case in oracle.cases]


def utc(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def same(stored: Any, computed: Any) -> bool:
    """Equal but for the last digits of a float and the form of a container; NaN equals NaN."""
    if isinstance(computed, Mapping) and isinstance(stored, str):
        return same(json.loads(stored), computed)
    if isinstance(computed, Mapping):
        return isinstance(stored, Mapping) and stored.keys() == computed.keys() and all(same(stored[key], computed[key]) for key in computed)
    if isinstance(computed, Sequence) and not isinstance(computed, str):
        return len(stored) == len(computed) and all(same(a, b) for a, b in zip(stored, computed, strict=True))
    if isinstance(computed, float) and isinstance(stored, int | float):
        return math.isclose(stored, computed, rel_tol=1e-9, abs_tol=1e-12) or (math.isnan(stored) and math.isnan(computed))
    if isinstance(computed, float) and stored is None:
        return math.isnan(computed)  # JSON has no NaN
    if isinstance(computed, datetime) and isinstance(stored, datetime):
        return utc(stored) == utc(computed)
    return bool(stored == computed) and isinstance(stored, bool) == isinstance(computed, bool)


def difference(stored: Sequence[Any], computed: Sequence[Any]) -> str:
    """What differs first, or nothing."""
    for place, (a, b) in enumerate(zip(stored, computed, strict=False)):
        if not same(a, b):
            return f"row {place}: {a} instead of {b}"
    return "" if len(stored) == len(computed) else f"{len(stored)} rows instead of {len(computed)}: {(stored or computed)[:3]}"


@pytest.fixture(scope="module", params=["clean", "messy"])
def recorded(request: pytest.FixtureRequest) -> Recorded:
    found: Recorded = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("name", queries.names())
def test_result(recorded: Recorded, name: str) -> None:
    oracle = ORACLES[name]
    rows = 0
    for case in oracle.cases:
        stored = queries.get(name)(recorded.client, **case).result_rows
        computed = oracle.answer(recorded.tables, **queries.describe(name).values(case))
        if oracle.any_order:
            stored, computed = sorted(stored, key=repr), sorted(computed, key=repr)
        assert difference(stored, computed) == "", case
        rows += len(computed)
    assert rows > 0, "no case has an answer"


def test_every_oracle_has_its_query() -> None:
    assert ORACLES.keys() == set(queries.names())
