"""Sixteen processes with one home, killed at random, as is the embedded server that they share."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import struct
import time
from dataclasses import dataclass
from pathlib import Path

from faults.figures import Figure
from faults.harness import Engine, Program, database, engine, home, run, start, sync, wait_for
from faults.proxy import Proxy, Stall, nothing
from faults.rows import SEGMENT_BYTES

__all__ = ["database", "engine", "home"]

MEMBERS = 16
KILLS = (10, 100)
LONGEST_LIFE = (0.3, 1.0)
SERVER_SECONDS = (0.5, 8.0)
"""How long a server lives: long enough to come up and deliver."""
COUNTED_ROUNDS = (1, 6)
DOOMED = 5
DOOMED_ROWS = 150
ADOPTED_SECONDS = 10.0
FRESH_SECONDS = 5.0
PATIENCE_SECONDS = 60.0
BOARD_SECONDS = 0.3
"""A member writes its counters far more often than this."""

# Logs until its input ends; keeps on its board the calls that returned, and the counters of what it adopted.
MEMBER = """
import mmap, struct, threading
with open(os.environ["BOARD"], "r+b") as file:
    board = mmap.mmap(file.fileno(), 24)
going = True
def log_on():
    i = 0
    while going:
        issue_sized(os.environ["RUN"], i)
        i += 1
        board[:8] = struct.pack("<Q", i)
        time.sleep(0.03)
def count():
    while going:
        stats = ch_logger.stats()
        board[8:24] = struct.pack("<QQ", stats["orphans_adopted"], stats["rows_adopted"])
        time.sleep(0.05)
threads = [threading.Thread(target=log_on), threading.Thread(target=count)]
for thread in threads: thread.start()
sys.stdin.readline()
going = False
for thread in threads: thread.join()
say(lines=[line for line in lines if "ClickHouse" not in line])
"""

# Logs so many rows, which it never delivers itself.
DOOMED_PROGRAM = f"""
for i in range({DOOMED_ROWS}):
    issue_sized(os.environ["RUN"], i)
say(done=True)
time.sleep(60)
"""


def locked_inodes() -> set[int]:
    """Of all files that any process of this machine has locked with flock."""
    lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return {int(fields[5].rpartition(":")[2]) for fields in lines if fields[1] == "FLOCK"}


def inode(path: Path) -> int:
    """0 when there is no such file."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0


@dataclass
class Member:
    """A process of the crowd, and what it writes on its board."""

    run: str
    program: Program
    board: Path

    def read(self) -> tuple[int, int, int]:
        """Calls that returned, orphans adopted, rows adopted."""
        returned, orphans, rows = struct.unpack("<QQQ", self.board.read_bytes())
        return returned, orphans, rows


class Crowd:
    """The processes on one home."""

    def __init__(self, home: Path, cwd: Path) -> None:
        self.home = home
        self.cwd = cwd
        self.engine = Engine(home)
        self.draw = random.Random(13)
        self.members: list[Member] = []
        self.returned: dict[str, int] = {}
        self.died: list[tuple[int, float]] = []
        self.until_adopted: dict[tuple[int, float], float] = {}
        self.until_delivered: dict[tuple[int, float], float] = {}
        self.count = 0
        self.servers_killed = 0
        self.env = {
            "GENESIS_CH_HOME": str(home),
            "GENESIS_CH_SEGMENT_BYTES": str(SEGMENT_BYTES),
            "GENESIS_CH_SERVER_IDLE": "60",
        }

    def add(self) -> None:
        """One more member."""
        run = f"m{self.count}"
        self.count += 1
        board = self.cwd / f"{run}.board"
        board.write_bytes(bytes(24))
        self.members.append(Member(run, start(MEMBER, self.cwd, RUN=run, BOARD=str(board), **self.env), board))

    def kill_one(self) -> None:
        """A random member dies, and another comes."""
        member = self.members.pop(self.draw.randrange(len(self.members)))
        self.died.append((member.program.process.pid, time.monotonic()))
        member.program.kill()
        self.returned[member.run] = member.read()[0]
        self.add()

    def kill_server(self) -> bool:
        """The server dies, if there is one; whether there was."""
        pid = self.engine.pid()
        with contextlib.suppress(ProcessLookupError):
            if pid > 0:
                os.kill(pid, signal.SIGKILL)
                self.servers_killed += 1
                return True
        return False

    def look(self) -> bool:
        """Note which outboxes of the dead somebody has locked by now, and which are gone; whether all are gone."""
        left = {int(path.name.split("-")[1]): path for path in self.home.glob("outbox/w-*")}
        locked = locked_inodes()
        for death in self.died:
            pid, at = death
            waited = time.monotonic() - at
            if pid not in left:
                self.until_delivered.setdefault(death, waited)
            if pid not in left or inode(left[pid] / "lock") in locked:
                self.until_adopted.setdefault(death, waited)
        return len(self.until_delivered) == len(self.died)

    def storm(self, kills: int, longest: float, server_seconds: float) -> None:
        """Kill members, and now and then the server, until so many are dead; wait until their outboxes are delivered."""
        server_until = time.monotonic() + server_seconds
        for _ in range(kills):
            until = time.monotonic() + self.draw.uniform(0.02, longest)
            while time.monotonic() < until:
                self.look()
                time.sleep(0.01)
            if time.monotonic() > server_until and self.kill_server():
                server_until = time.monotonic() + server_seconds
            self.kill_one()
        wait_for(self.look, PATIENCE_SECONDS)

    def adopted(self) -> tuple[int, int]:
        """Orphans and rows that all members together have adopted, once every board tells what is so."""
        found, before = (0, 0), (-1, -1)
        while found != before:
            before = found
            time.sleep(BOARD_SECONDS)
            seen = [member.read() for member in self.members]
            found = sum(each[1] for each in seen), sum(each[2] for each in seen)
        return found

    def counted(self, number: int) -> tuple[int, int]:
        """Processes die at one time that delivered nothing; how many outboxes and rows the living then adopt."""
        before = self.adopted()
        names = [f"d{number}-{i}" for i in range(DOOMED)]
        env = {**self.env, "GENESIS_CH_BATCH_INTERVAL": "3600"}
        doomed = [start(DOOMED_PROGRAM, self.cwd, **{**env, "RUN": name}) for name in names]
        for name, program in zip(names, doomed, strict=True):
            program.listen()
            self.returned[name] = DOOMED_ROWS
        for program in doomed:
            program.process.send_signal(signal.SIGKILL)
            self.died.append((program.process.pid, time.monotonic()))
        for program in doomed:
            program.finish()
        wait_for(self.look, PATIENCE_SECONDS)
        after = self.adopted()
        return after[0] - before[0], after[1] - before[1]

    def end(self) -> None:
        """Let all end by themselves."""
        for member in self.members:
            member.program.tell()
        for member in self.members:
            assert member.program.finish().quiet().said == [{"lines": []}]
            self.returned[member.run] = member.read()[0]


