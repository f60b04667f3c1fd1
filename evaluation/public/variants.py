"""The ways in which a public set is asked: as it stands, by language, across, rewritten."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from evaluation.files.values import PublicQuestion

# Published figures of these sets count a document as relevant or not, whatever its grade.
_BINARY = frozenset({"scifact"})


@dataclass(frozen=True)
class Variant:
    """Questions that are asked together; ``is_main`` ones count in the pooled figures."""

    name: str
    questions: tuple[PublicQuestion, ...]
    language: str = ""  # of the documents that are searched; empty: all
    is_main: bool = True
    is_understood: bool = False  # searched with what was said before


def variants(
    name: str, questions: Sequence[PublicQuestion], limit: int | None, *, across: bool = False
) -> list[Variant]:
    """How a set is asked.

    Args:
        name: the set's.
        questions: all of them.
        limit: a sample of this many, the same for every variant and every time.
        across: also English questions over the documents of each other language.
    """
    languages = sorted({str(q.values["lang"]) for q in questions if q.values.get("lang")})
    if not languages:
        found = [Variant(name, tuple(questions))]
        if any(q.values.get("rewrite") for q in questions):
            found.append(_rewritten(name, questions))
        if any(q.values.get("history") for q in questions):
            asked = tuple(questions)
            found.append(Variant(f"{name} (understood)", asked, is_main=False, is_understood=True))
    else:
        found = [_in_language(name, questions, language) for language in languages]
        if across:
            found += [_across(name, questions, language) for language in languages[:]]
    sampled = [replace(v, questions=_sample(v.questions, limit)) for v in found if v.questions]
    return [v for v in sampled if v.questions]


def grade_of(name: str, entry: Mapping[str, Any]) -> float:
    """The grade of a relevant entry in this set."""
    return 1.0 if name in _BINARY else float(entry.get("grade") or 1)


def _rewritten(name: str, questions: Sequence[PublicQuestion]) -> Variant:
    """With a person's wording that stands alone: what rewriting can reach at best."""
    asked = tuple(replace(q, text=str(q.values.get("rewrite") or q.text)) for q in questions)
    return Variant(f"{name} (rewritten)", asked, is_main=False)


def _in_language(name: str, questions: Sequence[PublicQuestion], language: str) -> Variant:
    asked = tuple(q for q in questions if q.values.get("lang") == language)
    return Variant(f"{name} {language}", asked, language)


def _across(name: str, questions: Sequence[PublicQuestion], language: str) -> Variant:
    """The English wording of each question, over the documents of another language."""
    english = {q.values.get("base_id"): q.text for q in questions if q.values.get("lang") == "en"}
    asked = tuple(
        replace(q, text=english[q.values.get("base_id")])
        for q in questions
        if q.values.get("lang") == language != "en" and q.values.get("base_id") in english
    )
    return Variant(f"{name} en>{language}", asked, language, is_main=False)


def _sample(questions: Sequence[PublicQuestion], limit: int | None) -> tuple[PublicQuestion, ...]:
    """Those whose id has the smallest hashes: the same ones in every language."""
    if limit is None or limit >= len(questions):
        return tuple(questions)
    by_hash = sorted(questions, key=lambda q: _hash(str(q.values.get("base_id") or q.id)))
    chosen = {q.id for q in by_hash[:limit]}
    return tuple(q for q in questions if q.id in chosen)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
