"""What holds of an engine that genesis_ch.server does not run on. Part of `make engines`; not of `make test`, which has none."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

from conftest import Recorder
from genesis_ch import ch_logger
from server_fixtures import ROOT

RELEASE, PACKAGE = shlex.split(os.environ["GENESIS_CH_TEST_ENGINE"])


def test_the_tests_ran_on_this_release(recorder: Recorder) -> None:
    ch_logger.connect()
    assert ch_logger.stats()["server_version"].startswith(f"{RELEASE}.")


def test_the_embedded_server_names_an_engine_that_is_too_old(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "genesis_ch.server", "--path", str(tmp_path / "home")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([PACKAGE, str(ROOT)])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    requirement = Path(PACKAGE).parent.name.rpartition("-")
    assert done.returncode == 1
    assert f"{requirement[0]} {requirement[2]} is installed" in done.stderr
    assert "chdb-core 26.9 or newer" in done.stderr
