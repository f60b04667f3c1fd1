"""System checks of knowledge (pools and disks are checked in ``core.checks``)."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning

from knowledge import conf
from knowledge.retrieval.embedder import EmbedderUnavailable, Server
from knowledge.retrieval.models import BUNDLED_NAMES, recipe_of


def embedding_model_is_there(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """Without its model the product starts and answers by words alone. Asks no server."""
    if settings.EMBEDDING_PROVIDER == "openai":
        return _of_server()
    try:
        conf.fingerprint()
        return _of_runtime()
    except EmbedderUnavailable as error:
        return [
            CheckWarning(
                f"The embedding model {settings.EMBEDDING_MODEL} cannot be used: {error}",
                hint="Install requirements.txt, or set EMBEDDING_MODEL to a model on this machine.",
                id="knowledge.W001",
            )
        ]


def _of_server() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    server = Server(settings.EMBEDDING_MODEL, settings.EMBEDDING_BASE_URL)
    if server.model in BUNDLED_NAMES:
        found.append(
            CheckWarning(
                f"EMBEDDING_PROVIDER is openai, but EMBEDDING_MODEL is {server.model}, "
                "which is a model of this machine.",
                hint="Set EMBEDDING_MODEL to the name that the embedding server knows.",
                id="knowledge.W002",
            )
        )
    is_public = server.is_nvidia or not server.base_url
    if is_public and not settings.EMBEDDING_API_KEY:
        found.append(
            CheckWarning(
                f"The embedding server {server.place} needs a key, and there is none.",
                hint="Set EMBEDDING_API_KEY, or EMBEDDING_BASE_URL to a server without one.",
                id="knowledge.W003",
            )
        )
    return found


def _of_runtime() -> list[CheckMessage]:
    """Whether what is asked for can run the model."""
    if settings.EMBEDDING_RUNTIME != "onnx":
        return []
    if conf.uses_prepared_model() and recipe_of(settings.EMBEDDING_MODEL).is_exportable:
        return []
    return [
        CheckWarning(
            f"The embedding model {settings.EMBEDDING_MODEL} cannot be run by ONNX "
            f"on {settings.EMBEDDING_DEVICE}.",
            hint="Set EMBEDDING_RUNTIME to auto.",
            id="knowledge.W004",
        )
    ]
