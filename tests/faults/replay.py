"""Replays what shim/record.c recorded, and makes the directories that a power failure would have left.

A file has pages that are on the disk and pages that are not; a name is on the disk once its directory was synced after it was
made. What is not on the disk may be there all the same, each page and each name for itself.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PAGE = 4096
HEAD = struct.Struct("<IIQQII")


@dataclass(frozen=True)
class Record:
    """One system call, store, sync or report; `kind` is the letter of shim/record.c."""

    kind: str
    file: int
    at: int
    count: int
    first: bytes
    second: bytes


def read_log(path: Path) -> Iterator[Record]:
    """The records in order."""
    data = path.read_bytes()
    place = 0
    while place < len(data):
        kind, file, at, count, first, second = HEAD.unpack_from(data, place)
        place += HEAD.size
        yield Record(
            chr(kind), file, at, count, data[place : place + first], data[place + first : place + first + second]
        )
        place += first + second


@dataclass
class File:
    """A file now, and what of it is on the disk: pages by number, and a size."""

    now: bytearray = field(default_factory=bytearray)
    pages: dict[int, bytes] = field(default_factory=dict)
    size: int = 0
    dirty: set[int] = field(default_factory=set)

    def write(self, at: int, data: bytes) -> None:
        self.resize(max(len(self.now), at + len(data)))
        self.now[at : at + len(data)] = data
        self.dirty.update(range(at // PAGE, (at + len(data) - 1) // PAGE + 1))

    def resize(self, size: int) -> None:
        if size < len(self.now):
            del self.now[size:]
        self.now.extend(bytes(size - len(self.now)))

    def page(self, number: int) -> bytes:
        return bytes(self.now[number * PAGE : (number + 1) * PAGE])

    def after_failure(self, keep: Keep) -> bytes:
        """Its bytes after a power failure: of what is not on the disk, what `keep` says."""
        size = len(self.now) if keep(None) else self.size
        found = bytearray(size)
        for number in range((size + PAGE - 1) // PAGE):
            kept = self.page(number) if number in self.dirty and keep(None) else self.pages.get(number, b"")
            place = number * PAGE
            kept = kept[: size - place]
            found[place : place + len(kept)] = kept
        return bytes(found)


class Keep:
    """Decides what survives that need not: a share of 0, 1 or something between."""

    def __init__(self, share: float, seed: int) -> None:
        self._share = share
        self._random = random.Random(seed)
        self.dropped = 0

    def __call__(self, _: object) -> bool:
        kept = self._random.random() < self._share
        self.dropped += not kept
        return kept


@dataclass
class Directory:
    """Names now and on the disk, and the changes between the two, oldest first. A name leads to a Directory or to a file's number."""

    now: dict[str, Directory | int] = field(default_factory=dict)
    disk: dict[str, Directory | int] = field(default_factory=dict)
    changes: list[tuple[str | None, str | None, Directory | int | None]] = field(default_factory=list)

    def change(self, old: str | None, new: str | None, child: Directory | int | None) -> None:
        """Take the name `old` away and give the name `new`; either may be None. One change survives whole or not at all."""
        self._apply(self.now, (old, new, child))
        self.changes.append((old, new, child))

    @staticmethod
    def _apply(
        names: dict[str, Directory | int], change: tuple[str | None, str | None, Directory | int | None]
    ) -> None:
        old, new, child = change
        if old is not None and new is not None and old not in names:
            return
        if old is not None:
            names.pop(old, None)
        if new is not None and child is not None:
            names[new] = child

    def sync(self, changes: int) -> None:
        """The first so many changes are on the disk."""
        for change in self.changes[:changes]:
            self._apply(self.disk, change)
        del self.changes[:changes]

    def after_failure(self, keep: Keep) -> dict[str, Directory | int]:
        names = dict(self.disk)
        for change in self.changes:
            if keep(None):
                self._apply(names, change)
        return names


class Disk:
    """The state of everything below the root while a recording is replayed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.top = Directory()
        self.files: dict[int, File] = {}
        self._syncs: dict[int, tuple[Directory, int] | tuple[File, dict[int, bytes], int]] = {}
        self.done_syncs = 0

    def _find(self, path: bytes) -> tuple[Directory, str]:
        *above, name = Path(path.decode()).relative_to(self.root).parts
        at = self.top
        for part in above:
            found = at.now[part]
            assert isinstance(found, Directory)
            at = found
        return at, name

    def apply(self, record: Record) -> None:
        """Do what the record says."""
        match record.kind:
            case "C":
                self.files[record.file] = File()
                directory, name = self._find(record.first)
                directory.change(None, name, record.file)
            case "M":
                if Path(record.first.decode()) != self.root:
                    directory, name = self._find(record.first)
                    directory.change(None, name, Directory())
            case "R":
                directory, name = self._find(record.first)
                where, new = self._find(record.second)
                assert where is directory
                directory.change(name, new, directory.now[name])
            case "L":
                directory, name = self._find(record.first)
                where, new = self._find(record.second)
                where.change(None, new, directory.now[name])
            case "U":
                directory, name = self._find(record.first)
                directory.change(name, None, None)
            case "W" | "S":
                self.files[record.file].write(record.at, record.first)
            case "T":
                self.files[record.file].resize(max(record.at, len(self.files[record.file].now)))
            case "B" | "b" | "F":
                self._sync(record)
            case "P":
                pass
            case unknown:
                raise AssertionError(unknown)

    def _sync(self, record: Record) -> None:
        if record.kind == "b":
            path = record.second
            if Path(path.decode()) == self.root:
                directory = self.top
            else:
                above, name = self._find(path)
                found = above.now.get(name)
                if not isinstance(found, Directory):
                    return
                directory = found
            self._syncs[record.file] = (directory, len(directory.changes))
        elif record.kind == "B":
            (number,) = struct.unpack("<I", record.first)
            file = self.files[record.file]
            last = min(record.at + record.count, len(file.now))
            pages = {n: file.page(n) for n in range(record.at // PAGE, (last + PAGE - 1) // PAGE) if n in file.dirty}
            self._syncs[number] = (file, pages, len(file.now))
        else:
            begun = self._syncs.pop(record.file, None)
            if begun is None:
                return
            self.done_syncs += 1
            if isinstance(begun[0], Directory):
                begun[0].sync(begun[1])  # type: ignore[arg-type]
            else:
                _end_file_sync(*begun)  # type: ignore[arg-type, call-arg]

    def after_failure(self, place: Path, keep: Keep) -> None:
        """Make in `place` what the root would hold after a power failure now."""
        self._make(self.top, place, keep)

    def _make(self, directory: Directory, place: Path, keep: Keep) -> None:
        place.mkdir()
        for name, child in directory.after_failure(keep).items():
            if isinstance(child, Directory):
                self._make(child, place / name, keep)
            else:
                (place / name).write_bytes(self.files[child].after_failure(keep))


def _end_file_sync(file: File, pages: dict[int, bytes], size: int) -> None:
    for number, page in pages.items():
        file.pages[number] = page
        if file.page(number) == page:
            file.dirty.discard(number)
    file.size = max(file.size, min(size, len(file.now)))
