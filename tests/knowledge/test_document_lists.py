"""Lists of documents, versions, chunks and builds: pages of the same cost at any size."""

import pytest
from django.contrib.auth.models import Group

from knowledge import conf
from knowledge.models import Chunk, Document, DocumentVersion, IndexBuild
from tests.knowledge.conftest import LEAVE
from tests.knowledge.test_document_calls import FIELDS, URL, one

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


@pytest.fixture
def staff(api, bob):
    return api(bob)


def test_the_list_is_paginated(staff, queued):
    for n in range(3):
        queued(f"text {n}", f"T{n}")
    page = staff.get(f"{URL}?page_size=2").json()
    assert set(page) == {"count", "next", "previous", "results"}
    assert (page["count"], [d["title"] for d in page["results"]]) == (3, ["T2", "T1"])
    assert set(page["results"][0]) == FIELDS
    assert staff.get(f"{URL}?page=9").status_code == 404


@pytest.fixture
def _unlimited(settings):
    """Without the limit of calls, whose windows ask for more with their first call."""
    settings.RATES = {**settings.RATES, "knowledge": ""}


@pytest.mark.usefixtures("_unlimited")
def test_the_lists_ask_the_same_queries_at_3_and_at_300_rows(
    staff, add_text, queued, django_assert_max_num_queries, django_assert_num_queries
):
    document = add_text("Leave", LEAVE)
    queued("second", "B")
    queued("third", "C")
    urls = [
        (f"{URL}?page_size=100", 8),
        (f"{one(document)}versions/?page_size=100", 7),
        (f"{one(document)}chunks/?page_size=100", 10),
        ("/api/knowledge/index/?page_size=100", 7),
    ]
    asked = {}
    for url, most in urls:
        with django_assert_max_num_queries(most) as few:
            staff.get(url)
        asked[url] = len(few)
    _many_rows(document)
    for url, _ in urls:
        with django_assert_num_queries(asked[url]):
            body = staff.get(url).json()
        assert len(body["results"]) == 100
        assert body["count"] >= 300


def _many_rows(document):
    group = Group.objects.create(name="hr")
    made = [Document.objects.create(title=f"D{n}") for n in range(300)]
    base = {"file": "documents/x.md", "file_name": "x", "media_type": "text/markdown", "size": 1}
    DocumentVersion.objects.bulk_create(
        [DocumentVersion(document=d, number=1, sha256="0" * 64, **base) for d in made]
        + [
            DocumentVersion(document=document, number=n, sha256="1" * 64, state="failed", **base)
            for n in range(2, 302)
        ]
    )
    for item in made:
        item.groups.add(group)
    version = document.versions.get(number=1)
    Chunk.objects.bulk_create(
        [
            Chunk(
                version=version,
                splitter=conf.splitter_config().identity,
                ordinal=n,
                start=0,
                end=1,
                text="x",
                tokens=1,
                content_hash="h",
            )
            for n in range(1, 301)
        ]
    )
    IndexBuild.objects.bulk_create([IndexBuild(state="removed", model="m") for _ in range(300)])
