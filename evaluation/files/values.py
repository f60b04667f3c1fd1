"""What a file of questions becomes before any row knows of it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evaluation.models import Question


class BadFile(Exception):
    """A file of questions cannot be taken; the message names the line."""

    def __init__(self, sentence: str, line: int | None = None) -> None:
        super().__init__(f"Line {line}: {sentence}" if line else sentence)


@dataclass(frozen=True)
class NewEvidence:
    """A quote of a document that the file names by its number, its title or its source."""

    document: int | str
    quote: str = ""
    grade: int = 1
    position: float | None = None
    beside: str = ""  # words of the same document, where several have its title


@dataclass(frozen=True)
class NewQuestion:
    """A question as a file has it; ``status`` is None where the file leaves it open."""

    line: int
    key: str
    text: str
    evidence: tuple[NewEvidence, ...] = ()
    history: tuple[dict[str, str], ...] = ()
    language: str = ""
    kind: str = Question.Kind.FACT
    expected_outcome: str = Question.Outcome.ANSWERED
    reference_answer: str = ""
    must_include: tuple[str, ...] = ()
    as_groups: tuple[str, ...] = ()
    status: str | None = None


@dataclass(frozen=True)
class PublicDocument:
    """A document of a public set."""

    id: str
    title: str
    text: str
    language: str = ""


@dataclass(frozen=True)
class PublicQuestion:
    """A question of a public set; a relevant entry without a span is a document as a whole."""

    id: str
    text: str
    relevant: tuple[Mapping[str, Any], ...]
    is_answerable: bool
    values: Mapping[str, Any] = field(default_factory=dict)  # the line as it stands


def key_of(text: str, history: tuple[dict[str, str], ...] = ()) -> str:
    """What tells a question without an id from others."""
    told = json.dumps([" ".join(text.split()).casefold(), list(history)], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def kind_of(is_answerable: bool, groups: tuple[str, ...]) -> str:  # noqa: FBT001
    if not is_answerable:
        return Question.Kind.UNANSWERABLE
    return Question.Kind.RESTRICTED if groups else Question.Kind.FACT
