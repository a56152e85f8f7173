"""What real callers pass, and what is stored of it: docs/values.md as data. test_values.py puts each into every argument."""

from __future__ import annotations

import argparse
import array
import collections
import datetime as dt
import decimal
import enum
import fractions
import functools
import json
import math
import subprocess
import sys
import types
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pydantic
from omegaconf import OmegaConf

from genesis_ch import ch_logger

NAN = math.nan
UNSET: Any = object()
UNSAID: Any = object()
DEEP = 10_000
UTC = dt.UTC


@dataclass(frozen=True)
class Case:
    """One value. json is what json.loads gives of the stored text; text what a String column holds; number what a Float64 holds, and,
    cut to an integer and clamped, what the integer columns hold; clock the seconds that timestamp= means, None: now;
    tags what an Array(String) holds."""

    name: str
    make: Callable[[], Any]
    text: Any = UNSET
    json: Any = UNSET
    number: float | int = NAN
    clock: float | None = None
    tags: Any = UNSET

    def text_of(self, value: Any) -> str:
        if callable(self.text):
            return str(self.text(value))
        if self.text is not UNSET:
            return str(self.text)
        return json.dumps(self.json, separators=(",", ":"), ensure_ascii=False)

    def json_of(self, value: Any) -> Any:
        return self.text_of(value) if self.json is UNSET else self.json

    def tags_of(self, value: Any) -> Any:
        if self.tags is UNSAID or (self.tags is UNSET and isinstance(self.json, list)):
            return UNSAID
        return [self.text_of(value)] if self.tags is UNSET else self.tags

    @property
    def whole(self) -> int:
        if isinstance(self.number, int):
            return self.number
        if math.isinf(self.number):
            return 10**30 if self.number > 0 else -(10**30)
        return 0 if math.isnan(self.number) else int(self.number)


class Colour(enum.Enum):
    RED = "red"


class Word(enum.StrEnum):
    ONE = "one"


class Level(enum.IntEnum):
    HIGH = 3


class Mixed(int, enum.Enum):
    FIVE = 5


class Point(NamedTuple):
    x: float
    y: float


@dataclass
class Candidate:
    name: str
    parent: Any = None


@dataclass
class Slotted:
    __slots__ = ("a",)
    a: int


class Reply(pydantic.BaseModel):
    text: str
    tokens: int
    inner: Reply | None = None


class Attrs:
    """Looks as a class of the attrs library does."""

    __attrs_attrs__ = (types.SimpleNamespace(name="a"), types.SimpleNamespace(name="b"))

    def __init__(self) -> None:
        self.a = 1
        self.b = [2.5]


class Frozen(Mapping[str, int]):
    def __getitem__(self, key: str) -> int:
        return {"k": 1}[key]

    def __iter__(self) -> Iterator[str]:
        return iter(["k"])

    def __len__(self) -> int:
        return 1


class IntChild(int):
    def __str__(self) -> str:
        return "not a number"

    __repr__ = __str__


class FloatChild(float):
    def __str__(self) -> str:
        return "not a number"

    __repr__ = __str__


class ArrayChild(np.ndarray[Any, Any]):
    """A subclass that lives in another package."""


class Fields(dict[str, Any]):
    """A dict that has more to say."""


def failing(name: str, *methods: str, error: type[Exception] = RuntimeError) -> Any:
    """An object of class `name` whose methods raise."""

    def fail(*_: object) -> Any:
        raise error("from the caller's object")

    return type(name, (), dict.fromkeys(methods, fail))()


class Recursive:
    def __repr__(self) -> str:
        return repr(self)


class WrongRepr:
    def __repr__(self) -> str:
        return 5  # type: ignore[return-value]


class LogsItself:
    def __repr__(self) -> str:
        ch_logger.log_action("nested", {"from": "repr"}, timestamp=1)
        return "logged"


class Wordy:
    def __repr__(self) -> str:
        return "y" * 100_000


