"""`genesis-ch serve`: a DSN that others can use, and a sentence when it cannot serve."""

from __future__ import annotations

import signal

from cli_fixtures import World
from cli_fixtures import world as world


def test_dsn_is_all_of_standard_output_and_ctrl_c_ends_it(world: World) -> None:
    process, address = world.serve()
    assert address.startswith("http://default:") and address.endswith("/default")
    done = world.cli("doctor", CLICKHOUSE_URL=address)
    assert done.returncode == 0, done.stdout
    world.produce("r", 10, CLICKHOUSE_URL=address)
    assert world.cli("sync", CLICKHOUSE_URL=address).stdout.startswith("✅ ")
    assert world.query("SELECT count() FROM individuals", address) == [(10,)]
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "")
    assert f"export CLICKHOUSE_URL='{address}'" in err and "Traceback" not in err


def test_one_server_a_directory(world: World) -> None:
    process, address = world.serve("--password", "it's p/w")
    assert "it%27s%20p%2Fw" in address
    done = world.cli("serve")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"❌ {world.home} is already served by process {process.pid} at http://127.0.0.1:")
    assert address in lines[1]
    assert lines[2].endswith(f"kill {process.pid}")


def test_without_the_engine(world: World) -> None:
    done = world.cli("serve", **world.without("chdb", "waitress"))
    assert done.returncode == 1
    assert done.stdout.splitlines()[1] == "   • run: python -m pip install 'genesis_ch[embedded]'"
    assert "Traceback" not in done.stderr


def test_a_taken_port(world: World) -> None:
    _, address = world.serve("--path", "first")
    port = address.rsplit(":", 1)[1].partition("/")[0]
    done = world.cli("serve", "--path", "second", "--port", port)
    assert done.returncode == 1
    assert done.stdout.startswith(f"❌ Cannot serve {world.path / 'second'}: ")
    assert "choose another --port" in done.stdout
