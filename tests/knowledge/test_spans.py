"""Stretches of stored texts, for footnotes that stay true."""

import pytest

from knowledge.passages import Span
from knowledge.search import read_spans
from knowledge.services import add_version, delete_document, set_active

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

TEXT = "Käse ist teuer 🧀 heute. " * 40


def test_a_span_is_cut_by_code_points_with_its_surroundings(add_text):
    document = add_text("Käse", TEXT)
    text = document.versions.get().text
    start = text.index("teuer", 500)
    span = Span(document.pk, 1, start, start + 20)
    found = read_spans([span], user=None)[span]
    assert found.text == text[start : start + 20]
    assert found.before == text[start - 160 : start]
    assert found.after == text[start + 20 : start + 180]
    assert (found.gone, found.current_version, found.title) == (None, 1, "Käse")
    assert found.uploaded_at == document.versions.get().created_at.isoformat()


def test_at_the_edges_there_is_less_around(add_text):
    document = add_text("Käse", TEXT)
    text = document.versions.get().text
    first, last = Span(document.pk, 1, 0, 4), Span(document.pk, 1, len(text) - 6, len(text))
    found = read_spans([first, last], user=None)
    assert (found[first].text, found[first].before) == ("Käse", "")
    assert found[last].after == ""


def test_an_older_version_keeps_its_own_text(add_text, work):
    document = add_text("A", "first words of all")
    add_version(document, "other things now")
    work()
    span = Span(document.pk, 1, 0, 5)
    found = read_spans([span], user=None)[span]
    assert (found.text, found.current_version) == ("first", 2)


def test_what_is_gone_says_how(add_text):
    removed, restricted, off = (
        add_text("R", "abc"),
        add_text("S", "def", ("hr",)),
        add_text("O", "x"),
    )
    spans = {
        "removed": Span(removed.pk, 1, 0, 1),
        "restricted": Span(restricted.pk, 1, 0, 1),
        "off": Span(off.pk, 1, 0, 1),
        "orphan": Span(None, 1, 0, 1),
        "no version": Span(off.pk, 7, 0, 1),
    }
    set_active(off, False)
    delete_document(removed)
    found = read_spans(list(spans.values()), user=None)
    gone = {name: found[span].gone for name, span in spans.items()}
    assert gone == {
        "removed": "removed",
        "restricted": "restricted",
        "off": "restricted",
        "orphan": "removed",
        "no version": "restricted",
    }
    assert all(found[span].text is None for span in spans.values())
    assert found[spans["restricted"]].title == ""


@pytest.mark.parametrize(
    "span", [Span(1, 1, 5, 5), Span(1, 1, -3, 2), Span(-1, 1, 0, 1), Span(10**30, 1, 0, 10**20)]
)
def test_an_impossible_span_is_no_error(add_text, span):
    add_text("A", "words")
    assert read_spans([span], user=None)[span].text is None


def test_the_number_of_queries_does_not_grow(add_text, django_assert_num_queries):
    document = add_text("A", TEXT)
    for count in (1, 300):
        spans = [Span(document.pk, 1, n, n + 3) for n in range(count)]
        with django_assert_num_queries(3):
            assert len(read_spans(spans, user=None)) == count


def test_thousands_of_spans_fit_into_the_statements(add_text):
    """SQLite takes 32,766 parameters; each span has seven."""
    document = add_text("A", TEXT)
    spans = [Span(document.pk, 1, n % 40, 41 + n // 40) for n in range(4800)]
    assert len(set(spans)) == 4800
    assert read_spans(spans, user=None)[spans[-1]].gone in {None, "removed"}
