"""What the moderation was asked about an answer and its question, as staff read it."""

from collections.abc import Mapping
from typing import Any

from chat.generation.redacting import Shield
from chat.models import Message, Trace
from chat.moderating import NOTED, sealed, sent_of

_NOT_TOLD = frozenset({"seal", "phone_region"})


def judgements_of(
    message: Message, trace: Trace | None, *, reads_words: bool
) -> tuple[dict[str, Any], ...]:
    """The calls in their order. The message comes with its question.

    ``is_as_sent``: the stored text is, letter by letter, the one that was judged.
    """
    noted = trace.body.get(NOTED, []) if trace else []
    return tuple(_told(message, one, reads_words) for one in noted)


def _told(message: Message, noted: Mapping[str, Any], reads_words: bool) -> dict[str, Any]:  # noqa: FBT001
    text = _text(message, noted)
    hidden = _hidden(text, noted)
    told = {name: value for name, value in noted.items() if name not in _NOT_TOLD}
    told["is_as_sent"] = sealed(text) == noted["seal"]
    told["was_sent"] = not (hidden and noted["personal_data"] == "block")
    return {**told, "personal_data_hidden": hidden} if reads_words else told


def _text(message: Message, noted: Mapping[str, Any]) -> str:
    if noted["what"] == "question":
        return message.question.text if message.question else ""
    return message.text[: noted["characters"]]


def _hidden(text: str, noted: Mapping[str, Any]) -> dict[str, int]:
    """How much personal data was hidden, by kind."""
    if noted["personal_data"] == "off":
        return {}
    shield = Shield(noted["phone_region"])
    shield.hidden(sent_of(text))
    return dict(shield.counts)


def in_words(safety: Mapping[str, Any]) -> str:
    """What came of it, from a message's row: ``question: passed; answer: objected to (hate)``."""
    judged = safety.get("moderation", {})
    return "; ".join(
        f"{part}: {_verdict(one)}" for part, one in sorted(judged.items(), reverse=True)
    )


def _verdict(judged: Mapping[str, Any]) -> str:
    if "failed" in judged:
        return f"not moderated ({judged['failed']})"
    return f"objected to ({', '.join(judged['categories'])})" if judged["flagged"] else "passed"
