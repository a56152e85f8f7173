"""What the owner of an embedded server allows reaches it, and the kernel's wall does not stand in the engine's own way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from faults.harness import clean_environment, end_server_of, wait_for
from server_fixtures import ROOT

NO_MEMFD = "import os; vars(os).pop('memfd_create', None)"
FIRST_LANDLOCK = """
real = fence._call
def call(number, *arguments):
    found = real(number, *arguments)
    return min(found, 1) if arguments[0] is None else found
fence._call = call
"""
PROGRAM = """
import os, sys
from pathlib import Path
from genesis_ch.server import fence
from genesis_ch.server.engine import Engine
from genesis_ch.server.rights import Allow
{world}
here = Path(sys.argv[1])
allow = fence.close(here, Allow())
engine = Engine.open(here / "data", allow)
with engine.session() as session:
    session.query(b"CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
    session.query(b"INSERT INTO t SELECT number FROM numbers(3)")
    print(session.query(b"SELECT sum(a) FROM t").decode().strip(), allow.kernel)
    session.query(b"ALTER TABLE t DETACH PARTITION ALL")
    session.query(b"DROP TABLE t SYNC")
engine.close()
sys.stdout.flush()
os._exit(0)
"""


def run(directory: Path, world: str = "") -> list[str]:
    """The sum that the engine found and whether the kernel keeps files closed; fails where a statement does."""
    program = [sys.executable, "-c", PROGRAM.format(world=world), str(directory)]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_python_without_memfd_create(tmp_path: Path) -> None:
    assert run(tmp_path, NO_MEMFD)[0] == "3"


def test_data_behind_a_link(tmp_path: Path) -> None:
    home, larger = tmp_path / "home", tmp_path / "larger"
    home.mkdir()
    larger.mkdir()
    (home / "data").symlink_to(larger)
    assert run(home)[0] == "3"
    assert any(larger.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock is Linux's")
def test_a_kernel_whose_landlock_moves_no_file_keeps_none_closed(tmp_path: Path) -> None:
    assert run(tmp_path, FIRST_LANDLOCK) == ["3", "False"]


def test_a_server_that_a_logger_starts_is_told_what_its_owner_allows(tmp_path: Path) -> None:
    home = tmp_path / "home"
    text = "from genesis_ch import ch_logger; ch_logger.log_lineage('r', 'c', 'p', 1, 'm'); assert ch_logger.flush(60)"
    env = clean_environment(GENESIS_CH_HOME=str(home), GENESIS_CH_SERVER_ALLOW="files,network")
    try:
        done = subprocess.run(
            [sys.executable, "-c", text], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        assert wait_for(lambda: "beyond the directory: files,network;" in (home / "server.log").read_text())
    finally:
        end_server_of(home)
