"""ch_logger.client, where the embedded server comes and goes."""

from __future__ import annotations

from pathlib import Path

from faults.harness import home, run

__all__ = ["home"]


def test_a_server_that_ended_is_started_again_for_a_reader(home: Path, tmp_path: Path) -> None:
    text = """
    import signal
    from pathlib import Path
    ch_logger.log_evolution_run("r", "t", {}, 1, "local", "results/x.db")
    assert ch_logger.flush(60)
    first = ch_logger.client
    assert ch_logger.client is first
    place = Path(os.environ["GENESIS_CH_HOME"]) / "endpoint.json"
    for number in (signal.SIGKILL, signal.SIGTERM):
        os.kill(json.loads(place.read_text())["pid"], number)
        time.sleep(1.5)
        say(id=ch_logger.get_run_id_by_path("results/x.db"), rows=ch_logger.client.query("SELECT 1").result_rows, lines=lines)
    """
    said = run("import json\n" + text.replace("\n    ", "\n"), tmp_path, GENESIS_CH_HOME=str(home)).quiet().said
    assert said == [{"id": "r", "rows": [[1]], "lines": []}] * 2
