"""The command line as a whole: help, version, encodings, Ctrl-C; and what all commands share."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

import genesis_ch
from cli_fixtures import ROOT, World
from cli_fixtures import world as world
from genesis_ch.cli import COMMANDS, _group, screen, store, trouble


def test_help_names_every_command(world: World) -> None:
    done = world.cli("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout


def test_version(world: World) -> None:
    assert world.cli("--version").stdout == f"genesis-ch {genesis_ch.__version__}\n"


def test_unknown_command_is_a_usage_error(world: World) -> None:
    done = world.cli("docter")
    assert (done.returncode, done.stdout) == (2, "")
    assert "No such command 'docter'. Did you mean 'doctor'?" in done.stderr


def test_every_command_has_a_help_page() -> None:
    context = click.Context(_group)
    for name in COMMANDS:
        command = _group.get_command(context, name)
        assert command is not None and command.name == name
        assert command.get_short_help_str()


def test_help_loads_neither_a_client_nor_an_engine(world: World) -> None:
    probe = (
        "import sys\nfrom genesis_ch.cli import _group\n_group(['doctor', '--help'], standalone_mode=False)\n"
        "print([m for m in ('clickhouse_connect', 'chdb', 'numpy') if m in sys.modules])"
    )
    done = world.python("-c", probe)
    assert done.stdout.endswith("[]\n"), done.stderr


def test_an_encoding_without_the_characters_gets_plain_ones(world: World) -> None:
    done = world.cli("doctor", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("ok: ClickHouse connection successful!\n")
    assert "\n* Tables: evolution_runs, " in done.stdout
    assert "\n   - record a run that needs no runner" in done.stdout
    failed = world.cli("doctor", PYTHONIOENCODING="ascii", GENESIS_CH_MODE="disabled")
    assert failed.stdout.startswith("error: ClickHouse logging disabled")


def test_tables_of_an_ascii_terminal_are_ascii(world: World) -> None:
    probe = (
        "import sys\nfrom genesis_ch import cli\nfrom genesis_ch.cli import screen\ncli.tame(sys.stdout)\n"
        "screen.console().print(screen.table(('a', 'µs'), [('x', 1)]))\nscreen.say('✅ µs 日')"
    )
    for encoding, last in (("latin-1", "ok: \xb5s ?"), ("ascii", "ok: us ?")):
        variables = {**world.environment, "PYTHONIOENCODING": encoding}
        done = subprocess.run(
            [sys.executable, "-c", probe], env=variables, capture_output=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, b""), encoding
        assert done.stdout.decode(encoding).splitlines()[-1] == last
        assert b"| x |  1 |" in done.stdout


def test_ctrl_c_ends_any_command_without_a_traceback(world: World) -> None:
    listener, port = _silent_listener()
    with listener:
        process = world.start(
            "-m", "genesis_ch.cli", "sync", CLICKHOUSE_URL=f"http://u:p@127.0.0.1:{port}/d", PYTHONFAULTHANDLER="1"
        )
        connection, _ = listener.accept()
        process.send_signal(signal.SIGINT)
        start = time.monotonic()
        out, err = process.communicate(timeout=20)
        assert time.monotonic() - start < 3, "it does not wait for the server"
        connection.close()
    assert (process.returncode, out, err) == (130, "", "\nInterrupted.\n")


def _silent_listener() -> tuple[object, int]:
    import socket

    listener = socket.create_server(("127.0.0.1", 0))
    return listener, listener.getsockname()[1]


@pytest.mark.parametrize("colours", [{}, {"NO_COLOR": "1"}], ids=["terminal", "NO_COLOR"])
def test_output_fits_a_terminal_of_80_columns(world: World, colours: dict[str, str]) -> None:
    probe = (
        "from genesis_ch.cli import screen\n"
        "screen.console().print(screen.table(('table', 'rows'), [('x' * 30, 1)], True))\n"
        "with screen.progress(screen.console(), 'programs') as bar:\n"
        "    bar.update(bar.add_task('generation 9, best 2.6158', total=200), completed=200)\n"
    )
    reader, writer = pty.openpty()
    variables = {**world.environment, "COLUMNS": "80", "TERM": "xterm", **colours}
    done = subprocess.run([sys.executable, "-c", probe], env=variables, stdout=writer, timeout=60, check=False)
    os.close(writer)
    time.sleep(0.05)
    shown = os.read(reader, 1 << 16).decode()
    os.close(reader)
    assert done.returncode == 0
    assert "200/200" in shown and "x" * 30 in shown
    assert ("\x1b[3" in shown) == (not colours)


def test_home_is_the_nearest_upward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GENESIS_CH_HOME", raising=False)
    below = tmp_path / "a/b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert store.home(None) == below / ".genesis_ch"
    (tmp_path / ".genesis_ch").mkdir()
    assert store.home(None) == tmp_path / ".genesis_ch"
    monkeypatch.setenv("GENESIS_CH_HOME", "elsewhere")
    assert store.home(None) == below / "elsewhere"
    assert store.home(Path("named")) == below / "named"


def test_bytes_are_those_on_disk(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/file").write_bytes(b"x" * 10_000)
    assert 10_000 <= store.bytes_on_disk(tmp_path) < 100_000
    assert store.bytes_on_disk(tmp_path / "none") == 0


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (3 << 30, "3.0 GiB")])
def test_sizes_are_written_for_people(count: int, text: str) -> None:
    assert screen.size(count) == text


def test_what_to_type_is_a_name_only_where_path_leads_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(sys.executable).parent
    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("PATH", str(folder))
    assert screen.typed("python") == "python"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert screen.typed("python") == f"{folder.name}/python"
    monkeypatch.chdir(tmp_path)
    assert screen.typed("python") == str(folder / "python")


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("http://u:p@host:8443/default", True),
        ("https://u:p@host:8123/default", True),
        ("https://u:p@host:8443/default", False),
        ("http://u:p@host/default", False),
        ("https://u:p@x.clickhouse.cloud/default", True),
        ("http://u:p@host:many/default", False),
    ],
)
def test_cloud_hint_needs_a_reason(url: str, hint: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLICKHOUSE_URL", url)
    assert (trouble.CLOUD_HINT in trouble.cures("refused")) == hint


def test_every_kind_of_failure_has_cures() -> None:
    words = (ROOT / "csrc/reply.h").read_text().split("GCH_TROUBLE_MAP(X)", 1)[1].split("enum", 1)[0]
    kinds = [line.split('"')[1] for line in words.splitlines() if '"' in line and "none" not in line]
    assert len(kinds) > 8
    assert set(kinds) == set(trouble._CURES)
