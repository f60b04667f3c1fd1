"""The first passages ranked once more, where a reranking model is set."""

import logging
from dataclasses import replace

from django.conf import settings

from knowledge import conf
from knowledge.passages import Passage
from knowledge.retrieval.reranker import DEPTH, RerankerUnavailable, order

logger = logging.getLogger(__name__)


def reranked(query: str, passages: tuple[Passage, ...]) -> tuple[tuple[Passage, ...], bool]:
    """The passages in their new order, and whether a reranker that is set did its work.

    Those behind the first ones stay where they are, as do all when the model is missing or late.
    """
    reranker = conf.reranker()
    if reranker is None or len(passages) < 2:
        return passages, True
    first, rest = passages[:DEPTH], passages[DEPTH:]
    try:
        scores = reranker.scores(
            query, [_read_text(passage) for passage in first], settings.RERANKER_TIMEOUT_MS / 1000
        )
    except RerankerUnavailable:
        logger.exception("passages are not ranked again: the model is not available")
        return passages, False
    if scores is None:
        logger.warning("passages are not ranked again: the model took too long")
        return passages, False
    scored = [
        replace(passage, scores=replace(passage.scores, rerank=score))
        for passage, score in zip(first, scores, strict=True)
    ]
    return tuple(scored[at] for at in order(scores)) + rest, True


def _read_text(passage: Passage) -> str:
    """What the model reads: title and heading say what a short passage is about."""
    return "\n".join(part for part in (passage.title, passage.heading, passage.text) if part)
