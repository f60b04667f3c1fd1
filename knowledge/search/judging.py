"""Whether what was found answers the question: the search's signals and the reader's opinion."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from uuid import UUID

from django.conf import settings

from knowledge.index_store import Snapshot
from knowledge.ingestion.splitter import sentence_spans
from knowledge.models import Calibration
from knowledge.passages import Judged, Passage
from knowledge.reader import fingerprint, reader
from knowledge.retrieval.answerability import (
    SURE,
    Answerability,
    CalibrationUnusable,
    Judgement,
    Read,
    Signals,
    from_dict,
    shipped,
    signals_of,
)
from knowledge.retrieval.names import unknown_codes
from knowledge.retrieval.reader import Page
from knowledge.retrieval.retriever import Retrieved
from knowledge.search.masks import Visible

logger = logging.getLogger(__name__)

# Passages that are read before anything is decided, where the calibration knows the reader: about
# 15 ms each, and a second one brought nothing that could be measured. Of what is quoted two are
# read, unless the first is sure.
READ = 1
QUOTED = 2
Worth = Callable[[str, Sequence[Passage], Passage], bool]
_NOTHING = Judgement(0.0, 0.0)
_MOST_SPANS = 200  # of a passage that are judged: a page of 220 tokens has some ten sentences


@dataclass(frozen=True)
class Judging:
    """The passages with what the reader thinks of the first ones, and what follows."""

    passages: tuple[Passage, ...]
    judgement: Judgement = _NOTHING
    unknown: tuple[str, ...] = ()
    signals: Signals = field(default_factory=dict)
    was_read: bool = True  # False where the reader was wanted and failed


@dataclass(frozen=True)
class Ground:
    """Where a question was searched, what the search brought, and whether passages are read."""

    snapshot: Snapshot
    seen: Visible
    retrieved: Retrieved
    is_read: bool = True


def judge(question: str, passages: tuple[Passage, ...], ground: Ground) -> Judging:
    """Read the first passages and decide.

    Args:
        question: as it was searched.
        passages: ranked, best first, as its asker may see them.
        ground: what they come from.
    """
    if not passages:
        return Judging(passages)
    features = ground.retrieved.features
    unknown = unknown_codes(question, ground.snapshot.index, ground.seen.rows)
    if unknown:
        return Judging(passages, unknown=unknown, signals=signals_of(features))
    read: list[Judged] | None = []
    calibration = calibration_of(ground.snapshot)
    if ground.is_read and ground.retrieved.is_known and _knows_reader(calibration):
        read = read_passages(question, passages[:READ])
    opinions = [_opinion(one) for one in read or ()]
    signals = signals_of(features, opinions)
    return Judging(
        passages=_judged(passages, read or ()),
        judgement=calibration.judge(signals, settings.REFUSED_ANSWERABLE),
        signals=signals,
        was_read=read is not None,
    )


def read_on(
    question: str, passages: tuple[Passage, ...], is_worth_reading: Worth
) -> tuple[Passage, ...]:
    """The passages as they are quoted from: the first two are read, the second if need be.

    Args:
        question: as it was searched.
        passages: ranked, best first.
        is_worth_reading: given the question, what was read and the next passage.
    """
    judged = [passage.judged for passage in passages if passage.judged is not None]
    while len(judged) < min(QUOTED, len(passages)):
        if judged:
            known, following = _judged(passages, judged)[: len(judged)], passages[len(judged)]
            if judged[-1].answerable >= SURE or not is_worth_reading(question, known, following):
                break
        read = read_passages(question, [passages[len(judged)]])
        if not read:
            break
        judged += read
    return _judged(passages, judged)


def _opinion(one: Judged) -> Read:
    return Read(one.answerable, one.best)


def read_passages(question: str, passages: Sequence[Passage]) -> list[Judged] | None:
    """What the reader thinks of each passage; empty without a reader, None where it failed."""
    model = reader()
    if model is None:
        return []
    spans = [tuple(sentence_spans(passage.text)[:_MOST_SPANS]) for passage in passages]
    pages = [
        Page(passage.text, of_page, passage.heading or passage.title)
        for passage, of_page in zip(passages, spans, strict=True)
    ]
    try:
        readings = model.read(question, pages)
    except Exception:  # edge: a native library; the search's own signals stand in
        logger.exception("passages are judged without the reader: it failed")
        return None
    return [
        Judged(
            one.answerable,
            tuple((*span, score) for span, score in zip(of_page, one.sentences, strict=True)),
        )
        for one, of_page in zip(readings, spans, strict=True)
    ]


def calibration_of(snapshot: Snapshot) -> Answerability:
    """What was fitted on this installation's golden questions, else what was shipped.

    A fit counts as long as embedding model and reader are those that it was made with.
    """
    fitted = fit_in_use(snapshot)
    return shipped() if fitted is None else fitted


def fit_in_use(snapshot: Snapshot) -> Answerability | None:
    """The installation's own fit; None without one, and where it cannot decide any more."""
    fitted = _fitted(snapshot.calibration) if snapshot.calibration else None
    return fitted if fitted and is_of(fitted, snapshot.model) else None


def is_of(fitted: Answerability, model: str) -> bool:
    """Whether a fit was made with this embedding model, and without a reader or with this one."""
    made_with = fitted.provenance
    reads = made_with.get("reader") in {"", fingerprint()}
    return reads and made_with.get("embedding_model") == model


def _knows_reader(calibration: Answerability) -> bool:
    """Whether it was fitted with this reader: what another one's figures mean is not known."""
    return calibration.provenance.get("reader") == fingerprint()


@lru_cache(maxsize=8)
def _fitted(key: UUID) -> Answerability | None:
    """A finished fit never changes, so that it is read once."""
    values = Calibration.objects.filter(pk=key).values_list("values", flat=True).first()
    try:
        return from_dict(values or {})
    except CalibrationUnusable:
        logger.exception("the fit %s cannot be used: the shipped calibration stands in", key)
        return None


def _judged(passages: tuple[Passage, ...], read: Sequence[Judged]) -> tuple[Passage, ...]:
    first = [replace(p, judged=one) for p, one in zip(passages, read, strict=False)]
    return (*first, *passages[len(first) :])
