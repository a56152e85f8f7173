"""Token usage as providers report it, costs and prices: what is stored, and that it adds up."""

from __future__ import annotations

import decimal
import enum
import fractions
import json
import os
import random
import re
import struct
import subprocess
import sys
from collections import OrderedDict, UserDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pydantic
import pytest
from clickhouse_connect.driver.client import Client

from conftest import Recorder, Script
from faults.segments import forge
from genesis_ch import _prices, ch_logger
from genesis_ch._core import read_rows
from server_fixtures import ROOT, LiveServer
from value_cases import failing

ONE = Decimal(1).scaleb(-12)
LARGEST = Decimal("999999.999999999999")
UNDOTTED = "arraySum(mapValues(mapFilter((name, tokens) -> position(name, '.') = 0 AND name != 'total', {map})))"


class OpenAIDetails(pydantic.BaseModel):
    cached_tokens: int | None = None
    audio_tokens: int | None = None


class OpenAIUsage(pydantic.BaseModel):
    """As openai.types.CompletionUsage: a model whose fields may be None."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: OpenAIDetails | None = None
    completion_tokens_details: OpenAIDetails | None = None


class MediaModality(enum.StrEnum):
    IMAGE = "IMAGE"


class ModalityTokenCount(pydantic.BaseModel):
    modality: MediaModality | None = None
    token_count: int | None = None


class GeminiUsage(pydantic.BaseModel):
    """As google.genai.types.GenerateContentResponseUsageMetadata."""

    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    candidates_tokens_details: list[ModalityTokenCount] | None = None
    thoughts_token_count: int | None = None
    total_token_count: int | None = None


@dataclass
class Case:
    """What a provider returned, and what its usage_details must be."""

    name: str
    given: Any
    stored: dict[str, int]
    prompt: int | None
    output: int | None


# As in the providers' own documentation of the response, or as their libraries return it.
CASES = [
    Case(
        "OpenAI Chat Completions",
        {
            "prompt_tokens": 19,
            "completion_tokens": 10,
            "total_tokens": 29,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
        },
        {
            "input": 19,
            "input_cache_read": 0,
            "output": 10,
            "total": 29,
            "input.audio": 0,
            "output.reasoning": 0,
            "output.audio": 0,
            "output.accepted_prediction": 0,
            "output.rejected_prediction": 0,
        },
        19,
        10,
    ),
    Case(
        "OpenAI Chat Completions, cache and reasoning",
        {
            "prompt_tokens": 1486,
            "completion_tokens": 651,
            "total_tokens": 2137,
            "prompt_tokens_details": {"cached_tokens": 1408},
            "completion_tokens_details": {"reasoning_tokens": 512},
        },
        {"input": 78, "input_cache_read": 1408, "output": 651, "total": 2137, "output.reasoning": 512},
        1486,
        651,
    ),
    Case(
        "OpenAI's object",
        OpenAIUsage(prompt_tokens=9, completion_tokens=12, total_tokens=21, prompt_tokens_details=OpenAIDetails(cached_tokens=4)),
        {"input": 5, "input_cache_read": 4, "output": 12, "total": 21},
        9,
        12,
    ),
    Case(
        "OpenAI Responses",
        {
            "input_tokens": 328,
            "input_tokens_details": {"cached_tokens": 128},
            "output_tokens": 52,
            "output_tokens_details": {"reasoning_tokens": 32},
            "total_tokens": 380,
        },
        {"input": 200, "input_cache_read": 128, "output": 52, "total": 380, "output.reasoning": 32},
        328,
        52,
    ),
    Case(
        "Anthropic",
        {
            "input_tokens": 2,
            "cache_read_input_tokens": 47105,
            "cache_creation_input_tokens": 1076,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 1076},
            "output_tokens": 714,
            "server_tool_use": {"web_search_requests": 1},
            "service_tier": "standard",
        },
        {
            "input": 2,
            "input_cache_read": 47105,
            "input_cache_creation": 1076,
            "output": 714,
            "total": 48897,
            "input_cache_creation.5m": 0,
            "input_cache_creation.1h": 1076,
            "other.server_tool_use.web_search_requests": 1,
        },
        48183,
        714,
    ),
    Case(
        "Anthropic's object",
        SimpleNamespace(input_tokens=2095, output_tokens=503, cache_read_input_tokens=None, cache_creation_input_tokens=None, service_tier="standard"),
        {"input": 2095, "output": 503, "total": 2598},
        2095,
        503,
    ),
    Case(
        "Gemini",
        {
            "promptTokenCount": 12,
            "cachedContentTokenCount": 4,
            "candidatesTokenCount": 71,
            "toolUsePromptTokenCount": 65,
            "thoughtsTokenCount": 89,
            "totalTokenCount": 237,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 2}, {"modality": "AUDIO", "tokenCount": 10}],
        },
        {
            "input": 73,
            "input_cache_read": 4,
            "output": 160,
            "total": 237,
            "input.audio": 10,
            "input.tool_use": 65,
            "output.reasoning": 89,
            "other.promptTokensDetails.TEXT": 2,
        },
        77,
        160,
    ),
    Case(
        "google-genai's object",
        GeminiUsage(
            prompt_token_count=11,
            candidates_token_count=5,
            thoughts_token_count=7,
            total_token_count=23,
            candidates_tokens_details=[ModalityTokenCount(modality=MediaModality.IMAGE, token_count=3), ModalityTokenCount()],
        ),
        {"input": 11, "output": 12, "total": 23, "output.reasoning": 7, "output.image": 3},
        11,
        12,
    ),
    Case(
        "Gemini by its OpenAI interface",
        {"completion_tokens": 102, "prompt_tokens": 758, "total_tokens": 1725},
        {"input": 758, "output": 102, "unsplit": 865, "total": 1725},
        758,
        102,
    ),
    Case(
        "LiteLLM for Anthropic",
        {
            "prompt_tokens": 48183,
            "completion_tokens": 714,
            "total_tokens": 48897,
            "prompt_tokens_details": {
                "cached_tokens": 47105,
                "cache_creation_tokens": 1076,
                "cache_creation_token_details": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 1076},
            },
            "cache_creation_input_tokens": 1076,
            "cache_read_input_tokens": 47105,
        },
        {
            "input": 2,
            "input_cache_read": 47105,
            "input_cache_creation": 1076,
            "output": 714,
            "total": 48897,
            "input_cache_creation.5m": 0,
            "input_cache_creation.1h": 1076,
        },
        48183,
        714,
    ),
    Case(
        "xAI, whose completion_tokens lack the reasoning",
        {
            "prompt_tokens": 10120,
            "completion_tokens": 1499,
            "total_tokens": 14428,
            "prompt_tokens_details": {"cached_tokens": 128},
            "completion_tokens_details": {"reasoning_tokens": 2809},
        },
        {"input": 9992, "input_cache_read": 128, "output": 4308, "total": 14428, "output.reasoning": 2809},
        10120,
        4308,
    ),
    Case(
        "LangChain's usage_metadata",
        {
            "input_tokens": 350,
            "output_tokens": 240,
            "total_tokens": 590,
            "input_token_details": {"audio": 10, "cache_creation": 200, "cache_read": 100},
            "output_token_details": {"audio": 10, "reasoning": 200},
        },
        {
            "input": 50,
            "input_cache_read": 100,
            "input_cache_creation": 200,
            "output": 240,
            "total": 590,
            "input.audio": 10,
            "output.reasoning": 200,
            "output.audio": 10,
        },
        350,
        240,
    ),
    Case(
        "Bedrock Converse",
        {"inputTokens": 30, "outputTokens": 628, "totalTokens": 1658, "cacheReadInputTokens": 1000, "cacheWriteInputTokens": 0},
        {"input": 30, "input_cache_read": 1000, "input_cache_creation": 0, "output": 628, "total": 1658},
        1030,
        628,
    ),
    Case(
        "Langfuse's usage_details",
        {"input": 2140, "input_cached_tokens": 1024, "output": 96, "output_reasoning_tokens": 310, "total": 3570},
        {"input": 2140, "input_cache_read": 1024, "output": 406, "total": 3570, "output.reasoning": 310},
        3164,
        406,
    ),
    Case("embeddings", {"prompt_tokens": 8, "total_tokens": 8}, {"input": 8, "total": 8}, 8, None),
    Case("only a total", {"total_tokens": 8}, {"unsplit": 8, "total": 8}, None, None),
    Case("names of nobody", {"prompts": 8, "x": {"total": 1}}, {"other.prompts": 8, "other.x.total": 1}, None, None),
    Case("nothing", None, {}, None, None),
]


def test_the_buckets_are_documented() -> None:
    """The list of docs/values.md is that of csrc/usage.h."""
    section = (ROOT / "docs/values.md").read_text().partition("## Tokens")[2].partition("**Names without a dot")[0]
    header = (ROOT / "csrc/usage.h").read_text()
    names = re.findall(r'X\(\w+, "([^"]+)"\)', header)
    assert re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE) == names
    assert {name for case in CASES for name in case.stored if not name.startswith("other.")} <= set(names)


class Store:
    """One database for all of these tests: each has rows of its own name, and counts from its start on."""

    def __init__(self, recorder: Recorder, name: str) -> None:
        self.recorder = recorder
        self.name = name
        self.before: dict[str, Any] = recorder.logger.stats()

    def log(self, identity: str, **columns: Any) -> None:
        """Log an observation of this test."""
        ch_logger.log_observation(self.name, id=f"{self.name} {identity}", **columns)

    def rows(self, table: str = "observations", columns: str = "*", where: str = "1") -> dict[str, dict[str, Any]]:
        """This test's rows of a table by what they were logged as, in that order."""
        key, own = ("individual_id", f"run_id = '{self.name}'") if table == "llm_logs" else ("id", f"name = '{self.name}'")
        rows = self.recorder.rows(table, columns if columns == "*" else f"{key}, {columns}", key, f"{own} AND {where}")
        return {str(row[key]).removeprefix(f"{self.name} "): row for row in rows}

    def count(self, name: str) -> int:
        """What a counter of stats() grew by."""
        return self.recorder.count(name) - int(self.before[name])


