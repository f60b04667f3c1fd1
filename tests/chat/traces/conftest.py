"""Models that call functions, that judge, or that are somewhere else, and staff who may read."""

from typing import Any

import pytest
from django.test import Client

from tests.chat.traces.reading import CORRECTS, FALSE, JUDGES, MENDED, TRUE, UNSURE, WEB, allowed
from tests.model_server import ModelServer, Script
from users.models import User


@pytest.fixture
def reader(bob: User) -> Client:
    """Staff who were given the permission to read what was said."""
    return allowed(bob, "view_message", "read_said")


@pytest.fixture
def tools(model_server: ModelServer, settings: Any) -> ModelServer:
    settings.MODEL_TOOLS = True
    return model_server


@pytest.fixture
def web(tools: ModelServer, settings: Any) -> ModelServer:
    """A function of the site beside our own."""
    settings.CHAT_TOOLS = [WEB]
    return tools


@pytest.fixture
def strict(model_server: ModelServer, settings: Any) -> ModelServer:
    """Everything is judged, and a sentence that is not supported is said anew."""
    settings.SUPPORT_POLICY = "strict"
    settings.SUPPORT_JUDGE = True
    model_server.script = Script(text=f"{TRUE} {FALSE} {UNSURE}")
    model_server.asides = {
        CORRECTS: Script(text=MENDED),
        JUDGES: Script(text="1: unsupported"),
    }
    return model_server


@pytest.fixture
def redacting(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the test's model were somewhere else."""
    settings.PII_POLICY = "redact"
    monkeypatch.setattr("core.networks.is_loopback", lambda host: False)
