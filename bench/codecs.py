"""Which codec stores what language models are asked: bytes on disk, and what they cost in time and memory.

Two kinds of rows: those of the demo run, and 2,000 prompts of 20 kB as program evolution makes them. A prompt holds the task, the
current program and inspirations out of an archive that changes slowly; programs descend from one another by edits of a few lines. The
first programs are modules of Python's standard library. Four runs go on at once and their calls lie interleaved in the table.

    python bench/codecs.py [--prompts N]      writes bench/codecs.md

Ends with 1 when another codec stores the prompts in clearly fewer bytes than the one that the migrations choose.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from bed import Bed, bed, machine, pieces, source_text, table, take_turns

from genesis_ch.demo import prompts

HERE = Path(__file__).resolve().parent
PROMPT_BYTES = 20_000
PROGRAM_BYTES = 4_000
INSPIRATIONS = 3
ARCHIVE = 24
RUNS = 4
BATCH = 50
MERGES = 3
MIB = 1 << 20
LONG_TEXT = re.compile(r"( String) CODEC\(ZSTD[^)]*\)\)(?: SETTINGS \([^)]*\))?")
MARGIN = 1.15
"""How much smaller another codec may be before the choice counts as wrong: what it saves has to pay for its memory."""
DEMO_SECONDS = 120.0


@dataclass(frozen=True)
class Variant:
    """A codec for the columns of long text, and the size of the blocks that it compresses at once: the engine's own if 0."""

    name: str
    codec: str = ""
    block_mib: int = 0
    by_run: bool = False

    def applied_to(self, definition: str) -> str:
        """The definition of a table, as SHOW CREATE gives it, with this codec for its long text."""
        if self.by_run:
            definition = definition.replace("ORDER BY (timestamp, id)", "ORDER BY (run_id, timestamp, id)")
        if not self.codec:
            return definition
        size = self.block_mib * MIB
        sizes = f" SETTINGS (min_compress_block_size = {size}, max_compress_block_size = {size})" if size else ""
        return LONG_TEXT.sub(rf"\1 CODEC({self.codec}){sizes}", definition)


CHOSEN = Variant("as migrated")
VARIANTS = [
    Variant("LZ4, the default", "LZ4"),
    Variant("ZSTD(1)", "ZSTD(1)"),
    Variant("ZSTD(3)", "ZSTD(3)"),
    Variant("ZSTD(9)", "ZSTD(9)"),
    Variant("ZSTD(3, 24)", "ZSTD(3, 24)"),
    Variant("ZSTD(3), blocks of 16 MiB", "ZSTD(3)", 16),
    Variant("ZSTD(3, 22), blocks of 4 MiB", "ZSTD(3, 22)", 4),
    Variant("ZSTD(3, 23), blocks of 8 MiB", "ZSTD(3, 23)", 8),
    Variant("ZSTD(1, 24), blocks of 16 MiB", "ZSTD(1, 24)", 16),
    Variant("ZSTD(3, 24), blocks of 16 MiB", "ZSTD(3, 24)", 16),
    Variant("ZSTD(3, 26), blocks of 64 MiB", "ZSTD(3, 26)", 64),
    CHOSEN,
    Variant("ZSTD(3), sorted by run", "ZSTD(3)", 0, True),
    Variant("as migrated, sorted by run", by_run=True),
]


class Population:
    """The programs of one run, and the prompts that it sends."""

    def __init__(self, seeds: list[str], lines: list[str], choice: random.Random) -> None:
        self._archive = list(seeds)
        self._lines = lines
        self._choice = choice

    def prompt(self) -> tuple[list[dict[str, str]], str]:
        """The messages of the next call, and the program that comes back."""
        parent, *others = self._choice.sample(self._archive, 1 + INSPIRATIONS)
        child = self._edited(parent)
        messages = prompts.better_program(parent, self._choice.random(), others[0], self._choice.random())
        for other in others[1:]:
            messages[1]["content"] += f"\n# Inspiration\n\nThis program scores {self._choice.random():.6f}.\n\n```python\n{other}```\n"
        self._archive[self._choice.randrange(len(self._archive))] = child
        return messages, f"<NAME>edit</NAME>\n<CODE>\n```python\n{child}```\n</CODE>\n"

    def _edited(self, program: str) -> str:
        lines = program.splitlines(keepends=True)
        for _ in range(self._choice.randint(2, 6)):
            lines[self._choice.randrange(len(lines))] = self._choice.choice(self._lines)
        return "".join(lines)


def evolutionary(count: int) -> list[dict[str, object]]:
    """Rows of llm_logs: the calls of some runs at once, in the order of time. The same rows each time."""
    choice = random.Random(5)
    size = (PROMPT_BYTES - len(prompts.TASK) - len(prompts.FORMAT)) // (1 + INSPIRATIONS)
    text = source_text()
    programs, lines = pieces(text, size), [line for line in text.splitlines(keepends=True) if line.strip()]
    runs = [Population(choice.sample(programs, ARCHIVE), lines, choice) for _ in range(RUNS)]
    rows: list[dict[str, object]] = []
    for number in range(count):
        messages, response = runs[number % RUNS].prompt()
        rows.append(
            {"id": str(uuid.UUID(int=choice.getrandbits(128))), "model": "some-model",
             "timestamp": f"2025-01-15 {number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.000",
             "messages": json.dumps(messages), "response": response, "run_id": f"run-{number % RUNS}", "cost": 0.01}
        )  # fmt: skip
    return rows


