"""Turns the values that real callers pass into what JSON knows. Called by the C core only for types it does not know itself.

Nothing is imported for the sake of a type: a value of numpy, omegaconf, pydantic or torch has brought its module along.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import fractions
import sys
import uuid
from collections import deque
from collections.abc import Mapping, Sequence, Set
from pathlib import PurePath
from typing import Any

ARRAY_MAX = 1_000_000
"""Elements of an array that are written; a larger one is described instead."""


def plain(value: Any) -> Any:
    """The value in terms of dict, list, str, int, float, bool and None, one level deep; NotImplemented for one that is not known.

    Enum: its value. datetime, date, time: ISO 8601. timedelta: seconds. Path, UUID, Decimal: text. bytes: text with U+FFFD for what
    is no UTF-8. set: a list, sorted where that is possible. complex, exceptions, processes and the like are not known: their repr is
    stored.
    """
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, (PurePath, uuid.UUID, decimal.Decimal, fractions.Fraction)):
        return str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, (set, frozenset)):
        return _sorted(value)
    if isinstance(value, (dict, deque)):
        return dict(value) if isinstance(value, dict) else list(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
    return _foreign(value)


def _sorted(values: Set[Any]) -> list[Any]:
    try:
        return sorted(values)
    except TypeError:
        return list(values)


def _foreign(value: Any) -> Any:
    """Values of other libraries, told by what they can do."""
    package = type(value).__module__.partition(".")[0]
    if package == "omegaconf":
        return _hydra(value)
    if hasattr(value, "model_dump") and not isinstance(value, type):
        return value.model_dump()
    if package in ("numpy", "torch", "jax", "jaxlib", "pandas", "cupy", "tensorflow", "polars"):
        return _array(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (Sequence, Set, range)) and not isinstance(value, str):
        return list(value)
    if hasattr(type(value), "__attrs_attrs__"):
        return {item.name: getattr(value, item.name) for item in type(value).__attrs_attrs__}
    return NotImplemented


def _hydra(value: Any) -> Any:
    """A DictConfig or ListConfig with its references resolved; one that cannot be resolved stays as it is written."""
    omega: Any = sys.modules["omegaconf"].OmegaConf
    try:
        return omega.to_container(value, resolve=True, throw_on_missing=False)
    except Exception:  # a missing variable or resolver: any of omegaconf's errors, or the resolver's own
        return omega.to_container(value, resolve=False, throw_on_missing=False)


def _array(value: Any) -> Any:
    size = getattr(value, "size", 1)
    if callable(size) or not isinstance(size, int):
        size = 1
    if size > ARRAY_MAX:
        return f"<{type(value).__module__}.{type(value).__name__} of {size} elements>"
    for method in ("tolist", "to_dict", "item"):
        if hasattr(value, method):
            made = getattr(value, method)()
            return made if type(made) is not type(value) else NotImplemented
    return NotImplemented


def seconds(value: Any) -> float | None:
    """Seconds since the epoch of a datetime (a naive one is local time), a date or an ISO 8601 text; None for anything else."""
    if isinstance(value, str):
        value = datetime.datetime.fromisoformat(value)
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    if isinstance(value, datetime.date):
        return datetime.datetime(value.year, value.month, value.day).timestamp()
    made = plain(value)
    return float(made) if isinstance(made, (int, float)) else None
