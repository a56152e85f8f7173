"""`genesis-ch retention`: what it says, and what it refuses."""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.client import Client

from cli_fixtures import World
from cli_fixtures import shared_world as shared_world
from genesis_ch import retention
from genesis_ch.cli import trouble


def test_the_commands(shared_world: World) -> None:
    done = shared_world.cli("retention", "set", "llm_logs", "30d")
    assert (done.returncode, done.stderr) == (0, "")
    assert "✅ llm_logs keeps its rows for 30 days (timestamp, UTC); 0 rows were older and are gone" in done.stdout
    shown = shared_world.cli("retention", "show")
    assert shown.returncode == 0
    lines = {line.split("│")[1].strip(): line for line in shown.stdout.splitlines() if line.startswith("│")}
    assert lines.keys() == retention.TABLES.keys()
    assert "30 days" in lines["llm_logs"] and "for ever" in lines["traces"]
    refused = shared_world.cli("retention", "set", "individuals", "30d")
    assert refused.returncode == 1 and "can be reproduced" in refused.stdout and "--force" in refused.stdout
    assert shared_world.cli("retention", "set", "individuals", "30d", "--force").returncode == 0
    assert "for ever\n" in shared_world.cli("retention", "clear", "individuals").stdout


def test_what_the_server_refuses_is_told_with_a_cure(reader: Client, capsys: pytest.CaptureFixture[str]) -> None:
    """Missing rights are named; of anything else it is said that the command may be repeated."""
    for statement, cure in (
        ("ALTER TABLE nothing MODIFY TTL nonsense", "the same command does the rest"),
        ("CREATE TABLE nothing (x UInt8) ENGINE = Memory", "the account is read-only"),
    ):
        with pytest.raises(SystemExit) as left, trouble.told("do it"):
            reader.command(statement, settings={"readonly": 2} if "CREATE" in statement else {})
        shown = capsys.readouterr().out
        assert left.value.code == 1 and shown.startswith("❌ Could not do it: ") and cure in shown, shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("set", "llm_log", "30d"), "no table 'llm_log'; did you mean llm_logs"),
        (("set", "Traces", "30d"), "no table 'Traces'; did you mean traces"),
        (("clear", "xyz"), "no table 'xyz'; there are: agent_actions, "),
        (("set", "llm_logs", "30h"), "no duration: '30h'; write a whole number and d, w, m (months) or y"),
    ],
)
def test_bad_input_is_named_with_the_nearest_right_one(shared_world: World, words: tuple[str, ...], said: str) -> None:
    done = shared_world.cli("retention", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
