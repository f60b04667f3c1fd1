"""The same set for each role at every door: search(), the API's search, spans, the shelf."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connection

from knowledge import indexing
from knowledge.models import Document
from knowledge.passages import Span
from knowledge.search import read_spans, search, shelf
from knowledge.services import NewDocument, add_document, set_active, set_groups

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

URL = "/api/knowledge/search/"


@pytest.fixture
def shelves(alice, bob, charlie):
    """Documents of every kind of audience; alice is in hr, bob (staff) in it."""
    hr, it = Group.objects.create(name="hr"), Group.objects.create(name="it")
    alice.groups.add(hr)
    bob.groups.add(it)
    audiences = {"public": (), "hr": ("hr",), "it": ("it",), "both": ("hr", "it"), "off": ()}
    made = {}
    for name, groups in audiences.items():
        new = NewDocument(title=name, content=f"needle common {name}", groups=groups)
        made[name] = add_document(new, owner=None)
        indexing.process_version(made[name].versions.get().pk)
    indexing.build_index()
    set_active(made["off"], False)
    return made


EXPECTED = {
    "alice": {"public", "hr", "both"},
    "bob": {"public", "it", "both"},
    "charlie": {"public"},
    "visitor": {"public"},
}


@pytest.mark.parametrize("role", EXPECTED)
def test_each_role_sees_the_same_set_everywhere(role, shelves, api, request):
    user = request.getfixturevalue(role)
    allowed = EXPECTED[role]
    assert set(Document.objects.visible_to(user).values_list("title", flat=True)) == allowed
    assert {p.title for p in search("needle common", user=user, limit=50).passages} == allowed

    body = api(user).post(URL, {"query": "needle common", "top_k": 50}).json()
    assert {source["title"] for source in body["results"]} == allowed

    for name, document in shelves.items():
        span = Span(document.pk, 1, 0, 6)
        found = read_spans([span], user=user)[span]
        assert (found.text == "needle") is (name in allowed), name
        assert (found.gone is None) is (name in allowed), name
        one = api(user).post(URL, {"query": "needle", "filters": {"document_ids": [document.pk]}})
        assert bool(one.json()["results"]) is (name in allowed), name
    assert shelf(user).documents == len(allowed)


def test_the_counts_of_a_search_give_nothing_away(shelves, charlie):
    assert search("needle", user=charlie).searched == 1


def test_a_deleted_group_opens_nothing(shelves, alice, bob):
    Group.objects.filter(name="hr").delete()
    assert set(Document.objects.visible_to(alice).values_list("title", flat=True)) == {"public"}
    assert {p.title for p in search("needle common", user=bob, limit=50).passages} == {
        "public",
        "it",
        "both",
    }
    set_groups(shelves["hr"], ["it"])
    assert shelves["hr"] in Document.objects.visible_to(bob)
    set_groups(shelves["hr"], [])
    assert shelves["hr"] in Document.objects.visible_to(None)


def test_groups_that_are_not_sent_stay_lost(shelves, bob, api):
    Group.objects.filter(name="hr").delete()
    url = f"/api/knowledge/documents/{shelves['hr'].pk}/"
    assert api(bob).patch(url, {"title": "renamed"}, format="json").status_code == 200
    assert shelves["hr"] not in Document.objects.visible_to(bob)
    assert api(bob).patch(url, {"groups": []}, format="json").status_code == 200
    assert shelves["hr"] in Document.objects.visible_to(bob)


def test_the_migration_notes_what_is_restricted(shelves):
    Document.objects.update(is_restricted=False)
    migration = import_module("knowledge.migrations.0003_document_is_restricted")
    migration.note_restricted(apps, SimpleNamespace(connection=connection))
    restricted = Document.objects.filter(is_restricted=True)
    assert set(restricted.values_list("title", flat=True)) == {"hr", "it", "both"}
