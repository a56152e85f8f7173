"""Point 16: a million calls leave every reference count, the heap, the descriptors and the mappings as they were."""

from __future__ import annotations

import datetime as dt
import gc
import logging
import os
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import Recorder
from faults.figures import Figure
from genesis_ch import _plain, ch_logger
from server_fixtures import LiveServer

LONG_CALLS, SHORT_CALLS = 1_000_000, 100_000
ODD_EACH = 16
"""One call in so many is one that cannot be stored as it is."""
TRACED_CALLS = 2_000
GROWN_BYTES_MAX = 16 * 1024
SINGLETON_DRIFT = 300
"""What pytest, logging and other threads may do to the count of None and the like meanwhile."""
LONG_CYCLES, SHORT_CYCLES = 1_000, 12
NOWHERE = "http://127.0.0.1:9/nowhere"


class Hostile:
    """Nothing can be had of it."""

    def fail(self, *_: object) -> Any:
        raise RuntimeError("from the caller's object")

    __repr__ = __str__ = __float__ = __index__ = __bool__ = __iter__ = __len__ = __getitem__ = fail


class Odd:
    """A property that raises, a member that does not, and a repr of its own each time."""

    individual_id = "odd"

    @property
    def metrics(self) -> Any:
        raise ValueError("from the caller's property")

    def __repr__(self) -> str:
        return "".join(["o", "dd"])


def cyclic() -> dict[str, Any]:
    made: dict[str, Any] = {"leaf": 1.5}
    made["self"] = made
    return made


def make_values() -> dict[str, Any]:
    """Values that no other code holds, each under its name."""
    name = "run-" + str(id(object()))
    return {
        "name": name,
        "text": name + " naïve 🙂",
        "surrogate": name + "\ud800",
        "bytes": name.encode() + b"\xff",
        "real": 1234.5678,
        "whole": 10**6,
        "big": 10**400,
        "scalar": np.float32(1.5),
        "array": np.arange(3.0),
        "key": "key-" + name,
        "nested": {"key-" + name: [1, 2.5, name, {"deep": None}], 7: (True, None), "s": {name}},
        "messages": [{"role": "user", "content": name}],
        "cyclic": cyclic(),
        "time": dt.datetime.now(dt.UTC),
        "tags": [name, b"tag", 5],
        "usage": {"input": 5, "details": {"cached": 2}, "yes": True},
        "hostile": Hostile(),
        "odd": Odd(),
    }


