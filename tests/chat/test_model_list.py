"""The list of models: from the settings or a file, and clear about what is wrong with it."""

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks

from chat import conf
from chat.modelfile import BadModels, read_models

TOML = """
[[models]]
name = "good"
model = "gpt-4o-2024-11-20"
base_url = "https://api.example.org/v1"
key_variable = "EXAMPLE_KEY"
window = 128000
price_in = 2.5
price_out = "10.00"
purposes = ["answer", "judge"]
tools = true

[[models]]
name = "cheap"
base_url = "http://localhost:11434/v1"
temperature = 0
answer_tokens = 300
first_token_seconds = 60
"""


@pytest.fixture
def listed(tmp_path: Path, settings: Any) -> Any:
    """``listed(text, ".json")``: a file of this content, which the settings name."""

    def write(content: str | bytes, suffix: str = ".json") -> Path:
        path: Path = tmp_path / f"models{len(list(tmp_path.iterdir()))}{suffix}"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        settings.MODELS_FILE = str(path)
        return path

    return write


def wrong(path: Path, settings: Any) -> str:
    with pytest.raises(BadModels) as error:
        read_models(path, {"EXAMPLE_KEY": "very-secret"}, conf._defaults())
    return str(error.value)


def test_a_key_without_a_name_uses_the_model_of_the_example(settings: Any) -> None:
    settings.OPENAI_API_KEY = "key"
    example = (Path(__file__).parents[2] / ".env.example").read_text()
    (model,) = conf.models()
    assert f"CHAT_MODEL={model.name}\n" in example
    assert (model.temperature, model.answer_tokens) == (0.2, 700)


def test_without_key_and_address_there_is_no_model() -> None:
    assert conf.models() == ()
    assert conf.model_names() == ["extractive"]


def test_further_models_of_the_same_server_are_named_in_a_setting(settings: Any) -> None:
    settings.OPENAI_API_KEY = "key"
    settings.MODEL_FALLBACKS = ["gpt-4.1-nano", settings.CHAT_MODEL]
    assert [model.name for model in conf.models()] == [settings.CHAT_MODEL, "gpt-4.1-nano"]


def test_a_file_gives_models_in_its_order(listed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "EXAMPLE_KEY", "very-secret")
    listed(TOML, ".toml")
    good, cheap = conf.models()
    assert (good.name, good.model_id, good.api_key) == ("good", "gpt-4o-2024-11-20", "very-secret")
    assert (good.price_in, good.price_out) == (Decimal("2.5"), Decimal("10.00"))
    assert good.purposes == {"answer", "judge"}
    assert good.tools
    assert (good.window, good.temperature) == (128000, 0.2)
    assert (cheap.model_id, cheap.temperature, cheap.answer_tokens) == ("cheap", 0.0, 300)
    assert cheap.first_token_seconds == 60.0
    assert "very-secret" not in repr(good)
    assert conf.problems() == []
    assert [m.name for m in conf.models_for("rewrite")] == ["cheap"]


def test_json_says_the_same(listed: Any) -> None:
    listed(json.dumps([{"name": "a", "price_in": 0.15, "price_out": "0.6"}]))
    (model,) = conf.models()
    assert (model.price_in, model.price_out) == (Decimal("0.15"), Decimal("0.6"))
    assert model.cost(1_000_000, 1_000_000) == Decimal("0.75")
    assert model.cost(1, 0) == Decimal("0.000000150")


