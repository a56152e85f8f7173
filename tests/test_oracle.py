"""Holds the text writers of the core against Python itself: repr(), json.dumps() and bytes.decode()."""

from __future__ import annotations

import array
import ctypes
import json
import math
import random
import re
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cbuild import CSRC, Builder

DRAWS = 200_000
TEXTS = 3_000
SHIM = """
#include "dtoa.h"
#include "json_write.h"
#include "utf8.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT size_t doubles(const double *values, size_t count, char *out);
EXPORT size_t text(int kind, const void *chars, size_t count, uint8_t *out, size_t *replaced);

size_t doubles(const double *values, size_t count, char *out)
{
    char *at = out;
    for (size_t i = 0; i < count; i++) {
        at += gch_dtoa(values[i], at);
        *at++ = '\\n';
    }
    return (size_t)(at - out);
}

static size_t write(struct gch_buf *buf, int kind, const void *chars, size_t count)
{
    switch (kind) {
    case 1: return gch_json_latin1(buf, chars, count);
    case 2: return gch_json_ucs2(buf, chars, count);
    case 4: return gch_json_ucs4(buf, chars, count);
    case 0: return gch_json_bytes(buf, chars, count);
    case 11: return gch_utf8_from_latin1(buf, chars, count);
    case 12: return gch_utf8_from_ucs2(buf, chars, count);
    case 14: return gch_utf8_from_ucs4(buf, chars, count);
    default: return gch_utf8_from_bytes(buf, chars, count);
    }
}

size_t text(int kind, const void *chars, size_t count, uint8_t *out, size_t *replaced)
{
    struct gch_buf buf;
    gch_buf_init(&buf, 1 << 20);
    *replaced = write(&buf, kind, chars, count);
    size_t len = buf.len;
    if (len > 0)
        memcpy(out, buf.data, len);
    gch_buf_deinit(&buf);
    return len;
}
"""
JSON = 0
UTF8 = 10


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """Return a library with the two functions of SHIM."""
    directory = tmp_path_factory.mktemp("oracle")
    shim = directory / "shim.c"
    shim.write_text(SHIM)
    sources = [shim, *(CSRC / name for name in ("dtoa.c", "json_write.c", "utf8.c", "buf.c"))]
    library = ctypes.CDLL(str(Builder(directory).link("core.so", sources, (), ("-shared", "-fPIC"))))
    library.doubles.restype = ctypes.c_size_t
    library.text.restype = ctypes.c_size_t
    return library


def check_doubles(core: ctypes.CDLL, values: list[float]) -> None:
    """Compare gch_dtoa with repr()."""
    packed = array.array("d", values)
    out = ctypes.create_string_buffer(33 * len(values))
    raw = (ctypes.c_double * len(values)).from_buffer(packed)
    size = core.doubles(raw, ctypes.c_size_t(len(values)), out)
    got = out.raw[:size].decode().splitlines()
    assert len(got) == len(values)
    wrong = [(repr(value), text) for value, text in zip(values, got, strict=True) if repr(value) != text]
    assert wrong[:10] == []


def around(value: float) -> Iterator[float]:
    """Yield value and its neighbours, with both signs."""
    for near in (value, math.nextafter(value, 0.0), math.nextafter(value, math.inf)):
        if math.isfinite(near):
            yield near
            yield -near


def test_random_bit_patterns(core: ctypes.CDLL) -> None:
    """Any double is as likely as any other."""
    values = array.array("d", random.Random(1).randbytes(8 * DRAWS))
    check_doubles(core, [value for value in values if math.isfinite(value)])


def test_powers_of_two_and_ten(core: ctypes.CDLL) -> None:
    """At a power of two the gap below is half the gap above; at a power of ten the digits change in number."""
    powers = [math.ldexp(1.0, exponent) for exponent in range(-1074, 1024)]
    powers += [float(f"{digits}e{exponent}") for exponent in range(-340, 309) for digits in (1, 5, 9)]
    check_doubles(core, [near for power in powers for near in around(power)])


