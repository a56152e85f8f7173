"""alias(): every form of import gives ours, whether Genesis is there or not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FORMS = {
    "from module": "from genesis.utils.clickhouse_logger import ch_logger as got",
    "from package": "from genesis.utils import clickhouse_logger; got = clickhouse_logger.ch_logger",
    "as": "import genesis.utils.clickhouse_logger as module; got = module.ch_logger",
    "dotted": "import genesis.utils.clickhouse_logger; got = genesis.utils.clickhouse_logger.ch_logger",
}


def run(directory: Path, *lines: str) -> None:
    code = "\n".join([*lines, "import genesis_ch", "assert got is genesis_ch.ch_logger"])
    subprocess.run([sys.executable, "-c", code], cwd=directory, check=True, timeout=60)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    utils = tmp_path / "genesis" / "utils"
    utils.mkdir(parents=True)
    (utils.parent / "__init__.py").touch()
    (utils / "__init__.py").touch()
    (utils / "clickhouse_logger.py").write_text("raise RuntimeError('the logger of Genesis was imported')\n")
    return tmp_path


@pytest.mark.parametrize("form", FORMS)
def test_before_genesis_is_imported(form: str, checkout: Path) -> None:
    run(checkout, "import genesis_ch; genesis_ch.alias(); genesis_ch.alias()", FORMS[form])


@pytest.mark.parametrize("form", FORMS)
def test_after_genesis_is_imported(form: str, checkout: Path) -> None:
    run(checkout, "import genesis.utils, genesis_ch; genesis_ch.alias()", FORMS[form])


def test_without_genesis(tmp_path: Path) -> None:
    run(tmp_path, "import genesis_ch; genesis_ch.alias()", FORMS["from module"])
