"""Rows with ids: what many calls for one id come to, as the engine stores it and as a model in plain Python says."""

from __future__ import annotations

import http.client
import random
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from conftest import Recorder
from faults.proxy import Proxy, Request, nothing
from genesis_ch import ch_logger
from server_fixtures import LiveServer

DAY = 86400.0
NOON = 1_790_000_000.0 // DAY * DAY + DAY / 2
TEXTS = ("name", "user_id", "session_id", "input", "output", "release", "version")


@pytest.fixture
def proxy(server: LiveServer, recorder: Recorder) -> Iterator[Proxy]:
    """Notes each batch on its way, to be sent again."""
    with Proxy(server.port, nothing) as between:
        ch_logger.configure(url=recorder.url.replace(f":{server.port}/", f":{between.port}/"))
        yield between
        ch_logger.close(60)


def next_batches(proxy: Proxy) -> list[Request]:
    """Deliver what was logged; the batches that carried it."""
    before = len(proxy.inserts)
    assert ch_logger.flush(60)
    return proxy.inserts[before:]


def send_again(server: LiveServer, batches: list[Request]) -> None:
    for batch in batches:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.request("POST", batch.target, batch.body, {**batch.headers, "Host": f"127.0.0.1:{server.port}"})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"")
        connection.close()


def one(recorder: Recorder, table: str, id: str) -> dict[str, Any]:
    (row,) = recorder.rows(table, where=f"id = '{id}'")
    return row


def versions(recorder: Recorder, table: str) -> int:
    """Days under which ids are stored, whatever a reader with FINAL sees."""
    column = "timestamp" if table != "observations" else "start_time"
    query = f"SELECT uniqExact(id, toDate({column})) FROM {recorder.database}.{table} SETTINGS final = 0"
    return int(recorder.reader.query(query).result_rows[0][0])


def test_an_id_is_new_or_as_given(recorder: Recorder) -> None:
    made = [ch_logger.log_trace("a"), ch_logger.log_observation("b"), ch_logger.log_score("c", 1), ch_logger.log_event("T", "e")]
    assert all(uuid.UUID(id).version == 7 for id in made) and len(set(made)) == 4
    assert ch_logger.log_trace("a", id="mine") == "mine"
    assert ch_logger.log_trace("a", id="ü" * 200) == "ü" * 200
    assert uuid.UUID(ch_logger.log_trace("a", id="")).version == 7
    assert {row["id"] for row in recorder.rows("traces")} >= {made[0], "mine", "ü" * 200}


def test_what_is_given_counts_and_the_rest_stays(recorder: Recorder) -> None:
    id = ch_logger.log_trace("first", input={"a": 1}, user_id="me", metadata={"k": 1, "old": "x"}, tags=["b", "a"], public=True)
    recorder.rows("traces")
    ch_logger.log_trace(id=id, output="done", metadata={"k": 2, "new": [1]}, tags=["c", "a"])
    ch_logger.log_trace(id=id, name="second")
    row = one(recorder, "traces", id)
    assert (row["name"], row["input"], row["output"], row["user_id"], row["public"]) == ("second", '{"a":1}', "done", "me", True)
    assert row["metadata"] == {"k": "2", "old": "x", "new": "[1]"}
    assert row["tags"] == ["b", "a", "c"]
    assert row["created_at"] < row["updated_at"] <= row["event_ts"]


def test_calls_in_one_batch_and_in_one_millisecond(recorder: Recorder) -> None:
    for i in range(500):
        ch_logger.log_trace(f"name {i}", id="same", metadata={f"k{i}": i})
    row = one(recorder, "traces", "same")
    assert row["name"] == "name 499" and row["metadata"] == {f"k{i}": str(i) for i in range(500)}


def test_an_update_days_later_keeps_the_first_time(recorder: Recorder) -> None:
    """The day is in the key: with another one two rows would survive."""
    ch_logger.log_trace("t", id="t", timestamp=NOON)
    ch_logger.log_observation("o", "tool", id="o", start_time=NOON)
    ch_logger.log_score("s", 1.0, id="s", timestamp=NOON)
    recorder.rows("traces")
    ch_logger.log_trace(id="t", output="late")
    ch_logger.log_observation(id="o", output="late", type="agent")
    ch_logger.log_score(id="s", comment="late", name="other")
    recorder.rows("traces")
    for table, time in (("traces", "timestamp"), ("observations", "start_time"), ("scores", "timestamp")):
        (found,) = recorder.read(table, [f"toUnixTimestamp({time}) AS at"])
        assert found["at"] == NOON and versions(recorder, table) == 1
    assert one(recorder, "observations", "o")["type"] == "TOOL"
    score = one(recorder, "scores", "s")
    assert (score["name"], score["value"], score["comment"]) == ("s", 1.0, "late")


def test_a_call_that_comes_late_fills_only_what_is_empty(recorder: Recorder, server: LiveServer, proxy: Proxy) -> None:
    """Two processes log one id, and the later call arrives first: as the same batches in the other order."""
    ch_logger.log_trace("by the parent", id="x", input="in", user_id="parent", metadata={"a": 1, "b": 1}, tags=["p"])
    early = next_batches(proxy)
    ch_logger.log_trace(id="x", output="out", user_id="child", metadata={"b": 2}, tags=["c"])
    late = next_batches(proxy)
    recorder.reader.command(f"TRUNCATE TABLE {recorder.database}.traces")
    for batches in (late, early, late, early):
        send_again(server, batches)
    (row,) = recorder.read("traces")
    assert (row["name"], row["input"], row["output"], row["user_id"]) == ("by the parent", "in", "out", "child")
    assert row["metadata"] == {"a": "1", "b": "2"} and set(row["tags"]) == {"p", "c"}


