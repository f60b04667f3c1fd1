"""Settings as the values that answering works with."""

import logging
from functools import lru_cache

from django.conf import settings

from chat.generation.llm import ModelConfig
from chat.generation.support.classifier import ClassifierUnavailable, SupportClassifier

logger = logging.getLogger(__name__)

EXTRACTIVE = "extractive"  # the "model" that quotes
# ``SearchResult.answerable`` is calibrated so that the line lies here, wherever it was fitted.
ANSWERABLE = 0.5


def model_names() -> list[str]:
    """The models that a caller may choose, the default first."""
    return [settings.CHAT_MODEL, EXTRACTIVE] if _has_model() else [EXTRACTIVE]


def model_config(name: str = "") -> ModelConfig | None:
    """The model that writes, or None where answers are quoted."""
    if not _has_model() or name == EXTRACTIVE:
        return None
    patience = float(settings.MODEL_FIRST_TOKEN_SECONDS)
    return ModelConfig(
        name=settings.CHAT_MODEL,
        api_key=settings.OPENAI_API_KEY,
        base_url=settings.OPENAI_BASE_URL,
        window=settings.CHAT_CONTEXT_TOKENS,
        first_token_seconds=patience,
        next_token_seconds=patience,
        whole_seconds=float(settings.MODEL_TIMEOUT_SECONDS),
    )


def _has_model() -> bool:
    return bool(settings.OPENAI_API_KEY or settings.OPENAI_BASE_URL)


def support_classifier() -> SupportClassifier | None:
    """The model that tells whether a passage says a sentence, if one is set."""
    model = settings.SUPPORT_MODEL
    return _classifier_of(model, settings.EMBEDDING_DEVICE) if model else None


def support_judge() -> ModelConfig | None:
    """The chat model as judge of what the other checks leave open, where it is asked for that."""
    return model_config() if settings.SUPPORT_JUDGE else None


@lru_cache(maxsize=2)
def _classifier_of(model: str, device: str) -> SupportClassifier:
    return SupportClassifier(model, device)


def warm_up() -> None:
    """Load the support model, if one is set, before the first answer; for a thread at start."""
    classifier = support_classifier()
    if classifier is None:
        return
    try:
        classifier.warm_up()
    except ClassifierUnavailable:
        logger.exception("sentences are checked without the support model")
