"""A kill storm: producers die at any moment while their embedded server dies, stands still and comes back."""

from __future__ import annotations

import contextlib
import mmap
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

from faults.figures import Figure
from faults.harness import Engine, Program, home, run, start, sync, wait_for
from faults.rows import SEGMENT_BYTES

__all__ = ["home"]

ROUNDS = (30, 500)
MORE_ROUNDS = 20
"""At most, when no round met a request on its way: in these the server stands still until one waits to be read."""
INSIST_SECONDS = 3.0
CHECK_SECONDS = 150.0
PACE, CALM_PACE = 0.006, 0.1
"""Seconds between four rows of a thread. A server that rests between requests, which a busy machine's does not at the
first pace, can be stopped before it reads one."""
ROUNDS_BETWEEN_CHECKS = 15
THREADS = 4
FRESH_SECONDS = 5.0
SHORTEST_LIFE, LONGEST_LIFE = 0.02, 0.35
"""Seconds. A sender looks at its outbox ten times a second, so some producers die before it does."""
LONGEST_STOP = 0.2
INSERT_BYTES = 1000
"""A request of more bytes carries rows: the names of their columns alone take as many."""

MID_POST = "producers killed in mid-POST"

PRODUCER = f"""
import mmap, threading
with open(os.environ["BOARD"], "r+b") as file:
    board = mmap.mmap(file.fileno(), {8 * THREADS})
def work(run, thread):
    for i in range(10_000_000):
        issue_sized(f"{{run}}-{{thread}}", i)
        board[thread * 8 : thread * 8 + 8] = (i + 1).to_bytes(8, "little")
        if i % 4 == 0:
            time.sleep(pace)
run, pace = sys.stdin.readline().split()
pace = float(pace)
threads = [threading.Thread(target=work, args=(run, thread)) for thread in range({THREADS})]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""

FAULTS = {
    "producer killed": 8,
    "producer killed, server standing still": 8,
    "server and producer killed": 1,
    "server killed while it stands still, producer killed": 1,
    "server ended, producer killed": 1,
}
"""What is done in a round, and how often of so many rounds, in any order."""


def unread_bytes(port: int) -> int:
    """Of requests that arrived at a port and were not read by its server."""
    found = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, queues, *_ = line.split()
        if int(local.partition(":")[2], 16) == port and state != "0A":
            found += int(queues.partition(":")[2], 16)
    return found


class Storm:
    """The rounds, what they issued, and what is found of it."""

    def __init__(self, home: Path, cwd: Path, seed: int) -> None:
        self.home = home
        self.cwd = cwd
        self.engine = Engine(home)
        self.draw = random.Random(seed)
        self.deck: list[str] = []
        self.returned: dict[str, int] = {}
        self.unchecked: list[str] = []
        self.seen: Counter[str] = Counter()
        self.insists = False
        self.stopped: list[int] = []
        self.env = {
            "GENESIS_CH_HOME": str(home),
            "GENESIS_CH_SEGMENT_BYTES": str(SEGMENT_BYTES),
            "GENESIS_CH_BATCH_INTERVAL": "0.02",
            "GENESIS_CH_SERVER_IDLE": "60",
        }

    def prepare(self, number: int) -> tuple[Program, Path, str]:
        """A producer that waits for its word, its board of returned calls, and its name."""
        board = self.cwd / f"board-{number}"
        board.write_bytes(bytes(8 * THREADS))
        return start(PRODUCER, self.cwd, BOARD=str(board), **self.env), board, f"s{number}"

    def signal_server(self, number: int) -> int:
        """Signal the server that lives now; its port, or 0 when there is none."""
        endpoint = self.engine.endpoint()
        try:
            os.kill(int(endpoint["pid"]), number)
            if number == signal.SIGSTOP:
                self.stopped.append(int(endpoint["pid"]))
        except (KeyError, ProcessLookupError):
            return 0
        return self.engine.port() if self.engine.endpoint() == endpoint else 0

    def pause(self, shortest: float, longest: float) -> None:
        """Let things go on for a random time."""
        time.sleep(self.draw.uniform(shortest, longest))

    def stand_still(self, port: int) -> None:
        """A random time; in every second round until a request with rows waits to be read, if one comes soon."""
        until = time.monotonic() + self.draw.uniform(0, LONGEST_STOP)
        if self.insists:
            until = time.monotonic() + INSIST_SECONDS
        elif self.draw.random() < 0.5:
            until = time.monotonic() + 2 * LONGEST_STOP
        else:
            port = 0
        while time.monotonic() < until and (port == 0 or unread_bytes(port) <= INSERT_BYTES):
            time.sleep(0.005)

    def fault(self, kind: str, producer: Program) -> None:
        """Do to producer and server what kind says."""
        still = "still" in kind
        port = self.signal_server(signal.SIGSTOP) if still else 0
        if still:
            self.stand_still(port)
        if "server killed" in kind or kind.startswith("server and"):
            self.seen["servers killed in mid-POST"] += port > 0 and unread_bytes(port) > INSERT_BYTES
            self.seen["servers killed"] += self.signal_server(signal.SIGKILL) > 0
        elif "server ended" in kind:
            self.seen["servers ended"] += self.signal_server(signal.SIGTERM) > 0
        elif not still:
            self.pause(0, LONGEST_STOP / 2)
        producer.kill()
        if port > 0:
            self.seen["servers stopped"] += 1
            self.seen[MID_POST] += unread_bytes(port) > INSERT_BYTES
        while self.stopped:  # also one that was just making room for another
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.stopped.pop(), signal.SIGCONT)
        self.seen["producers killed"] += 1

    def round(self, producer: Program, board: Path, run: str) -> None:
        """Let a producer live for a moment, and note which of its calls had returned when it died."""
        producer.tell(f"{run} {CALM_PACE if self.insists else PACE}")
        if self.insists:
            self.wait_stored(f"{run}-0")
            self.deck.append("producer killed, server standing still")
        else:
            self.pause(SHORTEST_LIFE, LONGEST_LIFE)
        if not self.deck:
            self.deck = [kind for kind, times in FAULTS.items() for _ in range(times)]
            self.draw.shuffle(self.deck)
        self.fault(self.deck.pop(), producer)
        with board.open("r+b") as file, mmap.mmap(file.fileno(), 8 * THREADS) as seen:
            for thread in range(THREADS):
                name = f"{run}-{thread}"
                self.returned[name] = int.from_bytes(seen[thread * 8 : thread * 8 + 8], "little")
                self.unchecked.append(name)
        board.unlink()

    def check(self) -> None:
        """Deliver all that is left, and compare the rows of the rounds since the last check with the calls."""
        said = sync(self.cwd, seconds=CHECK_SECONDS, **self.env)["stats"]
        self.seen["rows adopted at checks"] += said["rows_adopted"]
        assert said["rows_adopted"] == said["rows_delivered"], said
        assert list(self.home.rglob("w-*")) == [] and list(self.home.rglob("damaged/*")) == []
        assert list(self.home.rglob("quarantine/*")) == []
        raw = int(self.engine.ask("SELECT count() FROM individuals SETTINGS final = 0"))
        stored = self.engine.stored_runs("!= ''", sized=True)
        assert set(stored) <= set(self.unchecked)
        for name in self.unchecked:
            rows, returned = stored.get(name, set()), self.returned[name]
            # The call that was under way when its process died may have left its row, or not.
            assert rows == set(range(returned)) or rows == set(range(returned + 1)), (name, returned, len(rows))
            self.seen["rows"] += len(rows)
            self.seen["rows of calls that had returned"] += returned
        self.seen["rows stored twice on the way"] += raw - sum(map(len, stored.values()))
        self.unchecked.clear()
        self.engine.ask("TRUNCATE TABLE individuals")

    def begin(self) -> None:
        """Make the tables, and let the engine keep what it is sent twice as two rows in two parts until it is asked."""
        run("issue('first', 0)\nassert ch_logger.flush(30)", self.cwd, **self.env).quiet()
        self.engine.ask("ALTER TABLE individuals MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1")
        self.engine.ask("TRUNCATE TABLE individuals")

    def wait_stored(self, run: str) -> None:
        """Until the engine, which may have to be started first, has a row of a run."""

        def arrived() -> bool:
            with contextlib.suppress(OSError, KeyError, AssertionError):
                return self.engine.count(run) > 0
            return False

        wait_for(arrived, 30)

    def fresh_row(self) -> float:
        """Seconds from now until a row of a new process is stored."""
        begun = time.monotonic()
        program = start("issue_sized('fresh', 0)\nsys.stdin.readline()", self.cwd, **self.env)
        self.wait_stored("fresh")
        took = time.monotonic() - begun
        program.tell()
        program.finish().quiet()
        self.returned["fresh"] = 1
        self.unchecked.append("fresh")
        return took


def test_kill_storm(home: Path, tmp_path: Path, long_form: bool, figure: Figure) -> None:
    """Rounds of a producer with four threads that is killed; the server it started is killed, stopped, continued."""
    rounds = ROUNDS[long_form]
    storm = Storm(home, tmp_path, rounds)
    storm.begin()
    begun = time.monotonic()
    waiting = storm.prepare(0)
    number = -1
    while (number := number + 1) < rounds or (number < rounds + MORE_ROUNDS and storm.seen[MID_POST] == 0):
        if number == rounds:
            storm.check()
        storm.insists = number >= rounds
        now, waiting = waiting, storm.prepare(number + 1)
        storm.round(*now)
        if number % ROUNDS_BETWEEN_CHECKS == ROUNDS_BETWEEN_CHECKS - 1 and number < rounds - 1:
            storm.check()
    fresh = storm.fresh_row()
    waiting[0].kill()
    storm.check()
    took = time.monotonic() - begun
    seen = storm.seen
    print(dict(seen), f"fresh {fresh:.2f}", f"took {took:.1f}")
    assert seen["producers killed"] == number >= rounds
    assert seen[MID_POST] > 0 and seen["rows stored twice on the way"] > 0
    assert seen["servers killed"] > 0 and seen["servers stopped"] > 0
    assert fresh < FRESH_SECONDS
    figure(
        1,
        f"{number} producers of {THREADS} threads killed ({seen[MID_POST]} in mid-POST); "
        f"server killed {seen['servers killed']} times ({seen['servers killed in mid-POST']} in mid-POST), "
        f"stopped {seen['servers stopped']}, ended {seen['servers ended']}",
        f"{seen['rows']} rows of {seen['rows of calls that had returned']} returned calls and up to one more of each "
        f"thread: 0 lost, 0 doubled, 0 altered; {seen['rows stored twice on the way']} or more were sent again; "
        f"a fresh row was stored {fresh:.1f} s after the last kill",
    )
