"""The outbox against a plain-Python model: Hypothesis chooses what happens, tests/c/outbox_model.c does it with the real code.

Two processes record into one outbox. After every step a copy of the outbox is recovered, as a process that comes later
would find it: issued = recovered + acknowledged + refused + lost to damage that the test did itself.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from faults.drivers import memory_directory, program
from faults.figures import Figure
from faults.segments import FRAME_HEADER, SCHEMA, acked, frames, is_sealed, segment_id

__all__ = ["memory_directory"]

CAP = 90_000
SEGMENT = 8192
WINDOW = 1500
OK, FULL, REMOTE = 0, 5, 9
TABLES = (2, 3, 6, 7)
UPDATES = 7
WRITERS = (0, 1)
CHOICE = st.integers(0, 1 << 20)
"""What is chosen from depends on the outbox, so it is this number modulo its length."""


def is_locked(directory: Path) -> bool:
    """Whether a process writes there or has adopted it."""
    with (directory / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@dataclass
class Process:
    """One driver."""

    process: subprocess.Popen[str]

    @classmethod
    def start(cls, root: Path) -> Process:
        command = [program("outbox_model"), root, str(CAP), str(SEGMENT), str(WINDOW)]
        return cls(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1))

    def tell(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text + "\n")

    def listen(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("{"), line
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, text: str) -> dict[str, Any]:
        self.tell(text)
        return self.listen()

    def kill(self) -> str:
        """SIGKILL; what it had said and nobody had read."""
        assert self.process.stdout is not None and self.process.stdin is not None
        self.process.kill()
        rest = self.process.stdout.read()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        return rest

    def finish(self) -> None:
        """A clean end."""
        self.process.communicate("q\n")
        assert self.process.returncode == 0


@dataclass
class Model:
    """What should be. A row's number stands for it; numbers grow, so order is the order of numbers."""

    writer: dict[int, int] = field(default_factory=dict)
    table: dict[int, int] = field(default_factory=dict)
    pending: set[int] = field(default_factory=set)
    stored: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
    lost: set[int] = field(default_factory=set)
    hurt: dict[int, tuple[Path, int]] = field(default_factory=dict)
    """Rows with a flipped bit: the file that each is in, and where."""

    def conserved(self) -> None:
        """Each row that was issued is somewhere."""
        assert self.pending | self.stored | self.refused | self.lost == self.writer.keys()

    def lose(self, numbers: set[int]) -> None:
        self.lost |= numbers - self.stored
        self.pending -= numbers