def test_shared_outbox(home: Path, tmp_path: Path, long_form: bool, figure: Figure) -> None:
    """Each row once; what the dead leave is delivered within 10 s; each outbox of a dead process is adopted by one."""
    crowd = Crowd(home, tmp_path)
    for _ in range(MEMBERS):
        crowd.add()
    wait_for(lambda: all(member.read()[0] > 0 for member in crowd.members))
    crowd.storm(KILLS[long_form], LONGEST_LIFE[long_form], SERVER_SECONDS[long_form])
    rounds = COUNTED_ROUNDS[long_form]
    for number in range(rounds):
        assert crowd.counted(number) == (DOOMED, DOOMED * DOOMED_ROWS)
    crowd.end()
    sync(tmp_path, **crowd.env)
    assert list(home.rglob("w-*")) == [] and list(home.rglob("damaged/*")) == []
    stored = crowd.engine.stored_runs("!= ''", sized=True)
    assert set(stored) <= set(crowd.returned)
    for name, returned in crowd.returned.items():
        rows = stored.get(name, set())
        assert rows == set(range(returned)) or rows == set(range(returned + 1)), (name, returned, len(rows))
    adopted, delivered = crowd.until_adopted, crowd.until_delivered
    assert crowd.servers_killed > 0 and len(delivered) == len(adopted) == KILLS[long_form] + rounds * DOOMED
    assert max(adopted.values()) < ADOPTED_SECONDS
    figure(
        13,
        f"{MEMBERS} processes on one home; {len(adopted)} killed, their server killed "
        f"{crowd.servers_killed} times",
        f"{sum(map(len, stored.values()))} rows: 0 lost, 0 doubled; outboxes of the dead adopted within "
        f"{max(adopted.values()):.1f} s and delivered within {max(delivered.values()):.1f} s; {rounds * DOOMED} that died at once were adopted {rounds * DOOMED} times",
    )


def test_fresh_row_does_not_wait_for_an_inheritance(
    engine: Engine, database: str, home: Path, tmp_path: Path, figure: Figure
) -> None:
    """A process that delivers what a dead one left sends its own rows in between, at a server that takes its time."""
    inherited = 1500
    env = {"GENESIS_CH_HOME": str(home), "GENESIS_CH_SEGMENT_BYTES": str(SEGMENT_BYTES)}
    text = f"for i in range({inherited}): issue_sized('dead', i)\nos.kill(os.getpid(), 9)"
    heir = """
    issue("early", 0)
    sys.stdin.readline()
    issue("fresh", 0)
    sys.stdin.readline()
    assert ch_logger.flush(60).pending == 0
    """
    with Proxy(engine.port(), lambda request: Stall(0.15) if request.is_insert else None) as proxy:
        env["CLICKHOUSE_URL"] = engine.url(database, proxy.port)
        assert run(text, tmp_path, GENESIS_CH_BATCH_INTERVAL="3600", **env).status == -9
        program = start(heir, tmp_path, **env)
        wait_for(lambda: engine.count("dead", database) > 0)
        program.tell()
        begun = time.monotonic()
        wait_for(lambda: engine.count("fresh", database) == 1)
        took = time.monotonic() - begun
        left = inherited - engine.count("dead", database)
        proxy.plan = nothing
        program.tell()
        program.finish().quiet()
    stored = engine.stored_runs("= 'dead'", database, sized=True)
    assert stored == {"dead": set(range(inherited))}
    assert left > inherited // 4 and took < FRESH_SECONDS
    figure(
        13,
        f"a process inherits {inherited} rows at a server that takes 0.15 s for each request",
        f"a fresh row is stored after {took:.1f} s, {left} inherited ones later",
    )
