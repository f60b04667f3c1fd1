"""A text is embedded once: what did not change in a new version costs nothing."""

from io import BytesIO
from textwrap import wrap

import pytest
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from knowledge import conf, indexing
from knowledge.indexing import reading
from knowledge.models import Chunk
from knowledge.services import NewDocument, NewFile, add_document, add_version, reprocess
from tests.knowledge.conftest import newest

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

PAGES = 100


def page_text(number: int, said: str = "") -> str:
    """A page of several chunks, whose words no other page has."""
    sentences = [
        f"Rule {number}.{n} of page{number} says that thing{number}x{n} is kept dry and counted "
        f"twice by the keeper of store{number % 7} before the gate of yard{n} is closed."
        for n in range(20)
    ]
    return " ".join([*sentences, said])


def document_of(pages: list[str], *, headings: bool = False) -> str:
    if headings:
        return "\n\n".join(f"## Part {n}\n\n{text}" for n, text in enumerate(pages, 1))
    return "\n\n".join(pages)


def pdf_of(pages: list[str]) -> bytes:
    made = BytesIO()
    sheet = Canvas(made, pagesize=A4, invariant=True)
    for text in pages:
        for number, line in enumerate(wrap(text, 90)):
            sheet.drawString(40, 800 - 12 * number, line)
        sheet.showPage()
    sheet.save()
    return made.getvalue()


@pytest.fixture
def as_pdf(new_file):
    def make(pages: list[str]) -> NewFile:
        return new_file("handbook.pdf", pdf_of(pages))

    return make


def chunks_on(version) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for chunk in Chunk.objects.filter(version=version):
        found.setdefault(chunk.page, set()).add(chunk.content_hash)
    return found


def test_of_a_hundred_pages_only_the_one_that_changed_is_embedded(work, fake_embedder, as_pdf):
    pages = [page_text(n) for n in range(1, PAGES + 1)]
    document = add_document(NewDocument(file=as_pdf(pages)), owner=None)
    work()
    first = newest(document)
    assert (first.state, first.page_count) == ("ready", PAGES)
    before = len(fake_embedder.embedded)
    assert before == first.chunk_count > 2 * PAGES

    pages[2] = page_text(3, "And the old store is open again on Sundays.")
    add_version(document, as_pdf(pages))
    work()
    second = newest(document)
    embedded = len(fake_embedder.embedded) - before
    was, is_now = chunks_on(first), chunks_on(second)
    changed = {page for page in is_now if is_now[page] != was[page]}
    assert changed == {3}
    assert 0 < embedded <= len(is_now[3])
    assert embedded * 50 < before


def test_a_page_that_is_put_in_moves_the_others_and_embeds_only_itself(work, fake_embedder, as_pdf):
    pages = [page_text(n) for n in range(1, 31)]
    document = add_document(NewDocument(file=as_pdf(pages)), owner=None)
    work()
    before = len(fake_embedder.embedded)
    pages.insert(4, page_text(77))
    add_version(document, as_pdf(pages))
    work()
    second = newest(document)
    assert second.page_count == 31
    assert len(fake_embedder.embedded) - before <= len(chunks_on(second)[5])


def test_without_pages_a_change_stays_under_its_heading(queued, work, fake_embedder):
    parts = [page_text(n) for n in range(1, 41)]
    document = queued(document_of(parts, headings=True), "Handbook")
    work()
    before = len(fake_embedder.embedded)
    parts[2] = page_text(3, "And the old store is open again on Sundays.")
    add_version(document, document_of(parts, headings=True))
    work()
    second = newest(document)
    own = Chunk.objects.filter(version=second, heading="Part 3").count()
    assert 0 < len(fake_embedder.embedded) - before <= own


def test_a_version_equal_to_the_one_that_answers_does_nothing(add_text, work, fake_embedder):
    document = add_text("Handbook", page_text(1))
    before = len(fake_embedder.embedded)
    version = add_version(document, page_text(1))
    work()
    assert (version.number, document.versions.count()) == (1, 1)
    assert len(fake_embedder.embedded) == before


def test_a_version_equal_to_one_that_waits_does_not_begin_again(queued, fake_embedder):
    document = queued(page_text(1), "Handbook")
    assert add_version(document, page_text(1)).number == 1
    indexing.process_version(newest(document).pk)
    assert add_version(document, page_text(1)).number == 1  # it waits for the index
    assert newest(document).state == "embedded"


def test_going_back_to_an_older_content_embeds_nothing(add_text, work, fake_embedder):
    document = add_text("Handbook", page_text(1))
    add_version(document, page_text(2))
    work()
    before = len(fake_embedder.embedded)
    version = add_version(document, page_text(1))
    work()
    version.refresh_from_db()
    assert (version.number, version.state) == (3, "ready")
    assert len(fake_embedder.embedded) == before


def test_processing_again_reads_the_file_again_and_embeds_nothing_again(
    add_text, work, fake_embedder, monkeypatch
):
    document = add_text("Handbook", page_text(1))
    before = len(fake_embedder.embedded)
    read = []
    plain = reading.extract
    monkeypatch.setattr(
        reading, "extract", lambda *given: read.append(given[0].number) or plain(*given)
    )
    reprocess(document)
    work()
    assert read == [2]
    assert newest(document).state == "ready"
    assert len(fake_embedder.embedded) == before


def test_chunks_say_which_splitting_made_them(add_text):
    document = add_text("Handbook", page_text(1))
    own = Chunk.objects.filter(version=document.active_version)
    assert set(own.values_list("splitter", flat=True)) == {conf.splitter_config().identity}
