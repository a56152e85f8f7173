"""The embedded server as a process: start, one per directory, idle exit, clean exit, kill -9."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from server_fixtures import LiveServer, end_at_exit, server_command, server_environment, start_server, wait_for

KILL_ROUNDS = 30


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "a b" / ".genesis_ch"


def endpoint_of(home: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((home / "endpoint.json").read_text())
    return found


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def detach(home: Path, *extra: str, close_fds: bool = True) -> None:
    """Start a server as a sender's thread does: with every signal blocked."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        command = server_command(home, "--detach", *extra)
        subprocess.run(command, env=server_environment(), check=True, timeout=20, close_fds=close_fds)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def fail_to_start(home: Path, *extra: str) -> subprocess.CompletedProcess[str]:
    command = server_command(home, *extra)
    return subprocess.run(command, check=False, env=server_environment(), capture_output=True, text=True, timeout=20)


def test_detached_start_leaves_its_parent_at_once(home: Path) -> None:
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    began = time.monotonic()
    detach(home, "--idle", "60", close_fds=False)
    assert time.monotonic() - began < 5
    os.close(writing)
    try:
        assert os.read(reading, 1) == b"", "the server holds a descriptor of its starter"
    finally:
        os.close(reading)
    wait_for((home / "endpoint.json").exists)
    pid = int(str(endpoint_of(home)["pid"]))
    try:
        assert os.getsid(pid) not in (os.getsid(0), pid)
        assert os.readlink(f"/proc/{pid}/cwd") == "/"
        for number in (0, 1):
            assert os.readlink(f"/proc/{pid}/fd/{number}") == "/dev/null"
        masks = Path(f"/proc/{pid}/status").read_text()
        assert int(masks.split("SigBlk:")[1].split()[0], 16) == 0
    finally:
        os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not alive(pid))
    assert not (home / "endpoint.json").exists()


def test_one_server_per_directory(home: Path) -> None:
    live = start_server(home)
    try:
        second = fail_to_start(home)
        assert second.returncode == 1
        assert str(live.process.pid) in second.stderr and str(live.endpoint["url"]) in second.stderr
        assert live.token not in second.stderr
        detach(home)
        time.sleep(1.0)
        assert endpoint_of(home) == live.endpoint
        assert live.rows("SELECT 1") == "1\n"
    finally:
        assert live.stop() == 0


def test_many_starts_at_once_make_one_server(home: Path) -> None:
    starters = [
        subprocess.Popen(server_command(home, "--detach", "--idle", "60"), env=server_environment()) for _ in range(4)
    ]
    assert [starter.wait(20) for starter in starters] == [0] * 4
    wait_for((home / "endpoint.json").exists)
    time.sleep(1.0)
    pid = int(str(endpoint_of(home)["pid"]))
    log = (home / "server.log").read_text()
    try:
        assert alive(pid) and log.count("serving") == 1
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not alive(pid))


def test_a_probe_of_the_lock_does_not_stop_a_start(home: Path) -> None:
    import fcntl

    home.mkdir(mode=0o700, parents=True)
    with (home / "server.lock").open("w") as probe:
        fcntl.flock(probe, fcntl.LOCK_SH)
        threading.Timer(0.3, lambda: fcntl.flock(probe, fcntl.LOCK_UN)).start()
        live = start_server(home)
    with (home / "server.lock").open() as probe, pytest.raises(BlockingIOError):
        fcntl.flock(probe, fcntl.LOCK_SH | fcntl.LOCK_NB)
    assert live.stop() == 0
    with (home / "server.lock").open() as probe:
        fcntl.flock(probe, fcntl.LOCK_SH | fcntl.LOCK_NB)


def test_a_server_leaves_a_directory_that_was_removed(home: Path) -> None:
    first = start_server(home)
    home.rename(home.with_name("moved"))
    second = start_server(home)
    assert first.process.wait(20) == 0
    assert endpoint_of(home) == second.endpoint
    assert second.rows("SELECT 1") == "1\n"
    assert second.stop() == 0


