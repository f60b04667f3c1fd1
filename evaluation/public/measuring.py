"""All questions of a set to all methods; one line of JSON for each, as it comes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import IO, Any

from evaluation.asking import DEPTH, Asker, shown_passage
from evaluation.files.values import PublicDocument, PublicQuestion
from evaluation.metrics import Gold, GoldSpan, of_question
from evaluation.public.loading import Say, documents_by_name
from evaluation.public.methods import PRODUCT, Ranking, baselines, read_again
from evaluation.public.understood import search_understood
from evaluation.public.variants import Variant, grade_of
from evaluation.quotes import find
from evaluation.scoring import FINAL, Asked, rank_in, score_answerable, score_unanswerable
from knowledge import index_store
from knowledge.models import Document, DocumentVersion
from knowledge.passages import Filters
from knowledge.search import search

_EVERY_SECONDS = 10.0
_STAGES = {"dense": "dense", "lexical": "bm25"}


@dataclass(frozen=True)
class Task:
    """A set to ask: its name, its documents by id, and the methods that are compared."""

    name: str
    documents: Mapping[str, PublicDocument]
    methods: Sequence[str]


def measure(task: Task, variants: Sequence[Variant], out: IO[str], say: Say) -> int:
    """Write a line for each question of each variant; returns how many spans were not found."""
    golds = _Golds(task)
    snapshot = index_store.current()
    if snapshot is None:
        raise RuntimeError("There is no index to ask.")
    asker = Asker(snapshot)
    said, done = monotonic(), 0
    total = sum(len(variant.questions) for variant in variants)
    for variant in variants:
        allowed = snapshot.index.allow(_ids(variant.language))
        for question in variant.questions:
            line = _line(_Asking(task, variant, asker, allowed), question, golds.of(question))
            out.write(json.dumps(line) + "\n")
            done += 1
            if monotonic() - said > _EVERY_SECONDS:
                said = monotonic()
                say(f"{done} of {total} questions")
    say(f"{done} questions asked")
    return golds.lost


@dataclass(frozen=True)
class _Asking:
    """What is the same for all questions of a variant."""

    task: Task
    variant: Variant
    asker: Asker
    allowed: Any


def _line(asking: _Asking, question: PublicQuestion, gold: Gold) -> dict[str, Any]:
    query, variant, task = question.text, asking.variant, asking.task
    asking.asker.vector(query)  # its time is no part of the search's
    began = perf_counter()
    filters = Filters(source=variant.language)
    if variant.is_understood and question.values.get("history"):
        result = search_understood(question, DEPTH, filters)
    else:
        result = search(query, user=None, limit=DEPTH, filters=filters)
    milliseconds = (perf_counter() - began) * 1000
    final = [shown_passage(passage) for passage in result.passages]
    rankings = {PRODUCT: Ranking(final, result.answerable)}
    rankings |= baselines(asking.asker.snapshot, query, asking.allowed, task.methods)
    rankings |= read_again(query, result.passages, task.methods)
    stages = {stage: rankings[m].shown for stage, m in _STAGES.items() if m in rankings}
    asked = Asked({**stages, FINAL: final}, result.answerable, certainty=result.certainty)
    score = score_answerable(asked, gold) if gold.grades else score_unanswerable(asked)
    return {
        "key": question.id,
        "set": task.name,
        "variant": variant.name,
        "is_main": variant.is_main,
        "kind": str(question.values.get("kind") or ""),
        "is_answerable": question.is_answerable,
        "claims": asked.claims,
        "certainty": asked.certainty,
        "fault": score.fault,
        "ms": round(milliseconds, 2),
        "degraded": list(result.degraded),
        "methods": {
            name: {
                "score": ranking.score,
                "rank": rank_in(ranking.shown, gold) if gold.grades else None,
                **of_question(ranking.shown, gold),
            }
            for name, ranking in rankings.items()
            if name in task.methods
        },
    }


def _ids(language: str) -> set[int] | None:
    if not language:
        return None
    return set(Document.objects.filter(source=language).values_list("pk", flat=True))


class _Golds:
    """Relevant entries as grades and spans of the stored texts."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._names = documents_by_name()
        self._texts: dict[int, str] = {}
        self.lost = 0  # spans that the stored texts do not have, such as in a hidden comment

    def of(self, question: PublicQuestion) -> Gold:
        grades: dict[int, float] = {}
        spans: list[GoldSpan] = []
        for entry in question.relevant:
            document_id, version_id = self._names[entry["document_id"]]
            grade = grade_of(self._task.name, entry)
            grades[document_id] = max(grades.get(document_id, 0.0), grade)
            if "start" in entry:
                spans.extend(self._span(entry, document_id, version_id))
        return Gold(grades, tuple(spans))

    def _span(self, entry: Mapping[str, Any], document_id: int, version_id: int) -> list[GoldSpan]:
        source = self._task.documents[entry["document_id"]].text
        quote = source[entry["start"] : entry["end"]]
        text = self._text(version_id)
        places = find(quote, text, entry["start"] / len(source)) or _inside_a_word(
            quote, text, entry["start"] / len(source)
        )
        self.lost += not places
        return [GoldSpan(document_id, *place, quote) for place in places]

    def _text(self, version_id: int) -> str:
        if version_id not in self._texts:
            versions = DocumentVersion.objects.filter(pk=version_id)
            self._texts[version_id] = versions.values_list("text", flat=True).get()
        return self._texts[version_id]


def _inside_a_word(quote: str, text: str, position: float) -> list[tuple[int, int]]:
    """The nearest place of a span that begins or ends within a word, as some judges cut it."""
    places = []
    at = text.find(quote)
    while at >= 0:
        places.append((at, at + len(quote)))
        at = text.find(quote, at + 1)
    nearest = min(places, key=lambda place: abs(place[0] - position * len(text)), default=None)
    return [nearest] if nearest else []
