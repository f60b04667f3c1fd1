"""System checks of knowledge (pools and disks are checked in ``core.checks``)."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning

from knowledge import conf
from knowledge.retrieval.embedder import EmbedderUnavailable


def embedding_model_is_there(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """Without its model the product starts and answers by words alone."""
    try:
        conf.fingerprint()
    except EmbedderUnavailable as error:
        return [
            CheckWarning(
                f"The embedding model {settings.EMBEDDING_MODEL} cannot be used: {error}",
                hint="Install requirements.txt, or set EMBEDDING_MODEL to a model on this machine.",
                id="knowledge.W001",
            )
        ]
    return []
