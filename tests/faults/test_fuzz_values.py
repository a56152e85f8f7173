"""Point 16: any Python value in any argument of every method, by way of Hypothesis, read back from the real engine.

Each value is made together with what docs/values.md says is stored of it. No call raises or prints, no row is refused.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import enum
import fractions
import json
import logging
import math
import time
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pydantic
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from conftest import Recorder
from faults.figures import Figure
from genesis_ch import ch_logger
from test_values import METHODS, REQUIRED, START, Call, cleaned, column_of, milliseconds, quiet, same
from value_cases import CYCLE, DEPTH_END, LEVELS, REPR_MAX, UNSAID, Case, failing

__all__ = ["quiet"]

LONG_SECONDS, SHORT_SECONDS = 600.0, 3.5
ROUND_EXAMPLES = 400
UPDATE_EACH = 60
"""An update is a statement of its own on the server, so there are fewer."""
DIGITS_MAX = 4300
RUN = "the run of the updates"
TEXT_FORMS = ("text", "null_text", "status")
WITH_ID = ("log_trace",)
"""Methods that return the id of their row."""
ARGUMENTS = [(method, argument) for method, (_, forms) in METHODS.items() for argument in forms]
JSON_FORMS = ("object", "list", "metrics")


@dataclass(frozen=True)
class Made:
    """A value, and what is stored of it: the parsed JSON, the text of a String column, the number. UNSAID: not defined."""

    value: Any
    json: Any
    text: Any
    number: float | int = math.nan

    def case(self) -> Case:
        return Case(type(self.value).__name__, lambda: self.value, self.text, self.json, self.number)


# ---- what has a text or a number ----


def number_in(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def worded(value: Any, text: str) -> Made:
    """What is stored as a text."""
    text = cleaned(text)
    return Made(value, text, text, number_in(text))


def numbered(value: Any, number: float) -> Made:
    """What is stored as a float."""
    return Made(value, number if math.isfinite(number) else None, repr(number), number)


def whole(value: Any, number: int) -> Made:
    """What is stored as an integer; past Python's own limit it is hexadecimal text."""
    wide = abs(number) >= 10**DIGITS_MAX
    text = hex(number) if wide else str(number)
    real: float | int = number
    if abs(number) >= 2**64:
        try:
            real = float(number)
        except OverflowError:
            real = math.inf if number > 0 else -math.inf
    return Made(value, text if wide else number, text, real)


class Colour(enum.Enum):
    RED = "red"
    FIVE = 5


@dataclass
class Pair:
    first: Any
    second: Any


class Model(pydantic.BaseModel):
    first: Any
    second: Any


