"""Settings as the values that answering works with: above all, which models there are."""

import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from chat.generation.guard import Guard, Policy
from chat.generation.llm import ModelConfig
from chat.generation.support.classifier import ClassifierUnavailable, SupportClassifier
from chat.modelfile import BadModels, read_models
from core.networks import is_inside

logger = logging.getLogger(__name__)

EXTRACTIVE = "extractive"  # the "model" that quotes
# ``SearchResult.answerable`` is calibrated so that the line lies here, wherever it was fitted.
ANSWERABLE = 0.5
# Of such answers, how many held the evidence: nine of ten and more, seven of ten and more.
HIGH, MEDIUM = 0.9, 0.7


def models() -> tuple[ModelConfig, ...]:
    """All models, the default first; none where answers are quoted.

    A file that cannot be used counts as empty here: the check at the start and the readiness
    report say what is wrong with it.
    """
    if not settings.MODELS_FILE:
        return _from_settings()
    try:
        listed = file_models(settings.MODELS_FILE, _defaults())
    except BadModels:
        return ()
    return tuple(replace(model, guard=guard_of(model.base_url)) for model in listed)


@lru_cache(maxsize=8)
def file_models(path: str, defaults: ModelConfig) -> tuple[ModelConfig, ...]:
    """The models of ``MODELS_FILE``, read once: a change of it counts from the next start.

    Raises:
        BadModels: with everything that is wrong with it.
    """
    try:
        return read_models(Path(path), os.environ, defaults)
    except BadModels as error:
        logger.error("MODELS_FILE cannot be used: %s", error)
        raise


def problems() -> list[str]:
    """What is wrong with the list of models, a sentence each."""
    found: list[str] = []
    if settings.MODELS_FILE:
        try:
            file_models(settings.MODELS_FILE, _defaults())
        except BadModels as error:
            return [f"MODELS_FILE: {problem}" for problem in error.problems]
    listed = models()
    if listed and not any("answer" in model.purposes for model in listed):
        found.append("MODELS_FILE: no model has the purpose answer.")
    if settings.MODELS_FILE:
        names = {model.name for model in listed}
        found += [
            f"MODEL_FALLBACKS names {name}, which MODELS_FILE does not list."
            for name in settings.MODEL_FALLBACKS
            if name not in names and name != EXTRACTIVE
        ]
    return found


def models_for(purpose: str) -> tuple[ModelConfig, ...]:
    """The models that do this, in the order in which they are asked."""
    return tuple(model for model in models() if purpose in model.purposes)


def answer_chain(name: str = "", user: Any = None) -> tuple[ModelConfig, ...]:
    """The models that write an answer, one after the other until one does.

    ``name`` comes first where it is one of them; the extractive answer is always the last resort
    and is not listed. Empty: quote at once. Models that are kept for groups write for them alone.
    """
    listed = _open_to(user)
    if not listed or name == EXTRACTIVE:
        return ()
    first = next((model for model in listed if model.name == name), listed[0])
    by_name = {model.name: model for model in listed}
    others = (
        [by_name[other] for other in settings.MODEL_FALLBACKS if other in by_name]
        if settings.MODEL_FALLBACKS
        else listed
    )
    return (first, *(model for model in others if model is not first))


def cheaper_models(
    refused: ModelConfig, waiting: Sequence[ModelConfig], tried: Sequence[ModelConfig]
) -> list[ModelConfig]:
    """Who may still write where the money does not suffice for one: those that cost less.

    First those that are waiting, then the others of the list that are open to everyone.
    """
    known = {model.name for model in tried}
    others = [m for m in models_for("answer") if not m.groups and m.name not in known]
    return [m for m in (*waiting, *others) if _price(m) < _price(refused)]


def _price(model: ModelConfig) -> Decimal:
    """Of a usual answer: a prompt of 2,000 tokens and the longest text."""
    return model.cost(2000, model.answer_tokens)


def model_config(name: str = "") -> ModelConfig | None:
    """The model that writes, or None where answers are quoted."""
    chain = answer_chain(name)
    return chain[0] if chain else None


def model_names(user: Any = None) -> list[str]:
    """The models that a caller may choose, the default first; quoting is always allowed."""
    names = [model.name for model in _open_to(user)]
    return [*(names if user is not None and may_choose(user) else names[:1]), EXTRACTIVE]


def _open_to(user: Any) -> tuple[ModelConfig, ...]:
    """The models that may write for this person."""
    listed = models_for("answer")
    if not any(model.groups for model in listed):
        return listed
    mine = {group.name for group in user.groups.all()} if user is not None else set()
    return tuple(model for model in listed if not model.groups or model.groups & mine)


def may_choose(user: Any) -> bool:
    """Whether ``MODEL_CHOICE`` lets this person choose among the models."""
    who = settings.MODEL_CHOICE
    if who == "staff":
        return bool(user.is_staff)
    # Who has no row yet becomes a visitor with the first question.
    is_visitor = getattr(user, "is_visitor", True)
    return who == "everyone" or (who == "members" and not is_visitor)


def _from_settings() -> tuple[ModelConfig, ...]:
    if not (settings.OPENAI_API_KEY or settings.OPENAI_BASE_URL):
        return ()
    first = _defaults()
    names = dict.fromkeys([first.name, *settings.MODEL_FALLBACKS])
    return tuple(replace(first, name=name) for name in names if name != EXTRACTIVE)


def _defaults() -> ModelConfig:
    """What the settings say of a model."""
    return ModelConfig(
        name=settings.CHAT_MODEL,
        api_key=settings.OPENAI_API_KEY,
        base_url=settings.OPENAI_BASE_URL,
        window=settings.CHAT_CONTEXT_TOKENS,
        temperature=float(settings.MODEL_TEMPERATURE),
        answer_tokens=settings.MODEL_ANSWER_TOKENS,
        price_in=settings.MODEL_PRICE_IN,
        price_out=settings.MODEL_PRICE_OUT,
        connect_seconds=float(settings.MODEL_CONNECT_SECONDS),
        first_token_seconds=float(settings.MODEL_FIRST_TOKEN_SECONDS),
        next_token_seconds=float(settings.MODEL_NEXT_TOKEN_SECONDS),
        whole_seconds=float(settings.MODEL_TIMEOUT_SECONDS),
        retries=settings.MODEL_RETRIES,
        at_once=settings.MODEL_CALLS_AT_ONCE,
        queue_seconds=float(settings.MODEL_QUEUE_SECONDS),
        tools=settings.MODEL_TOOLS,
        guard=guard_of(settings.OPENAI_BASE_URL),
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


def certainty_in_words(certainty: float) -> str:
    """``SearchResult.certainty`` as readers are told of it."""
    if certainty >= HIGH:
        return "high"
    return "medium" if certainty >= MEDIUM else "low"


def support_classifier() -> SupportClassifier | None:
    """The model that tells whether a passage says a sentence, if one is set."""
    model = settings.SUPPORT_MODEL
    return _classifier_of(model, settings.EMBEDDING_DEVICE) if model else None


def support_judge() -> ModelConfig | None:
    """The chat model as judge of what the other checks leave open, where it is asked for that."""
    judges = models_for("judge") if settings.SUPPORT_JUDGE else ()
    return judges[0] if judges else None


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