@dataclass
class Cost:
    """What one variant cost for one set of rows."""

    variant: Variant
    stored: int = 0
    insert: float = 0.0
    merge: float = 0.0
    merge_bytes: int = 0
    scan: float = 0.0
    one: float = 0.0


def database(number: int) -> str:
    """The database of the variant of a number."""
    return f"variant_{number}"


def make_tables(place: Bed, tables: list[str], source: str = "migrated") -> list[Cost]:
    """Each variant has the tables of the migrations, with its codec, in a database of its own."""
    for number, variant in enumerate(VARIANTS):
        place.run(f"CREATE DATABASE {database(number)}")
        for name in tables:
            definition = place.run(f"SHOW CREATE TABLE {source}.{name} FORMAT TSVRaw")
            place.run(variant.applied_to(definition).replace(f" {source}.", " ", 1), database(number))
            place.run(f"SYSTEM STOP MERGES {name}", database(number))
    return [Cost(variant) for variant in VARIANTS]


def drop_tables(place: Bed) -> None:
    """Remove what make_tables made."""
    for number in range(len(VARIANTS)):
        place.run(f"DROP DATABASE {database(number)} SYNC")


def stored(place: Bed, number: int) -> int:
    """Bytes on disk of a variant."""
    return int(place.run(f"SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = '{database(number)}'"))


def status(name: str) -> int:
    """A size of this process from /proc, in bytes; the engine runs in it."""
    text = Path("/proc/self/status").read_text()
    return int(text.partition(f"{name}:")[2].split()[0]) * 1024


def peak(place: Bed, sql: str, inside: str) -> tuple[float, int]:
    """The seconds a statement took, and by how many bytes it raised this process's memory."""
    place.run("SYSTEM JEMALLOC PURGE")
    before = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    return place.seconds(sql, inside), max(0, status("VmHWM") - before)


def fill_evenly(place: Bed, costs: list[Cost], table_name: str, columns: str, source: str, count: int) -> None:
    """Insert the rows of a source into each variant, in batches that take turns; then merge and weigh them."""
    for begin in range(0, count, BATCH):
        rows = f"SELECT {columns} FROM default.{source} LIMIT {begin}, {BATCH}"
        for number, cost in enumerate(costs):
            cost.insert += place.seconds(f"INSERT INTO {table_name} ({columns}) {rows}", database(number))
    for number, cost in enumerate(costs):
        place.run(f"SYSTEM START MERGES {table_name}", database(number))
        merges = [peak(place, f"OPTIMIZE TABLE {table_name} FINAL", database(number)) for _ in range(MERGES)]
        cost.merge, cost.merge_bytes = min(seconds for seconds, _ in merges), merges[0][1]
        cost.stored = stored(place, number)


def time_reads(place: Bed, costs: list[Cost], everything: str, single: str) -> None:
    """Time a read of all rows and of one."""
    for name, sql in (("scan", everything), ("one", single)):
        contenders = [place.timer(sql, database(number), final=0) for number in range(len(costs))]
        for cost, seconds in zip(costs, take_turns(contenders, 7), strict=True):
            setattr(cost, name, seconds)


