"""What there is to answer, read from the rows before an answer begins."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.conf import settings

from chat import remembering
from chat.conf import answer_chain
from chat.generation import prompts
from chat.generation.context import Frame, Turn, estimate_tokens
from chat.generation.llm import ModelConfig
from chat.generation.understanding.language import NAMES, language_of
from chat.generation.voice import PLAIN, Voice
from chat.models import Message
from chat.tokencounts import ratios_of
from chat.voices import active_voice
from knowledge.passages import Filters


@dataclass(frozen=True)
class Job:
    """What there is to answer. ``language`` is a code, empty where nothing tells it."""

    question: str
    turns: tuple[Turn, ...]
    user: Any
    model: str
    top_k: int | None
    filters: Filters
    message_id: UUID
    models: tuple[ModelConfig, ...] = ()  # that write it, in their order; none: it is quoted
    voice: Voice = PLAIN
    language: str = ""
    frame: Frame = field(default_factory=Frame)  # its ratio is that of the first model
    ratios: Mapping[str, float] = field(default_factory=dict)  # of the models, by name
    is_summary_due: bool = False
    summary_documents: tuple[tuple[int, int], ...] = ()
    is_fresh: bool = False  # no earlier answer may be given

    def framed(self, frame: Frame, model: str) -> Frame:
        """A frame whose tokens are counted as this model's provider counts them."""
        return replace(frame, ratio=self.ratios.get(model, 1.0))

    @property
    def prompt_version(self) -> str:
        """What the model was told beside passages and question."""
        return prompts.version(self.voice)


def load(message_id: UUID, known: Message | None = None) -> Job:
    """The question of an answer and the turns before it.

    Args:
        message_id: of the answer.
        known: its row, with question, conversation and asker, where it was just written.
    """
    message = known or Message.objects.select_related("question", "session__user").get(
        pk=message_id
    )
    question = message.question
    if question is None:
        raise ValueError(f"message {message_id} answers nothing")
    options = message.options
    model = options.get("model", "")
    user = message.session.user
    models = answer_chain(model, user)
    recalled = remembering.recall(message.session, message.ordinal, estimate_tokens)
    ratios = ratios_of([config.name for config in models])
    language = language_of(question.text) or _spoken(recalled.turns)
    return Job(
        question=question.text,
        turns=recalled.turns,
        user=user,
        model=model,
        top_k=options.get("top_k"),
        filters=filters_of(options),
        message_id=message_id,
        models=models,
        voice=active_voice(),
        language=language,
        frame=_frame(next(iter(ratios.values()), 1.0), recalled.summary, language),
        ratios=ratios,
        is_summary_due=recalled.is_due,
        summary_documents=recalled.documents,
        is_fresh=bool(options.get("is_fresh")),
    )


def _spoken(turns: tuple[Turn, ...]) -> str:
    """The language of the conversation so far, for a question that is too short to tell."""
    return next((found for turn in reversed(turns) if (found := language_of(turn.question))), "")


def _frame(ratio: float, summary: str, language: str) -> Frame:
    return Frame(
        summary=summary,
        language=NAMES.get(language, ""),
        ratio=ratio,
        most_turns=remembering.most_turns(),
        memory_tokens=settings.MEMORY_TOKENS,
    )


def filters_of(options: Mapping[str, Any]) -> Filters:
    """The narrowing that a question was asked with, as its answer's row keeps it."""
    chosen = options.get("filters", {})
    return Filters(
        document_type=chosen.get("document_type", ""),
        source=chosen.get("source", ""),
        document_ids=tuple(chosen.get("document_ids", ())),
    )
