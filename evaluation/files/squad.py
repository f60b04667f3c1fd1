"""SQuAD's format: articles, paragraphs, questions with answers by offset."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from evaluation.files.fields import ANSWERABLE_KEYS
from evaluation.files.values import BadFile, NewEvidence, NewQuestion, kind_of

_SENTENCE_ENDS = (". ", "! ", "? ", "\n")


def squad_articles(text: str) -> list[Any] | None:
    """The articles of a SQuAD file; None where it is something else."""
    if not text.lstrip().startswith("{") or '"paragraphs"' not in text:
        return None
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return None  # several lines: not one object
    articles = values.get("data") if isinstance(values, dict) else None
    return articles if isinstance(articles, list) else None


def from_squad(articles: list[Any]) -> Iterator[NewQuestion]:
    """The questions of all articles; raises BadFile."""
    number = 0
    for article in articles:
        try:
            title = str(article["title"]).replace("_", " ")
            asked = [(p["context"], qa) for p in article["paragraphs"] for qa in p["qas"]]
            for context, qa in asked:
                number += 1
                yield _of_squad(number, title, str(context), qa)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            sentence = f"Question {max(number, 1)}: this is not SQuAD's form ({error})."
            raise BadFile(sentence) from error


def _of_squad(number: int, title: str, context: str, qa: Mapping[str, Any]) -> NewQuestion:
    answers = qa.get("answers") or []
    is_answerable = bool(answers) and not qa.get("is_impossible", False)
    evidence = {
        _sentence_around(context, int(a["answer_start"]), len(a["text"])): None for a in answers
    }
    return NewQuestion(
        line=number,
        key=str(qa["id"])[:100],
        text=str(qa["question"]),
        evidence=tuple(NewEvidence(title, quote, beside=context[:200]) for quote in evidence)
        if is_answerable
        else (),
        kind=kind_of(is_answerable, ()),
        expected_outcome=ANSWERABLE_KEYS[is_answerable],
        reference_answer=str(answers[0]["text"]) if is_answerable else "",
    )


def _sentence_around(context: str, start: int, length: int) -> str:
    """An answer of one word stands in many places of an article; its sentence in one."""
    starts = [at + len(e) for e in _SENTENCE_ENDS if (at := context.rfind(e, 0, start)) >= 0]
    ends = [at for e in _SENTENCE_ENDS if (at := context.find(e, start + length)) >= 0]
    return context[max(starts, default=0) : min(ends) + 1 if ends else len(context)].strip()