def test_password_and_data_outlive_the_server(home: Path) -> None:
    first = start_server(home)
    first.rows("CREATE TABLE kept (a Int8) ENGINE = MergeTree ORDER BY a")
    first.rows("INSERT INTO kept VALUES (1)")
    assert first.stop(signal.SIGINT) == 0
    assert not (home / "endpoint.json").exists()
    (home / "tmp" / "left-behind").write_text("x")
    second = start_server(home, "--port", str(first.port))
    try:
        assert second.dsn == first.dsn == f"http://default:{first.token}@127.0.0.1:{first.port}/default"
        assert second.rows("SELECT a FROM kept") == "1\n"
        assert not list((home / "tmp").iterdir())
    finally:
        assert second.stop() == 0


def test_password_from_the_command_line_or_a_file(home: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from a file/:@\n")
    for extra, word in ((("--password", "pässword"), "pässword"), (("--password-file", str(secret)), "from a file/:@")):
        live = start_server(home, *extra)
        assert live.ask("SELECT 1", headers=live.auth(word), auth=False).text == "1\n"
        parts = urlsplit(live.dsn)
        assert parts.port == live.port and parts.password is not None and "@" not in parts.password
        assert word not in (home / "server.log").read_text()
        assert live.stop() == 0


def test_idle_exit_waits_for_running_queries(home: Path) -> None:
    live = start_server(home, "--idle", "1")
    assert live.rows("SELECT sleep(2.5)") == "0\n"
    ended = time.monotonic()
    assert live.process.wait(20) == 0
    assert 0.5 < time.monotonic() - ended < 8
    assert not (home / "endpoint.json").exists()


def test_sigterm_lets_a_running_query_end_and_refuses_new_ones(home: Path) -> None:
    live = start_server(home)
    answers: list[str] = []
    waiting = http.client.HTTPConnection("127.0.0.1", live.port, timeout=20)
    waiting.request("GET", "/?query=SELECT+1", headers=live.auth())
    assert waiting.getresponse().read() == b"1\n"
    query = threading.Thread(target=lambda: answers.append(live.rows("SELECT sleep(2)")))
    query.start()
    wait_for(lambda: "sleep" in live.rows("SELECT query FROM system.processes WHERE query LIKE 'SELECT sleep%'"))
    live.process.terminate()
    wait_for(lambda: not (home / "endpoint.json").exists())
    waiting.request("GET", "/?query=SELECT+1", headers=live.auth())
    assert waiting.getresponse().status == 503
    waiting.close()
    query.join()
    assert answers == ["0\n"]
    assert live.process.wait(20) == 0


def test_sigterm_does_not_wait_for_ever(home: Path) -> None:
    live = start_server(home)
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=60)
    connection.request("POST", "/", b"SELECT sum(cityHash64(number)) FROM numbers(300000000000)", live.auth())
    time.sleep(0.5)
    began = time.monotonic()
    assert live.stop() == 0
    assert time.monotonic() - began < 10
    connection.close()
    assert (home / "server.log").read_text().rstrip().endswith("stopped")


def test_acknowledged_rows_survive_kill_9(home: Path) -> None:
    head = b"\x02\x01a\x01s\x06UInt64\x06String"
    insert = "INSERT INTO k (a, s) FORMAT RowBinaryWithNamesAndTypes"
    chance = random.Random(7)
    live = start_server(home)
    live.rows("CREATE TABLE k (a UInt64, s String) ENGINE = ReplacingMergeTree ORDER BY a")
    rows = 0

    def send(server: LiveServer, first: int, count: int) -> None:
        body = head + b"".join(struct.pack("<QB", first + n, 40) + b"x" * 40 for n in range(count))
        assert server.ask(insert, body).status == 200

    def send_until_killed(server: LiveServer) -> None:
        # Rows that are there already: whether this insert ends or not, the count stays.
        try:
            while True:
                send(server, 0, rows)
        except OSError:
            pass

    for turn in range(KILL_ROUNDS):
        for _ in range(chance.randint(1, 3)):
            count = chance.randint(1, 2000)
            send(live, rows, count)
            rows += count
        beside = threading.Thread(target=send_until_killed, args=(live,))
        if turn % 2:
            beside.start()
            time.sleep(chance.random() * 0.03)
        assert live.stop(signal.SIGKILL) == -signal.SIGKILL
        if turn % 2:
            beside.join()
        assert (home / "endpoint.json").exists()
        live = start_server(home)
        assert live.rows("SELECT count() FROM k") == f"{rows}\n"
    assert live.stop() == 0


