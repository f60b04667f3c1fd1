"""Questions that are searched in many wordings, with lists that staff edit."""

import pytest
from django.db import IntegrityError

from knowledge import conf
from knowledge.models import ExpansionTerm
from knowledge.search import search
from knowledge.search.expanding import staff_lists
from tests.fakes import BagOfWordsEmbedder

pytestmark = [pytest.mark.django_db]
Kind = ExpansionTerm.Kind


@pytest.fixture
def listed(db):
    def add(kind, term, *alternatives):
        return ExpansionTerm.objects.create(
            kind=kind, term=term, alternatives="\n".join(alternatives)
        )

    return add


def test_a_synonym_of_staffs_finds_what_the_question_words_do_not(add_text, listed, settings):
    add_text("Time off", "Vacation may be taken in halves.")
    for number in range(9):
        add_text(f"Other {number}", f"Quite other words about matter {number}.")
    listed(Kind.SYNONYM, "furlough", "vacation", "time off")
    settings.QUERY_EXPANSION = True
    expanded = search("furlough halves", user=None).passages[0]
    settings.QUERY_EXPANSION = False
    plain = next(p for p in search("furlough halves", user=None).passages if p.title == "Time off")
    assert expanded.title == "Time off"
    assert expanded.scores.dense > plain.scores.dense


def test_a_question_and_its_wordings_are_embedded_together(add_text, settings):
    add_text("Leave", "Annual leave is twenty days.")
    calls = []

    class Counting(BagOfWordsEmbedder):
        def embed_queries(self, texts):
            calls.append(list(texts))
            return super().embed_queries(texts)

    conf.set_embedder(Counting())
    settings.QUERY_EXPANSION = True
    found = search("How many days of annual leave are there?", user=None)
    assert found.passages
    assert len(calls) == 1
    assert 30 <= len(calls[0]) <= 41


def test_lists_are_what_staff_entered(listed):
    assert staff_lists().actions[0] == "help with"
    listed(Kind.SYNONYM, " VPN ", " remote access ", "", "tunnel")
    listed(Kind.DOMAIN, "leave", "human resources")
    listed(Kind.ACTION, "apply for")
    lists = staff_lists()
    assert lists.synonyms == {"vpn": ("remote access", "tunnel")}
    assert lists.domain == {"leave": ("human resources",)}
    assert lists.actions == ("apply for",)


def test_a_term_is_listed_once_a_kind(listed):
    listed(Kind.SYNONYM, "leave", "vacation")
    listed(Kind.DOMAIN, "leave", "human resources")
    with pytest.raises(IntegrityError):
        listed(Kind.SYNONYM, "leave", "holiday")


@pytest.mark.parametrize("question", ["???", "🙂", "x" * 5000, "\x00", "我们的年假有多少天"])
def test_no_question_breaks_it(add_text, settings, question):
    add_text("Leave", "Annual leave is twenty days.")
    settings.QUERY_EXPANSION = True
    assert search(question, user=None).searched == 1
