"""The task: 26 circles in the unit square, the sum of their radii as large as possible."""

from __future__ import annotations

import math
from dataclasses import dataclass

CIRCLES = 26
BEST_KNOWN = 2.635
"""Sum of radii that the published searches reach, cut after three digits."""
TOLERANCE = 1e-9

Circle = tuple[float, float, float]


@dataclass(frozen=True)
class Verdict:
    """What a packing is worth: the sum of radii, or 0.0 and the first rule it breaks."""

    score: float
    error: str | None = None

    @property
    def correct(self) -> bool:
        """True when the packing keeps every rule."""
        return self.error is None


def judge(packing: object) -> Verdict:
    """Score any object that claims to be 26 circles `(x, y, r)`; never raises.

    A circle may leave the square, and two circles may overlap, by at most `TOLERANCE`.
    """
    try:
        circles = _circles(packing)
    except (TypeError, ValueError) as error:
        return Verdict(0.0, str(error))
    error_text = _outside(circles) or _overlap(circles)
    if error_text:
        return Verdict(0.0, error_text)
    return Verdict(math.fsum(r for _, _, r in circles))


def _circles(packing: object) -> list[Circle]:
    if not isinstance(packing, (list, tuple)):
        raise TypeError(f"pack() returned {type(packing).__name__}, not a list of circles")
    if len(packing) != CIRCLES:
        raise ValueError(f"pack() returned {len(packing)} circles instead of {CIRCLES}")
    return [_circle(index, item) for index, item in enumerate(packing)]


def _circle(index: int, item: object) -> Circle:
    if not isinstance(item, (list, tuple)) or len(item) != 3:
        raise ValueError(f"circle {index} is not (x, y, r)")
    if not all(isinstance(v, (int, float)) and math.isfinite(v) for v in item):
        raise ValueError(f"circle {index} holds something that is not a finite number")
    x, y, r = (float(v) for v in item)
    if r <= 0.0:
        raise ValueError(f"circle {index} has radius {r:g}")
    return x, y, r


def _outside(circles: list[Circle]) -> str | None:
    for index, (x, y, r) in enumerate(circles):
        excess = r - min(x, y, 1.0 - x, 1.0 - y)
        if excess > TOLERANCE:
            return f"circle {index} leaves the square by {excess:.3g}"
    return None


def _overlap(circles: list[Circle]) -> str | None:
    for i, (x, y, r) in enumerate(circles):
        for j, (u, v, s) in enumerate(circles[:i]):
            depth = r + s - math.hypot(x - u, y - v)
            if depth > TOLERANCE:
                return f"circles {j} and {i} overlap by {depth:.3g}"
    return None