BAD = [
    ("", "not JSON"),
    ("{", "not JSON"),
    ("[" * 100_000, "nested"),
    ("{}", "at least one model"),
    ("[]", "at least one model"),
    ('{"model": []}', "Unknown: model"),
    ("[1]", "Model 1 is not a table"),
    ("[{}]", "needs a name"),
    ('[{"name": "extractive"}]', "may not be named extractive"),
    ('[{"name": "a"}, {"name": "a"}]', "used twice"),
    ('[{"name": "a", "windw": 1}]', "unknown field windw"),
    ('[{"name": "a", "window": "8k"}]', "window that is not a whole number"),
    ('[{"name": "a", "window": true}]', "window that is not a whole number"),
    ('[{"name": "a", "temperature": 9}]', "temperature that is not a number from 0 to 2"),
    ('[{"name": "a", "price_in": "free"}]', "price_in that is not US dollars"),
    ('[{"name": "a", "price_in": -1}]', "price_in that is not US dollars"),
    ('[{"name": "a", "price_in": NaN}]', "price_in that is not US dollars"),
    ('[{"name": "a", "price_in": "Infinity"}]', "price_in that is not US dollars"),
    ('[{"name": "a", "price_in": {}}]', "price_in that is not US dollars"),
    ('[{"name": "a", "base_url": "ftp://x"}]', "does not begin with http"),
    ('[{"name": "a", "base_url": 7}]', "base_url that is not a text"),
    ('[{"name": "a", "key_variable": "NOT_SET"}]', "NOT_SET, which is not set"),
    ('[{"name": "a", "purposes": ["cook"]}]', "unknown purposes cook"),
    ('[{"name": "a", "purposes": "answer"}]', "not a list of words"),
    ('[{"name": "a", "tools": "yes"}]', "neither true nor false"),
    ('[{"name": "a", "extra": {"stream": false}}]', "not a table of further fields stream"),
    ('[{"name": "a", "extra": []}]', "not a table of further fields"),
    ('[{"name": "a", "whole_seconds": 0}]', "whole_seconds that is not seconds"),
]


@pytest.mark.parametrize(("text", "words"), BAD)
def test_a_bad_file_is_refused_with_a_sentence(
    text: str, words: str, listed: Any, settings: Any
) -> None:
    said = wrong(listed(text), settings)
    assert words in said
    assert "very-secret" not in said
    assert conf.models() == ()  # answers are quoted meanwhile


def test_all_that_is_wrong_is_said_at_once(listed: Any, settings: Any) -> None:
    path = listed('[{"name": "a", "window": 1, "retries": 99}, {"name": "b", "tools": 3}]')
    said = wrong(path, settings)
    assert "window" in said
    assert "retries" in said
    assert "Model 2 (b)" in said


def test_a_file_that_is_no_text_or_not_there_is_refused(listed: Any, settings: Any) -> None:
    assert "cannot be read" in wrong(listed(b"\xff\xfe\x00", ".toml"), settings)
    assert "cannot be read" in wrong(Path("/no/such/models.json"), settings)
    assert "must end in" in wrong(listed("[]", ".yaml"), settings)
    assert "larger" in wrong(listed(" " * 2_000_000), settings)


def test_the_check_at_the_start_says_it_all(listed: Any) -> None:
    assert [error for error in run_checks() if error.id == "chat.E001"] == []
    listed('[{"name": "a", "window": 1}]')
    (error,) = [error for error in run_checks() if error.id == "chat.E001"]
    assert error.msg.startswith("MODELS_FILE: Model 1 (a) has a window")
    listed('[{"name": "a", "purposes": ["title"]}]')
    assert any("no model has the purpose answer" in str(e.msg) for e in run_checks())


def test_a_fallback_that_is_not_listed_is_found_at_the_start(listed: Any, settings: Any) -> None:
    settings.MODEL_FALLBACKS = ["b"]
    listed('[{"name": "a"}]')
    assert any("names b, which" in str(error.msg) for error in run_checks())


def test_a_model_that_is_paid_for_and_has_no_price_is_warned_of(listed: Any) -> None:
    entries = [
        {"name": "openai"},
        {"name": "hosted", "base_url": "https://api.example.org/v1"},
        {"name": "priced", "price_in": 1},
        {"name": "local", "base_url": "http://localhost:11434/v1"},
    ]
    listed(json.dumps(entries))
    warned = [message.msg for message in run_checks() if message.id == "chat.W001"]
    assert len(warned) == 2
    assert "openai" in warned[0]
    assert "hosted" in warned[1]