class LyingClass:
    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # type: ignore[override,unused-ignore]
        raise RuntimeError("from the caller's object")

    def __repr__(self) -> str:
        return "liar"


class ClosedModel:
    def model_dump(self) -> Any:
        raise RuntimeError("from the caller's object")

    def __repr__(self) -> str:
        return "closed"


def cyclic_dict() -> dict[str, Any]:
    made: dict[str, Any] = {"a": 1}
    made["self"] = made
    return made


def cyclic_list() -> list[Any]:
    made: list[Any] = [1]
    made.append(made)
    return made


def cyclic_object() -> Candidate:
    made = Candidate("loop")
    made.parent = made
    return made


def deep(wrap: Callable[[Any], Any], levels: int = DEEP, core: Any = 0) -> Any:
    return functools.reduce(lambda inner, _: wrap(inner), range(levels), core)


def moved() -> collections.OrderedDict[str, int]:
    made = collections.OrderedDict(a=1, b=2, c=3)
    made.move_to_end("a")
    return made


def default_dict() -> collections.defaultdict[str, list[int]]:
    made: collections.defaultdict[str, list[int]] = collections.defaultdict(list)
    made["k"].append(1)
    return made


@functools.cache
def process() -> subprocess.Popen[bytes]:
    """A process that has ended; its repr stays the same."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended


def hydra(content: Any) -> Any:
    return OmegaConf.create(content)


AWARE = dt.datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=dt.timezone(dt.timedelta(hours=2)))
NAIVE = dt.datetime(2024, 5, 6, 7, 8, 9, 500000)
DATE = dt.date(2024, 5, 6)
UNIQUE = uuid.UUID("12345678-1234-5678-1234-567812345678")
CYCLE = "<the container itself>"
DEPTH_END = "<nested too deeply>"
LEVELS = 100  # GCH_JSON_DEPTH
REPR_MAX = 8192
MANY_TEXT = "x" * 3_000_000
MESSAGES = [{"role": "user", "content": "Improve this\n" * 300}, {"role": "assistant", "content": "é" * 1000}] * 100

TEXTS = [
    Case("empty text", str, ""),
    Case("text", lambda: "mutate", "mutate"),
    Case("astral text", lambda: "naïve 🙂 \U0010ffff", "naïve 🙂 \U0010ffff"),
    Case("quotes", lambda: 'a"b\\c\n\t\r\x1f\x7f\u2028', 'a"b\\c\n\t\r\x1f\x7f\u2028'),
    Case("NUL", lambda: "a\0b", "a\0b"),
    Case("lone surrogates", lambda: "a\ud800b\udfff🙂", "a\ufffdb\ufffd🙂"),
    Case("text of a number", lambda: " 7.5 ", " 7.5 ", number=7.5),
    Case("text of NaN", lambda: "nan", "nan"),
    Case("the word none", lambda: "none", "none"),
    Case("text that is JSON", lambda: '{"a":1}', '{"a":1}'),
    Case("ISO time", lambda: "2024-05-06T05:08:09.123Z", "2024-05-06T05:08:09.123Z", clock=1714972089.123),
    Case("3 MB of text", lambda: MANY_TEXT, MANY_TEXT),
    Case("numpy.str_", lambda: np.str_("diff"), "diff"),
    Case("StrEnum", lambda: Word.ONE, "one"),
    Case("bytes", lambda: "naïve".encode(), "naïve"),
    Case("bytes that are no UTF-8", lambda: b"a\xff\xc3", "a\ufffd\ufffd"),
    Case("bytes of a number", lambda: b"2.5", "2.5", number=2.5),
    Case("bytearray", lambda: bytearray(b"ab"), "ab"),
    Case("memoryview", lambda: memoryview(b"abcd")[::2], "ac"),
    Case("numpy.bytes_", lambda: np.bytes_(b"ab"), "ab"),
]

NUMBERS = [
    Case("True", lambda: True, "True", True, 1, 1.0),
    Case("False", lambda: False, "False", False, 0, 0.0),
    Case("int", lambda: 7, "7", 7, 7, 7.0),
    Case("negative int", lambda: -3, "-3", -3, -3, -3.0),
    Case("Int32's greatest", lambda: 2**31 - 1, "2147483647", 2**31 - 1, 2**31 - 1, 2**31 - 1),
    Case("past Int32", lambda: 2**31, "2147483648", 2**31, 2**31, 2**31),
    Case("below Int32", lambda: -(2**31) - 1, "-2147483649", -(2**31) - 1, -(2**31) - 1, -(2.0**31) - 1),
    Case("2**53 + 1", lambda: 2**53 + 1, str(2**53 + 1), 2**53 + 1, 2**53 + 1),
    Case("past Int64", lambda: 2**63, str(2**63), 2**63, 2**63),
    Case("UInt64's greatest", lambda: 2**64 - 1, str(2**64 - 1), 2**64 - 1, 2**64 - 1),
    Case("past UInt64", lambda: 2**64, str(2**64), 2**64, 2**64),
    Case("below Int64", lambda: -(2**64), str(-(2**64)), -(2**64), -(2**64)),
    Case("past Float64", lambda: 10**400, str(10**400), 10**400, math.inf),
    Case("below Float64", lambda: -(10**400), str(-(10**400)), -(10**400), -math.inf),
    Case("10**5000", lambda: 10**5000, hex(10**5000), number=math.inf),
    Case("-(10**5000)", lambda: -(10**5000), hex(-(10**5000)), number=-math.inf),
    Case("float", lambda: 0.95, "0.95", 0.95, 0.95, 0.95),
    Case("1e22", lambda: 1e22, "1e+22", 1e22, 1e22),
    Case("-0.0", lambda: -0.0, "-0.0", -0.0, -0.0, 0.0),
    Case("NaN", lambda: NAN, "nan", None),
    Case("infinity", lambda: math.inf, "inf", None, math.inf),
    Case("-infinity", lambda: -math.inf, "-inf", None, -math.inf),
    Case("smallest float", lambda: 5e-324, "5e-324", 5e-324, 5e-324, 0.0),
    Case("greatest float", lambda: sys.float_info.max, repr(sys.float_info.max), sys.float_info.max, sys.float_info.max),
    Case("past the calendar", lambda: 1e12, "1000000000000.0", 1e12, 1e12),
    Case("int subclass", lambda: IntChild(4), "4", 4, 4, 4.0),
    Case("float subclass", lambda: FloatChild(1.5), "1.5", 1.5, 1.5, 1.5),
    Case("IntEnum", lambda: Level.HIGH, "3", 3, 3, 3.0),
    Case("int Enum", lambda: Mixed.FIVE, "5", 5, 5, 5.0),
    Case("complex", lambda: 1 + 2j, "(1+2j)"),
    Case("Decimal", lambda: decimal.Decimal("1.25"), "1.25", number=1.25),
    Case("Decimal NaN", lambda: decimal.Decimal("nan"), "NaN"),
    Case("Fraction", lambda: fractions.Fraction(1, 4), "0.25", 0.25, 0.25, 0.25),
]

NUMPY = [
    Case("numpy.float64", lambda: np.float64(0.1), "0.1", 0.1, 0.1, 0.1),
    Case("numpy.float64 NaN", lambda: np.float64("nan"), "nan", None),
    Case("numpy.float32", lambda: np.float32(0.5), "0.5", 0.5, 0.5, 0.5),
    Case("numpy.float16", lambda: np.float16(0.25), "0.25", 0.25, 0.25, 0.25),
    Case("numpy.longdouble", lambda: np.longdouble("1.5"), "1.5", 1.5, 1.5, 1.5),
    Case("numpy.int8", lambda: np.int8(-5), "-5", -5, -5, -5.0),
    Case("numpy.int32", lambda: np.int32(12), "12", 12, 12, 12.0),
    Case("numpy.int64", lambda: np.int64(2**53 + 1), str(2**53 + 1), 2**53 + 1, 2**53 + 1),
    Case("numpy.uint64", lambda: np.uint64(2**64 - 1), str(2**64 - 1), 2**64 - 1, 2**64 - 1),
    Case("numpy.bool", lambda: np.bool_(True), "True", True, 1, 1.0),
    Case("numpy.complex64", lambda: np.complex64(1 + 2j), "(1+2j)"),
    Case("numpy.datetime64", lambda: np.datetime64("2024-05-06T07:08:09.123456789"), "2024-05-06T07:08:09.123456789"),
    Case("numpy NaT", lambda: np.datetime64("NaT", "s"), "", None, tags=[""]),
    Case("numpy.timedelta64", lambda: np.timedelta64(1500, "ms"), "1.5", 1.5, 1.5, 1.5),
    Case("numpy masked", lambda: np.ma.masked, "", None, tags=[""]),
    Case("0-d array", lambda: np.array(2.5), "2.5", 2.5, 2.5, 2.5),
    Case("array of one", lambda: np.array([2.5]), json=[2.5], number=2.5, tags=["2.5"]),
    Case("1-d array", lambda: np.array([1, 2]), json=[1, 2], tags=["1", "2"]),
    Case("2-d array", lambda: np.array([[1.5, NAN], [2.0, -0.0]]), json=[[1.5, None], [2.0, -0.0]], tags=["[1.5,null]", "[2.0,-0.0]"]),
    Case("empty array", lambda: np.array([]), json=[], tags=[]),
    Case("array of objects", lambda: np.array([{"a": 1}, None], dtype=object), json=[{"a": 1}, None], tags=['{"a":1}', ""]),
    Case("array of records", lambda: np.array([(1, 2.5)], dtype=[("a", int), ("b", float)]), json=[[1, 2.5]], tags=["[1,2.5]"]),
    Case("array of times", lambda: np.array(["2024-05-06", "NaT"], dtype="M8[D]"), json=["2024-05-06", None], tags=["2024-05-06", ""]),
    Case("huge array", lambda: np.zeros((1001, 1000)), "<numpy.ndarray of 1001000 elements>"),
    Case("endless array", lambda: np.broadcast_to(np.int8(1), (10**12,)), "<numpy.ndarray of 1000000000000 elements>"),
    Case("array subclass", lambda: np.array([1, 2]).view(ArrayChild), json=[1, 2], tags=["1", "2"]),
    Case("dtype", lambda: np.dtype("f8"), "dtype('float64')"),
    Case("pandas.Timestamp", lambda: pd.Timestamp("2024-05-06T07:08:09Z"), "2024-05-06T07:08:09+00:00", clock=1714979289.0),
    Case("pandas.NaT", lambda: pd.NaT, "", None, tags=[""]),
    Case("pandas.NA", lambda: pd.NA, "", None, tags=[""]),
    Case("pandas.Series", lambda: pd.Series([1.5, 2.5]), json=[1.5, 2.5], tags=["1.5", "2.5"]),
    Case("pandas.DataFrame", lambda: pd.DataFrame({"a": [1, 2]}), json={"a": {"0": 1, "1": 2}}),
]

OBJECTS = [
    Case("DictConfig", lambda: hydra({"a": 2, "b": {"c": "${a}"}, "l": ["${a}"]}), json={"a": 2, "b": {"c": 2}, "l": [2]}),
    Case("missing in a DictConfig", lambda: hydra({"a": "???", "b": 1}), json={"a": "???", "b": 1}),
    Case("unresolvable DictConfig", lambda: hydra({"a": "${nowhere}", "b": "${oc.env:GENESIS_CH_NO}"}), json={"a": "${nowhere}", "b": "${oc.env:GENESIS_CH_NO}"}),
    Case("ListConfig", lambda: hydra([1, "a"]), json=[1, "a"], tags=["1", "a"]),
    Case("pydantic model", lambda: Reply(text="t", tokens=3, inner=Reply(text="u", tokens=1)), json={"text": "t", "tokens": 3, "inner": {"text": "u", "tokens": 1, "inner": None}}),
    Case("unvalidated pydantic model", lambda: Reply.model_construct(text=5, tokens="many"), json={"text": 5, "tokens": "many", "inner": None}),
    Case("dataclass", lambda: Candidate("c", Candidate("p")), json={"name": "c", "parent": {"name": "p", "parent": None}}),
    Case("dataclass with slots", lambda: Slotted(1), json={"a": 1}),
    Case("dataclass that lost a field", lambda: Slotted.__new__(Slotted), "<Slotted object whose repr failed>"),
    Case("attrs class", Attrs, json={"a": 1, "b": [2.5]}),
    Case("NamedTuple", lambda: Point(1.0, 2.0), json=[1.0, 2.0], tags=["1.0", "2.0"]),
    Case("SimpleNamespace", lambda: types.SimpleNamespace(a=1), json={"a": 1}),
    Case("argparse.Namespace", lambda: argparse.Namespace(a=1), json={"a": 1}),
    Case("Path", lambda: Path("results/a.db"), "results/a.db"),
    Case("PurePath", lambda: PurePosixPath("/x"), "/x"),
    Case("Enum", lambda: Colour.RED, "red"),
    Case("aware datetime", lambda: AWARE, "2024-05-06T07:08:09.123456+02:00", clock=AWARE.timestamp()),
    Case("naive datetime", lambda: NAIVE, "2024-05-06T07:08:09.500000", clock=NAIVE.timestamp()),
    Case("the first datetime", lambda: dt.datetime.min, "0001-01-01T00:00:00"),
    Case("date", lambda: DATE, "2024-05-06", clock=dt.datetime(2024, 5, 6).timestamp()),
    Case("time", lambda: dt.time(7, 8), "07:08:00"),
    Case("timedelta", lambda: dt.timedelta(seconds=90.5), "90.5", 90.5, 90.5, 90.5),
    Case("UUID", lambda: UNIQUE, str(UNIQUE)),
    Case("exception", lambda: ValueError("no convergence"), "ValueError('no convergence')"),
    Case("Popen", process, repr),
    Case("function", lambda: deep, repr),
    Case("class", lambda: Candidate, repr),
    Case("module", lambda: math, repr),
    Case("long repr", Wordy, "y" * REPR_MAX),
]

CONTAINERS = [
    Case("empty dict", dict, json={}),
    Case("empty list", list, json=[], tags=[]),
    Case("nested metrics", lambda: {"public": {"score": 0.5, "n": np.int64(3)}, "private": {"t": np.float32(1.5), "bad": NAN}}, json={"public": {"score": 0.5, "n": 3}, "private": {"t": 1.5, "bad": None}}),
    Case("messages", lambda: MESSAGES, json=MESSAGES),
    Case("tuple", lambda: (1, "a"), json=[1, "a"], tags=["1", "a"]),
    Case("list of one", lambda: [7], json=[7], number=7, tags=["7"]),
    Case("set", lambda: {"b", "a"}, json=["a", "b"]),
    Case("frozenset", lambda: frozenset([2, 1]), json=[1, 2]),
    Case("set of unlike", lambda: {(1,), "a"}, lambda value: json.dumps(list(value), separators=(",", ":")), UNSAID, tags=UNSAID),
    Case("OrderedDict, moved", moved, '{"b":2,"c":3,"a":1}', {"b": 2, "c": 3, "a": 1}),
    Case("defaultdict", default_dict, json={"k": [1]}),
    Case("Counter", lambda: collections.Counter("aab"), json={"a": 2, "b": 1}),
    Case("ChainMap", lambda: collections.ChainMap({"a": 1}, {"a": 2}), json={"a": 1}),
    Case("dict subclass", lambda: Fields(a=Fields(b=1.5)), json={"a": {"b": 1.5}}),
    Case("MappingProxyType", lambda: types.MappingProxyType({"a": 1}), json={"a": 1}),
    Case("Mapping", Frozen, json={"k": 1}),
    Case("deque", lambda: collections.deque([1, 2]), json=[1, 2], tags=["1", "2"]),
    Case("range", lambda: range(3), json=[0, 1, 2], tags=["0", "1", "2"]),
    Case("endless range", lambda: range(10**12), "<builtins.range of 1000000000000 elements>"),
    Case("array.array", lambda: array.array("d", [1.5]), json=[1.5], number=1.5, tags=["1.5"]),
    Case("keys view", lambda: {"a": 1}.keys(), json=["a"], tags=["a"]),
    Case("values view", lambda: {"a": 1}.values(), json=[1], number=1, tags=["1"]),
    Case("generator", lambda: (n for n in range(3)), repr, tags=["0", "1", "2"]),
    Case("iterator", lambda: iter([1]), repr, tags=["1"]),
    Case("keys of all kinds", lambda: {1: 0, 2.5: 0, None: 0, b"b": 0, Colour.RED: 0, Level.HIGH: 0, (1, 2): 0, UNIQUE: 0, np.int64(9): 0, DATE: 0, "\ud800": 0}, json=dict.fromkeys(["1", "2.5", "null", "b", "red", "3", "(1, 2)", str(UNIQUE), "9", "2024-05-06", "\ufffd"], 0)),
    Case("truths as keys", lambda: {True: 1, False: 0}, json={"true": 1, "false": 0}),
    Case("cyclic dict", cyclic_dict, json={"a": 1, "self": CYCLE}),
    Case("cyclic list", cyclic_list, json=[1, CYCLE], tags=["1", f'[1,"{CYCLE}"]']),
    Case("cyclic object", cyclic_object, json={"name": "loop", "parent": CYCLE}),
    Case("10,000 lists deep", lambda: deep(lambda inner: [inner]), json=deep(lambda inner: [inner], LEVELS, DEPTH_END)),
    Case("10,000 dicts deep", lambda: deep(lambda inner: {"d": inner}), json=deep(lambda inner: {"d": inner}, LEVELS, DEPTH_END)),
    Case("shared, not cyclic", lambda: [[1]] * 2, json=[[1], [1]], tags=["[1]", "[1]"]),
]  # fmt: skip

HOSTILE = [
    Case("object", lambda: failing("Plain"), repr),
    Case("repr raises", lambda: failing("Bad", "__repr__", "__str__"), "<Bad object whose repr failed>"),
    Case("str raises", lambda: failing("Bad", "__str__"), repr),
    Case("repr recurses", Recursive, "<Recursive object whose repr failed>"),
    Case("repr is no text", WrongRepr, "<WrongRepr object whose repr failed>"),
    Case("repr logs", LogsItself, "logged"),
    Case("bool raises", lambda: failing("Bad", "__bool__"), repr),
    Case("float and index raise", lambda: failing("Bad", "__float__", "__index__", "__int__"), repr),
    Case("float overflows", lambda: failing("Bad", "__float__", error=OverflowError), repr),
    Case("all raise", lambda: failing("Bad", "__repr__", "__str__", "__bool__", "__float__", "__index__", "__len__", "__iter__", "__getattr__", "__getitem__", "__eq__", "__hash__"), "<Bad object whose repr failed>"),
    Case("getattr raises", lambda: failing("Bad", "__getattr__"), lambda value: object.__repr__(value)),
    Case("class lies", LyingClass, "liar"),
    Case("model_dump raises", ClosedModel, "closed"),
    Case("out of memory", lambda: failing("Bad", "__repr__", "__float__", error=MemoryError), "<Bad object whose repr failed>"),
]  # fmt: skip

CASES = [*TEXTS, *NUMBERS, *NUMPY, *OBJECTS, *CONTAINERS, *HOSTILE]
