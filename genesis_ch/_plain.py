"""Turns the values that real callers pass into what JSON knows. Called by the C core only for types it does not know itself.

Nothing is imported for the sake of a type: a value of numpy, omegaconf, pydantic or torch has brought its module along.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import fractions
import itertools
import math
import sys
import types
import uuid
from collections import deque
from collections.abc import Mapping, Sequence, ValuesView
from collections.abc import Set as AbstractSet
from pathlib import PurePath
from typing import Any

ARRAY_MAX = 1_000_000
"""Elements of an array that are written; a larger one is described instead."""

ARRAY_PACKAGES = frozenset({"numpy", "torch", "jax", "jaxlib", "pandas", "cupy", "tensorflow", "polars"})


def plain(value: Any) -> Any:
    """The value in terms of dict, list, str, int, float, bool and None, one level deep; NotImplemented for one that is not known.

    Enum: its value. datetime, date, time: ISO 8601. timedelta: seconds. Path, UUID, Decimal: text. Fraction: float. bytes: text with U+FFFD for what
    is no UTF-8. set: a list, sorted where that is possible. Objects with named fields: a dict. complex, exceptions, processes and the like are not known: their repr is
    stored.
    """
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return None if type(value).__name__ == "NaTType" else value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, (PurePath, uuid.UUID, decimal.Decimal)):
        return str(value)
    if isinstance(value, fractions.Fraction):
        return float(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, (set, frozenset)):
        return _sorted(value)
    if isinstance(value, (dict, deque)):
        return dict(value) if isinstance(value, dict) else list(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
    if isinstance(value, types.SimpleNamespace):
        return dict(vars(value))
    return _foreign(value)


def _sorted(values: AbstractSet[Any]) -> list[Any]:
    try:
        return sorted(values)
    except TypeError:
        return list(values)


def _foreign(value: Any) -> Any:
    """Values of other libraries, told by what they can do."""
    packages = {base.__module__.partition(".")[0] for base in type(value).__mro__}
    if "omegaconf" in packages:
        return _hydra(value)
    if hasattr(type(value), "model_dump"):
        return _pydantic(value)
    if packages & ARRAY_PACKAGES:
        return _array(value)
    if isinstance(value, Mapping):
        return {key: value[key] for key in itertools.islice(value, ARRAY_MAX)}
    if isinstance(value, (Sequence, AbstractSet, ValuesView)) and not isinstance(value, str):
        return list(value) if len(value) <= ARRAY_MAX else _described(value, len(value))
    if hasattr(type(value), "__attrs_attrs__"):
        return {item.name: getattr(value, item.name) for item in type(value).__attrs_attrs__}
    if "argparse" in packages:
        return dict(vars(value))
    return NotImplemented


def _described(value: Any, size: int) -> str:
    return f"<{type(value).__module__}.{type(value).__name__} of {size} elements>"


def _pydantic(value: Any) -> Any:
    """The fields of a model. One that was made without validation, as SDKs do for replies, must not warn on stderr."""
    try:
        return value.model_dump(warnings=False)
    except TypeError:  # something else that has a model_dump
        return value.model_dump()


def _hydra(value: Any) -> Any:
    """A DictConfig or ListConfig with its references resolved; one that cannot be resolved stays as it is written."""
    omega: Any = sys.modules["omegaconf"].OmegaConf
    try:
        return omega.to_container(value, resolve=True, throw_on_missing=False)
    except Exception:  # noqa: BLE001 - a missing variable or resolver: any of omegaconf's errors, or the resolver's own
        return omega.to_container(value, resolve=False, throw_on_missing=False)


def _array(value: Any) -> Any:
    """numpy scalars and arrays, pandas, torch and the like; what is not available (NA, NaT, masked) is None."""
    if type(value).__name__ == "NAType":
        return None
    size = _size(value)
    if size > ARRAY_MAX:
        return _described(value, size)
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if kind == "M":
        return _present(value.astype(str).tolist())
    if kind == "m":
        return _present((value / sys.modules["numpy"].timedelta64(1, "s")).tolist())
    for method in ("tolist", "to_dict", "item"):
        if hasattr(value, method):
            made = getattr(value, method)()
            if type(made) is not type(value):
                return made
            break
    return float(value) if kind == "f" else NotImplemented


def _present(value: Any) -> Any:
    if isinstance(value, list):
        return [_present(item) for item in value]
    return None if value == "NaT" or (isinstance(value, float) and math.isnan(value)) else value


def _size(value: Any) -> int:
    size = getattr(value, "size", 1)
    if callable(size):
        size = value.numel() if hasattr(value, "numel") else 1
    return size if isinstance(size, int) else 1


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


def program(code: Any) -> tuple[str, str, int]:
    """A program as text, the SHA-256 of its UTF-8 bytes in hexadecimal digits, and their number."""
    import hashlib  # not needed by most

    raw = bytes(code) if isinstance(code, (bytes, bytearray, memoryview)) else str(code).encode("utf-8", "replace")
    return raw.decode("utf-8", "replace"), hashlib.sha256(raw, usedforsecurity=False).hexdigest(), len(raw)