@pytest.mark.parametrize(
    ("extra", "reason"),
    [(("--host", "0.0.0.0"), "loopback"), (("--host", "example.org"), "loopback"), (("--port", "TAKEN"), "taken")],
)
def test_a_start_that_cannot_be_says_why(home: Path, extra: tuple[str, str], reason: str) -> None:
    with http.client.socket.create_server(("127.0.0.1", 0)) as other:  # type: ignore[attr-defined]
        arguments = [str(other.getsockname()[1]) if word == "TAKEN" else word for word in extra]
        failed = fail_to_start(home, *arguments)
    assert failed.returncode == 1
    assert reason in failed.stderr and "Traceback" not in failed.stderr
    assert not (home / "endpoint.json").exists()


def test_serve_in_the_foreground_returns_to_its_caller(home: Path) -> None:
    program = (
        "import sys; from genesis_ch.server import serve\n"
        "code = serve(sys.argv[1], on_ready=lambda dsn: print(dsn, flush=True))\n"
        "print('back', code, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(home)], stdout=subprocess.PIPE, text=True, env=server_environment()
    )
    end_at_exit(process)
    assert process.stdout is not None
    live = LiveServer(home, process, process.stdout.readline().strip(), endpoint_of(home))
    assert live.rows("SELECT 1") == "1\n"
    process.send_signal(signal.SIGINT)
    assert process.stdout.read() == "back 0\n"
    assert live.stop() == 0


def test_the_package_imports_nothing_heavy() -> None:
    program = (
        "import sys, threading, genesis_ch.server\n"
        "print([m for m in ('chdb', 'waitress', 'pandas', 'lz4') if m in sys.modules], threading.active_count())"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], env=server_environment(), capture_output=True, text=True, check=True
    )
    assert answer.stdout == "[] 1\n"


OLDER = """
import sys
from genesis_ch.server.engine import _load_native
native = _load_native().connect(sys.argv[1])
for text in (
    "CREATE TABLE t (a String) ENGINE = MergeTree ORDER BY a",
    "CREATE VIEW v AS SELECT a FROM t",
    "INSERT INTO t VALUES ('kept')",
):
    native.query(text.encode(), "TabSeparated", params={})
native.close()
"""


def test_a_store_of_an_older_version_keeps_its_tables(home: Path) -> None:
    (home / "data").mkdir(mode=0o700, parents=True)
    subprocess.run([sys.executable, "-c", OLDER, str(home / "data")], env=server_environment(), check=True, timeout=30)
    assert not (home / "data" / "metadata" / "default.sql").exists()
    for number in range(2):
        live = start_server(home, "--idle", "0")
        try:
            assert live.rows("SELECT a FROM v") == "kept\n" * (number + 1)
            assert live.rows("SELECT engine FROM system.databases WHERE name = 'default'") == "Atomic\n"
            assert "_base" not in live.rows("SHOW DATABASES")
            live.rows("INSERT INTO t VALUES ('kept')")
        finally:
            assert live.stop() == 0


@pytest.mark.parametrize("name", ["a&b=c", "100%41", "a#b;c+d", "é 'x'"])
def test_a_directory_of_any_name_is_confined(tmp_path: Path, name: str) -> None:
    live = start_server(tmp_path / name, "--idle", "0")
    try:
        refused = live.ask("SELECT * FROM file('/etc/hostname')")
        assert refused.code == 497 and "--allow-files" in refused.text
    finally:
        assert live.stop() == 0


def test_a_config_xml_in_the_working_directory_is_not_read(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.xml").write_text("<clickhouse><max_table_size_to_drop>7</max_table_size_to_drop></clickhouse>")
    monkeypatch.chdir(tmp_path)
    live = start_server(home, "--idle", "0")
    try:
        found = live.rows("SELECT value FROM system.server_settings WHERE name = 'max_table_size_to_drop'")
        assert found != "7\n"
    finally:
        assert live.stop() == 0


@pytest.mark.parametrize("variable", ["GENESIS_CH_SERVER_ALLOW", "GENESIS_CH_SERVER_MAX_BODY_MIB"])
def test_a_wrong_option_is_named(home: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "everything")
    failed = fail_to_start(home)
    assert failed.returncode == 1 and variable in failed.stderr and "everything" in failed.stderr