def plain_calls(v: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """Each method as runners call it."""
    log: Any = ch_logger
    member = {"individual_id": v["name"], "fitness_score": v["real"], "combined_score": 1, "metrics": v["nested"]}
    return {
        "log_llm_interaction": lambda: log.log_llm_interaction(
            v["name"], v["messages"], v["text"], v["real"], 0.5, None, "", run_id=v["name"], input_tokens=5, usage=v["usage"]
        ),
        "log_action": lambda: log.log_action(v["name"], v["nested"], metadata=None, timestamp=v["time"]),
        "log_evolution_run": lambda: log.log_evolution_run(v["name"], v["text"], v["nested"], v["whole"], "l", "p", tags=v["tags"]),
        "update_evolution_run": lambda: log.update_evolution_run(v["name"], "completed", v["whole"]),
        "log_generation": lambda: log.log_generation(v["name"], 1, v["whole"], v["real"], v["scalar"], 3, metadata=v["nested"]),
        "log_individual": lambda: log.log_individual(
            v["name"], v["text"], 1, None, "m", v["real"], v["scalar"], v["nested"], True, code_hash=v["name"]
        ),
        "log_pareto_front": lambda: log.log_pareto_front(v["name"], 1, [member, member]),
        "log_lineage": lambda: log.log_lineage(v["name"], v["name"], v["text"], 1, "m", v["real"], edit_summary=v["text"]),
    }


def odd_arguments(v: dict[str, Any]) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Arguments that are ignored, replaced, clamped, cut, or missing, for any method."""
    key = v["key"]
    yield (), {}
    yield (v["name"],), {key: v["real"], "run_id": v["name"], "timestamp": v["hostile"]}
    yield (v["name"],) * 30, {"metadata": v["cyclic"], "timestamp": v["text"], "generation": v["big"]}
    yield (v["hostile"],) * 14, {"tags": v["hostile"], "usage": v["hostile"], "input_tokens": v["hostile"]}
    yield (v["odd"], v["odd"], [v["odd"], v["hostile"], v["nested"], None]), {"timestamp": v["odd"], "usage": v["nested"]}
    yield (v["surrogate"], v["surrogate"], v["cyclic"], v["big"], v["bytes"]), {"details": v["array"], "tags": v["array"]}
    yield (v["bytes"], v["nested"], v["odd"], v["surrogate"]), {"metrics": {v["hostile"]: 1, v["odd"]: v["surrogate"]}}


def counts_of(values: dict[str, Any]) -> dict[str, int]:
    """Reference counts of the values and of what is in them."""
    counts = {name: sys.getrefcount(value) for name, value in values.items()}
    counts["key of a dict"] = sys.getrefcount(next(iter(values["nested"])))
    counts["list in a dict"] = sys.getrefcount(values["nested"][next(iter(values["nested"]))])
    counts["class"] = sys.getrefcount(Hostile)
    counts["plain()"] = sys.getrefcount(_plain.plain)
    return counts


def counts_of_shared() -> dict[str, int]:
    """Reference counts of what every program shares."""
    shared: list[Any] = [None, True, False, RuntimeError, ValueError, TypeError, dict, ""]
    shared += [sys.intern(name) for name in ("run_id", "metrics", "individual_id", "timestamp", "running", "tags")]
    return {repr(value): sys.getrefcount(value) for value in shared}


@pytest.fixture
def nowhere(tmp_path: Path) -> Iterator[None]:
    """ch_logger for a server that is not there, with an outbox that is soon full: rows are stored, and later refused."""
    options: dict[str, Any] = {"url": NOWHERE, "mode": "http", "home": tmp_path / "home", "outbox_max_bytes": 64 << 20}
    ch_logger.configure(**options)
    yield
    ch_logger.close(0)
    ch_logger.configure(**dict.fromkeys(options))


def spin(plain: Callable[[], Any], odd: Callable[..., Any], arguments: list[Any], calls: int) -> None:
    for number in range(calls):
        if number % ODD_EACH:
            plain()
        else:
            words, named = arguments[number // ODD_EACH % len(arguments)]
            odd(*words, **named)


def check_method(name: str, values: dict[str, Any], calls: int) -> int:
    """Fail when calls of one method leave a reference behind; the bytes that Python's heap grew by."""
    plain = plain_calls(values)[name]
    odd = getattr(ch_logger, name)
    arguments = list(odd_arguments(values))
    spin(plain, odd, arguments, 1000)
    gc.collect()
    before, shared = counts_of(values), counts_of_shared()
    spin(plain, odd, arguments, calls)
    gc.collect()
    assert counts_of(values) == before, name
    drift = {what: count - shared[what] for what, count in counts_of_shared().items()}
    assert max(map(abs, drift.values())) < SINGLETON_DRIFT, (name, drift)
    tracemalloc.start()
    spin(plain, odd, arguments, 200)
    gc.collect()
    base = tracemalloc.get_traced_memory()[0]
    spin(plain, odd, arguments, TRACED_CALLS)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - base
    tracemalloc.stop()
    assert grown < GROWN_BYTES_MAX, (name, grown)
    return grown


@pytest.mark.usefixtures("nowhere")
def test_references(long_form: bool, figure: Figure, caplog: pytest.LogCaptureFixture) -> None:
    """Arguments, keys, interned names, None and the classes of exceptions; one call in 16 cannot be stored as given."""
    caplog.set_level(logging.CRITICAL, "genesis_ch")
    values = make_values()
    calls = LONG_CALLS if long_form else SHORT_CALLS
    methods = list(plain_calls(values))
    grown = max(check_method(name, values, calls) for name in methods)
    stats = ch_logger.stats()
    refused = ("arguments_ignored", "values_replaced", "values_clamped", "values_cut", "rows_dropped")
    assert all(int(stats[name]) > 0 for name in refused if long_form or name != "rows_dropped"), stats
    assert int(stats["rows_logged"]) >= calls * len(methods)
    figure(
        16,
        f"{calls:,} calls of each of {len(methods)} methods, {calls // ODD_EACH:,} of them with ignored, replaced or missing arguments",
        f"every reference count as before; Python's heap grew by {max(grown, 0)} bytes at most in {TRACED_CALLS} traced calls",
    )


# ---- descriptors, threads and mappings ----


def entries(name: str) -> int:
    """How many entries a directory of /proc/self has."""
    return len(os.listdir(f"/proc/self/{name}"))


def mappings() -> int:
    with open("/proc/self/maps") as file:
        return sum(".seg" in line for line in file)


def log_in_a_child(number: int) -> None:
    """A forked child logs through an outbox of its own and leaves at once."""
    pid = os.fork()
    if pid == 0:
        ch_logger.log_lineage("r", f"child{number}", "p", number, "m")
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0


def cycle(number: int, urls: list[str], home: Path) -> tuple[int, int, int]:
    """One life of a logger; what is left open behind it."""
    url = urls[number % len(urls)]
    ch_logger.configure(url=url, mode="http", home=home, batch_interval=0.01, connect_timeout=2)
    ch_logger.log_lineage("r", f"row{number}", "p", number, "m")
    if url != NOWHERE and number % 3 != 2:
        assert ch_logger.flush(30)
    else:
        ch_logger.flush(0.01)
    if number % 4 == 1:
        log_in_a_child(number)
    if url != NOWHERE and number % 5 == 0 and ch_logger.client is not None:
        ch_logger.client.close()
    ch_logger.log_action("last", {})
    ch_logger.close(5 if url != NOWHERE else 0)
    gc.collect()
    return entries("fd"), entries("task"), mappings()


def test_descriptors(
    recorder: Recorder, server: LiveServer, tmp_path: Path, long_form: bool, figure: Figure, caplog: pytest.LogCaptureFixture
) -> None:
    """configure, log, flush, fork, close: nothing stays open, against a server and where there is none."""
    caplog.set_level(logging.CRITICAL, "genesis_ch")
    ch_logger.close(5)
    urls = [recorder.url, recorder.url, NOWHERE]
    cycles = LONG_CYCLES if long_form else SHORT_CYCLES
    for number in range(6):
        first = cycle(number, urls, tmp_path / "home")
    seen = {cycle(number, urls, tmp_path / "home") for number in range(6, cycles + 6)}
    assert seen == {first}, (first, seen)
    ch_logger.configure(url=recorder.url, home=tmp_path / "home", batch_interval=0.02)
    assert ch_logger.flush(60)
    stored = {row["child_id"] for row in recorder.read("code_lineages", ["child_id"])}
    wanted = {f"row{number}" for number in range(cycles + 6) if urls[number % 3] != NOWHERE}
    assert wanted <= stored
    figure(
        16,
        f"{cycles} times configure, log, flush, close, {sum(number % 4 == 1 for number in range(6, cycles + 6))} of them with a forked child",
        f"{first[0]} descriptors, {first[1]} threads, {first[2]} mapped segments after each",
    )