class OutboxMachine(RuleBasedStateMachine):
    """The rules."""

    seen: Counter[str] = Counter()
    directory: Path

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp(dir=self.directory))
        self.root = self.place / "outbox"
        self.root.mkdir()
        self.model = Model()
        self.next = 0
        self.crashes = 0
        self.reader = Process.start(self.place / "unused")
        self.writers: dict[int, Process] = {}

    @initialize()
    def begin(self) -> None:
        for writer in WRITERS:
            self.writers[writer] = Process.start(self.root)
        OutboxMachine.seen["lives"] += 1

    # ---- what a process does

    def issue(self, writer: int, table: int, size: int) -> str:
        """Note a row as issued; the line that appends it."""
        number = self.next
        self.next += 1
        self.model.writer[number], self.model.table[number] = writer, table
        OutboxMachine.seen["rows"] += 1
        return f"a {table} {number} {size}"

    def append_row(self, writer: int, table: int, size: int) -> int:
        line = self.issue(writer, table, size)
        status = int(self.writers[writer].ask(line)["status"])
        assert status in (OK, FULL)
        (self.model.pending if status == OK else self.model.refused).add(self.next - 1)
        OutboxMachine.seen["refused"] += status == FULL
        return status

    @rule(
        writer=st.sampled_from(WRITERS),
        table=st.sampled_from(TABLES),
        sizes=st.lists(st.integers(8, 900), min_size=1, max_size=12),
    )
    def append(self, writer: int, table: int, sizes: list[int]) -> None:
        """Rows of any size."""
        for size in sizes:
            self.append_row(writer, table, size)

    @rule(writer=st.sampled_from(WRITERS), beyond=st.integers(-17, 2))
    def append_at_the_end(self, writer: int, beyond: int) -> None:
        """A row that just fits into the file, or just does not."""
        room = int(self.writers[writer].ask("r")["room"])
        self.append_row(writer, UPDATES, max(8, room - FRAME_HEADER + beyond))
        OutboxMachine.seen["straddled"] += room > 32

    @rule(writer=st.sampled_from(WRITERS), size=st.integers(SEGMENT - 400, SEGMENT * 3))
    def append_large(self, writer: int, size: int) -> None:
        """A row that needs a file of its own."""
        self.append_row(writer, 2, size)

    @rule(writer=st.sampled_from(WRITERS))
    def keep(self, writer: int) -> None:
        """The keeper prepares the next file and puts away what is delivered."""
        self.writers[writer].ask("k")

    @rule(writer=st.sampled_from(WRITERS))
    def reach_the_cap(self, writer: int) -> None:
        """The outbox takes no more; what it refuses is told, and what it took stays."""
        for _ in range(CAP // 1500 + 1):
            if self.append_row(writer, 3, 1500) == FULL:
                break
        else:
            raise AssertionError("the cap was never reached")

    # ---- the server, and other processes

    def settle(self, numbers: list[int], came_from: Callable[[int], int]) -> None:
        """What a delivery brought: rows that were issued and not refused, each table of each writer in order."""
        last: dict[tuple[int, int], int] = {}
        for number in numbers:
            lane = came_from(number), self.model.table[number]
            assert number not in self.model.refused and last.get(lane, -1) < number, numbers
            last[lane] = number
            OutboxMachine.seen["sent again"] += number in self.model.stored
        self.model.stored |= set(numbers)
        self.model.pending -= set(numbers)
        self.model.lost -= set(numbers)

    @rule(writer=st.sampled_from(WRITERS), rows=st.integers(0, 30))
    def acknowledge_some(self, writer: int, rows: int) -> None:
        """The server takes some rows and then fails, or takes all."""
        answer = self.writers[writer].ask(f"d {rows}")
        assert answer["status"] == OK or (answer["status"] == REMOTE and len(answer["numbers"]) >= rows > 0)
        self.settle(answer["numbers"], self.model.writer.__getitem__)
        OutboxMachine.seen["deliveries"] += 1

    @rule(writer=st.sampled_from(WRITERS), rows=st.integers(0, 30))
    def adopt(self, writer: int, rows: int) -> None:
        """A living process takes over what dead ones left, all or a part."""
        answer = self.writers[writer].ask(f"o {rows}")
        assert answer["status"] in (OK, REMOTE)
        self.settle(answer["numbers"], self.model.writer.__getitem__)
        OutboxMachine.seen["adopted"] += len(answer["numbers"])

    @rule(writer=st.sampled_from(WRITERS))
    def crash(self, writer: int) -> None:
        """SIGKILL between two calls, and a new process in its place, whose rows are another writer's."""
        self.writers.pop(writer).kill()
        self.replace(writer)

    def replace(self, writer: int) -> None:
        for number, owner in self.model.writer.items():
            if owner == writer:
                self.model.writer[number] = -1 - self.crashes
        self.crashes += 1
        OutboxMachine.seen["kills"] += 1
        self.writers[writer] = Process.start(self.root)

    @rule(
        writer=st.sampled_from(WRITERS),
        sizes=st.lists(st.integers(8, 600), min_size=5, max_size=40),
        read=st.integers(0, 4),
    )
    def crash_in_calls(self, writer: int, sizes: list[int], read: int) -> None:
        """SIGKILL while rows are logged: those that were answered are there, of the others a prefix."""
        process = self.writers.pop(writer)
        first = self.next
        process.tell("\n".join([self.issue(writer, 2, size) for size in sizes]))
        said = [json.dumps(process.listen()) for _ in range(read)] + process.kill().splitlines()
        answered = [int(json.loads(line)["status"]) for line in said if line.endswith("}")]
        for number, status in enumerate(answered, first):
            (self.model.pending if status == OK else self.model.refused).add(number)
        unknown = range(first + len(answered), self.next)
        there = self.recovered()[0] & set(unknown)
        OutboxMachine.seen["cut calls"] += len(unknown) > 0
        self.model.pending |= there
        self.model.refused |= set(unknown) - there
        assert there <= {first + len(answered)}, (there, unknown)
        self.replace(writer)

    # ---- damage

    def files(self, dead: bool) -> list[Path]:
        """Files with frames; with dead only those of processes that are gone and that nobody has adopted."""
        found = [
            path
            for path in sorted(self.root.glob("w-*/*.seg"), key=segment_id)
            if path.stat().st_size >= SEGMENT and frames(path)
        ]
        return [path for path in found if not (dead and is_locked(path.parent))]

    def rows_of(self, path: Path, start: int = 0) -> set[int]:
        return {
            frame.number
            for frame in frames(path)
            if frame.kind != SCHEMA and frame.start + FRAME_HEADER + frame.size > start
        }

    @rule(row=CHOICE, place=CHOICE, bit=st.integers(0, 7))
    def flip_a_bit(self, row: int, place: int, bit: int) -> None:
        """In any row that waits, behind its length and beside its number, which the model reads."""
        waiting = [
            (path, frame)
            for path in self.files(dead=False)
            for frame in frames(path)
            if frame.kind != SCHEMA and frame.number in self.model.pending
        ]
        if not waiting:
            return
        path, frame = waiting[row % len(waiting)]
        places = [at for at in range(4, FRAME_HEADER + frame.size) if not FRAME_HEADER <= at < FRAME_HEADER + 4]
        at = frame.start + places[place % len(places)]
        with path.open("r+b") as hurt:
            hurt.seek(at)
            byte = hurt.read(1)[0]
            hurt.seek(at)
            hurt.write(bytes([byte ^ 1 << bit]))
        self.model.lose({frame.number})
        self.model.hurt[frame.number] = path, frame.start
        OutboxMachine.seen["flips"] += 1

    @rule(file=CHOICE, place=CHOICE)
    def tear_the_last_append(self, file: int, place: int) -> None:
        """The process died in the middle of it: its bytes are there in part, and its length is not."""
        open_files = [path for path in self.files(dead=True) if not is_sealed(path)]
        if not open_files:
            return
        path = open_files[file % len(open_files)]
        last = frames(path)[-1]
        if last.kind == SCHEMA or last.number not in self.model.pending:
            return
        end = FRAME_HEADER + last.size
        keep = 4 + place % (end - 3)
        with path.open("r+b") as torn:
            torn.seek(last.start)
            torn.write(bytes(4))
            torn.seek(last.start + keep)
            torn.write(bytes(end - keep))
        self.model.lose({last.number})
        OutboxMachine.seen["torn"] += 1

    @rule(file=CHOICE, place=CHOICE)
    def delete_the_tail(self, file: int, place: int) -> None:
        """Somebody cuts a file that a dead process left, or removes it."""
        files = self.files(dead=True)
        if not files:
            return
        path = files[file % len(files)]
        keep = place % path.stat().st_size
        if keep < SEGMENT // 4:
            self.model.lose(self.rows_of(path))
            path.unlink()
        else:
            self.model.lose(self.rows_of(path, keep))
            os.truncate(path, keep)
        OutboxMachine.seen["cuts"] += 1

    # ---- what always holds

    def recovered(self) -> tuple[set[int], int]:
        """Recover a copy of the outbox twice: the rows, and how many damaged places were counted."""
        copy = self.place / "copy"
        shutil.copytree(self.root, copy)
        answer = self.reader.ask(f"c {copy}")
        again = self.reader.ask(f"c {copy}")
        shutil.rmtree(copy)
        assert answer["status"] == OK and again["status"] == OK and again["numbers"] == []
        numbers: list[int] = answer["numbers"]
        last: dict[tuple[int, int], int] = {}
        for number in numbers:
            lane = self.model.writer[number], self.model.table[number]
            assert last.get(lane, -1) < number, numbers
            last[lane] = number
        OutboxMachine.seen["recoveries"] += 2
        return set(numbers), int(answer["frames"])

    @invariant()
    def nothing_is_lost(self) -> None:
        self.model.conserved()
        found, damaged = self.recovered()
        assert self.model.pending <= found <= self.model.pending | self.model.stored, (self.model, found)
        ahead = {
            path
            for number, (path, start) in self.model.hurt.items()
            if number in self.model.lost and path.exists() and acked(path) <= start
        }
        assert damaged >= len(ahead)

    def teardown(self) -> None:
        for process in self.writers.values():
            process.kill()
        try:
            if self.writers:
                self.recover_all()
        finally:
            self.reader.kill()
            shutil.rmtree(self.place)

    def recover_all(self) -> None:
        """All are dead; one that comes later takes over what is left, and nothing remains but what is kept on purpose."""
        last = Process.start(self.root)
        answer = last.ask("o 0")
        assert answer["status"] == OK
        self.settle(answer["numbers"], self.model.writer.__getitem__)
        assert not self.model.pending
        self.model.conserved()
        last.finish()
        # A directory whose maker was killed before it had a name is removed when it is a minute old.
        left = {path.name for path in self.root.iterdir() if not path.name.startswith(".new-")}
        assert left <= {"damaged"}


def test_outbox_against_a_model(long_form: bool, memory_directory: Path, figure: Figure) -> None:
    """Lives of an outbox that Hypothesis makes up; in the short form always the same ones."""
    OutboxMachine.seen = Counter()
    OutboxMachine.directory = memory_directory
    run_state_machine_as_test(
        OutboxMachine,
        settings=settings(
            max_examples=500 if long_form else 20,
            stateful_step_count=40 if long_form else 25,
            deadline=None,
            database=None,
            derandomize=not long_form,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    seen = OutboxMachine.seen
    happened = ["refused", "straddled", "deliveries", "adopted", "kills", "cut calls", "flips", "torn", "cuts"]
    for what in [*happened, "sent again"] if long_form else happened:
        assert seen[what] > 0, (what, seen)
    figure(
        2,
        f"{seen['lives']:,} random lives of an outbox of two processes against a model: {seen['rows']:,} rows, {seen['kills']:,} kills, "
        f"{seen['torn']:,} torn writes, {seen['flips']:,} bit flips, {seen['cuts']:,} cut files, {seen['refused']:,} rows refused at the cap",
        f"{seen['recoveries']:,} recoveries: issued = recovered + acknowledged + refused + lost to the damage, in order, unaltered",
    )
