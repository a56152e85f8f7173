"""A million rows as fast as they can be logged: all arrive, and resident memory stays flat."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from faults.harness import ROOT, clean_environment, end_server_of


def test_a_million_rows(tmp_path: Path) -> None:
    """The bench itself, which ends with 1 when a row is missing or memory grew by 64 MiB."""
    home = tmp_path / "home"
    try:
        done = subprocess.run(
            [sys.executable, str(ROOT / "bench" / "million_rows.py"), "1000000"],
            env=clean_environment(GENESIS_CH_HOME=str(home)),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    finally:
        end_server_of(home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1001000 stored, 1001000 distinct" in done.stdout
