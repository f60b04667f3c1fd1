"""A question's vector, of its own words alone or of many wordings together; how far it counts."""

from collections.abc import Callable
from functools import cache

from django.conf import settings

from knowledge import conf
from knowledge.models import ExpansionTerm
from knowledge.retrieval.embedder import LocalEmbedder
from knowledge.retrieval.expansion import ACTIONS, Lists, combined, variations
from knowledge.retrieval.fusion import language_trust
from knowledge.retrieval.retriever import RetrieverConfig
from knowledge.retrieval.types import EmbedderUnavailable, Vector
from knowledge.search.query_vectors import begin_vectors

_LISTED = 500  # rows of the lists that are read: staff's words, not a dictionary


def question_vector(query: str, model: str) -> Callable[[], Vector | None]:
    """Begin to make the vector that a question is searched by; the call waits for it.

    It is None where words alone must do. With ``QUERY_EXPANSION`` the question and its variations
    are embedded in one batch.
    """
    wordings = variations(query, staff_lists()) if settings.QUERY_EXPANSION else []
    pending = begin_vectors([query, *wordings], model)

    @cache
    def finish() -> Vector | None:
        vectors = pending()
        return combined(vectors) if vectors is not None else None

    return finish


def retriever_config(query: str, model: str, limit: int) -> RetrieverConfig:
    """How a question is searched in a release of a model.

    A local model tells how it reads the question; what other models' servers know is not known
    here, so their cosines count in full.
    """
    try:
        embedder = conf.embedder_for(model)
        if not isinstance(embedder, LocalEmbedder):
            return RetrieverConfig(limit=limit)
        trust = language_trust(query, embedder.count_tokens(query) - embedder.special_tokens)
    except EmbedderUnavailable:
        return RetrieverConfig(limit=limit)
    return RetrieverConfig(limit=limit, trust=trust)


def staff_lists() -> Lists:
    """The lists as they are now, in one query; the built-in requests where staff list none."""
    synonyms: dict[str, tuple[str, ...]] = {}
    domain: dict[str, tuple[str, ...]] = {}
    actions: list[str] = []
    for row in ExpansionTerm.objects.all()[:_LISTED]:
        term = row.term.strip().lower()
        if row.kind == ExpansionTerm.Kind.ACTION:
            actions.append(term)
        elif row.kind == ExpansionTerm.Kind.SYNONYM:
            synonyms[term] = tuple(row.alternative_list)
        else:
            domain[term] = tuple(row.alternative_list)
    return Lists(synonyms, domain, tuple(actions) or ACTIONS)
