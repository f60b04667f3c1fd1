"""How far a document is, and what of it gave no text: never presented as complete."""

from datetime import timedelta
from io import BytesIO

import pytest
from django.utils import timezone
from reportlab.pdfgen.canvas import Canvas

from knowledge import conf, indexing
from knowledge.catalogue import pages_without_text
from knowledge.models import DocumentVersion
from knowledge.services import NewDocument, add_document
from tests.fakes import BagOfWordsEmbedder
from tests.knowledge.conftest import newest
from tests.knowledge.test_document_calls import one

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


def pdf(pages: list[str]) -> bytes:
    made = BytesIO()
    sheet = Canvas(made)
    for text in pages:
        if text:
            sheet.drawString(50, 700, text)
        else:
            sheet.rect(50, 50, 300, 300, fill=1)
        sheet.showPage()
    sheet.save()
    return made.getvalue()


@pytest.fixture
def staff(api, bob):
    return api(bob)


@pytest.fixture
def partly_read(new_file, work):
    file = new_file(
        "scan.pdf", pdf(["The first page speaks of leave.", "", "The last one too.", ""])
    )
    document = add_document(NewDocument(title="Scan", file=file), owner=None)
    work()
    document.refresh_from_db()
    return document


def test_a_document_with_pages_without_text_is_ready_and_says_that_it_is_not_complete(
    staff, partly_read
):
    version = newest(partly_read)
    assert (version.state, version.page_count, version.pages_done) == ("ready", 4, 4)
    assert version.is_complete is False
    assert pages_without_text(version) == [2, 4]
    read = staff.get(one(partly_read)).json()
    assert (read["status"], read["is_complete"]) == ("ready", False)
    assert any("2 of 4" in w or "2 pages" in w for w in read["warnings"])
    listed = staff.get(f"{one(partly_read)}versions/").json()["results"][0]
    assert (listed["is_complete"], listed["page_count"]) == (False, 4)


def test_a_whole_document_is_complete(staff, add_text):
    read = staff.get(one(add_text("Leave", "Five days."))).json()
    assert (read["is_complete"], read["warnings"]) == (True, [])
    assert read["progress"]["pages_done"] is None


def test_readers_are_told_how_many_pages_have_no_text(client, partly_read):
    response = client.get(f"/sources/{partly_read.pk}/v1/")
    assert response.status_code == 200
    assert response.context["pages_without_text"] == [2, 4]


def test_progress_says_pages_and_what_is_left(staff, queued):
    document = queued()
    began = timezone.now() - timedelta(seconds=30)
    DocumentVersion.objects.update(
        state="processing", step="extracting", percent=25, started_at=began, page_count=40,
        pages_done=25,
    )  # fmt: skip
    progress = staff.get(one(document)).json()["progress"]
    assert progress == {
        "step": "extracting", "percent": 25, "pages": 40, "pages_done": 25, "eta": None,
    }  # fmt: skip
    DocumentVersion.objects.update(
        step="embedding", progress={"total": 400, "from": 0, "done": 100, "spent": 30.5}
    )
    assert staff.get(one(document)).json()["progress"]["eta"] == 92


def test_the_percentage_only_grows(queued):
    seen = []

    class Watched(BagOfWordsEmbedder):
        def embed_passages(self, texts):
            seen.append(newest(document).percent)
            return super().embed_passages(texts)

    conf.set_embedder(Watched())
    text = "\n\n".join(f"## Part {n}\n\nRule {n} of topic{n} is kept." for n in range(200))
    document = queued(text, "Long")
    indexing.process_version(newest(document).pk)
    assert len(seen) > 2
    assert seen == sorted(seen)
    assert newest(document).percent >= seen[-1]


def test_limits_of_the_settings_hold(new_file, settings, work):
    settings.MAX_PAGES = 3
    file = new_file("long.pdf", pdf(["words"] * 4))
    document = add_document(NewDocument(file=file), owner=None)
    work()
    assert newest(document).state == "failed"
    assert "3" in newest(document).error
