"""A search taken apart: the same answer as a search, with the reasons."""

import pytest
from django.contrib.auth.models import Group

from knowledge.models import Document
from knowledge.passages import Filters
from knowledge.search import Audience, explain, explaining, search
from tests.knowledge.conftest import LEAVE

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


@pytest.fixture
def many(add_text, queued, work, alice):
    alice.groups.add(Group.objects.create(name="hr"))
    for n in range(6):
        queued(f"Annual leave and number{n}, which are other words each time.", f"T{n}")
    work()
    add_text("Leave", LEAVE)
    add_text("Copy of leave", LEAVE)
    add_text("Of hr", LEAVE + " Of hr.", groups=("hr",))


@pytest.mark.parametrize("who", ["alice", "charlie", "visitor"])
def test_it_answers_what_a_search_answers(many, who, request):
    user = request.getfixturevalue(who)
    explained = explain("annual leave", audience=Audience.of(user), limit=3)
    asked = search("annual leave", user=user, limit=3)
    assert explained.passages == asked.passages
    assert explained.answerable == asked.answerable
    assert explained.documents == asked.searched
    assert explained.build_id == asked.build_id
    assert explained.degraded == ()


def test_each_candidate_says_what_became_of_it(many):
    explained = explain("annual leave", audience=Audience.visitor(), limit=3)
    by_fate = {}
    for candidate in explained.candidates:
        by_fate.setdefault(candidate.dropped, []).append(candidate)
    assert len(by_fate[""]) == 3
    assert [candidate.ranks.final for candidate in by_fate[""]] == [1, 2, 3]
    assert len(by_fate["duplicate"]) == 1
    assert len(by_fate["beyond limit"]) == 4
    assert all(bool(c.why) == bool(c.dropped) for c in explained.candidates)
    assert sorted(c.ranks.fused for c in explained.candidates) == list(range(1, 9))
    assert {c.ranks.dense for c in explained.candidates} == set(range(1, 9))
    assert "Of hr" not in {c.passage.title for c in explained.candidates}


def test_what_the_reader_may_not_see_is_not_shown_to_who_asks_as_him(many):
    hidden = Document.objects.get(title="Of hr")
    as_member = explain("annual leave", audience=Audience.members("hr"))
    assert hidden.pk in {candidate.document_id for candidate in as_member.candidates}
    for audience in (Audience.visitor(), Audience.members("it"), Audience.of(None)):
        explained = explain("annual leave", audience=audience)
        assert hidden.pk not in {candidate.document_id for candidate in explained.candidates}


def test_a_row_that_is_gone_is_a_reason(many, monkeypatch):
    find = explaining.querying.find

    def find_and_delete(*arguments):
        found = find(*arguments)
        Document.objects.filter(title="Leave").delete()
        return found

    monkeypatch.setattr(explaining.querying, "find", find_and_delete)
    explained = explain("annual leave", audience=Audience.visitor())
    (gone,) = [c for c in explained.candidates if c.dropped == "not visible"]
    assert gone.passage is None
    assert gone.ranks.final is None


def test_the_time_of_every_stage_is_told(many):
    explained = explain("annual leave", audience=Audience.visitor())
    stages = {"audience", "embedding", "dense", "lexical", "rows", "rerank", "total"}
    assert stages <= set(explained.took_ms)
    assert all(took >= 0 for took in explained.took_ms.values())
    assert explained.configuration
    assert 0 < explained.threshold < 1


def test_nothing_to_explain_is_explained(db, add_text):
    empty = explain("anything", audience=Audience.visitor())
    assert (empty.candidates, empty.build_id, empty.documents) == ((), None, 0)
    add_text("Leave", LEAVE)
    for query in ("", "   "):
        assert explain(query, audience=Audience.visitor()).candidates == ()
    nothing = explain(
        "annual leave", audience=Audience.visitor(), filters=Filters(document_type="faq")
    )
    assert (nothing.candidates, nothing.documents) == ((), 0)