def test_a_tombstone_and_what_comes_after(recorder: Recorder) -> None:
    ch_logger.log_observation("secret", id="o", input="in", start_time=NOON)
    recorder.rows("observations")
    assert ch_logger.delete_observation("o") == "o"
    assert recorder.rows("observations") == []
    assert recorder.reader.query(f"SELECT count() FROM {recorder.database}.observations FINAL").result_rows == [(0,)]
    ch_logger.log_observation("again", id="o")
    row = one(recorder, "observations", "o")
    assert (row["name"], row["input"]) == ("again", None)
    assert versions(recorder, "observations") == 1
    ch_logger.log_score("a", 1, id="s")
    ch_logger.delete_score("s")
    ch_logger.log_score("a", id="s", comment="anew")
    row = one(recorder, "scores", "s")
    assert row["comment"] == "anew" and row["value"] != 1.0
    for delete in (ch_logger.delete_trace, ch_logger.delete_dataset_run_item, ch_logger.delete_blob):
        assert delete("never there") == "never there"
    assert recorder.rows("traces") == recorder.read("dataset_run_items_rmt") == recorder.read("blob_storage_file_log") == []


def test_delete_without_an_id_deletes_nothing(recorder: Recorder) -> None:
    ch_logger.log_trace("a")
    assert ch_logger.delete_trace(None) is None  # type: ignore[func-returns-value,arg-type]
    assert len(recorder.rows("traces")) == 1 and recorder.count("arguments_ignored") == 1


def test_the_event_log_keeps_every_event_once(recorder: Recorder, server: LiveServer, proxy: Proxy) -> None:
    ids = [ch_logger.log_event("TRACE", f"e{i}", "v", "bucket", f"path/{i}") for i in range(5)]
    batches = next_batches(proxy)
    assert len(batches) == 1
    send_again(server, batches * 3)
    ch_logger.log_event("TRACE", "e0", id=ids[0])
    assert ch_logger.flush(60)
    stored = recorder.reader.query(f"SELECT id FROM {recorder.database}.event_log ORDER BY bucket_path").result_rows
    assert [id for (id,) in stored] == ids


def test_projects_do_not_share_ids(recorder: Recorder) -> None:
    for project in ("a", "b"):
        ch_logger.log_trace(project, id="x", project_id=project)
    recorder.rows("traces")
    ch_logger.log_trace(id="x", project_id="b", output="of b")
    found = {row["project_id"]: (row["name"], row["output"]) for row in recorder.rows("traces")}
    assert found == {"a": ("a", None), "b": ("b", "of b")}


@pytest.mark.parametrize("seed", range(3))
def test_many_calls_twice_and_in_any_order(recorder: Recorder, server: LiveServer, proxy: Proxy, seed: int) -> None:
    """Batches are sent again at random, old ones after newer ones: the model in Python has each call once."""
    chance = random.Random(seed)
    model: dict[str, dict[str, Any]] = {}
    met: set[str] = set()
    sent: list[Request] = []
    for _ in range(12):
        for _ in range(chance.randrange(1, 30)):
            met.add(call(chance, model))
        sent += next_batches(proxy)
        send_again(server, chance.sample(sent, 2 if len(sent) > 1 else 1))
    send_again(server, chance.sample(sent, len(sent)))
    columns = [*TEXTS, "metadata", "tags"]
    found = {row["id"]: {name: row[name] for name in columns} for row in recorder.read("traces")}
    assert found == model
    assert versions(recorder, "traces") == len(met)


def call(chance: random.Random, model: dict[str, dict[str, Any]]) -> str:
    """One random call for one of a few ids, made and modelled; the id."""
    id = f"id{chance.randrange(6)}"
    if chance.random() < 0.1 and id in model:
        ch_logger.delete_trace(id)
        del model[id]
        return id
    given: dict[str, Any] = {name: f"{name}{chance.random()}" for name in TEXTS if chance.random() < 0.3}
    if chance.random() < 0.4:
        given["metadata"] = {f"k{chance.randrange(4)}": str(chance.random())}
    if chance.random() < 0.4:
        given["tags"] = [f"t{chance.randrange(4)}"]
    ch_logger.log_trace(id=id, timestamp=NOON + chance.randrange(-5, 5) * DAY, **given)
    values = model.setdefault(id, {**dict.fromkeys(TEXTS), "name": "", "metadata": {}, "tags": []})
    values.update({name: value for name, value in given.items() if name in TEXTS})
    values["metadata"] = {**values["metadata"], **given.get("metadata", {})}
    values["tags"] = list(dict.fromkeys([*values["tags"], *given.get("tags", [])]))
    return id


def test_a_row_larger_than_a_query_may_be(recorder: Recorder) -> None:
    id = ch_logger.log_observation("large", output="x" * (70 << 20))
    assert ch_logger.flush(60).pending == 0 and recorder.count("rows_parked") == 0
    assert recorder.read("observations", columns="id, length(output) AS size") == [{"id": id, "size": 70 << 20}]


def test_any_text_is_an_id(recorder: Recorder) -> None:
    ids = ["it's \\ `a` \"b\"", "with\0nul", "\u00e9\U0001f600", "long " * 20_000, "%22&;--"]
    for id in ids:
        assert ch_logger.log_trace("t", id=id, project_id=id, metadata={id: 1}) == id
    recorder.rows("traces")
    for id in ids:
        assert ch_logger.log_trace(id=id, project_id=id, output="o") == id
    found = {row["id"]: (row["project_id"], row["name"], row["output"], row["metadata"]) for row in recorder.rows("traces")}
    assert found == {id: (id, "t", "o", {id: "1"}) for id in ids}
    for id in ids:
        ch_logger.delete_trace(id, project_id=id)
    assert recorder.rows("traces", where="is_deleted = 0") == []
