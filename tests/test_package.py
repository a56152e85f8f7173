"""What is shipped, and what importing it does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import genesis_ch
from conftest import Script
from server_fixtures import ROOT

PROBE = """
import sys, json
before = set(sys.modules)
import threading, os
import genesis_ch
tasks = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else threading.active_count()
origins = {name: getattr(module, "__file__", None) or "" for name, module in list(sys.modules.items()) if name not in before}
print(json.dumps({"threads": threading.active_count(), "tasks": tasks, "origins": origins, "files": os.listdir(".")}))
"""


def test_import_loads_nothing_of_others_and_starts_nothing(script: Script) -> None:
    seen = json.loads(script.run(PROBE).stdout)
    assert (seen["threads"], seen["tasks"], seen["files"]) == (1, 1, [])
    foreign = {name for name, origin in seen["origins"].items() if "site-packages" in origin and not name.startswith("genesis_ch")}
    assert foreign == set()
    assert "genesis_ch._core" in seen["origins"]


def test_importtime_names_only_us_and_the_standard_library(script: Script) -> None:
    command = [sys.executable, "-X", "importtime", "-c", "import genesis_ch"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=script.directory, env=script.environment)
    names = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines() if line.startswith("import time:")}
    ours = names - set(sys.stdlib_module_names)
    allowed = {"genesis_ch", "imported package", "sitecustomize", "usercustomize", "_virtualenv", "_distutils_hack"}
    allowed.add("org")  # copy of the standard library looks for org.python.core, which only Jython has
    assert {name for name in ours if not name.startswith("__editable__")} - allowed == set()
    assert "genesis_ch" in ours


def test_the_version_is_written_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert genesis_ch.__version__ == project["version"]


def test_all_is_there() -> None:
    for name in genesis_ch.__all__:
        assert hasattr(genesis_ch, name), name


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names in a wheel built from this checkout."""
    directory = tmp_path_factory.mktemp("wheel")
    probe = "import setuptools.build_meta as b, sys; b.build_wheel(sys.argv[1])"
    source = directory / "source"
    tracked = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode != 0:
        pytest.skip("no git checkout")
    for name in tracked.stdout.splitlines():
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    (source / "README.md").touch()
    subprocess.run([sys.executable, "-c", probe, str(directory)], cwd=source, capture_output=True, check=True)
    (path,) = Path(directory).glob("*.whl")
    return zipfile.ZipFile(path).namelist()


def test_the_wheel_is_whole(wheel: list[str]) -> None:
    assert {"genesis_ch/py.typed", "genesis_ch/_core.pyi"} <= set(wheel)
    migrations = {f"genesis_ch/sql/migrations/{path.name}" for path in (ROOT / "sql" / "migrations").glob("*.sql")}
    assert migrations and migrations <= set(wheel)
    queries = {f"genesis_ch/sql/queries/{path.name}" for path in (ROOT / "sql" / "queries").glob("*.sql")}
    assert queries and queries <= set(wheel)
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "genesis_ch").rglob("*.py")}
    assert sources <= set(wheel)
    assert any(re.fullmatch(r"genesis_ch/_core\..*\.(so|pyd)", name) for name in wheel)
    assert not [name for name in wheel if name.startswith(("tests", "csrc", "build"))]
