"""`genesis-ch sync`: what killed processes left arrives, once."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

from cli_fixtures import World
from cli_fixtures import world as world
from test_cli_doctor import SECRET, closed_port

COUNT = "SELECT count(), uniqExact(individual_id) FROM individuals SETTINGS final = 0"


def test_rows_of_a_killed_process_are_delivered_once(world: World) -> None:
    world.produce("r", 1234)
    done = world.cli("sync")
    assert (done.returncode, done.stderr) == (0, "")
    found = re.fullmatch(r"✅ (\d+) rows delivered, 0 left in the outbox\n", done.stdout)
    assert found, done.stdout
    assert world.query("SELECT count() FROM individuals WHERE run_id = 'r'") == [(1234,)]
    assert world.cli("sync").stdout == "✅ 0 rows delivered, 0 left in the outbox\n"
    assert not list((world.home / "outbox").glob("w-*"))


def test_a_progress_bar_is_shown_on_a_terminal(world: World) -> None:
    url = f"http://u:{SECRET}@127.0.0.1:{closed_port()}/d"
    world.produce("r", 50, CLICKHOUSE_URL=url)
    (waiting,) = (world.path / "state/genesis_ch/outbox").iterdir()
    (world.home / "outbox").mkdir(parents=True)
    for writer in waiting.glob("w-*"):
        writer.rename(world.home / "outbox" / writer.name)
    reader, writer_end = pty.openpty()
    command = [sys.executable, "-m", "genesis_ch.cli", "sync"]
    variables = {**world.environment, "TERM": "xterm", "COLUMNS": "80"}
    done = subprocess.run(command, cwd=world.path, env=variables, stdout=writer_end, timeout=60, check=False)
    os.close(writer_end)
    shown = os.read(reader, 1 << 16).decode()
    os.close(reader)
    assert done.returncode == 0
    assert "delivering" in shown and "50/50" in shown
    assert "✅ 50 rows delivered, 0 left in the outbox" in shown


def test_a_server_that_is_down_keeps_the_rows(world: World) -> None:
    port = closed_port()
    url = f"http://default:{SECRET}@127.0.0.1:{port}/default"
    world.produce("r", 20, CLICKHOUSE_URL=url)
    for _ in range(2):
        done = world.cli("sync", "--timeout", "5", CLICKHOUSE_URL=url)
        assert (done.returncode, done.stderr) == (1, "")
        lines = done.stdout.splitlines()
        assert lines[0].startswith("❌ Nothing was delivered: no answer from ClickHouse at ")
        assert re.fullmatch(r" +20 rows stay in .*/outbox/[0-9a-f]{16}", lines[-1])
        assert SECRET not in done.stdout
    _, address = world.serve("--port", str(port), "--password", SECRET)
    assert address == url
    done = world.cli("sync", CLICKHOUSE_URL=url)
    assert (done.returncode, done.stdout) == (0, "✅ 20 rows delivered, 0 left in the outbox\n")
    assert world.query(COUNT, url) == [(20, 20)]


def test_rows_whose_table_does_not_fit_are_left_and_the_exit_code_says_so(world: World) -> None:
    assert world.cli("migrate").returncode == 0
    world.query("DROP TABLE individuals")
    world.query("CREATE TABLE individuals (run_id UInt8) ENGINE = MergeTree ORDER BY run_id")
    world.produce("r", 5)
    done = world.cli("sync", "--timeout", "10")
    assert done.returncode == 1, done.stdout
    assert done.stdout.startswith("❌ 0 rows delivered, 5 left in the outbox, 5 of them until their table fits")
    assert world.query("SELECT count() FROM individuals") == [(0,)]
    doctor = world.cli("doctor")
    assert doctor.returncode == 1
    assert (
        "❌ Columns differ: individuals.run_id is UInt8, not String; individuals.individual_id is missing"
        in doctor.stdout
    )
    assert "❌ 5 rows that ended processes left wait in the outbox." in doctor.stdout.splitlines()


def test_disabled_says_so(world: World) -> None:
    done = world.cli("sync", GENESIS_CH_MODE="disabled")
    assert done.returncode == 1
    assert done.stdout.startswith(
        "❌ Nothing was delivered: ClickHouse logging disabled: GENESIS_CH_MODE is disabled\n"
    )