class Named:
    """An object with a repr."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


class BrokenMapping(Mapping[str, int]):
    """A mapping whose keys are not there."""

    def __getitem__(self, key: str) -> int:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(["a"])

    def __len__(self) -> int:
        return 1

    def __repr__(self) -> str:
        return "broken"


class LateTrouble:
    """A sequence-like object that fails in the middle."""

    def __iter__(self) -> Iterator[int]:
        yield 1
        raise ValueError("from the caller's iterator")

    @property
    def metrics(self) -> Any:
        raise ValueError("from the caller's property")

    def __repr__(self) -> str:
        return "late"


def hostile(methods: list[str]) -> Made:
    """An object of which these methods raise."""
    value = failing("Bad", *methods)
    text = "<Bad object whose repr failed>" if "__repr__" in methods else object.__repr__(value)
    return Made(value, text, text)


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)
GOOD_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="$?"), max_size=20)
ANY_INT = st.one_of(
    st.integers(),
    st.sampled_from([2**31, -(2**31) - 1, 2**63, 2**64, -(2**64)]),
    st.builds(lambda sign, digits: sign * 10**digits, st.sampled_from([1, -1]), st.sampled_from([308, 309, 400, 4299, 4300, 5000])),
)
NUMPY = [np.float16, np.float32, np.float64, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]
TROUBLES = ["__repr__", "__str__", "__bool__", "__float__", "__index__", "__len__", "__iter__", "__getattr__", "__getitem__", "__eq__", "__hash__"]


def of_numpy(kind: Any, number: int) -> Made:
    """A numpy scalar: a small number fits each kind."""
    value = kind(number)
    return numbered(value, float(value)) if issubclass(kind, np.floating) else whole(value, int(value))


LEAVES: st.SearchStrategy[Made] = st.one_of(
    st.just(Made(None, None, "")),
    st.booleans().map(lambda value: Made(value, value, str(value), int(value))),
    ANY_INT.map(lambda value: whole(value, value)),
    st.floats().map(lambda value: numbered(value, value)),
    st.floats(width=32).map(lambda value: numbered(np.float32(value), float(np.float32(value)))),
    st.builds(of_numpy, st.sampled_from(NUMPY), st.integers(0, 127)),
    st.booleans().map(lambda value: Made(np.bool_(value), value, str(value), int(value))),
    ANY_TEXT.map(lambda value: worded(value, value)),
    st.binary(max_size=40).map(lambda value: worded(value, value.decode(errors="replace"))),
    st.binary(max_size=20).map(lambda value: worded(bytearray(value), value.decode(errors="replace"))),
    st.decimals().map(lambda value: worded(value, str(value))),
    st.fractions(max_denominator=10**6).map(lambda value: numbered(value, float(value))),
    st.floats(allow_nan=False, min_value=-1e9, max_value=1e9).map(fractions.Fraction).map(lambda value: numbered(value, float(value))),
    st.datetimes().map(lambda value: worded(value, value.isoformat())),
    st.datetimes(timezones=st.just(dt.UTC)).map(lambda value: worded(value, value.isoformat())),
    st.dates().map(lambda value: worded(value, value.isoformat())),
    st.times().map(lambda value: worded(value, value.isoformat())),
    st.timedeltas().map(lambda value: numbered(value, value.total_seconds())),
    st.uuids().map(lambda value: worded(value, str(value))),
    st.complex_numbers().map(lambda value: Made(value, repr(value), repr(value))),
    st.just(Made(Colour.RED, "red", "red")),
    st.just(Made(Colour.FIVE, 5, "5", 5)),
    GOOD_TEXT.map(PurePosixPath).map(lambda value: worded(value, str(value))),
    ANY_TEXT.map(lambda name: Made(Named(name), cleaned(name), cleaned(name))),
    st.integers(REPR_MAX - 1, REPR_MAX + 1).map(lambda count: Made(Named("é" * count), "é" * min(count, REPR_MAX), "é" * min(count, REPR_MAX))),
    st.lists(st.sampled_from(TROUBLES), unique=True).map(hostile),
    st.just(Made(ValueError("no"), "ValueError('no')", "ValueError('no')")),
)

# ---- what holds others ----


def text_of(parsed: Any) -> Any:
    return json.dumps(parsed, separators=(",", ":"), ensure_ascii=False)


def containing(value: Any, parsed: Any, number: float | int = math.nan) -> Made:
    """A container; its text is its JSON, compared as such."""
    return Made(value, parsed, text_of(parsed), number)


def of_list(kind: Callable[[list[Any]], Any], items: list[Made]) -> Made:
    """A list or its like; one of one element counts as its element, a few levels deep."""
    only = items[0].number if len(items) == 1 and not isinstance(items[0].value, (list, tuple, collections.deque)) else math.nan
    return containing(kind([item.value for item in items]), [item.json for item in items], only)


def key_text(key: Any) -> str:
    """A key of a JSON object."""
    if isinstance(key, str):
        return cleaned(key)
    if key is None or isinstance(key, bool):
        return json.dumps(key)
    if isinstance(key, bytes):
        return key.decode(errors="replace")
    return str(key.value) if isinstance(key, enum.Enum) else str(key)


ANY_KEY = st.one_of(
    ANY_TEXT, GOOD_TEXT, st.integers(), st.floats(), st.booleans(), st.none(), st.binary(max_size=8), st.tuples(st.integers()), st.sampled_from(Colour)
)


def of_dict(keys: list[Any], items: list[Made]) -> Made:
    value = dict(zip(keys, [item.value for item in items], strict=False))
    parsed = {key: item.json for key, item in zip(keys, items, strict=False)}
    return containing(value, dict([(key_text(key), inner) for key, inner in parsed.items()]))


def of_fields(kind: Callable[..., Any], first: Made, second: Made) -> Made:
    return containing(kind(first=first.value, second=second.value), {"first": first.json, "second": second.json})


def cyclic(item: Made, as_dict: bool) -> Made:
    """A container that holds itself."""
    if as_dict:
        table: dict[str, Any] = {"item": item.value}
        table["self"] = table
        return containing(table, {"item": item.json, "self": CYCLE})
    row: list[Any] = [item.value]
    row.append(row)
    return containing(row, [item.json, CYCLE])


def of_array(numbers: list[float]) -> Made:
    only = numbers[0] if len(numbers) == 1 else math.nan
    return containing(np.array(numbers), [number if math.isfinite(number) else None for number in numbers], only)


PLAIN_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | GOOD_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(GOOD_TEXT, inner, max_size=4),
    max_leaves=8,
)


def holding(inner: st.SearchStrategy[Made]) -> st.SearchStrategy[Made]:
    """Containers of every kind."""
    kinds = st.sampled_from([list, tuple, collections.deque])
    some = st.lists(inner, max_size=4)
    return st.one_of(
        st.builds(of_list, kinds, some),
        st.builds(of_dict, st.lists(ANY_KEY, max_size=4), some),
        st.builds(of_fields, st.sampled_from([Pair, types.SimpleNamespace]), inner, inner),
        st.builds(cyclic, inner, st.booleans()),
    )


OTHERS: st.SearchStrategy[Made] = st.one_of(
    st.sets(ANY_TEXT, max_size=5).map(lambda value: containing(value, [cleaned(text) for text in sorted(value)])),
    st.frozensets(st.integers(), max_size=5).map(lambda value: containing(value, sorted(value), next(iter(value)) if len(value) == 1 else math.nan)),
    st.lists(st.floats(), max_size=5).map(of_array),
    st.dictionaries(GOOD_TEXT, PLAIN_JSON, max_size=4).map(lambda value: containing(OmegaConf.create(value), value)),
    st.lists(PLAIN_JSON, min_size=2, max_size=4).map(lambda value: containing(OmegaConf.create(value), value)),
    st.tuples(PLAIN_JSON, PLAIN_JSON).map(
        lambda pair: containing(Model(first=pair[0], second=pair[1]), {"first": pair[0], "second": pair[1]})
    ),
    st.just(Made(BrokenMapping(), "broken", "broken")),
    st.just(Made(LateTrouble(), "late", "late")),
)


def nested(levels: int, as_dict: bool) -> Made:
    """A number in so many containers."""
    made: Any = 7
    parsed: Any = 7 if levels <= LEVELS else DEPTH_END
    for level in range(levels):
        made = {"d": made} if as_dict else [made]
        if level < LEVELS:
            parsed = {"d": parsed} if as_dict else [parsed]
    return Made(made, parsed, text_of(parsed), UNSAID)


def changing(as_dict: bool) -> Made:
    """A container that changes while it is written."""
    table: dict[Any, Any] = {}
    row: list[Any] = []

    class Changes:
        def __repr__(self) -> str:
            table[len(table)] = Changes()
            table.pop(0, None)
            row[:] = row[: len(row) // 2] + [Changes()]
            return "changes"

    table.update({n: Changes() for n in range(6)})
    row.extend(Changes() for _ in range(6))
    return Made(table if as_dict else row, UNSAID, UNSAID, UNSAID)


ANY: st.SearchStrategy[Made] = st.recursive(LEAVES | OTHERS, holding, max_leaves=12)
TOP = st.one_of(ANY, ANY, ANY, st.builds(nested, st.sampled_from([50, 99, 100, 101, 150, 2000]), st.booleans()), st.builds(changing, st.booleans()))

# ---- the calls, and what came of them ----


class Checked(Call):
    """One call with one value that is not ordinary."""

    def __init__(self, number: int, method: str, argument: str, made: Made) -> None:
        known = [made.json is not UNSAID, made.text is not UNSAID, made.number is not UNSAID]
        sane = dataclasses.replace(made, number=0.0) if not known[2] else made
        super().__init__(number, method, argument, sane.case())
        form = self.forms[argument]
        defined = known[0] if form in JSON_FORMS else known[1] if form in TEXT_FORMS else known[2] or form == "bool"
        if form in ("time", "tags", "set") or (not defined and self.value is not None):
            self.expected = UNSAID


def pairs_of(text: str) -> Any:
    """JSON with its objects as lists of pairs, behind a mark."""
    return json.loads(text, object_pairs_hook=lambda pairs: ("object", pairs))


def numbers_in(parsed: Any, prefix: str = "") -> dict[str, float]:
    """What metrics_num holds: the later of two that have the same name."""
    found: dict[str, float] = {}
    if isinstance(parsed, tuple):
        for key, inner in parsed[1]:
            found.update(numbers_in(inner, f"{prefix}.{key}" if prefix else key))
    elif prefix and isinstance(parsed, (int, float)) and not isinstance(parsed, bool) and abs(parsed) < 2**1024:
        found[prefix] = float(parsed)
    return {name: number for name, number in found.items() if "\ufffd" not in name and len(name.encode()) <= 1024}


def wrong_with(call: Checked, row: dict[str, Any]) -> str | None:
    """What is wrong with the stored row, or None."""
    stored = row[column_of(call)]
    form = call.forms[call.argument]
    if form in JSON_FORMS:
        text, stored = stored, json.loads(stored)
        if form == "metrics":
            numbers = {name: number for name, number in row["metrics_num"].items() if "\ufffd" not in name}
            expected = numbers_in(pairs_of(text))
            if numbers.keys() != expected.keys() or not all(same(numbers[name], expected[name]) for name in expected):
                return f"{call}: metrics_num {numbers}, expected {expected}"
        good = call.expected is UNSAID or repr(stored) == repr(call.expected)  # repr tells -0.0 from 0.0 and 1 from 1.0
    elif form in TEXT_FORMS and call.expected is not UNSAID and isinstance(call.case.json, (dict, list)):
        good = repr(json.loads(stored)) == repr(call.case.json)
    else:
        good = call.expected is UNSAID or same(stored, call.expected)
    return None if good else f"{call}: stored {stored!r:.400}, expected {call.expected!r:.400}"


def collect(number: int, begin: int) -> list[Checked]:
    """Log one round of examples: each with one odd argument, then once more with all of them odd."""
    calls: list[Checked] = []

    @seed(number)
    @settings(max_examples=ROUND_EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(ARGUMENTS), TOP, st.lists(ANY, max_size=17))
    def log(place: tuple[str, str], made: Made, more: list[Made]) -> None:
        method, argument = place
        call = Checked(begin + len(calls), method, argument, made)
        calls.append(call)
        arguments = call.arguments()
        returned = getattr(ch_logger, method)(**arguments)
        assert isinstance(returned, str) if method in WITH_ID else returned is None
        odd = dict(zip(arguments, [one.value for one in more], strict=False))
        odd.pop("timestamp", None)
        returned = getattr(ch_logger, method)(*[one.value for one in more], **odd)
        assert returned is None or (isinstance(returned, str) and method in WITH_ID)
        if len(calls) % UPDATE_EACH:
            return
        update: Any = ch_logger.update_evolution_run
        assert update(RUN, *[one.value for one in more[:2]], timestamp=made.value, error=made.value) is None

    log()
    return calls


def check_table(recorder: Recorder, table: str, calls: list[Checked]) -> None:
    """Fail unless each call's row is there, with what the document says."""
    time_column = "start_time" if table == "evolution_runs" else "timestamp"
    names = {column_of(call) for call in calls} - {time_column} | {"run_id"} | ({"metrics_num"} if table == "individuals" else set())
    rows = recorder.read(table, [*sorted(names), milliseconds(time_column)])
    by_time = {row[time_column] - int(START.timestamp() * 1000): row for row in rows}
    by_run = {row["run_id"]: row for row in rows}
    wrong = []
    for call in calls:
        if (call.table, call.argument) == ("evolution_runs", "run_id"):
            continue  # the whole key: a later run of the same name replaces it
        row = by_run.get(f"t{call.number}") if call.argument == "timestamp" else by_time.get(call.number)
        wrong.append(f"{call}: no row" if row is None else wrong_with(call, row))
    assert not any(wrong), "\n".join(filter(None, wrong))


