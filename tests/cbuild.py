"""Builds C for the tests: programs of tests/c and shared libraries of the core, with its strict warnings as errors."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CSRC = ROOT / "csrc"
STRICT = (
    "-std=c11",
    "-D_GNU_SOURCE",
    "-O2",
    "-g",
    "-pthread",
    "-fvisibility=hidden",
    "-Wall",
    "-Wextra",
    "-Wshadow",
    "-Wconversion",
    "-Wstrict-prototypes",
    "-Wmissing-prototypes",
    "-Werror",
)
SANITIZED = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")
_NEEDS = re.compile(r"/\* needs: (?P<sources>[\w. ]*?) *(?:; libs: (?P<libs>[\w. -]*?) *)?\*/")


@dataclass(frozen=True)
class Needs:
    """What a test program is linked with: sources of csrc and pkg-config names."""

    sources: tuple[str, ...]
    libs: tuple[str, ...]


def read_needs(test: Path) -> Needs:
    """Read the first comment of a test program."""
    text = test.read_text()
    comment = " ".join(text[: text.find("*/") + 2].split())
    match = _NEEDS.fullmatch(comment.replace(" * ", " "))
    if match is None:
        raise ValueError(f"{test.name}: it has to begin with /* needs: a.c b.c ; libs: x y */, not {comment[:80]!r}")
    return Needs(tuple(match["sources"].split()), tuple((match["libs"] or "").split()))


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{shlex.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def _pkg_config(kind: str, libs: tuple[str, ...]) -> list[str]:
    return _run(["pkg-config", kind, *libs]).split() if libs else []


@dataclass
class Builder:
    """Compiles into directory and keeps each object, by source and flags, for the next program."""

    directory: Path
    compiler: list[str] = field(default_factory=lambda: shlex.split(os.environ.get("CC", "gcc")))
    objects: dict[tuple[Path, tuple[str, ...]], Path] = field(default_factory=dict)

    def compile(self, source: Path, flags: tuple[str, ...]) -> Path:
        """Return the object of source."""
        key = (source, flags)
        if key not in self.objects:
            path = self.directory / f"{source.stem}-{len(self.objects)}.o"
            _run([*self.compiler, *STRICT, *flags, f"-I{CSRC}", "-c", str(source), "-o", str(path)])
            self.objects[key] = path
        return self.objects[key]

    def link(self, name: str, sources: list[Path], libs: tuple[str, ...], flags: tuple[str, ...]) -> Path:
        """Return the program, or with -shared in flags the library, made of sources and libs."""
        compile_flags = tuple(flag for flag in flags if flag != "-shared")
        compile_flags += tuple(_pkg_config("--cflags", libs))
        objects = [str(self.compile(source, compile_flags)) for source in sources]
        path = self.directory / name
        command = [*self.compiler, "-pthread", *flags, *objects, *_pkg_config("--libs", libs), "-lm", "-o", str(path)]
        _run(command)
        return path

    def program(self, test: Path, flags: tuple[str, ...]) -> Path:
        """Return the program of one tests/c/test_*.c."""
        needs = read_needs(test)
        return self.link(
            f"{test.stem}-{len(flags)}", [test, *(CSRC / name for name in needs.sources)], needs.libs, flags
        )