@pytest.fixture(scope="module")
def shared(server: LiveServer, reader: Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    database = "usage_tests"
    url = f"http://default:{server.token}@127.0.0.1:{server.port}/{database}"
    options: dict[str, Any] = {"url": url, "mode": "http", "home": tmp_path_factory.mktemp("usage"), "batch_interval": 0.02}
    ch_logger.configure(**options)
    yield Recorder(ch_logger, reader, database, url)
    ch_logger.close(60)
    ch_logger.configure(**dict.fromkeys(options))
    reader.command(f"DROP DATABASE IF EXISTS {database}")


@pytest.fixture
def store(shared: Recorder, request: pytest.FixtureRequest) -> Store:
    return Store(shared, request.node.name)


def flattened(usage: Any, prefix: str = "") -> dict[str, int]:
    """The numbers of a usage under dotted names: what provided_usage_details keeps."""
    if isinstance(usage, pydantic.BaseModel):
        usage = usage.model_dump()
    if isinstance(usage, SimpleNamespace):
        usage = vars(usage)
    numbers: dict[str, int] = {}
    for name, value in (usage or {}).items():
        if isinstance(value, Mapping):
            numbers |= flattened(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            counts = [(item.get("modality"), item.get("tokenCount", item.get("token_count"))) for item in value]
            numbers |= {f"{prefix}{name}.{modality.upper()}": tokens for modality, tokens in counts if modality is not None}
        elif isinstance(value, int):
            numbers[prefix + name] = value
    return numbers


def test_what_providers_report(store: Store) -> None:
    for case in CASES:
        store.log(case.name, type="GENERATION", usage=case.given)
        ch_logger.log_llm_interaction("no such model", [], "", usage=case.given, run_id=store.name, individual_id=case.name)
    rows, calls = store.rows(), store.rows("llm_logs")
    for case in CASES:
        row, call = rows[case.name], calls[case.name]
        assert row["usage_details"] == case.stored, case.name
        assert list(row["usage_details"]) == list(case.stored), case.name
        assert row["provided_usage_details"] == flattened(case.given) == call["usage"], case.name
        assert (call["input_tokens"], call["output_tokens"]) == (case.prompt, case.output), case.name
        assert (row["cost_details"], row["provided_cost_details"], row["total_cost"]) == ({}, {}, None), case.name
    assert (store.count("values_clamped"), store.count("values_replaced")) == (0, 0)


def test_the_documented_sum_is_the_total(store: Store) -> None:
    """Any numbers under any of the names that are known: names without a dot sum up to the total; buckets that are logged again are the same."""
    chance = random.Random(5)
    names = sorted({name for case in CASES for name in flattened(case.given)} | {"nobody's"})
    for number in range(400):
        store.log(f"{number:03}", usage={name: chance.randrange(50) for name in names if chance.random() < 0.3})
    first = [row["usage_details"] for row in store.rows().values()]
    assert len(first) == 400 and len({len(details) for details in first}) > 5
    for number, details in enumerate(first):
        store.log(f"again {number:03}", usage=details)
    again = store.rows(where="id LIKE '% again %'")
    assert [row["usage_details"] for row in again.values()] == first
    assert store.rows(where=f"has(mapKeys(usage_details), 'total') AND {UNDOTTED.format(map='usage_details')} != usage_details['total']") == {}


def test_what_does_not_fit_is_counted(store: Store) -> None:
    usage = {"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 12}, "completion_tokens": 5, "total_tokens": 15}
    store.log("o", usage=usage)
    row = store.rows()["o"]
    assert row["usage_details"] == {"input": 0, "input_cache_read": 12, "output": 5, "total": 17, "total.provided": 15}
    assert row["provided_usage_details"] == flattened(usage)
    assert store.count("values_clamped") == 1


def test_tokens_that_the_caller_gives(store: Store) -> None:
    """They are kept as given in llm_logs; in the buckets the provider's word comes first."""

    def log(name: str, **given: Any) -> None:
        ch_logger.log_llm_interaction("m", [], "", run_id=store.name, individual_id=name, **given)

    log("both", usage={"input_tokens": 5, "cache_read_input_tokens": 20, "output_tokens": 7}, input_tokens=1, output_tokens=2)
    log("own", input_tokens=100, output_tokens=7)
    log("half", usage={"cache_read_input_tokens": 30}, input_tokens=100)
    log("none")
    calls = {name: (row["input_tokens"], row["output_tokens"]) for name, row in store.rows("llm_logs").items()}
    assert calls == {"both": (1, 2), "own": (100, 7), "half": (100, None), "none": (None, None)}
    rows = store.recorder.read("observations", ["individual_id", "usage_details"], where=f"run_id = '{store.name}'")
    assert {row["individual_id"]: row["usage_details"] for row in rows} == {
        "both": {"input": 5, "input_cache_read": 20, "output": 7, "total": 32},
        "own": {"input": 100, "output": 7, "total": 107},
        "half": {"input": 70, "input_cache_read": 30, "total": 100},
        "none": {},
    }


# ---- costs ----


def rounded(value: Any) -> Decimal:
    """What Decimal(18, 12) keeps of a number."""
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    with decimal.localcontext(prec=1000):
        return max(min(exact.quantize(ONE, decimal.ROUND_HALF_EVEN), LARGEST), -LARGEST)


def some_costs() -> list[Any]:
    chance = random.Random(9)
    texts = [f"{chance.choice('+- ').strip()}{chance.randrange(10**chance.randrange(1, 25))}e-{chance.randrange(30)}" for _ in range(400)]
    bits = [struct.unpack("<d", struct.pack("<Q", chance.getrandbits(64)))[0] for _ in range(200)]
    real = [chance.uniform(0, 10) ** -chance.randrange(12) for _ in range(400)]
    halves = [(2 * n + 1) * 5e-13 for n in range(100)]
    edges = [0, -0.0, 1, 10**30, -(10**30), True, 1e6, 999999.9999999999, 5e-324, "1e-7", " 0.5 ", "-.5", Decimal("1e-12"), Decimal("0.0000000000015")]
    return [*texts, *(value for value in bits if value == value and abs(value) != float("inf")), *real, *halves, *edges]


def test_costs_are_rounded_as_decimals(store: Store) -> None:
    costs = some_costs()
    for number, cost in enumerate(costs):
        store.log(f"{number:05}", cost=cost)
    rows = store.rows(columns="total_cost, cost_details, provided_cost_details")
    assert len(rows) == len(costs) > 1000
    for cost, row in zip(costs, rows.values(), strict=True):
        wanted = rounded(int(cost) if isinstance(cost, bool) else cost)
        assert row["total_cost"] == wanted, cost
        assert row["cost_details"] == row["provided_cost_details"] == {"total": wanted}, cost
    beyond = [cost for cost in costs if not isinstance(cost, bool) and abs(Decimal(repr(cost)) if isinstance(cost, float) else Decimal(cost)) > LARGEST]
    assert store.count("values_clamped") == len(beyond) > 50


def test_other_forms_of_a_number(store: Store) -> None:
    forms = [fractions.Fraction(1, 4), np.float32(0.25), np.float64(0.25), np.array([0.25]), [0.25], "٠.25", SimpleNamespace(total=0.25)]
    for number, cost in enumerate(forms):
        store.log(str(number), cost=cost)
    for number, row in store.rows().items():
        assert (row["total_cost"], row["cost_details"]) == (Decimal("0.25"), {"total": Decimal("0.25")}), forms[int(number)]
    assert (len(store.rows()), store.count("values_replaced")) == (len(forms), 0)


def test_an_unknown_cost_is_never_0(store: Store) -> None:
    nothing = [None, {"input": None}, {}]
    unknown = [float("nan"), float("inf"), "nan", "cheap", "", [], [1, 2], {"input": "?"}, object(), failing("Bad", "__float__", "__repr__")]
    for number, cost in enumerate(nothing + unknown):
        store.log(str(number), cost=cost)
    rows = store.rows()
    assert len(rows) == len(nothing + unknown)
    for name, row in rows.items():
        assert (row["cost_details"], row["provided_cost_details"], row["total_cost"]) == ({}, {}, None), name
    assert store.count("values_replaced") == len(unknown)


def test_costs_that_a_usage_tells(store: Store) -> None:
    """OpenRouter and LiteLLM put a number among the tokens, Perplexity a mapping; a cost of the caller's comes first."""
    tokens = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    perplexity = {"input_tokens_cost": 0.0, "output_tokens_cost": 0.001, "request_cost": 0.005, "total_cost": 0.006}
    cases: dict[str, tuple[Any, Any, str | None]] = {
        "number": ({**tokens, "cost": 0.0123, "cost_details": {"upstream_inference_cost": 0.5}}, None, "0.0123"),
        "object": (SimpleNamespace(**tokens, cost=0.25), None, "0.25"),
        "mapping": ({**tokens, "cost": perplexity}, None, "0.006"),
        "free": ({**tokens, "cost": 0}, None, "0"),
        "given": ({**tokens, "cost": 0.0123}, 7, "7"),
        "none": ({**tokens, "cost": None}, None, None),
        "odd": ({**tokens, "cost": "cheap"}, None, None),
        "nan": ({**tokens, "cost": float("nan")}, None, None),
        "truth": ({**tokens, "cost": True}, None, None),
    }
    for name, (usage, cost, _) in cases.items():
        store.log(name, usage=usage, cost=cost)
    rows = store.rows()
    for name, (_, cost, total) in cases.items():
        row = rows[name]
        assert row["total_cost"] == row["cost_details"].get("total") == (None if total is None else Decimal(total)), name
        assert row["provided_cost_details"] == ({} if cost is None else {"total": Decimal(cost)}), name
        assert row["usage_details"] == {"input": 10, "output": 5, "total": 15}, name
    assert rows["mapping"]["cost_details"]["request_cost"] == Decimal("0.005")
    ch_logger.log_llm_interaction("m", [], "", usage={**tokens, "cost": 0.5}, run_id=store.name)
    (row,) = store.recorder.rows("observations", "total_cost", where=f"run_id = '{store.name}'")
    assert row == {"total_cost": Decimal("0.5")}


def test_costs_by_bucket(store: Store) -> None:
    cases: dict[str, tuple[Any, dict[str, str], str]] = {
        "summed": ({"input": 0.5, "output": Decimal("0.25"), "output.reasoning": 0.2}, {"total": "0.75"}, "0.75"),
        "given": ({"input": 0.5, "total": 2}, {}, "2"),
        "nested": ({"input": 0.5, "extra": {"search": 0.1}}, {"total": "0.5"}, "0.5"),
        "other names": ({"input_cost": 0.5, "output_cost": 1, "total_cost": 1.5}, {"input": "0.5", "output": "1", "total": "1.5"}, "1.5"),
        "clamped": ({"input": 900_000, "output": 900_000}, {"total": str(LARGEST)}, str(LARGEST)),
    }
    for name, (cost, _, _) in cases.items():
        store.log(name, cost=cost)
    rows = store.rows()
    for name, (_, more, total) in cases.items():
        row = rows[name]
        kept = {} if name == "other names" else row["provided_cost_details"]
        assert row["cost_details"] == {**kept, **{key: Decimal(cost) for key, cost in more.items()}}, name
        assert row["total_cost"] == Decimal(total), name
    assert rows["nested"]["provided_cost_details"] == {"input": Decimal("0.5"), "extra.search": Decimal("0.1")}
    assert store.count("values_clamped") == 1


# ---- maps and columns that may be NULL ----


def test_metadata_as_a_map(store: Store) -> None:
    other = failing("Other", "__repr__", "__str__")
    cases: list[tuple[Any, dict[str, str]]] = [
        (None, {}),
        ({}, {}),
        ({"a": "x", "b": 1, "c": None, "d": [1, {"e": "é"}], "f": True}, {"a": "x", "b": "1", "c": "", "d": '[1,{"e":"é"}]', "f": "True"}),
        ({1: "int", "1": "text", None: "null", (1, 2): "tuple"}, {"1": "text", "null": "null", "(1, 2)": "tuple"}),
        (dict([("\ud800", 1), ("\udfff", 2), ("日本", "語")]), {"\ufffd": "2", "日本": "語"}),
        (OrderedDict(z=1, a=2), {"z": "1", "a": "2"}),
        (UserDict(a=1), {"a": "1"}),
        (OpenAIDetails(cached_tokens=4), {"cached_tokens": "4", "audio_tokens": ""}),
        (SimpleNamespace(a={"b": 1}), {"a": '{"b":1}'}),
        ("text", {"value": "text"}),
        (5, {"value": "5"}),
        ([1, 2], {"value": "[1,2]"}),
        (other, {"value": "<Other object whose repr failed>"}),
        ({other: 1}, {"<Other object whose repr failed>": "1"}),
    ]
    for number, (given, _) in enumerate(cases):
        store.log(f"{number:02}", metadata=given)
    assert [row["metadata"] for row in store.rows(columns="metadata").values()] == [stored for _, stored in cases]


def test_a_map_that_changes_while_it_is_read(store: Store) -> None:
    """A value whose repr empties its own mapping: what was there at the start is stored."""
    given: dict[Any, Any] = {}
    emptying = failing("Emptying")
    type(emptying).__repr__ = lambda self: given.clear() or "gone"  # type: ignore[func-returns-value, method-assign]
    given.update({"a": 1, "b": emptying, "c": 3})
    store.log("o", metadata=given)
    given.update({1: emptying, "c": 3})
    store.log("slow", metadata=given)
    rows = store.rows()
    assert rows["o"]["metadata"] == {"a": "1", "b": "gone", "c": "3"}
    assert rows["slow"]["metadata"] == {"1": "gone", "c": "3"}
    assert given == {}


def test_columns_that_may_be_null(store: Store) -> None:
    store.log("none")
    store.log("some", status_message={"a": 1}, prompt_version=65535, end_time="2024-05-06T07:08:09.250Z", input="")
    store.log("wild", status_message=5, prompt_version=2**40, end_time="no time", input=b"\xff")
    store.log("below", prompt_version=-1)
    store.log("above", prompt_version="65536.5")
    store.log("edge", prompt_version=2**31 - 1)
    rows = store.rows(columns="status_message, prompt_version, toString(end_time) AS ended, input")
    assert {name: tuple(row.values())[1:] for name, row in rows.items()} == {
        "none": (None, None, None, None),
        "some": ('{"a":1}', 65535, "2024-05-06 07:08:09.250", ""),
        "wild": ("5", 65535, None, "\ufffd"),
        "below": (None, 0, None, None),
        "above": (None, 65535, None, None),
        "edge": (None, 65535, None, None),
    }
    assert (store.count("values_clamped"), store.count("values_replaced")) == (4, 2)


# ---- prices ----

PRICES: dict[str, Any] = {
    "sample_spec": {"litellm_provider": "one of https://docs.litellm.ai/docs/providers", "mode": "one of: chat, embedding"},
    "gpt-4o": {"litellm_provider": "openai", "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05, "cache_read_input_token_cost": 1.25e-06},
    "azure/gpt-4o": {"litellm_provider": "azure", "input_cost_per_token": 3e-06, "output_cost_per_token": 1.2e-05},
    "claude-sonnet-4-5": {
        "litellm_provider": "anthropic",
        "input_cost_per_token": 3e-06,
        "output_cost_per_token": 1.5e-05,
        "cache_read_input_token_cost": 3e-07,
        "cache_creation_input_token_cost": 3.75e-06,
        "cache_creation_input_token_cost_above_1hr": 6e-06,
    },
    "gemini/gemini-2.5-pro": {
        "litellm_provider": "gemini",
        "input_cost_per_token": 1.25e-06,
        "input_cost_per_token_above_200k_tokens": 2.5e-06,
        "input_cost_per_token_above_200k_tokens_priority": 9,
        "output_cost_per_token": 1e-05,
        "output_cost_per_token_above_200k_tokens": 1.5e-05,
        "cache_read_input_token_cost": 1.25e-07,
        "cache_read_input_token_cost_above_200k_tokens": 2.5e-07,
    },
    "gemini-2.5-pro": {"litellm_provider": "vertex_ai-language-models", "input_cost_per_token": 7e-06, "output_cost_per_token": 8e-06},
    "gpt-4o-audio": {
        "litellm_provider": "openai",
        "input_cost_per_token": 2e-06,
        "output_cost_per_token": "1e-05",
        "input_cost_per_audio_token": 1e-04,
        "output_cost_per_audio_token": 2e-04,
    },
    "perplexity/deep": {
        "litellm_provider": "perplexity",
        "input_cost_per_token": 2e-06,
        "output_cost_per_token": 8e-06,
        "output_cost_per_reasoning_token": 3e-06,
    },
    "dashscope/qwen": {
        "litellm_provider": "dashscope",
        "tiered_pricing": [
            {"range": [0, 1000], "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06},
            {"range": [1000, 5000], "input_cost_per_token": 3e-06, "output_cost_per_token": 4e-06},
        ],
    },
    "fireworks_ai/kimi": {"litellm_provider": "fireworks_ai", "input_cost_per_token": 2e-06, "output_cost_per_token": 4e-06},
    "groq/twin": {"litellm_provider": "groq", "input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06},
    "together_ai/x/Twin": {"litellm_provider": "together_ai", "input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06},
    "groq/rivals": {"litellm_provider": "groq", "input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06},
    "together_ai/rivals": {"litellm_provider": "together_ai", "input_cost_per_token": 2e-06, "output_cost_per_token": 1e-06},
    "embed": {"litellm_provider": "openai", "input_cost_per_token": 1e-07, "output_cost_per_token": 0.0},
    "ft:gpt-4o": {"litellm_provider": "openai", "input_cost_per_token": 5e-06, "output_cost_per_token": 2e-05},
    "by the second": {"litellm_provider": "openai", "input_cost_per_second": 1e-04},
    "by night": {
        "litellm_provider": "deepseek",
        "input_cost_per_token": 1e-06,
        "output_cost_per_token": 1e-06,
        "off_peak_pricing": {"hours_utc": "16:30-00:30", "input_cost_per_token": 5e-07},
    },
}
IN_1000_OUT_100 = {"input": 1000, "output": 100, "total": 1100}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package that has LiteLLM's name and price file, and that must not be imported."""
    folder = tmp_path / "packages/litellm"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemExit('imported')\n")
    (folder / _prices.FILE).write_text(json.dumps(PRICES))
    monkeypatch.syspath_prepend(str(folder.parent))
    monkeypatch.delitem(sys.modules, "litellm", raising=False)
    monkeypatch.setattr(_prices, "_table", None)
    monkeypatch.setattr(_prices, "_looked", False)
    yield folder
    assert "litellm" not in sys.modules


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(
    ("model", "provider", "price"),
    [
        ("gpt-4o", None, 0.0035),
        ("gpt-4o", "openai", 0.0035),
        ("gpt-4o", "OpenAI", 0.0035),
        ("openai/gpt-4o", None, 0.0035),
        ("gpt-4o", "azure", 0.0042),
        ("gpt-4o", "azure_openai", 0.0042),
        ("azure/gpt-4o", None, 0.0042),
        ("azure/gpt-4o", "azure", 0.0042),
        ("gpt-4o", "a proxy of ours", 0.0035),
        ("gpt-4o-2024-08-06", None, 0.0035),
        ("GPT-4o", None, 0.0035),
        ("gpt-4o", "anthropic", None),
        ("anthropic/gpt-4o", None, None),
        ("gemini-2.5-pro", "google", 0.00225),
        ("gemini-2.5-pro", "vertex", 0.0078),
        ("ft:gpt-4o:us::abc", None, 0.007),
        ("twin", None, 0.0011),
        ("rivals", None, None),
        ("rivals", "together_ai", 0.0021),
        ("gpt-4", None, None),
        ("4o", None, None),
        ("", None, None),
        ("by the second", None, None),
        ("by night", None, None),
        ("sample_spec", None, None),
    ],
)
def test_which_price_a_model_has(model: str, provider: str | None, price: float | None) -> None:
    found = _prices.cost(model, provider, IN_1000_OUT_100)
    total = sum(found.values()) if found else None
    assert total == (None if price is None else pytest.approx(price))


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(
    ("model", "buckets", "costs"),
    [
        ("gpt-4o", {"input": 86, "input_cache_read": 1920, "output": 300}, {"input": 86 * 2.5e-6, "input_cache_read": 1920 * 1.25e-6, "output": 0.003}),
        ("gpt-4o", {"input": 0, "output": 0}, {"input": 0, "output": 0}),
        (
            "claude-sonnet-4-5",
            {"input": 50, "input_cache_read": 1000, "input_cache_creation": 348, "input_cache_creation.5m": 148, "input_cache_creation.1h": 100, "output": 5},
            {
                "input": 50 * 3e-6,
                "input_cache_read": 1000 * 3e-7,
                "input_cache_creation": 248 * 3.75e-6 + 100 * 6e-6,
                "input_cache_creation.5m": 148 * 3.75e-6,
                "input_cache_creation.1h": 100 * 6e-6,
                "output": 5 * 1.5e-5,
            },
        ),
        ("gemini/gemini-2.5-pro", {"input": 200_000, "output": 1}, {"input": 200_000 * 1.25e-6, "output": 1e-5}),
        (
            "gemini/gemini-2.5-pro",
            {"input": 100_000, "input_cache_read": 100_001, "output": 1},
            {"input": 0.25, "input_cache_read": 100_001 * 2.5e-7, "output": 1.5e-5},
        ),
        (
            "gpt-4o-audio",
            {"input": 10, "output": 20, "input.audio": 4, "output.audio": 5, "output.reasoning": 2},
            {"input": 6 * 2e-6 + 4e-4, "input.audio": 4e-4, "output": 15e-5 + 1e-3, "output.audio": 1e-3, "output.reasoning": 2e-5},
        ),
        ("perplexity/deep", {"input": 1, "output": 10, "output.reasoning": 4}, {"input": 2e-6, "output": 6 * 8e-6 + 12e-6, "output.reasoning": 12e-6}),
        ("dashscope/qwen", {"input": 1000, "output": 1}, {"input": 0.001, "output": 2e-6}),
        ("dashscope/qwen", {"input": 1001, "output": 1}, {"input": 1001 * 3e-6, "output": 4e-6}),
        ("dashscope/qwen", {"input": 9000, "output": 1}, {"input": 0.027, "output": 4e-6}),
        ("fireworks_ai/kimi", {"input": 10, "input_cache_read": 10, "output": 1}, {"input": 2e-5, "input_cache_read": 1e-5, "output": 4e-6}),
        ("groq/twin", {"input": 10, "input_cache_read": 10, "output": 1}, {"input": 1e-5, "input_cache_read": 1e-5, "output": 1e-6}),
        ("embed", {"input": 10}, {"input": 1e-6}),
        ("gpt-4o", {"input": 10}, None),
        ("gpt-4o", {"output": 10}, None),
        ("gpt-4o", {"input": 10, "output": 1, "unsplit": 5}, None),
        ("gpt-4o", {}, None),
    ],
)
def test_what_tokens_cost(model: str, buckets: dict[str, int], costs: dict[str, float] | None) -> None:
    assert _prices.cost(model, None, buckets) == (None if costs is None else pytest.approx(costs))


def test_a_litellm_that_is_there_is_asked(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the experiment has imported it: with what it adds and changes, and instead of the file."""
    assert _prices.cost("gpt-4o", None, IN_1000_OUT_100) == {"input": 0.0025, "output": 0.001}
    live = {"mine": {"input_cost_per_token": 1.0, "output_cost_per_token": 0.0}}
    with monkeypatch.context() as inner:
        inner.setitem(sys.modules, "litellm", SimpleNamespace(model_cost=live))
        assert _prices.cost("mine", None, IN_1000_OUT_100) == {"input": 1000.0, "output": 0.0}
        assert _prices.cost("gpt-4o", None, IN_1000_OUT_100) is None
        live["gpt-4o"] = PRICES["gpt-4o"]
        assert _prices.cost("gpt-4o", None, IN_1000_OUT_100) == {"input": 0.0025, "output": 0.001}
        live["mine"] = {"input_cost_per_token": 2.0, "output_cost_per_token": 0.0}
        assert _prices.cost("mine", None, IN_1000_OUT_100) == {"input": 2000.0, "output": 0.0}


@pytest.mark.parametrize("content", ["", "[]", "{}", "{", None])
def test_a_price_file_that_is_none(package: Path, content: str | None) -> None:
    (package / _prices.FILE).unlink()
    if content is not None:
        (package / _prices.FILE).write_text(content)
    assert _prices.cost("gpt-4o", None, IN_1000_OUT_100) is False


def test_odd_entries_are_no_prices(package: Path) -> None:
    odd = {"a": 5, "b": {"input_cost_per_token": "x", "output_cost_per_token": True}, "c": {"input_cost_per_token": 1, "tiered_pricing": [None, {}]}}
    (package / _prices.FILE).write_text(json.dumps(odd))
    assert [_prices.cost(model, None, IN_1000_OUT_100) for model in "abc"] == [None, None, None]


PRICED = """
import sys
from genesis_ch import ch_logger
usage = {"prompt_tokens": 2006, "completion_tokens": 300, "total_tokens": 2306, "prompt_tokens_details": {"cached_tokens": 1920}}
run = sys.argv[1]
ch_logger.log_llm_interaction("gpt-4o", [], "", cost=None, usage=usage, provider="openai", run_id=run, individual_id="call")
ch_logger.log_llm_interaction("gpt-4o", [], "", cost=0.5, usage=usage, provider="openai", run_id=run, individual_id="paid call")
ch_logger.log_observation("o", "GENERATION", model="gpt-4o", usage=usage, run_id=run, individual_id="observation")
ch_logger.log_observation("o", "GENERATION", model="gpt-4o", usage=usage, cost=7, run_id=run, individual_id="given")
ch_logger.log_observation("o", "GENERATION", model="gpt-9", usage=usage, run_id=run, individual_id="unknown")
ch_logger.log_observation("o", "GENERATION", model="gpt-4o", run_id=run, individual_id="no usage")
assert ch_logger.flush(60)
assert "litellm" not in sys.modules
"""


def run_priced(store: Store, script: Script, package: Path, **environment: str) -> dict[str, dict[str, Any]]:
    path = os.pathsep.join([str(package.parent), str(ROOT)])
    script.run(PRICED, store.name, CLICKHOUSE_URL=store.recorder.url, PYTHONPATH=path, **environment)
    rows = store.recorder.rows("observations", where=f"run_id = '{store.name}'")
    return {row["individual_id"]: row for row in rows}


def test_unknown_costs_come_from_the_prices(store: Store, script: Script, package: Path) -> None:
    costs = {"input": Decimal("0.000215"), "input_cache_read": Decimal("0.0024"), "output": Decimal("0.003"), "total": Decimal("0.005615")}
    rows = run_priced(store, script, package)
    for name in ("call", "observation"):
        assert (rows[name]["cost_details"], rows[name]["total_cost"]) == (costs, costs["total"]), name
        assert rows[name]["provided_cost_details"] == {}, name
    for name, cost in (("given", Decimal(7)), ("paid call", Decimal("0.5"))):
        assert rows[name]["cost_details"] == rows[name]["provided_cost_details"] == {"total": cost}, name
        assert rows[name]["total_cost"] == cost, name
    for name in ("unknown", "no usage"):
        assert (rows[name]["cost_details"], rows[name]["total_cost"]) == ({}, None), name


def test_prices_can_be_turned_off(store: Store, script: Script, package: Path) -> None:
    rows = run_priced(store, script, package, GENESIS_CH_PRICES="off")
    assert {name for name, row in rows.items() if row["total_cost"] is not None} == {"given", "paid call"}


def test_nothing_is_imported_for_a_cost_that_is_given() -> None:
    code = "import sys; from genesis_ch import ch_logger; assert 'genesis_ch._prices' not in sys.modules and 'litellm' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ---- the outbox ----


def test_decimals_of_an_outbox_are_shown(tmp_path: Path) -> None:
    """As text with all their digits; wider ones than ours are not read."""

    def text(value: str) -> bytes:
        return bytes([len(value)]) + value.encode()

    kinds = ["Nullable(Decimal(18, 12))", "Map(LowCardinality(String), Decimal(18, 12))", "Decimal(9, 2)", "UInt16"]
    schema = text("t") + bytes([len(kinds)]) + b"".join(map(text, "abcd")) + b"".join(map(text, kinds))
    row = b"\0" + struct.pack("<q", -12_500_000) + b"\1" + text("total") + struct.pack("<q", 10**18 - 1) + struct.pack("<i", -1250) + b"\xff\xff"
    wide = text("w") + b"\1" + text("x") + text("Decimal(38, 12)")
    file = tmp_path / "made.seg"
    file.write_bytes(forge([(2, 0, schema), (1, 0, row), (2, 1, wide), (1, 1, b"\0" * 16)]))
    shown = {"a": "-0.0000125", "b": {"total": "999999.999999999999"}, "c": "-12.5", "d": 65535}
    assert read_rows(file, 9) == [("t", shown, True), ("w", {}, False)]
