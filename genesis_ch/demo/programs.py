"""What the offline mutator knows: pieces of programs, as text.

A program is one Python module with four functions, `layout`, `improve`, `tighten` and
`pack`, and the constants they use. A circle is a list `[x, y, r]`. Only the standard
library is used, so that every program runs wherever this package runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SLOTS = ("layout", "improve", "tighten", "pack")

DOCSTRING = '"""Pack 26 circles into the unit square; a larger sum of radii is better."""'
IMPORTS = "import math\nimport random"


@dataclass(frozen=True)
class Idea:
    """One way to write one function: its text and the constants it reads (name to literal).

    `partner` is an idea for another function that this one makes no sense without.
    """

    slot: str
    name: str
    summary: str
    source: str
    constants: dict[str, str] = field(default_factory=dict)
    partner: Idea | None = None


ROWS = Idea(
    "layout",
    "rows",
    "Place the circles in horizontal rows, evenly spread in each row.",
    '''\
def layout():
    """Circles in horizontal rows, evenly spread in each row."""
    circles = []
    for row, count in enumerate(ROWS):
        y = MARGIN + (1 - 2 * MARGIN) * row / max(1, len(ROWS) - 1)
        for column in range(count):
            circles.append([(column + 0.5) / count, y, 0.0])
    return circles
''',
    {"ROWS": "[4, 4, 5, 5, 4, 4]", "MARGIN": "0.06"},
)

RINGS = Idea(
    "layout",
    "rings",
    "Place the circles on concentric rings around the middle of the square.",
    '''\
def layout():
    """Circles on concentric rings around the middle of the square."""
    circles = []
    for ring, count in enumerate(RINGS):
        distance = SPREAD * ring / max(1, len(RINGS) - 1)
        for place in range(count):
            angle = 2 * math.pi * place / count
            x = 0.5 + distance * math.cos(angle)
            y = 0.5 + distance * math.sin(angle)
            circles.append([x, y, 0.0])
    return circles
''',
    {"RINGS": "[1, 8, 17]", "SPREAD": "0.4"},
)

SPIRAL = Idea(
    "layout",
    "spiral",
    "Place the circles on a spiral, one fixed turn after the other.",
    '''\
def layout():
    """Circles on a spiral, as the seeds of a sunflower."""
    circles = []
    for seed in range(26):
        distance = SPREAD * math.sqrt((seed + 0.5) / 26)
        x = 0.5 + distance * math.cos(seed * TURN)
        y = 0.5 + distance * math.sin(seed * TURN)
        circles.append([x, y, 0.0])
    return circles
''',
    {"SPREAD": "0.4", "TURN": "2.4"},
)

SCATTER = Idea(
    "layout",
    "scatter",
    "Scatter the circles at random, with a margin to the walls.",
    '''\
def layout():
    """Circles at random places that keep a margin to the walls."""
    rng = random.Random(SEED)
    low, high = MARGIN, 1 - MARGIN
    return [[rng.uniform(low, high), rng.uniform(low, high), 0.0] for _ in range(26)]
''',
    {"SEED": "0", "MARGIN": "0.06"},
)

KEEP = Idea(
    "improve",
    "keep",
    "Leave the centres where the layout puts them.",
    '''\
def improve(circles):
    """Leave the centres where they are."""
    return circles
''',
)

JITTER = Idea(
    "improve",
    "jitter",
    "Move one circle at random and keep the move when the sum of radii grows.",
    '''\
def improve(circles):
    """Move one circle at random; keep the move when the sum of radii grows."""
    rng = random.Random(SEED)
    best = sum(r for _, _, r in tighten(circles))
    for _ in range(TRIES):
        circle = rng.choice(circles)
        x, y, _ = circle
        circle[0] = min(1.0, max(0.0, x + rng.gauss(0, REACH)))
        circle[1] = min(1.0, max(0.0, y + rng.gauss(0, REACH)))
        total = sum(r for _, _, r in tighten(circles))
        if total > best:
            best = total
        else:
            circle[0], circle[1] = x, y
    return circles
''',
    {"SEED": "0", "TRIES": "150", "REACH": "0.03"},
)

REPEL = Idea(
    "improve",
    "repel",
    "Let the centres and the walls repel each other, as charges do.",
    '''\
def improve(circles):
    """Let the centres and the walls repel each other, as charges do."""
    for step in range(STEPS):
        force = CHARGE * (1 - step / STEPS)
        for a in circles:
            fx = 1 / max(a[0], 0.02) ** 2 - 1 / max(1 - a[0], 0.02) ** 2
            fy = 1 / max(a[1], 0.02) ** 2 - 1 / max(1 - a[1], 0.02) ** 2
            for b in circles:
                dx, dy = a[0] - b[0], a[1] - b[1]
                square = dx * dx + dy * dy
                if 0 < square < 0.16:
                    fx += dx / square ** 1.5
                    fy += dy / square ** 1.5
            a[0] = min(0.98, max(0.02, a[0] + max(-0.02, min(0.02, force * fx))))
            a[1] = min(0.98, max(0.02, a[1] + max(-0.02, min(0.02, force * fy))))
    return circles
''',
    {"STEPS": "40", "CHARGE": "2e-05"},
)

SETTLE = Idea(
    "tighten",
    "settle",
    "Shrink the pairs that overlap until none does, then let each circle grow.",
    '''\
def tighten(circles):
    """Shrink the pairs that overlap until none does, then let each circle grow."""
    result = [[x, y, min(r or 1, x, y, 1 - x, 1 - y)] for x, y, r in circles]
    for _ in range(SWEEPS):
        for i, a in enumerate(result):
            for b in result[:i]:
                excess = a[2] + b[2] - math.hypot(a[0] - b[0], a[1] - b[1])
                if excess > 0:
                    a[2] -= excess * 0.5000001
                    b[2] -= excess * 0.5000001
    for a in result:
        room = min(a[0], a[1], 1 - a[0], 1 - a[1])
        for b in result:
            if a is not b:
                room = min(room, math.hypot(a[0] - b[0], a[1] - b[1]) - b[2])
        a[2] = room
    return result
''',
    {"SWEEPS": "6"},
)

PRESS = Idea(
    "improve",
    "press",
    "Inflate all circles slowly; where two touch, both give way and shrink a little.",
    '''\
def improve(circles):
    """Inflate all circles slowly; where two touch, both give way and shrink a little."""
    circles = [[x, y, max(r, 0.02)] for x, y, r in circles]
    for step in range(STEPS):
        for i, a in enumerate(circles):
            x, y, r = a
            for b in circles[:i]:
                dx, dy, reach = x - b[0], y - b[1], r + b[2]
                square = dx * dx + dy * dy
                if square < reach * reach:
                    gap = math.sqrt(square) or 1e-9
                    push = PUSH * (reach - gap) / gap
                    shrink = SHRINK * (reach - gap)
                    x, y, r = x + push * dx, y + push * dy, r - shrink
                    b[0], b[1], b[2] = b[0] - push * dx, b[1] - push * dy, b[2] - shrink
            if x < r:
                x, r = x + PUSH * (r - x), r - SHRINK * (r - x)
            if x > 1 - r:
                x, r = x - PUSH * (x - 1 + r), r - SHRINK * (x - 1 + r)
            if y < r:
                y, r = y + PUSH * (r - y), r - SHRINK * (r - y)
            if y > 1 - r:
                y, r = y - PUSH * (y - 1 + r), r - SHRINK * (y - 1 + r)
            a[:] = x, y, max(r, 0.001)
        rate = RATE * (1 - step / STEPS) ** 2
        for a in circles:
            a[2] += rate
    return [[min(1.0, max(0.0, x)), min(1.0, max(0.0, y)), r] for x, y, r in circles]
''',
    {"STEPS": "1000", "RATE": "0.0008", "PUSH": "0.2", "SHRINK": "0.35"},
    partner=SETTLE,
)

EQUAL = Idea(
    "tighten",
    "equal",
    "Give all circles one radius, the largest that fits everywhere.",
    '''\
def tighten(circles):
    """Give all circles one radius, the largest that fits everywhere."""
    r = min(min(x, y, 1 - x, 1 - y) for x, y, _ in circles)
    for i, (x, y, _) in enumerate(circles):
        for u, v, _ in circles[:i]:
            r = min(r, math.hypot(x - u, y - v) / 2)
    return [[x, y, r] for x, y, _ in circles]
''',
)

HALF_GAP = Idea(
    "tighten",
    "half_gap",
    "Give every circle half of the way to its nearest neighbour.",
    '''\
def tighten(circles):
    """Give every circle half of the way to its nearest neighbour."""
    result = []
    for i, (x, y, _) in enumerate(circles):
        r = min(x, y, 1 - x, 1 - y)
        for j, (u, v, _) in enumerate(circles):
            if i != j:
                r = min(r, math.hypot(x - u, y - v) / 2)
        result.append([x, y, r])
    return result
''',
)

GROW = Idea(
    "tighten",
    "grow",
    "Start from half of every gap, then let each circle take the room that is left.",
    '''\
def tighten(circles):
    """Take half of every gap first, then let each circle grow into the room left."""
    result = [[x, y, min(x, y, 1 - x, 1 - y)] for x, y, _ in circles]
    for i, a in enumerate(result):
        for b in result[:i]:
            half = math.hypot(a[0] - b[0], a[1] - b[1]) / 2
            a[2], b[2] = min(a[2], half), min(b[2], half)
    for a in result:
        room = min(a[0], a[1], 1 - a[0], 1 - a[1])
        for b in result:
            if a is not b:
                room = min(room, math.hypot(a[0] - b[0], a[1] - b[1]) - b[2])
        a[2] = max(a[2], room)
    return result
''',
)

SCALE = Idea(
    "tighten",
    "scale",
    "Trust the radii and scale them all by one safety factor: a very short program.",
    '''\
def tighten(circles):
    """Trust the radii, up to one safety factor."""
    return [[x, y, SAFETY * min(r, x, y, 1 - x, 1 - y)] for x, y, r in circles]
''',
    {"SAFETY": "0.97"},
)

ONCE = Idea(
    "pack",
    "once",
    "Improve one layout once.",
    '''\
def pack():
    """One layout, improved once."""
    return tighten(improve(layout()))
''',
)

STARTS = Idea(
    "pack",
    "starts",
    "Improve several shaken copies of the layout and keep the best.",
    '''\
def pack():
    """Several shaken copies of the layout; the best one wins."""
    rng = random.Random(SEED)
    results = []
    for _ in range(STARTS):
        circles = [[x + rng.gauss(0, NOISE), y + rng.gauss(0, NOISE), r] for x, y, r in layout()]
        results.append(tighten(improve(circles)))
    return max(results, key=lambda circles: sum(r for _, _, r in circles))
''',
    {"SEED": "0", "STARTS": "6", "NOISE": "0.02"},
)

HOPS = Idea(
    "pack",
    "hops",
    "Shake the best packing found, improve it again, and keep it when it is better.",
    '''\
def pack():
    """Shake the best packing so far and improve it again."""
    rng = random.Random(SEED)
    best = tighten(improve(layout()))
    for _ in range(HOPS):
        shaken = [
            [x + rng.gauss(0, NOISE), y + rng.gauss(0, NOISE), r * 0.9] for x, y, r in best
        ]
        best = max(best, tighten(improve(shaken)), key=lambda cs: sum(r for _, _, r in cs))
    return best
''',
    {"SEED": "0", "HOPS": "6", "NOISE": "0.02"},
)

IDEAS = (
    ROWS, RINGS, SPIRAL, SCATTER,
    KEEP, JITTER, REPEL, PRESS,
    EQUAL, HALF_GAP, GROW, SETTLE, SCALE,
    ONCE, STARTS, HOPS,
)  # fmt: skip

FIRST_IDEAS = {
    "layout": (ROWS, RINGS, SPIRAL, SCATTER),
    "improve": (KEEP,),
    "tighten": (EQUAL,),
    "pack": (ONCE,),
}
"""What a first program may be made of: a layout and nothing clever."""

LIMITS: dict[str, tuple[float, float]] = {
    "MARGIN": (0.02, 0.2),
    "SPREAD": (0.2, 0.49),
    "TURN": (1.0, 3.0),
    "SEED": (0, 999),
    "TRIES": (20, 400),
    "REACH": (0.002, 0.2),
    "STEPS": (20, 3000),
    "CHARGE": (1e-6, 1e-3),
    "RATE": (0.0005, 0.02),
    "PUSH": (0.05, 0.5),
    "SHRINK": (0.05, 0.5),
    "SWEEPS": (1, 30),
    "SAFETY": (0.9, 0.9999),
    "STARTS": (2, 16),
    "HOPS": (1, 16),
    "NOISE": (0.0005, 0.1),
}
"""Sensible bounds of every numeric constant: they keep most programs under a second."""
