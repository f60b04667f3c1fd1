"""What there is to answer, read from the rows before an answer begins."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chat import reading
from chat.conf import answer_chain
from chat.generation import prompts
from chat.generation.context import HISTORY_TURNS, Turn
from chat.generation.llm import ModelConfig
from chat.generation.voice import PLAIN, Voice
from chat.models import Message
from chat.voices import active_voice
from knowledge.passages import Filters


@dataclass(frozen=True)
class Job:
    """What there is to answer."""

    question: str
    turns: tuple[Turn, ...]
    user: Any
    model: str
    top_k: int | None
    filters: Filters
    models: tuple[ModelConfig, ...] = ()  # that write it, in their order; none: it is quoted
    voice: Voice = PLAIN

    @property
    def prompt_version(self) -> str:
        """What the model was told beside passages and question."""
        return prompts.version(self.voice)


def load(message_id: UUID) -> Job:
    """The question of an answer and the turns before it."""
    message = Message.objects.select_related("question", "session__user").get(pk=message_id)
    question = message.question
    if question is None:
        raise ValueError(f"message {message_id} answers nothing")
    options = message.options
    user = message.session.user
    return Job(
        question=question.text,
        turns=_turns(message),
        user=user,
        model=options.get("model", ""),
        top_k=options.get("top_k"),
        filters=filters_of(options),
        models=answer_chain(options.get("model", ""), user),
        voice=active_voice(),
    )


def filters_of(options: Mapping[str, Any]) -> Filters:
    """The narrowing that a question was asked with, as its answer's row keeps it."""
    chosen = options.get("filters", {})
    return Filters(
        document_type=chosen.get("document_type", ""),
        source=chosen.get("source", ""),
        document_ids=tuple(chosen.get("document_ids", ())),
    )


def _turns(message: Message) -> tuple[Turn, ...]:
    """The last answered turns, oldest first, as the asker may still read them."""
    earlier = list(
        Message.objects.filter(
            session_id=message.session_id,
            ordinal__lt=message.ordinal,
            outcome=Message.Outcome.ANSWERED,
        )
        .select_related("question")
        .order_by("-ordinal")[:HISTORY_TURNS]
    )
    bodies = reading.answers(earlier, user=message.session.user)
    pairs = zip(reversed(earlier), reversed(bodies), strict=True)
    return tuple(Turn(row.question.text, body["message"]) for row, body in pairs if row.question)