def run_round(recorder: Recorder, number: int, begin: int) -> int:
    """Log, deliver and read back; how many values were checked."""
    ch_logger.log_evolution_run(RUN, "t", {}, 1, "", "")
    calls = collect(number, begin)
    result = ch_logger.flush(60)
    assert result and (result.rejected, result.dropped) == (0, 0), result
    assert recorder.count("rows_parked") == 0
    tables = {METHODS[method][0] for method in REQUIRED}
    for table in tables:
        check_table(recorder, table, [call for call in calls if call.table == table])
    for table in tables:
        recorder.reader.command(f"TRUNCATE TABLE {recorder.database}.{table}")
    return len(calls)


@pytest.mark.usefixtures("quiet")
def test_any_value_in_any_argument(recorder: Recorder, long_form: bool, figure: Figure, caplog: pytest.LogCaptureFixture) -> None:
    """Rounds of new examples until the time is over; each value is read back."""
    caplog.set_level(logging.CRITICAL, "genesis_ch")
    end = time.monotonic() + (LONG_SECONDS if long_form else SHORT_SECONDS)
    first = time.time_ns() if long_form else 20240506
    checked = rounds = 0
    while time.monotonic() < end or rounds == 0:
        try:
            checked += run_round(recorder, first + rounds, 1 + checked)
        except BaseException as error:
            error.add_note(f"seed {first + rounds}")
            raise
        rounds += 1
    logged = recorder.count("rows_logged")
    assert checked >= ROUND_EXAMPLES // 2 and logged > checked
    seconds = LONG_SECONDS if long_form else SHORT_SECONDS
    figure(
        16,
        f"Hypothesis for {seconds / 60:.0f} minutes: {logged:,} rows of arbitrary Python values, in {checked:,} of them one value compared with docs/values.md",
        "0 exceptions, 0 prints, 0 rows refused, 0 values other than documented",
    )
