"""Settings as the values that answering works with."""

from django.conf import settings

from chat.generation.guard import Guard, Policy
from chat.generation.llm import ModelConfig
from core.networks import is_inside

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


def guard_of(base_url: str) -> Guard:
    """How the model behind an address is dealt with; the runtime gives one to every model."""
    inside = is_inside(base_url, settings.INSIDE_HOSTS)
    return Guard(
        link_hosts=frozenset(settings.LINK_HOSTS),
        personal_data="off" if inside else _policy(),
        phone_region=settings.PHONE_REGION,
        omits_orders=settings.INJECTION_POLICY != "off",
    )


def _policy() -> Policy:
    policies: dict[str, Policy] = {"redact": "redact", "block": "block"}
    return policies.get(settings.PII_POLICY, "off")


def _has_model() -> bool:
    return bool(settings.OPENAI_API_KEY or settings.OPENAI_BASE_URL)
