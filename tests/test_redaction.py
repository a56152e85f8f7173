"""Secrets in the config of a run: csrc/secret.h and docs/values.md are the rule."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pydantic
import pytest
from omegaconf import OmegaConf

from conftest import Recorder
from genesis_ch import ch_logger

CANARY = "canary-4f1d9a"
REDACTED = "[redacted]"


@dataclasses.dataclass
class Settings:
    """A dataclass config."""

    apiKey: str = CANARY
    max_tokens: int = 4096
    db: str = f"postgres://u:{CANARY}@h/d"


class Model(pydantic.BaseModel):
    """A pydantic config."""

    client_secret: str = CANARY
    hidden: pydantic.SecretStr = pydantic.SecretStr(CANARY)
    temperature: float = 0.5


def stored(recorder: Recorder, config: Any) -> Any:
    """The config as it is read back."""
    ch_logger.log_evolution_run("r", "t", config, 1, "local", "p")
    (row,) = recorder.rows("evolution_runs", ["config"])
    return json.loads(row["config"])


PLAIN: dict[str, Any] = {
    "api_key": CANARY,
    "API-KEY": CANARY,
    "accessToken": CANARY,
    "db_password": 12345678,
    "credentials": {"user": CANARY, "count": 3, "list": [CANARY, None, ""]},
    "url": f"clickhouse://u:{CANARY}@host:8123/d?max_tokens=3",
    "overrides": [f"llm.api_key={CANARY}", "llm.max_tokens=100"],
    "max_tokens": 4096,
    "token_limit": 7,
    "tokenizer": "cl100k",
    "eos_token": "</s>",
    "use_auth_token": True,
    "token": None,
    "api_key_env": "OPENAI_API_KEY",
    "learning_rate": 0.1,
}
PLAIN_STORED: dict[str, Any] = {
    **PLAIN,
    "api_key": REDACTED,
    "API-KEY": REDACTED,
    "accessToken": REDACTED,
    "db_password": REDACTED,
    "credentials": {"user": REDACTED, "count": 3, "list": [REDACTED, None, ""]},
    "url": f"clickhouse://u:{REDACTED}@host:8123/d?max_tokens=3",
    "overrides": [f"llm.api_key={REDACTED}", "llm.max_tokens=100"],
}


@pytest.mark.parametrize(
    ("config", "want"),
    [
        (PLAIN, PLAIN_STORED),
        (OmegaConf.create(PLAIN), PLAIN_STORED),
        (Settings(), {"apiKey": REDACTED, "max_tokens": 4096, "db": f"postgres://u:{REDACTED}@h/d"}),
        (Model(), {"client_secret": REDACTED, "hidden": "SecretStr('**********')", "temperature": 0.5}),
        ({"nested": [{"deep": Settings()}]}, {"nested": [{"deep": {"apiKey": REDACTED, "max_tokens": 4096, "db": f"postgres://u:{REDACTED}@h/d"}}]}),
        ({b"password": CANARY.encode()}, {"password": REDACTED}),
        (f"api_key: {CANARY}\nmax_tokens: 5\n", f"api_key: {REDACTED}\nmax_tokens: 5\n"),
    ],
    ids=["dict", "DictConfig", "dataclass", "pydantic", "nested", "bytes", "text"],
)
def test_secret_keys(recorder: Recorder, config: Any, want: Any) -> None:
    before = recorder.count("values_redacted")
    assert stored(recorder, config) == want
    assert recorder.count("values_redacted") - before == json.dumps(want).count(REDACTED) > 0


def test_resolved_references(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a reference brought in from a variable with a secret name is replaced; one that is not resolved stays as written."""
    monkeypatch.setenv("SOME_API_KEY", CANARY)
    monkeypatch.setenv("SHORT_TOKEN", "abc")
    monkeypatch.setenv("MAX_TOKENS", "12345678")
    monkeypatch.setenv("MODEL_NAME", "a-model-name")
    lazy = OmegaConf.create(
        {
            "one": "${oc.env:SOME_API_KEY}",
            "header": "Bearer ${oc.env:SOME_API_KEY}!",
            "reference": "${one}",
            "short": "${oc.env:SHORT_TOKEN}",
            "tokens": "${oc.env:MAX_TOKENS}",
            "model": "${oc.env:MODEL_NAME}",
        }
    )
    want = {
        "one": REDACTED,
        "header": f"Bearer {REDACTED}!",
        "reference": REDACTED,
        "short": "abc",
        "tokens": "12345678",
        "model": "a-model-name",
    }
    assert stored(recorder, lazy) == want
    assert stored(recorder, OmegaConf.to_container(lazy, resolve=True)) == want
    assert stored(recorder, {"a": lazy, "text": f"é\ud800{CANARY}"}) == {"a": want, "text": f"é?{REDACTED}"}
    unresolved = OmegaConf.create({"one": "${oc.env:SOME_API_KEY}", "none": "${oc.env:NO_SUCH_VARIABLE}"})
    assert stored(recorder, unresolved) == {"one": "${oc.env:SOME_API_KEY}", "none": "${oc.env:NO_SUCH_VARIABLE}"}


def test_switched_off(recorder: Recorder) -> None:
    """redact=False stores a config as it is given."""
    ch_logger.configure(redact=False)
    try:
        assert stored(recorder, PLAIN) == PLAIN
    finally:
        ch_logger.configure(redact=None)


def test_only_config(recorder: Recorder) -> None:
    """Other columns are stored as given: they are on the hot path, and what is in them was chosen for them."""
    ch_logger.log_action("a", {"api_key": "x"}, {"token": "y"})
    (row,) = recorder.rows("agent_actions", ["details", "metadata"])
    assert (json.loads(row["details"]), json.loads(row["metadata"])) == ({"api_key": "x"}, {"token": "y"})


@pytest.mark.parametrize("value", ["perhaps", 2, 0.5])
def test_the_switch_takes_two_values(value: Any) -> None:
    with pytest.raises(ValueError, match="redact .GENESIS_CH_REDACT. is .*it takes 1 or 0"):
        ch_logger.configure(redact=value)
