"""What people may not read any more of what they are being shown: one look for all of them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.contrib.auth import get_user_model

from knowledge.models import Document
from knowledge.passages import Span
from knowledge.search.spans import answer_of, facts_of, is_possible, pieces_of


def withdrawn(shown: Sequence[tuple[int, Span]]) -> dict[tuple[int, Span], str]:
    """Which (user id, span) may not be read now, and why, as ``SpanText.gone`` says it.

    However many people there are, it takes a query for their groups, three for the spans, and one
    for each set of groups: people who are in the same groups may read the same.
    """
    spans = {span for _, span in shown}
    possible = [span for span in spans if is_possible(span)]
    ids = {span.document_id for span in possible if span.document_id is not None}
    documents = facts_of(ids)
    pieces = pieces_of([span for span in possible if span.document_id in documents])
    visible: dict[int, set[int]] = {}
    for groups, users in _by_groups({user_id for user_id, _ in shown}).items():
        allowed = Document.objects.visible_to_groups(sorted(groups)).filter(pk__in=ids)
        may_read = set(allowed.values_list("pk", flat=True))
        visible |= dict.fromkeys(users, may_read)
    told = {
        (user_id, span): answer_of(span, documents, visible[user_id], pieces).gone
        for user_id, span in shown
    }
    return {key: why for key, why in told.items() if why}


def _by_groups(user_ids: Iterable[int]) -> dict[frozenset[int], set[int]]:
    """People by the groups that count for them; for who may not come in any more, none do."""
    groups: dict[int, set[int]] = {user_id: set() for user_id in user_ids}
    memberships = get_user_model().groups.through.objects.filter(
        user_id__in=list(groups), user__is_active=True
    )
    for user_id, group_id in memberships.values_list("user_id", "group_id"):
        groups[user_id].add(group_id)
    found: dict[frozenset[int], set[int]] = defaultdict(set)
    for user_id, own in groups.items():
        found[frozenset(own)].add(user_id)
    return found
