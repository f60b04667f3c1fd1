"""A question as it is accepted: clean text, possible options, a digest."""

import hashlib
import json
import unicodedata
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import UUID

from django.conf import settings

from chat.conf import model_names
from core.errors import Invalid
from knowledge.passages import Filters

KEY_CHARS = 200
MOST_PASSAGES = 50


@dataclass(frozen=True)
class Question:
    """What is asked. ``address`` is the key of the caller's address (``core.throttles``).

    ``fresh``: no earlier answer to an equal question may be given.
    """

    text: str
    session_id: UUID | None = None
    model: str = ""
    top_k: int | None = None
    include_sources: bool = True
    filters: Filters = field(default_factory=Filters)
    address: str = ""
    fresh: bool = False

    @property
    def digest(self) -> str:
        """The same for the same request, whoever sends it from wherever."""
        said = {**asdict(self), "session_id": str(self.session_id or ""), "address": ""}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def checked(question: Question, user: Any) -> Question:
    """The question with a clean text, if this person may ask it so.

    Raises:
        Invalid: with a sentence for each field that cannot be used.
    """
    text = clean_text(question.text)
    errors: dict[str, list[str]] = {}
    if not text:
        errors["message"] = ["Write a question first."]
    elif len(text) > settings.MESSAGE_MAX_CHARS:
        most = settings.MESSAGE_MAX_CHARS
        errors["message"] = [f"{len(text):,} of {most:,} characters. Shorten it."]
    if question.model and question.model not in model_names(user):
        errors["model"] = ["This model is not among those that you may choose."]
    if question.top_k is not None and not 1 <= question.top_k <= MOST_PASSAGES:
        errors["top_k"] = [f"Between 1 and {MOST_PASSAGES}."]
    if errors:
        raise Invalid(fields=errors)
    return replace(question, text=text)


def checked_key(key: str | None) -> str | None:
    if not key:
        return None
    if len(key) > KEY_CHARS or not key.isprintable():
        raise Invalid(fields={"Idempotency-Key": [f"At most {KEY_CHARS} printable characters."]})
    return key


def clean_text(text: str) -> str:
    """Trimmed, in one Unicode form, without control characters but newline and tab.

    Lone surrogates and NUL, which a database refuses, are removed with them.
    """
    unified = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    kept = (c for c in unified if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"})
    return "".join(kept).strip()


def stored_options(question: Question) -> dict[str, Any]:
    """What is kept with the answer of how it was asked for."""
    return {
        "model": question.model,
        "top_k": question.top_k,
        "include_sources": question.include_sources,
        "filters": {
            "document_type": question.filters.document_type,
            "source": question.filters.source,
            "document_ids": list(question.filters.document_ids),
        },
        **({"fresh": True} if question.fresh else {}),
    }