def halfway_decimals(draw: random.Random) -> Iterator[float]:
    """Yield doubles with a short decimal exactly halfway to a neighbour, where rounding decides who owns it."""
    for q in range(1, 77):
        five: int = 5 ** (q * 1262611 // 2**22 + 1)
        for _ in range(50):
            odd = (draw.randrange(2**53 // five, 2**54 // five) | 1) * five
            if 2**53 < odd < 2**54:
                yield math.ldexp(odd // 2, q)
                yield math.ldexp(odd // 2 + 1, q)


def test_halfway_decimals(core: ctypes.CDLL) -> None:
    """Ends of the interval that rounds to a double are decimals of few digits."""
    values = list(halfway_decimals(random.Random(3)))
    assert len(values) > 1000
    check_doubles(core, values)


def test_subnormals_and_short_decimals(core: ctypes.CDLL) -> None:
    """The smallest numbers, and the ones that people write."""
    draw = random.Random(2)
    values: list[float] = list(struct.unpack("<2000d", struct.pack("<2000Q", *range(2000))))
    values += [float(draw.getrandbits(draw.randint(1, 64))) for _ in range(20_000)]
    values += [round(draw.uniform(-1e6, 1e6), draw.randint(0, 8)) for _ in range(20_000)]
    values += [count / 100 for count in range(20_000)]
    check_doubles(core, values)


def test_powers_of_ten_are_generated() -> None:
    """dtoa_pow10.h is what its script writes."""
    done = subprocess.run([sys.executable, str(CSRC / "dtoa_pow10.py")], capture_output=True, text=True, check=True)
    assert done.stdout == (CSRC / "dtoa_pow10.h").read_text()


def write(core: ctypes.CDLL, kind: int, chars: bytes, count: int) -> tuple[str, int]:
    """Return the text that the core writes and how much of it was replaced."""
    out = ctypes.create_string_buffer(6 * count + 16)
    replaced = ctypes.c_size_t()
    size = core.text(kind, chars, ctypes.c_size_t(count), out, ctypes.byref(replaced))
    return out.raw[:size].decode(), replaced.value


def random_text(draw: random.Random, widest: int) -> str:
    """Return up to 80 characters below widest, most of them plain ASCII as in a prompt."""
    chars: list[Callable[[], int]] = [
        lambda: draw.randrange(0x20, 0x7F),
        lambda: draw.choice(b'"\\\n\r\t\b\f\0'),
        lambda: draw.randrange(0x80),
        lambda: draw.randrange(widest),
        lambda: min(draw.randrange(0xD7F0, 0xE010), widest - 1),
    ]
    kinds = draw.choices(chars, weights=[draw.choice([1, 20, 200]), 1, 1, 1, 1], k=draw.randrange(80))
    return "".join(chr(kind()) for kind in kinds)


def as_replaced(text: str) -> tuple[str, int]:
    """Return text with U+FFFD for each surrogate, and how many there were."""
    return re.subn("[\ud800-\udfff]", "\ufffd", text)


def encode(text: str, width: int) -> bytes:
    """Return the characters as CPython holds them, width bytes each."""
    return b"".join(ord(char).to_bytes(width, sys.byteorder) for char in text)


@pytest.mark.parametrize(("width", "widest"), [(1, 0x100), (2, 0x10000), (4, 0x110000)])
def test_strings(core: ctypes.CDLL, width: int, widest: int) -> None:
    """JSON equals json.dumps(ensure_ascii=False), plain text the str itself, but for the surrogates."""
    draw = random.Random(width)
    for _ in range(TEXTS):
        text = random_text(draw, widest)
        chars = encode(text, width)
        want, replaced = as_replaced(text)
        assert write(core, UTF8 + width, chars, len(text)) == (want, replaced)
        assert write(core, JSON + width, chars, len(text)) == (json.dumps(want, ensure_ascii=False), replaced)


def random_bytes(draw: random.Random) -> bytes:
    """Return bytes that are mostly UTF-8, with cuts and noise."""
    data = bytearray(as_replaced(random_text(draw, 0x110000))[0].encode())
    for _ in range(draw.randrange(4)):
        at = draw.randrange(len(data) + 1)
        data[at : at + draw.randrange(3)] = draw.randbytes(draw.randrange(3))
    if draw.randrange(4) == 0:
        data += bytes(draw.choice([0xC0, 0xE0, 0xED, 0xF0, 0xF4, 0x80, 0x90, 0xA0, 0xBF]) for _ in range(6))
    return bytes(data)


def test_bytes(core: ctypes.CDLL) -> None:
    """What is not UTF-8 becomes U+FFFD exactly where bytes.decode(errors="replace") puts it."""
    draw = random.Random(8)
    for _ in range(TEXTS):
        data = random_bytes(draw)
        want = data.decode(errors="replace")
        replaced = want.count("\ufffd") - data.count("\ufffd".encode())
        assert write(core, UTF8, data, len(data)) == (want, replaced)
        assert write(core, JSON, data, len(data)) == (json.dumps(want, ensure_ascii=False), replaced)


def test_shim_is_the_core(core: ctypes.CDLL) -> None:
    """The comparison itself can fail."""
    assert Path(core._name).exists()
    with pytest.raises(AssertionError):
        assert write(core, JSON + 1, b"a\n", 2) == ('"a\n"', 0)
