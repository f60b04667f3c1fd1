"""A question's vector, of its own words alone or of many wordings together."""

from django.conf import settings

from knowledge.models import ExpansionTerm
from knowledge.retrieval.expansion import ACTIONS, Lists, combined, variations
from knowledge.retrieval.types import Vector
from knowledge.search.query_vectors import query_vector, query_vectors

_LISTED = 500  # rows of the lists that are read: staff's words, not a dictionary


def question_vector(query: str, model: str) -> Vector | None:
    """The vector that a question is searched by; None where words alone must do.

    With ``QUERY_EXPANSION`` the question and its variations are embedded in one batch.
    """
    if not settings.QUERY_EXPANSION:
        return query_vector(query, model)
    wordings = variations(query, staff_lists())
    vectors = query_vectors([query, *wordings], model)
    return combined(vectors) if vectors is not None else None


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
