"""What the tokens of a call cost, by the price data of LiteLLM if it is installed. Called by the C core for a call that came without a cost.

LiteLLM is never imported: that takes seconds. If the experiment has imported it, its live table is used, with what register_model() added; else the file
that its package carries, read once, at the first call that needs it. Where either falls short the cost is unknown, never 0.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

PACKAGE = "litellm"
FILE = "model_prices_and_context_window_backup.json"
CACHE_MAX = 1024

Entry = Mapping[str, Any]

# What people call a provider, by LiteLLM's name of it.
ALIASES = {
    "google": "gemini",
    "google_genai": "gemini",
    "google-genai": "gemini",
    "googleai": "gemini",
    "vertex": "vertex_ai",
    "vertexai": "vertex_ai",
    "azure_openai": "azure",
    "azure-openai": "azure",
    "azureopenai": "azure",
    "aws": "bedrock",
    "bedrock_converse": "bedrock",
    "grok": "xai",
    "together": "together_ai",
    "fireworks": "fireworks_ai",
}

_DATE = re.compile(r"-\d{4}-\d{2}-\d{2}$")
_ABOVE = "input_cost_per_token_above_"
_TIER = re.compile(_ABOVE + r"(\d+)(k?)_tokens$")
_TOKEN_PRICES = ("input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost", "cache_creation_input_token_cost")


class _Table:
    """A price table with what was found in it. The entries are LiteLLM's own and may change; only names are remembered."""

    def __init__(self, entries: Mapping[str, Any]) -> None:
        self.entries = entries
        self.size = len(entries)
        self.found: dict[tuple[str, str], str | None] = {}
        self.providers: set[str] = set()
        self.by_last_part: dict[str, list[str]] = {}
        for name, entry in list(entries.items()):
            if isinstance(name, str) and isinstance(entry, dict):
                self.providers.add(_family(entry.get("litellm_provider")))
                self.by_last_part.setdefault(name.rpartition("/")[2].lower(), []).append(name)
        self.providers.discard("")

    def find(self, model: str, provider: str) -> Entry | None:
        """The entry of a model."""
        key = (model, provider)
        if key not in self.found:
            if len(self.found) >= CACHE_MAX:
                self.found.clear()
            self.found[key] = self._search(model, provider)
        name = self.found[key]
        return None if name is None else self._entry(name)

    def _entry(self, name: str) -> Entry | None:
        entry = self.entries.get(name)
        return entry if isinstance(entry, dict) else None

    def _provider(self, name: str) -> str | None:
        """The provider of an entry, '' when it names none; None: there is no such entry."""
        entry = self._entry(name)
        return None if entry is None else _family(entry.get("litellm_provider"))

    def _search(self, model: str, provider: str) -> str | None:
        """With its provider before it, as it is, then without; with its date, then without. At last any one of that name, if all ask the same."""
        provider = _canonical(provider)
        if provider not in self.providers:
            provider = ""
        names = list(_variants(model))
        for search in (self._exact, self._agreed):
            for name in names:
                found = search(name, provider)
                if found is not None:
                    return found
        return None

    def _exact(self, name: str, provider: str) -> str | None:
        full = name if name.startswith(f"{provider}/") else f"{provider}/{name}"
        if provider and self._provider(full) is not None:
            return full
        theirs = self._provider(name)
        if theirs is not None and (not provider or theirs in ("", provider)):
            return name
        prefix, _, rest = name.partition("/")
        prefix = _canonical(prefix)
        if rest and self._provider(rest) == prefix and provider in ("", prefix):
            return rest
        return None

    def _agreed(self, name: str, provider: str) -> str | None:
        """Names that end with this one, in any case of letters, when they all have the same prices."""
        wanted = name.lower()
        known = self.by_last_part.get(wanted.rpartition("/")[2], [])
        same = [other for other in known if other.lower() == wanted]
        known = same or [other for other in known if other.lower().endswith("/" + wanted)]
        if provider:
            known = [other for other in known if self._provider(other) == provider]
        prices = {tuple(_number((self._entry(other) or {}).get(key)) for key in _TOKEN_PRICES) for other in known}
        return known[0] if len(prices) == 1 else None


def _canonical(provider: str) -> str:
    return ALIASES.get(provider.lower(), provider.lower())


def _family(provider: Any) -> str:
    """LiteLLM's provider without what it says of the kind of model: vertex_ai-language-models is vertex_ai."""
    name = provider if isinstance(provider, str) else ""
    for family in ("vertex_ai", "bedrock", "fireworks_ai"):
        if name.startswith(family):
            return family
    return name


def _variants(model: str) -> Iterator[str]:
    yield model
    if model.startswith("ft:"):
        yield ":".join(model.split(":")[:2])
    undated = _DATE.sub("", model)
    if undated != model:
        yield undated


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


# ---- where the prices come from ----

_table: _Table | None = None
_looked = False


def _read_file() -> Mapping[str, Any] | None:
    """The table that the installed package carries. Finding the package runs none of its code."""
    try:
        spec = importlib.util.find_spec(PACKAGE)
        if spec is None or spec.origin is None:
            return None
        entries = json.loads((Path(spec.origin).parent / FILE).read_bytes())
    except (ImportError, OSError, ValueError):
        return None
    return entries if isinstance(entries, dict) and entries else None


def _prices() -> _Table | None:
    """The table to use now: LiteLLM's own once it is there, gone through anew when models were added to it."""
    global _table, _looked
    live = getattr(sys.modules.get(PACKAGE), "model_cost", None)
    if isinstance(live, dict) and live:
        if _table is None or _table.entries is not live or _table.size != len(live):
            _table = _Table(live)
    elif not _looked:
        entries = _read_file()
        _table = None if entries is None else _Table(entries)
        _looked = True
    return _table