def measure_prompts(place: Bed, rows: list[dict[str, object]]) -> list[Cost]:
    """The prompts and answers, in llm_logs."""
    columns = "id, timestamp, model, messages, response, run_id, cost"
    place.run("CREATE TABLE prompts AS migrated.llm_logs ENGINE = Memory")
    place.insert("prompts", rows)
    costs = make_tables(place, ["llm_logs"])
    fill_evenly(place, costs, "llm_logs", columns, "prompts", len(rows))
    one = rows[len(rows) // 2]["id"]
    time_reads(
        place,
        costs,
        "SELECT sum(cityHash64(messages, response)) FROM llm_logs",
        f"SELECT messages, response FROM llm_logs WHERE id = '{one}'",
    )
    drop_tables(place)
    return costs


def measure_programs(place: Bed, rows: list[dict[str, object]]) -> list[Cost]:
    """The programs of the same answers, in programs_code, which is sorted by their hashes."""
    programs = {hashlib.sha256(str(row["response"]).encode()).hexdigest(): row["response"] for row in rows}
    place.run("CREATE TABLE programs AS migrated.programs_code ENGINE = Memory")
    place.insert("programs", [{"code_hash": key, "code": code} for key, code in programs.items()])
    costs = make_tables(place, ["programs_code"])
    fill_evenly(place, costs, "programs_code", "code_hash, code", "programs", len(programs))
    time_reads(
        place,
        costs,
        "SELECT sum(cityHash64(code)) FROM programs_code",
        f"SELECT code FROM programs_code WHERE code_hash = '{next(iter(programs))}'",
    )
    drop_tables(place)
    return costs


def measure_demo(place: Bed) -> tuple[int, list[int]]:
    """How many rows the demo run recorded, and their bytes on disk in each variant, all tables together, merged."""
    names = [row[0] for row in place.rows("SELECT name FROM system.tables WHERE database = 'default' AND engine = 'ReplacingMergeTree' AND total_rows > 0")]
    costs = make_tables(place, names, source="default")
    count = 0
    for name in names:
        columns = ", ".join(row[0] for row in place.rows(f"SELECT name FROM system.columns WHERE database = 'default' AND table = '{name}' AND default_kind = ''"))
        count += int(place.run(f"SELECT count() FROM {name}"))
        for number in range(len(costs)):
            place.run(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM default.{name}", database(number))
    sizes = [stored(place, number) for number in range(len(costs))]
    drop_tables(place)
    return count, sizes


def run_demo(directory: Path) -> Path:
    """Let `genesis-ch demo` record a run; the directory of the engine's data, which its server has left."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLICKHOUSE_", "GENESIS_CH_"))}
    command = [sys.executable, "-m", "genesis_ch.cli", "demo", "--path", str(directory)]
    subprocess.run(command, env={**kept, "GENESIS_CH_SERVER_IDLE": "1"}, check=True, stdout=subprocess.DEVNULL, timeout=DEMO_SECONDS)
    deadline = time.monotonic() + DEMO_SECONDS
    while (directory / "endpoint.json").exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    return directory / "data"


def row_of(cost: Cost, plain: Cost, three: Cost) -> list[str]:
    """A line of a table of the report."""
    return [
        cost.variant.name,
        f"{cost.stored / 1e6:.2f}",
        f"{plain.stored / cost.stored:.1f}",
        f"{three.stored / cost.stored:.2f}",
        f"{cost.insert / three.insert:.2f}",
        f"{cost.merge / three.merge:.2f}",
        f"{cost.merge_bytes / MIB:.0f}",
        f"{cost.scan / three.scan:.2f}",
        f"{cost.one * 1e3:.1f}",
    ]


def named(costs: list[Cost], name: str) -> Cost:
    """The cost of the variant of a name."""
    return next(cost for cost in costs if cost.variant.name == name)


def section(title: str, costs: list[Cost]) -> str:
    """A table of the report."""
    head = ["codec", "MB", "LZ4 : this", "ZSTD(3) : this", "insert", "merge", "merge, MiB more", "read all", "read one, ms"]
    plain, three = named(costs, "LZ4, the default"), named(costs, "ZSTD(3)")
    return f"## {title}\n\n" + table(head, [row_of(cost, plain, three) for cost in costs])


def main() -> int:
    """Measure, write the report; 1 when the choice is beaten."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--prompts", type=int, default=2000)
    rows = evolutionary(parser.parse_args().prompts)
    with tempfile.TemporaryDirectory(prefix="genesis-ch-bench-") as directory, bed(run_demo(Path(directory))) as place:
        place.migrate("migrated")
        count, sizes = measure_demo(place)
        prompts_cost, programs_cost = measure_prompts(place, rows), measure_programs(place, rows)
        engine = machine(place.engine)
    sent = sum(len(str(row["messages"])) for row in rows) / len(rows)
    plain, three = (sizes[[variant.name for variant in VARIANTS].index(name)] for name in ("LZ4, the default", "ZSTD(3)"))
    demo = [[v.name, f"{size / 1e3:.0f}", f"{plain / size:.2f}", f"{three / size:.2f}"] for v, size in zip(VARIANTS, sizes, strict=True) if not v.by_run]
    text = "\n".join(
        [
            f"# Codecs of long text\n\nMade by `python bench/codecs.py`. {engine}. Times are ratios to ZSTD(3).\n",
            section(f"{len(rows)} evolutionary prompts of {sent / 1e3:.0f} kB and their answers, llm_logs", prompts_cost),
            section("The programs of the answers, programs_code", programs_cost),
            f"## The demo run, {count} rows of all tables\n\n" + table(["codec", "kB", "LZ4 : this", "ZSTD(3) : this"], demo),
        ]
    )
    (HERE / "codecs.md").write_text(text)
    print(text)
    return verdict(prompts_cost)


def verdict(costs: list[Cost]) -> int:
    """1 when a codec that the migrations did not choose stores clearly less in the same order of rows."""
    chosen = named(costs, CHOSEN.name)
    better = [cost for cost in costs if cost.stored * MARGIN < chosen.stored and not cost.variant.by_run]
    for cost in better:
        print(f"{cost.variant.name} stores {cost.stored} bytes, the choice of the migrations {chosen.stored}", file=sys.stderr)
    return 1 if better else 0


if __name__ == "__main__":
    sys.exit(main())