# ---- what a call costs ----


def _tier(entry: Entry, prompt: int) -> Entry:
    """The entry with the prices that hold for a prompt of this many tokens."""
    tiers = entry.get("tiered_pricing")
    if isinstance(tiers, list):
        return _ranged(entry, tiers, prompt)
    limits = [_TIER.match(key) for key in entry if key.startswith(_ABOVE)]
    crossed = [(int(limit[1]) * (1000 if limit[2] else 1), limit[1] + limit[2]) for limit in limits if limit is not None]
    reached = 0 if entry.get("litellm_provider") == "xai" else 1
    crossed = [(limit, text) for limit, text in crossed if prompt >= limit + reached]
    if not crossed:
        return entry
    suffix = f"_above_{max(crossed)[1]}_tokens"
    above = {key.removesuffix(suffix): value for key, value in entry.items() if key.endswith(suffix) and value is not None}
    return {**entry, **above}


def _ranged(entry: Entry, tiers: list[Any], prompt: int) -> Entry:
    """A tier takes prompts above its lower end up to its upper one; the last, all above. Cached tokens are input where it says nothing else."""
    ranges = sorted((tier for tier in tiers if isinstance(tier, dict) and isinstance(tier.get("range"), list)), key=lambda tier: tier["range"][0])
    if not ranges:
        return entry
    chosen = next((tier for tier in ranges if tier["range"][0] < prompt <= tier["range"][1]), ranges[-1])
    return {"output_cost_per_token": entry.get("output_cost_per_token"), **chosen}


class _Rates:
    """Dollars for a token of each kind; None: not known. A kind without a price of its own is ordinary input or output."""

    def __init__(self, entry: Entry) -> None:
        def rate(key: str, otherwise: float | None) -> float | None:
            number = _number(entry.get(key))
            return otherwise if number is None else number

        self.input = rate("input_cost_per_token", None)
        self.output = rate("output_cost_per_token", None)
        self.audio_in = rate("input_cost_per_audio_token", self.input)
        self.image_in = rate("input_cost_per_image_token", self.input)
        self.read = rate("cache_read_input_token_cost", _default_read(entry, self.input))
        self.write = rate("cache_creation_input_token_cost", self.input)
        self.write_1h = rate("cache_creation_input_token_cost_above_1hr", self.write)
        self.reasoning = rate("output_cost_per_reasoning_token", self.output)
        self.audio_out = rate("output_cost_per_audio_token", self.output)
        self.image_out = rate("output_cost_per_image_token", self.output)


def _default_read(entry: Entry, rate: float | None) -> float | None:
    """Fireworks asks half for what it has in its cache; LiteLLM's table does not say so for each model, its code does."""
    half = _family(entry.get("litellm_provider")) == "fireworks_ai"
    return rate / 2 if half and rate is not None else rate


def _bucket(tokens: int, rate: float | None, parts: Mapping[str, tuple[int, float | None]]) -> dict[str, float] | None:
    """The cost of a bucket as '', with that of each part under its name. None: one of the prices is not known."""
    costs = {"": 0.0}
    rest = tokens
    for name, (amount, part_rate) in parts.items():
        counted = min(amount, rest)
        rest -= counted
        if part_rate is None and counted:
            return None
        costs[name] = counted * (part_rate or 0.0)
    if rate is None and rest:
        return None
    costs[""] = rest * (rate or 0.0) + sum(costs.values())
    return costs


def _parts(buckets: Mapping[str, int], bucket: str, rates: Mapping[str, float | None]) -> dict[str, tuple[int, float | None]]:
    return {name: (buckets[f"{bucket}.{name}"], rate) for name, rate in rates.items() if f"{bucket}.{name}" in buckets}


def _costs(entry: Entry, buckets: Mapping[str, int]) -> dict[str, float] | None:
    rates = _Rates(entry)
    kinds: dict[str, tuple[float | None, dict[str, float | None]]] = {
        "input": (rates.input, {"audio": rates.audio_in, "image": rates.image_in}),
        "input_cache_read": (rates.read, {}),
        "input_cache_creation": (rates.write, {"1h": rates.write_1h, "5m": rates.write}),
        "output": (rates.output, {"reasoning": rates.reasoning, "audio": rates.audio_out, "image": rates.image_out}),
    }
    found: dict[str, float] = {}
    for bucket, (rate, parts) in kinds.items():
        if bucket not in buckets:
            continue
        costs = _bucket(buckets[bucket], rate, _parts(buckets, bucket, parts))
        if costs is None:
            return None
        found.update({f"{bucket}.{name}" if name else bucket: cost for name, cost in costs.items()})
    return found


def cost(model: Any, provider: Any, buckets: Mapping[str, int]) -> dict[str, float] | Literal[False] | None:
    """US dollars for each bucket of tokens (csrc/usage.h), parts of a bucket under its dotted names; the total is the sum of the names without a dot.

    None: unknown, because the model is not in the table or has no price for these tokens, because its price depends on the time of day, or because the usage
    does not tell how many tokens went in, or out of a model that asks money for those. False: there is no LiteLLM, and it is no use to ask again.
    """
    table = _prices()
    if table is None:
        return False
    entry = table.find(str(model), "" if provider is None else str(provider))
    if entry is None or "off_peak_pricing" in entry or "input" not in buckets or buckets.get("unsplit"):
        return None
    prompt = buckets["input"] + buckets.get("input_cache_read", 0) + buckets.get("input_cache_creation", 0)
    entry = _tier(entry, prompt)
    if _number(entry.get("input_cost_per_token")) is None:
        return None
    if "output" not in buckets and _number(entry.get("output_cost_per_token")):
        return None
    return _costs(entry, buckets)
